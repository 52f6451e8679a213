//! Carries out the schedule: requests, timers and queues. The schedule makes all decisions.

mod attempt_log;
mod care;
mod deciding;
mod finish;
mod leaving;
mod meter;
mod metering;
mod pager;
mod paging;
mod replay;
mod sending;
mod sharing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};
use tracing::{error, info};

use self::attempt_log::AttemptLog;
pub(crate) use self::care::{
    CareResult, CareSettings, Fill, KeptFills, PlannedCustomers, ProbeState, ReadMode, Since,
    UndoCounts, Undoing, UpdateCare,
};
use self::care::{Carer, Seen};
use self::meter::Meter;
use self::pager::Pager;
pub(crate) use self::pager::{PageReading, WantedCustomers};
pub(crate) use self::sending::{BeforeFirstUpdate, Queues, ReadTo, Sending, Sent};
use super::image_writer::Durable;
use super::in_flight::{InFlight, Landed};
use super::input_stop::ReadStop;
use super::outbox::{Outbox, RECORDER_LISTENS, Urgency};
use super::rate_exchange::RateExchange;
use super::reading::Batch;
use super::recorder::{EndedRow, Message, RowEnd, Written};
use super::reporter::Reporter;
use super::resume::Resume;
use super::token_refresh::TokenRefresh;
use crate::api::Api;
use crate::contract::{Answer, Answered, CustomerId};
use crate::input::InputError;
use crate::process::crash;
use crate::process::signals::{Drain, StopSignal};
use crate::results::progress::RunProgress;
use crate::results::tally::{Latencies, RowsRead};
use crate::row::Row;
use crate::schedule::shared_rate::exchange::Reply;
use crate::schedule::{
    Ended, Ending, Moment, Refreshed, Request, Schedule, Step, StopReason, Ticket, is_missing,
};
use crate::text::with_causes;

/// The interval at which written entries are made durable and the token file is looked at.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// The interval at which progress is reported.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// The longest wait without looking at the schedule again.
const WAIT_MAX: Duration = Duration::from_hours(1);

/// Sends until every row has ended or the run stops.
pub(crate) async fn send(sending: Sending, queues: Queues) -> Sent {
    let mut driver = Driver::new(sending, queues);
    driver.drive().await;
    driver.finish().await
}

struct Driver {
    sending: SendingParts,
    queues: Queues,
    carer: Carer,
    /// Reads whole pages of customers before the rows.
    pager: Option<Pager>,
    before_first_update: Option<BeforeFirstUpdate>,
    started: Instant,
    /// The time of this turn of the loop. The clock is read once a turn.
    turn_at: Moment,
    in_flight: InFlight,
    token_refresh: TokenRefresh,
    rate: RateExchange,
    outbox: Outbox,
    /// Rows that are sent again and have not ended; at most as many as the schedule holds.
    again: BTreeMap<u64, Row>,
    read: RowsRead,
    /// Rows of one batch that were read and do not fit yet, in the order of the input.
    waiting: VecDeque<Row>,
    read_to: Option<ReadTo>,
    input_fault: Option<InputError>,
    reporter: Reporter,
    /// Counts for the metrics; `None` if nobody wants them.
    meter: Option<Meter>,
    latencies: Latencies,
    /// Requests that were given up after the stop.
    given_up: usize,
    signals: SenderSignals,
    sync: Interval,
    ticks: Interval,
}

/// The parts that are used as they come.
struct SendingParts {
    schedule: Schedule<Row>,
    api: Api,
    resume: Option<Resume>,
    progress: Arc<RunProgress>,
    drain: Drain,
}

/// Whether waiting rows were offered to the schedule.
#[derive(PartialEq, Eq)]
enum Offered {
    Some,
    None,
}

/// The event that woke the driver.
enum Event {
    Landed(Ticket, Landed),
    ImagesDurable(Durable),
    TokenRefreshed(Refreshed),
    RateAnswered(Moment, Option<Reply>),
    Read(Option<Result<Batch, ReadStop>>),
    Written,
    Due,
    SyncDue,
    Signal(StopSignal),
}

/// The signals that have come.
#[derive(PartialEq, Eq)]
enum SenderSignals {
    None,
    /// Requests in flight may still finish.
    One,
}

/// Whether the loop goes on.
#[derive(PartialEq, Eq)]
enum NextEvent {
    Continue,
    End,
}

