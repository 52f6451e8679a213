//! Carries out the schedule: connections, timers, nothing else. All decisions are the schedule's.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};
use tracing::{info, warn};

use crate::api::{Api, Grant, TokenSource};
use crate::contract::{Attempt, CustomerId};
use crate::in_flight::InFlight;
use crate::input::InputError;
use crate::journal::Plan;
use crate::outbox::{Outbox, RECORDER_LISTENS, Urgency};
use crate::progress::Progress;
use crate::reading::Batch;
use crate::recorder::{EndedRow, Fate, Message, Written};
use crate::renewals::Renewals;
use crate::reporter::Reporter;
use crate::resume::Resume;
use crate::row::{Content, Row};
use crate::schedule::{Ending, Moment, Renewal, Schedule, Statistics, Step, StopReason, Ticket};
use crate::tally::RowsRead;

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
    /// How long requests in flight may take to finish after a signal.
    pub grace: Duration,
    /// What an earlier process has settled.
    pub resume: Option<Resume>,
    /// What the user sees.
    pub progress: Arc<Progress>,
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
    /// Whether the input was read to its end.
    pub extent: Extent,
}

/// How much of the input was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// There may be rows that nobody has seen.
    Partial,
}

/// The queues that the sender stands between.
pub(crate) struct Queues {
    pub(crate) batches: mpsc::Receiver<Result<Batch, InputError>>,
    pub(crate) recorder: mpsc::Sender<Message>,
    pub(crate) written: watch::Receiver<Written>,
}

/// Sends until every row has ended or the run stops.
pub(crate) async fn send(sending: Sending, queues: Queues) -> std::io::Result<Sent> {
    let mut driver = Driver::new(sending, queues)?;
    driver.drive().await;
    Ok(driver.finish().await)
}

struct Driver {
    sending: Sending,
    queues: Queues,
    started: Instant,
    in_flight: InFlight,
    renewals: Renewals,
    outbox: Outbox,
    /// Rows that are sent again and have not ended: as many as the schedule holds at most.
    again: BTreeMap<u64, Row>,
    read: RowsRead,
    extent: Option<Extent>,
    input_fault: Option<InputError>,
    reporter: Reporter,
    /// When requests in flight are given up, after a signal.
    give_up_at: Option<Instant>,
    interrupt: Signal,
    terminate: Signal,
    sync: Interval,
    ticks: Interval,
}

/// What woke the driver.
enum Event {
    Answered(Ticket, Attempt),
    TokenRenewed(Renewal),
    Read(Option<Result<Batch, InputError>>),
    Written,
    Due,
    SyncDue,
    Signal(StopReason),
}

/// Whether the loop goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    End,
}

impl Driver {
    fn new(mut sending: Sending, queues: Queues) -> std::io::Result<Driver> {
        let every = |period| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let progress = sending.progress.clone();
        sending.schedule.token_lasts(sending.grant.lifetime, Moment::START);
        let renewals = Renewals::new(sending.token_source.clone(), sending.grant.token.clone());
        Ok(Driver {
            sending,
            queues,
            started: Instant::now(),
            in_flight: InFlight::default(),
            renewals,
            outbox: Outbox::new(),
            again: BTreeMap::new(),
            read: RowsRead::default(),
            extent: None,
            input_fault: None,
            reporter: Reporter::new(progress),
            give_up_at: None,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            sync: every(SYNC_INTERVAL),
            ticks: every(PROGRESS_INTERVAL),
        })
    }

    async fn drive(&mut self) {
        loop {
            self.collect_ended();
            let now = self.now();
            let until = match self.sending.schedule.next(now) {
                Step::Send(ticket) => {
                    self.send(ticket);
                    continue;
                }
                Step::RenewToken(reason) => {
                    self.renewals.begin(reason);
                    continue;
                }
                Step::Done | Step::Stopped => return,
                Step::Wait(until) => until,
            };
            let event = self.next_event(until).await;
            if self.take(event) == Next::End {
                return;
            }
        }
    }

