//! Carries out the schedule: connections, timers, nothing else. All decisions are the schedule's.

mod replay;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};
use tracing::{info, warn};

use super::in_flight::InFlight;
use super::outbox::{Outbox, RECORDER_LISTENS, Urgency};
use super::reading::Batch;
use super::recorder::{EndedRow, Fate, Message, Written};
use super::reporter::Reporter;
use super::resume::Resume;
use super::token_refresh::TokenRefresh;
use crate::api::{Api, Grant, TokenSource};
use crate::contract::{Answer, Attempt, CustomerId};
use crate::input::InputError;
use crate::process::crash;
use crate::process::signals::{Drain, StopSignal};
use crate::results::progress::RunProgress;
use crate::results::tally::{Latencies, RowsRead};
use crate::row::{Row, RowContent};
use crate::schedule::{
    Ended, Ending, Moment, Refreshed, Request, Schedule, Statistics, Step, StopReason, Ticket,
};

/// How often what was written is made durable, and the token file is looked at.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// How often progress is brought up to date.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// A wait without an end is looked at again after this time.
const WAIT_MAX: Duration = Duration::from_hours(1);

/// What the sender works with.
#[derive(Debug)]
pub struct Sending {
    /// Decides.
    pub schedule: Schedule<Row>,
    /// Sends.
    pub api: Api,
    /// Where the token comes from.
    pub token_source: TokenSource,
    /// The token that a run begins with.
    pub grant: Grant,
    /// What an earlier process has settled.
    pub resume: Option<Resume>,
    /// What the user sees.
    pub progress: Arc<RunProgress>,
    /// What asks it to stop.
    pub drain: Drain,
}

/// How sending ended.
#[derive(Debug)]
pub struct Sent {
    /// Why it stopped early.
    pub stop: Option<StopReason>,
    /// Why the input could not be read on.
    pub input_fault: Option<InputError>,
    /// What was read.
    pub read: RowsRead,
    /// What the schedule did.
    pub statistics: Statistics,
    /// How long answers took.
    pub latencies: Latencies,
    /// Whether the input was read to its end.
    pub read_to: ReadTo,
    /// The end of a wait that the API named and that is not over.
    pub until: Option<Timestamp>,
}

/// How much of the input was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadTo {
    /// All of it.
    End,
    /// There may be rows that nobody has seen.
    Stop,
}

/// The queues that the sender stands between.
pub(crate) struct Queues {
    pub(crate) batches: mpsc::Receiver<Result<Batch, InputError>>,
    pub(crate) recorder: mpsc::Sender<Message>,
    pub(crate) written: watch::Receiver<Written>,
}

/// Sends until every row has ended or the run stops.
pub(crate) async fn send(sending: Sending, queues: Queues) -> Sent {
    let mut driver = Driver::new(sending, queues);
    driver.drive().await;
    driver.finish().await
}

struct Driver {
    sending: Sending,
    queues: Queues,
    started: Instant,
    in_flight: InFlight,
    token_refresh: TokenRefresh,
    outbox: Outbox,
    /// Rows that are sent again and have not ended: as many as the schedule holds at most.
    again: BTreeMap<u64, Row>,
    read: RowsRead,
    /// Rows that were read and do not fit yet, in the order of the input: those of one batch at most.
    waiting: VecDeque<Row>,
    read_to: Option<ReadTo>,
    input_fault: Option<InputError>,
    reporter: Reporter,
    latencies: Latencies,
    signals: Signals,
    sync: Interval,
    ticks: Interval,
}

/// Whether rows that waited were offered to the schedule.
#[derive(PartialEq, Eq)]
enum Offered {
    Some,
    None,
}

/// What woke the driver.
enum Event {
    Answered(Ticket, Attempt),
    TokenRenewed(Refreshed),
    Read(Option<Result<Batch, InputError>>),
    Written,
    Due,
    SyncDue,
    Signal(StopSignal),
}

/// Whether a signal has come.
#[derive(PartialEq, Eq)]
enum Signals {
    None,
    /// Requests in flight may still finish.
    One,
}

/// Whether the loop goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    End,
}

impl Driver {
    fn new(mut sending: Sending, queues: Queues) -> Driver {
        let every = |period| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (progress, route) = (sending.progress.clone(), sending.api.route().clone());
        sending
            .schedule
            .token_lasts(sending.grant.lifetime, Moment::START);
        let token_refresh =
            TokenRefresh::new(sending.token_source.clone(), sending.grant.token.clone());
        Driver {
            sending,
            queues,
            started: Instant::now(),
            in_flight: InFlight::default(),
            token_refresh,
            outbox: Outbox::new(),
            again: BTreeMap::new(),
            read: RowsRead::default(),
            waiting: VecDeque::new(),
            read_to: None,
            input_fault: None,
            reporter: Reporter::new(progress, route),
            latencies: Latencies::default(),
            signals: Signals::None,
            sync: every(SYNC_INTERVAL),
            ticks: every(PROGRESS_INTERVAL),
        }
    }