impl Driver {
    fn new(sending: Sending, queues: Queues) -> Driver {
        let Sending {
            mut schedule,
            api,
            token_source,
            grant,
            rate_store,
            resume,
            care,
            pages,
            before_first_update,
            progress,
            metrics,
            drain,
        } = sending;
        let every = |period| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let reporter = Reporter::new(progress.clone(), api.route().clone());
        schedule.token_lasts(grant.lifetime, Moment::START);
        if let Some(pages) = &pages {
            schedule.read_pages(pages.rules());
        }
        Driver {
            sending: SendingParts {
                schedule,
                api,
                resume,
                progress,
                drain,
            },
            queues,
            carer: Carer::new(care),
            pager: pages.map(Pager::new),
            before_first_update,
            started: Instant::now(),
            turn_at: Moment::START,
            in_flight: InFlight::default(),
            token_refresh: TokenRefresh::new(token_source, grant.token),
            rate: RateExchange::new(rate_store),
            outbox: Outbox::new(),
            again: BTreeMap::new(),
            read: RowsRead::default(),
            waiting: VecDeque::new(),
            read_to: None,
            input_fault: None,
            reporter,
            meter: metrics.map(Meter::new),
            latencies: Latencies::default(),
            given_up: 0,
            signals: SenderSignals::None,
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
            self.read_clock();
            if self.take(event) == NextEvent::End {
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
                        end: RowEnd::Invalid,
                        at: Timestamp::now(),
                    },
                    customer,
                );
            }
            Step::Decide(ticket) => self.decide_known(ticket),
            Step::SendPage(ticket, request) => self.send_page(ticket, request),
            Step::PagesEnded(end) => self.pages_ended(end),
            Step::Judged(verdict, after) => self.canary_is_judged(verdict, after),
            Step::RefreshToken(reason) => self.token_refresh.begin(reason),
            Step::AskForRate(ask) => self.rate.begin(ask, self.now()),
            Step::Wait(_) | Step::Done | Step::Stopped => {}
        }
    }

    /// Waits for the first event. Outcomes are handed over as soon as the recorder takes them, and
    /// delay nothing else.
    async fn next_event(&mut self, until: Option<Moment>) -> Event {
        let mut is_due = self.outbox.is_due();
        let outbox_due_at = if is_due { None } else { self.outbox.due_at() };
        let wake_at = self.wake_at(until, outbox_due_at);
        let reads_on = self.read_to.is_none()
            && self.has_offered_all()
            && self.has_room()
            && !self.sending.schedule.reads_pages();
        loop {
            tokio::select! {
                biased;
                signal = self.sending.drain.next() => return Event::Signal(signal),
                () = self.outbox.hand_over(&self.queues.recorder), if is_due => is_due = false,
                Some((ticket, landed)) = self.in_flight.next() => return Event::Landed(ticket, landed),
                durable = self.carer.more_is_durable(), if self.carer.is_waiting() => return Event::ImagesDurable(durable),
                Some(refreshed) = self.token_refresh.ended() => return Event::TokenRefreshed(refreshed),
                Some((asked, reply)) = self.rate.ended() => return Event::RateAnswered(asked, reply),
                Ok(()) = self.queues.written.changed() => return Event::Written,
                batch = self.queues.batches.recv(), if reads_on => return Event::Read(batch),
                () = sleep_until(wake_at.into()) => return Event::Due,
                _ = self.sync.tick() => return Event::SyncDue,
                _ = self.ticks.tick() => self.report(),
            }
        }
    }

    fn wake_at(&self, until: Option<Moment>, outbox_due_at: Option<Instant>) -> Instant {
        let latest = self.started + self.turn_at.since_start() + WAIT_MAX;
        // A time beyond the clock's range is no deadline.
        let due = until.and_then(|until| self.started.checked_add(until.since_start()));
        [due, outbox_due_at]
            .into_iter()
            .flatten()
            .fold(latest, Instant::min)
    }

    fn take(&mut self, event: Event) -> NextEvent {
        match event {
            Event::Landed(ticket, landed) => {
                self.landed(ticket, landed);
                while let Some((ticket, landed)) = self.in_flight.next_now() {
                    self.landed(ticket, landed);
                }
            }
            Event::ImagesDurable(durable) => self.images_are_durable(durable),
            Event::TokenRefreshed(refreshed) => {
                let now = self.now();
                self.sending.schedule.token_refreshed(refreshed, now);
            }
            Event::RateAnswered(asked, reply) => self.rate_answered(asked, reply.as_ref()),
            Event::Read(Some(Ok(batch))) => self.take_in(batch),
            Event::Read(Some(Err(ReadStop { reason, fault }))) => {
                self.read_to = Some(ReadTo::Stop);
                self.sending.schedule.stop(reason);
                self.input_fault = fault.map(|fault| *fault);
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
                // If the queue is full, the next tick syncs: what is in it is written first anyway.
                self.queues.recorder.try_send(Message::Sync).ok();
                if self.token_refresh.file_has_changed() {
                    self.sending.schedule.token_file_changed();
                }
            }
            Event::Due => {}
            Event::Signal(signal) => return self.signalled(&signal.reason()),
        }
        NextEvent::Continue
    }

    /// Takes in a signal: after the first, requests in flight may finish; the second ends the loop.
    fn signalled(&mut self, reason: &StopReason) -> NextEvent {
        if self.signals == SenderSignals::One {
            return NextEvent::End;
        }
        self.signals = SenderSignals::One;
        self.token_refresh.stop();
        info!(
            in_flight = self.in_flight.len(),
            "{reason}: no more is sent; one more signal, after a second, ends it at once"
        );
        self.sending.schedule.stop(reason.clone());
        NextEvent::Continue
    }

    fn landed(&mut self, ticket: Ticket, landed: Landed) {
        match landed {
            Landed::Row(answered) => self.finished(ticket, answered),
            Landed::Page(answered) => self.page_finished(ticket, answered),
            Landed::Check(answered) => self.check_finished(ticket, answered),
        }
    }

    fn finished(&mut self, ticket: Ticket, answered: Answered) {
        let Answered { mut attempt, image } = answered;
        if matches!(attempt.answer, Answer::Response(_)) {
            self.latencies.add(attempt.took);
        }
        let now = self.now();
        let schedule = &mut self.sending.schedule;
        let log = AttemptLog::of(schedule.row(ticket), schedule.sent(ticket), &attempt);
        let request = schedule.request(ticket);
        if let Some(meter) = &mut self.meter {
            meter.answered(request, &attempt);
        }
        crash::kill_at(match request {
            Request::Read => "read-answered",
            Request::Write => "put-answered",
        });
        if let Some(image) = image.as_deref().filter(|_| request == Request::Write) {
            self.updated_customer_is_shown(ticket, image);
        }
        let schedule = &mut self.sending.schedule;
        if let Some(image) = image
            .as_deref()
            .filter(|_| schedule.is_control_read(ticket))
        {
            let row = schedule.row_mut(ticket);
            self.carer.control_read(row, image, &mut attempt.answer);
        }
        if request == Request::Read {
            schedule
                .row_mut(ticket)
                .was_read(attempt.answer.entity_tag().cloned());
        }
        let is_missing = is_missing(&attempt.answer);
        schedule.finished(ticket, attempt, now);
        log.write(|| schedule.due_again(ticket).map(|due| due.since(now)));
        if schedule.was_changed(ticket) {
            self.decide_changed(ticket);
        } else if schedule.awaits_decision(ticket) {
            self.decide(ticket, Seen::of(image.as_deref(), is_missing));
        }
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
        if let Err(error) = self.carer.ended(&row, &ending) {
            error!("{}", with_causes(&error));
            self.sending.schedule.stop(error.stop());
        }
        let end = RowEnd::Sent {
            ending,
            attempts,
            ambiguous,
            took,
        };
        self.ended(
            EndedRow {
                row,
                end,
                at: Timestamp::now(),
            },
            Some(customer),
        );
    }

    fn ended(&mut self, row: EndedRow, customer: Option<CustomerId>) {
        let is_again = self.again.remove(&row.row.position.row).is_some();
        if is_again && !matches!(row.end, RowEnd::Earlier) {
            self.sending.schedule.ended_again();
        }
        let (progress, bytes) = (&self.sending.progress, row.row.input_bytes());
        match &row.end {
            RowEnd::Earlier => progress.record_earlier(bytes),
            RowEnd::Invalid
            | RowEnd::Overtaken(_)
            | RowEnd::Sent {
                ending:
                    Ending::Rejected { .. }
                    | Ending::Conflict { .. }
                    | Ending::Unsendable { .. }
                    | Ending::Failed { .. },
                ..
            } => {
                progress.record_ended(1, bytes);
                progress.record_failure();
            }
            RowEnd::Superseded
            | RowEnd::Unchanged
            | RowEnd::Elsewhere
            | RowEnd::Sent {
                ending: Ending::Updated { .. } | Ending::Unchanged,
                ..
            } => progress.record_ended(1, bytes),
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

    async fn tell_recorder(&self, message: Message) {
        let sent = self.queues.recorder.send(message).await;
        sent.expect(RECORDER_LISTENS);
    }

    fn now(&self) -> Moment {
        self.turn_at
    }

    /// Reads the clock: a new turn begins, or something has taken time.
    fn read_clock(&mut self) -> Moment {
        self.turn_at = Moment::after_start(self.started.elapsed());
        self.turn_at
    }
}