    /// Waits for whatever comes first. Outcomes are handed over as soon as the recorder takes them, and hold up nothing else.
    async fn next_event(&mut self, until: Option<Moment>) -> Event {
        let mut is_due = self.outbox.is_due();
        let outbox_due_at = if is_due { None } else { self.outbox.due_at() };
        let wake_at = self.wake_at(until, outbox_due_at);
        let has_room = self.extent.is_none() && self.sending.schedule.has_room() && self.outbox.has_room();
        loop {
            tokio::select! {
                biased;
                _ = self.interrupt.recv() => return Event::Signal(StopReason::Interrupted),
                _ = self.terminate.recv() => return Event::Signal(StopReason::Terminated),
                () = self.outbox.hand_over(&self.queues.recorder), if is_due => is_due = false,
                Some((ticket, attempt)) = self.in_flight.next() => return Event::Answered(ticket, attempt),
                Some(renewal) = self.renewals.ended() => return Event::TokenRenewed(renewal),
                Ok(()) = self.queues.written.changed() => return Event::Written,
                batch = self.queues.batches.recv(), if has_room => return Event::Read(batch),
                () = sleep_until(wake_at.into()) => return Event::Due,
                _ = self.sync.tick() => return Event::SyncDue,
                _ = self.ticks.tick() => self.report(),
            }
        }
    }