    async fn drive(&mut self) {
        loop {
            let now = self.now();
            let until = match self.sending.schedule.next(now) {
                Step::Wait(until) => until,
                Step::Done | Step::Stopped => return,
                step => {
                    self.carry_out_step(step);
                    continue;
                }
            };
            if self.offer_waiting() == Offered::Some {
                continue;
            }
            let event = self.next_event(until).await;
            if self.take(event) == Next::End {
                return;
            }
        }
    }

    fn carry_out_step(&mut self, step: Step<Row>) {
        match step {
            Step::Send(ticket, request) => self.send(ticket, request),
            Step::GiveUp(ticket) => self.give_up(ticket),
            Step::Ended(ended) => self.row_ended(ended),
            Step::NeverSent(row) => {
                let customer = row.id;
                self.ended(
                    EndedRow {
                        row,
                        fate: Fate::Invalid,
                        at: Timestamp::now(),
                    },
                    customer,
                );
            }
            Step::RenewToken(reason) => self.token_refresh.begin(reason),
            Step::Wait(_) | Step::Done | Step::Stopped => {}
        }
    }

    /// Waits for whatever comes first. Outcomes are handed over as soon as the recorder takes them, and hold up nothing else.
    async fn next_event(&mut self, until: Option<Moment>) -> Event {
        let mut is_due = self.outbox.is_due();
        let outbox_due_at = if is_due { None } else { self.outbox.due_at() };
        let wake_at = self.wake_at(until, outbox_due_at);
        let reads_on = self.read_to.is_none() && self.has_offered_all() && self.has_room();
        loop {
            tokio::select! {
                biased;
                signal = self.sending.drain.next() => return Event::Signal(signal),
                () = self.outbox.hand_over(&self.queues.recorder), if is_due => is_due = false,
                Some((ticket, attempt)) = self.in_flight.next() => return Event::Answered(ticket, attempt),
                Some(renewal) = self.token_refresh.ended() => return Event::TokenRenewed(renewal),
                Ok(()) = self.queues.written.changed() => return Event::Written,
                batch = self.queues.batches.recv(), if reads_on => return Event::Read(batch),
                () = sleep_until(wake_at.into()) => return Event::Due,
                _ = self.sync.tick() => return Event::SyncDue,
                _ = self.ticks.tick() => self.report(),
            }
        }
    }

    fn wake_at(&self, until: Option<Moment>, outbox_due_at: Option<Instant>) -> Instant {
        let latest = Instant::now() + WAIT_MAX;
        // A time that no clock can show is no time.
        let due = until.and_then(|until| self.started.checked_add(until.since_start()));
        [due, outbox_due_at]
            .into_iter()
            .flatten()
            .fold(latest, Instant::min)
    }

    fn take(&mut self, event: Event) -> Next {
        match event {
            Event::Answered(ticket, attempt) => {
                self.finished(ticket, attempt);
                while let Some((ticket, attempt)) = self.in_flight.next_now() {
                    self.finished(ticket, attempt);
                }
            }
            Event::TokenRenewed(renewal) => {
                let now = self.now();
                self.sending.schedule.token_refreshed(renewal, now);
            }
            Event::Read(Some(Ok(batch))) => self.take_in(batch),
            Event::Read(Some(Err(error))) => {
                self.read_to = Some(ReadTo::Stop);
                self.input_fault = Some(error);
                self.sending.schedule.stop(StopReason::InputUnusable);
            }
            Event::Read(None) => {
                self.read_to = Some(ReadTo::End);
                if let Some(Err(reason)) = self.sending.resume.as_mut().map(Resume::end) {
                    self.sending.schedule.stop(reason);
                }
                self.close_if_all_is_offered();
            }
            Event::Written => self.release_written(),
            Event::SyncDue => {
                // A full queue is synced the next time; what is in it is written first anyway.
                self.queues.recorder.try_send(Message::Sync).ok();
                if self.token_refresh.file_has_changed() {
                    self.sending.schedule.token_file_changed();
                }
            }
            Event::Due => {}
            Event::Signal(signal) => return self.signalled(&signal.reason()),
        }
        Next::Continue
    }

    /// The first signal lets requests in flight finish, the second one does not.
    fn signalled(&mut self, reason: &StopReason) -> Next {
        if self.signals == Signals::One {
            return Next::End;
        }
        self.signals = Signals::One;
        self.token_refresh.stop();
        info!(
            in_flight = self.in_flight.len(),
            "{reason}: no more is sent; one more signal, after a second, ends it at once"
        );
        self.sending.schedule.stop(reason.clone());
        Next::Continue
    }

    fn send(&mut self, ticket: Ticket, request: Request) {
        let RowContent::Update { id, body, .. } = &self.sending.schedule.row(ticket).content else {
            unreachable!("only updates are offered");
        };
        let (customer, body) = (*id, body.clone());
        let (api, token) = (self.sending.api.clone(), self.token_refresh.token());
        match request {
            Request::Write => {
                self.in_flight.add(
                    ticket,
                    async move { api.update(customer, body, &token).await },
                );
            }
            Request::Read => {
                self.in_flight.add(
                    ticket,
                    async move { api.read(customer, &body, &token).await },
                );
            }
        }
    }

    fn give_up(&mut self, ticket: Ticket) {
        self.in_flight.give_up(ticket);
        if self.sending.schedule.stopped().is_some() {
            warn!("a request in flight is given up");
        }
    }

    fn finished(&mut self, ticket: Ticket, attempt: Attempt) {
        if matches!(attempt.answer, Answer::Response(_)) {
            self.latencies.add(attempt.took);
        }
        let now = self.now();
        self.sending.schedule.finished(ticket, attempt, now);
    }

    fn row_ended(&mut self, ended: Ended<Row>) {
        let Ended {
            row,
            customer,
            ending,
            attempts,
            ambiguous,
            took,
        } = ended;
        let fate = Fate::Sent {
            ending,
            attempts,
            ambiguous,
            took,
        };
        self.ended(
            EndedRow {
                row,
                fate,
                at: Timestamp::now(),
            },
            Some(customer),
        );
    }

    fn ended(&mut self, row: EndedRow, customer: Option<CustomerId>) {
        self.again.remove(&row.row.position.row);
        self.sending.progress.record_ended(1, row.row.input_bytes());
        match &row.fate {
            Fate::Invalid
            | Fate::Overtaken(_)
            | Fate::Sent {
                ending: Ending::Rejected { .. } | Ending::Failed { .. },
                ..
            } => {
                self.sending.progress.record_failure();
            }
            Fate::Earlier
            | Fate::Superseded
            | Fate::Sent {
                ending: Ending::Updated { .. },
                ..
            } => {}
        }
        let has_rows_behind =
            customer.is_some_and(|customer| self.sending.schedule.has_rows_behind(customer));
        self.outbox.push(
            row,
            customer,
            if has_rows_behind {
                Urgency::Urgent
            } else {
                Urgency::None
            },
        );
    }

    fn release_written(&mut self) {
        let written = *self.queues.written.borrow_and_update();
        match written {
            Written::Failed => {
                self.outbox.give_up();
                self.sending.schedule.stop(StopReason::JournalUnwritable);
            }
            Written::Rows(rows) => {
                for customer in self.outbox.written(rows) {
                    self.sending.schedule.recorded(customer);
                    crash::provoke("sender");
                }
            }
        }
    }

    fn report(&mut self) {
        let now = self.now();
        self.reporter.report(&self.sending.schedule, now);
    }

    /// Rows that had ended when a second signal cut the loop short.
    fn collect_ended(&mut self) {
        while let Some(ended) = self.sending.schedule.pop_ended() {
            self.row_ended(ended);
        }
    }

    /// Hands over what is left, gives up what is still in flight, and lets go of all queues.
    async fn finish(mut self) -> Sent {
        self.in_flight.clear();
        // One that failed is no reason for a run to stop that has ended.
        if let Some(renewal @ (Renewal::New { .. } | Renewal::Replaced { .. })) =
            self.token_refresh.finish().await
        {
            let now = self.now();
            self.sending.schedule.token_refreshed(renewal, now);
        }
        self.collect_ended();
        if self
            .sending
            .schedule
            .stopped()
            .is_some_and(StopReason::is_about_another_input)
        {
            let message = self.queues.recorder.send(Message::LeaveFailedRows).await;
            message.expect(RECORDER_LISTENS);
        } else {
            self.leave_waiting();
            for row in std::mem::take(&mut self.again).into_values() {
                self.ended_earlier(row);
            }
            self.read_settled_rows().await;
        }
        self.outbox.hand_over(&self.queues.recorder).await;
        self.report();
        let now = self.now();
        let wait = self
            .sending
            .schedule
            .named_wait_ends(now)
            .map(|until| until.since(now));
        Sent {
            // A time that cannot be written is one that nobody waits for.
            until: wait.and_then(|wait| Timestamp::now().checked_add(wait).ok()),
            stop: self.sending.schedule.stopped().cloned(),
            input_fault: self.input_fault,
            read: self.read,
            statistics: self.sending.schedule.statistics().clone(),
            latencies: self.latencies,
            read_to: self.read_to.unwrap_or(ReadTo::Stop),
        }
    }

    fn now(&self) -> Moment {
        Moment::after_start(self.started.elapsed())
    }
}