    fn wake_at(&self, until: Option<Moment>, outbox_due_at: Option<Instant>) -> Instant {
        let latest = Instant::now() + WAIT_MAX;
        let due = until.map(|until| self.started + until.since_start());
        [due, outbox_due_at, self.give_up_at].into_iter().flatten().fold(latest, Instant::min)
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
                self.sending.schedule.token_renewed(renewal, now);
            }
            Event::Read(Some(Ok(batch))) => self.offer(batch),
            Event::Read(Some(Err(error))) => {
                self.extent = Some(Extent::Partial);
                self.input_fault = Some(error);
                self.sending.schedule.stop(StopReason::InputUnusable);
            }
            Event::Read(None) => {
                self.extent = Some(Extent::Whole);
                let planned = self.sending.resume.as_mut().map_or(Ok(Vec::new()), Resume::end);
                self.carry_out_all(planned);
                self.sending.schedule.close();
            }
            Event::Written => self.release_written(),
            Event::SyncDue => {
                // A full queue is synced the next time; what is in it is written first anyway.
                self.queues.recorder.try_send(Message::Sync).ok();
                if self.renewals.file_has_changed() {
                    self.sending.schedule.token_file_changed();
                }
            }
            Event::Due => {
                if self.give_up_at.is_some_and(|at| at <= Instant::now()) {
                    warn!(in_flight = self.in_flight.len(), "requests in flight are given up after --grace");
                    return Next::End;
                }
            }
            Event::Signal(reason) => return self.signalled(reason),
        }
        Next::Continue
    }

    /// The first signal lets requests in flight finish, the second one does not.
    fn signalled(&mut self, reason: StopReason) -> Next {
        if self.give_up_at.is_some() {
            return Next::End;
        }
        info!(in_flight = self.in_flight.len(), "{reason}: no more is sent; a second signal ends it at once");
        self.give_up_at = Some(Instant::now() + self.sending.grace);
        self.sending.schedule.stop(reason);
        Next::Continue
    }

    fn offer(&mut self, batch: Batch) {
        self.read.append(&batch.read);
        for row in batch.rows {
            if let Some(resume) = &mut self.sending.resume {
                let planned = resume.take(row);
                self.carry_out_all(planned);
            } else {
                self.carry_out(row, Plan::Send);
            }
        }
    }

    fn carry_out_all(&mut self, planned: Result<Vec<(Row, Plan)>, StopReason>) {
        match planned {
            Ok(planned) => planned.into_iter().for_each(|(row, plan)| self.carry_out(row, plan)),
            Err(reason) => self.sending.schedule.stop(reason),
        }
    }

    fn carry_out(&mut self, row: Row, plan: Plan) {
        match (plan, self.sending.schedule.stopped()) {
            // Nothing is sent any more: a row without an outcome stays unsent, another keeps the one that it has.
            (Plan::Send, Some(_)) => {}
            (Plan::Leave, _) | (Plan::SendAgain | Plan::Supersede, Some(_)) => self.ended_earlier(row),
            (Plan::Supersede, None) => {
                self.ended(EndedRow { row, fate: Fate::Superseded, at: Timestamp::now() }, None);
            }
            (Plan::SendAgain, None) => {
                self.again.insert(row.position.row, row.clone());
                self.schedule(row);
            }
            (Plan::Send, None) => self.schedule(row),
        }
    }

    fn schedule(&mut self, row: Row) {
        let bytes = row.bytes();
        match &row.content {
            Content::Invalid(_) => self.sending.schedule.offer_invalid(row, bytes),
            Content::Update { id, .. } => {
                let id = *id;
                self.sending.schedule.offer(id, row, bytes);
            }
            Content::Superseded => self.ended(EndedRow { row, fate: Fate::Superseded, at: Timestamp::now() }, None),
        }
    }

    fn ended_earlier(&mut self, row: Row) {
        self.ended(EndedRow { row, fate: Fate::Earlier, at: Timestamp::now() }, None);
    }

    fn send(&mut self, ticket: Ticket) {
        let Content::Update { id, body, .. } = &self.sending.schedule.row(ticket).content else {
            unreachable!("only updates are offered");
        };
        let (customer, body) = (*id, body.clone());
        let (api, token) = (self.sending.api.clone(), self.renewals.token());
        self.in_flight.add(ticket, async move { api.update(customer, body, &token).await });
    }

    fn finished(&mut self, ticket: Ticket, attempt: Attempt) {
        let now = self.now();
        self.sending.schedule.finished(ticket, attempt, now);
    }

    fn collect_ended(&mut self) {
        while let Some(ended) = self.sending.schedule.pop_ended() {
            let fate = Fate::Sent { ending: ended.ending, attempts: ended.attempts, took: ended.took };
            self.ended(EndedRow { row: ended.row, fate, at: Timestamp::now() }, Some(ended.customer));
        }
        while let Some(row) = self.sending.schedule.pop_invalid() {
            self.ended(EndedRow { row, fate: Fate::Invalid, at: Timestamp::now() }, None);
        }
    }

    fn ended(&mut self, row: EndedRow, customer: Option<CustomerId>) {
        self.again.remove(&row.row.position.row);
        self.sending.progress.ended(1, row.row.input_bytes());
        match &row.fate {
            Fate::Invalid | Fate::Sent { ending: Ending::Rejected { .. } | Ending::Failed { .. }, .. } => {
                self.sending.progress.ended_badly();
            }
            Fate::Earlier | Fate::Superseded | Fate::Sent { ending: Ending::Updated { .. }, .. } => {}
        }
        let has_rows_behind = customer.is_some_and(|customer| self.sending.schedule.has_rows_behind(customer));
        self.outbox.push(row, customer, if has_rows_behind { Urgency::Urgent } else { Urgency::None });
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
                }
            }
        }
    }

    fn report(&mut self) {
        let now = self.now();
        self.reporter.report(&self.sending.schedule, now);
    }

    /// After an early stop: reads on as far as an earlier process has come, for the summary and the failed rows always
    /// describe the whole run directory. Rows without an outcome are counted, and stay unsent.
    async fn read_settled_rows(&mut self) {
        let last_settled = self.sending.resume.as_ref().and_then(Resume::last_row);
        while self.read.last_row < last_settled && self.extent.is_none() {
            self.outbox.hand_over(&self.queues.recorder).await;
            while !self.outbox.has_room() && self.queues.written.changed().await.is_ok() {
                self.release_written();
            }
            // Reading on may take a while, and one more signal still ends it at once.
            let batch = tokio::select! {
                biased;
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                batch = self.queues.batches.recv() => batch,
            };
            match batch {
                Some(Ok(batch)) => self.offer(batch),
                Some(Err(_)) | None => return,
            }
        }
    }

    /// Hands over what is left, gives up what is still in flight, and lets go of all queues.
    async fn finish(mut self) -> Sent {
        self.in_flight.clear();
        self.renewals.finish().await;
        self.collect_ended();
        if self.sending.schedule.stopped().is_some_and(StopReason::is_about_another_input) {
            let message = self.queues.recorder.send(Message::LeaveFailedRows).await;
            message.expect(RECORDER_LISTENS);
        } else {
            for row in std::mem::take(&mut self.again).into_values() {
                self.ended_earlier(row);
            }
            self.read_settled_rows().await;
        }
        self.outbox.hand_over(&self.queues.recorder).await;
        self.report();
        Sent {
            stop: self.sending.schedule.stopped().cloned(),
            input_fault: self.input_fault,
            read: self.read,
            statistics: self.sending.schedule.statistics().clone(),
            extent: self.extent.unwrap_or(Extent::Partial),
        }
    }

    fn now(&self) -> Moment {
        Moment::after_start(self.started.elapsed())
    }
}
