//! The loop of a simulated run: a queue of events instead of connections, timers and a journal.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use super::server::{FaultOf, Sent, Server};
use super::witness::Witness;
use crate::contract::{Answer, Attempt, CustomerId, FieldSet};
use crate::schedule::rate::Rate;
use crate::schedule::{
    AfterCanary, CanaryRules, CanaryVerdict, Care, ChangeSign, Decision, Ended, Ending, History,
    Moment, Random, Refreshed, Request, Rules, Schedule, Statistics, Step, StopReason, Ticket,
};

/// The time of reading a token again.
const TOKEN_REFRESH: Duration = Duration::from_millis(120);
/// The time for which our own pace and an unusable token may hold all requests back, whatever the
/// longest wait is.
const THROTTLED_MAX: Duration = Duration::from_mins(1);
/// Consecutive waits for a time that is over.
const VAIN_WAITS_MAX: u32 = 100;
/// Consecutive steps without any time in between: one for each row that can be sent, and a few.
const STEPS_AT_ONCE_MAX: u32 = 10_000;

/// A run to simulate.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) rules: Rules,
    pub(super) server: Server,
    /// The customer of each row.
    pub(super) customers: Vec<CustomerId>,
    /// The distance between invalid rows.
    pub(super) invalid_every: Option<usize>,
    /// The care that rows need, and the rows that need it.
    pub(super) care: CareSetup,
    pub(super) canary: Option<CanaryRules>,
    /// The longest time of recording an outcome, and of a decision.
    pub(super) recording: Duration,
    /// The time within which the run ends.
    pub(super) ends_within: Duration,
    /// The time at which the user stops the run, and the reason.
    pub(super) stop: Option<(Moment, StopReason)>,
    pub(super) refreshed: Refreshed,
}

/// The care that rows need.
#[derive(Debug, Clone, Copy)]
pub(super) struct CareSetup {
    pub(super) care: Care,
    /// One row of this many needs it.
    pub(super) every: u64,
    /// The number of rows that go alone before all go together.
    pub(super) alone_max: usize,
    /// The share of rows that end without an update.
    pub(super) unsent: f64,
}

impl CareSetup {
    pub(super) const NONE: CareSetup = CareSetup {
        care: Care::None,
        every: 1,
        alone_max: 0,
        unsent: 0.0,
    };

    pub(super) fn of(self, row: u64) -> Care {
        if row.is_multiple_of(self.every) {
            self.care
        } else {
            Care::None
        }
    }
}

/// The results of a run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) server: Server,
    pub(super) sends: Vec<Moment>,
    /// Reads among them.
    pub(super) reads: usize,
    /// Controls among them: updates that had been applied.
    pub(super) repeats: usize,
    /// The number of requests in flight after each change.
    pub(super) in_flight: Vec<(Moment, usize)>,
    /// Answers by status, with 0 for none.
    pub(super) answers: BTreeMap<u16, usize>,
    /// Rows that were applied with their first request.
    pub(super) first_successes: usize,
    pub(super) updated: usize,
    pub(super) rejected: usize,
    pub(super) failed: usize,
    pub(super) invalid: usize,
    /// Rows that ended without an update, by the driver's decision.
    pub(super) decided_against: usize,
    pub(super) unsent: usize,
    /// The number of updates for each row that ended badly.
    pub(super) bad_attempts: Vec<u32>,
    /// Rows that ended badly although they were at fault for none of their answers.
    pub(super) wronged: usize,
    pub(super) stopped: Option<StopReason>,
    pub(super) statistics: Statistics,
    pub(super) refreshes: u32,
    pub(super) lasted: Duration,
    pub(super) wait_max: Duration,
    /// The number of customers.
    pub(super) customers: usize,
    /// The most rows held at once.
    pub(super) held_max: usize,
    /// The rows that ended, with the times, in order.
    pub(super) ended: Vec<(Moment, Ended<u64>)>,
    /// The time at which the breaker first opened.
    pub(super) opened_at: Option<Moment>,
    /// The verdict on the canary.
    pub(super) judged: Option<(CanaryVerdict, AfterCanary)>,
    /// The customers to whom a request was sent before the verdict, or if there is no canary.
    pub(super) sent_to: BTreeSet<CustomerId>,
    /// The most requests in flight before the verdict.
    pub(super) in_flight_max_before: usize,
}

#[derive(Debug)]
enum Event {
    Arrives(OnItsWay),
    Answered(OnItsWay, Answer, FaultOf),
    Recorded(CustomerId),
    Decided(Ticket),
    TokenRefreshed,
    Stop(StopReason),
    Timer,
}

/// A request in flight, with its own number.
#[derive(Debug, Clone, Copy)]
struct OnItsWay {
    number: u64,
    ticket: Ticket,
    sent: Sent,
}

struct World {
    schedule: Schedule<u64>,
    witness: Witness,
    report: Report,
    random: Random,
    now: Moment,
    events: BTreeMap<(Moment, u64), Event>,
    events_ever: u64,
    vain_waits: u32,
    /// The requests in flight, by ticket.
    waited_for: BTreeMap<Ticket, OnItsWay>,
    token: u32,
    offered: usize,
    held: usize,
    setup: Rest,
    customers: Vec<CustomerId>,
    /// The rows that an earlier run settled.
    settled: HashSet<u64>,
}

/// The parts of a setup that are needed during the run.
struct Rest {
    invalid_every: Option<usize>,
    care: CareSetup,
    /// Rows that went alone.
    went_alone: usize,
    recording: Duration,
    refreshed: Refreshed,
    timeout: Duration,
}

/// Simulates a run to its end.
pub(super) fn run(setup: Setup, seed: u64) -> Report {
    continued(setup, &[], seed)
}

/// Simulates the second start of a run, after one in which these rows ended. Failed rows are sent
/// again.
pub(super) fn continued(setup: Setup, ended: &[(Moment, Ended<u64>)], seed: u64) -> Report {
    let Setup {
        rules,
        server,
        customers,
        invalid_every,
        care,
        canary,
        recording,
        ends_within,
        stop,
        refreshed,
    } = setup;
    let (timeout, wait_max) = (rules.timeout, rules.wait_max);
    let distinct = customers.iter().collect::<HashSet<_>>().len();
    // The user's rate may hold all requests back for longer than any wait for the API.
    let wait_max = match rules.rate {
        Rate::Limited(rate) => wait_max.max(rate.interval()),
        Rate::Auto | Rate::Unlimited => wait_max,
    };
    let settled: Vec<&Ended<u64>> = ended
        .iter()
        .map(|(_, ended)| ended)
        .filter(|ended| is_settled(ended))
        .collect();
    let schedule = Schedule::new(rules.clone(), history(&settled), seed).with_canary(canary);
    let mut world = World {
        witness: Witness::new(&server, &rules, &customers, care),
        schedule,
        report: Report {
            wait_max,
            customers: distinct,
            ..Report::of(server)
        },
        random: Random::seeded(seed ^ 0x5eed),
        now: Moment::START,
        events: BTreeMap::new(),
        events_ever: 0,
        vain_waits: 0,
        waited_for: BTreeMap::new(),
        token: 0,
        offered: 0,
        held: 0,
        setup: Rest {
            invalid_every,
            care,
            went_alone: 0,
            recording,
            refreshed,
            timeout,
        },
        customers,
        settled: settled.iter().map(|ended| ended.row).collect(),
    };
    for ended in &settled {
        world.witness.ended_earlier(ended);
    }
    if let Some(last) = settled.iter().rfind(|ended| is_updated(ended)) {
        world.schedule.applied_earlier(last.customer, last.row);
    }
    world.report.server.refresh_token(Moment::START);
    world.token = 1;
    if let Some((at, reason)) = stop {
        world.happens(at, Event::Stop(reason));
    }
    world.carry_out(ends_within);
    world.end()
}

/// The history of the next run, after one in which these rows were settled.
fn history(settled: &[&Ended<u64>]) -> History {
    let ended = settled.len() as u64;
    let updated = settled.iter().filter(|ended| is_updated(ended)).count() as u64;
    History {
        ended,
        errors: ended - updated,
        answered: ended,
        ..History::default()
    }
}

/// Whether the same command does not send the row again.
fn is_settled(ended: &Ended<u64>) -> bool {
    match ended.ending {
        Ending::Updated { .. }
        | Ending::Unchanged
        | Ending::Conflict { .. }
        | Ending::Rejected { .. } => true,
        Ending::Unsendable { .. } | Ending::Failed { .. } => false,
    }
}

fn is_updated(ended: &Ended<u64>) -> bool {
    matches!(ended.ending, Ending::Updated { .. })
}

impl World {
    fn carry_out(&mut self, ends_within: Duration) {
        let mut steps = 0;
        loop {
            self.take_in();
            let before = self.now;
            match self.schedule.next(self.now) {
                Step::Send(ticket, request) => self.send(ticket, request),
                Step::GiveUp(ticket) => self.give_up(ticket),
                Step::Ended(ended) => self.row_ended(&ended),
                Step::NeverSent(row) => {
                    self.witness.invalid(row);
                    self.held -= 1;
                    self.report.invalid += 1;
                    self.recorded_soon(
                        self.customers[usize::try_from(row).expect("a row's index")],
                    );
                }
                Step::RefreshToken(_) => {
                    self.happens(self.now + TOKEN_REFRESH, Event::TokenRefreshed);
                }
                Step::Wait(until) => self.wait(until),
                Step::Judged(verdict, after) => self.report.judged = Some((verdict, after)),
                step @ (Step::Decide(_)
                | Step::SendPage(..)
                | Step::PagesEnded(_)
                | Step::AskForRate(_)) => {
                    unreachable!("no pages are read, and no rate is shared: {step:?}")
                }
                Step::Done | Step::Stopped => break,
            }
            if self.schedule.statistics().outages > 0 {
                self.report.opened_at.get_or_insert(before);
            }
            steps = if self.now > before { 0 } else { steps + 1 };
            assert!(
                steps < STEPS_AT_ONCE_MAX,
                "the run goes round in circles at {:?}",
                self.now
            );
            assert!(
                self.now.since_start() <= ends_within,
                "the run has not ended: {:?}",
                self.report.answers
            );
        }
    }

    fn take_in(&mut self) {
        while self.offered < self.customers.len() && self.schedule.has_room() {
            let row = self.offered as u64;
            if self.settled.contains(&row) {
                self.offered += 1;
                continue;
            }
            match self.setup.invalid_every {
                Some(every) if self.offered % every == every - 1 => {
                    self.schedule
                        .offer_invalid(Some(self.customers[self.offered]), row, 400);
                }
                Some(_) | None => {
                    let care = self.setup.care.of(row);
                    self.schedule
                        .offer(self.customers[self.offered], row, 400, care);
                }
            }
            self.offered += 1;
            self.held += 1;
        }
        self.report.held_max = self.report.held_max.max(self.held);
        if self.offered == self.customers.len() {
            self.schedule.close();
        }
    }

    fn recorded_soon(&mut self, customer: CustomerId) {
        let recorded = self.now + self.random.up_to(self.setup.recording);
        self.happens(recorded, Event::Recorded(customer));
    }

    fn row_ended(&mut self, ended: &Ended<u64>) {
        trace(
            self.now,
            format_args!("row {} ended {:?}", ended.row, ended.ending),
        );
        self.witness.ended(ended, self.now);
        self.held -= 1;
        self.report.count(ended);
        self.report.ended.push((self.now, ended.clone()));
        self.recorded_soon(ended.customer);
    }

    fn send(&mut self, ticket: Ticket, request: Request) {
        let row = *self.schedule.row(ticket);
        match (request, self.witness.has_ended(row)) {
            (Request::Read, true) => {
                self.witness.reads(row, self.now);
                self.report.reads += 1;
            }
            (Request::Read, false) => {
                self.witness.reads_before(row, self.now);
                self.report.reads += 1;
            }
            (Request::Write, true) => {
                self.witness.repeats(row, self.now);
                self.report.repeats += 1;
            }
            (Request::Write, false) => self.witness.sends(row, self.now),
        }
        self.report.sends.push(self.now);
        let in_flight = self.schedule.in_flight();
        self.report.in_flight.push((self.now, in_flight));
        if self.report.judged.is_none() {
            let customer = self.customers[usize::try_from(row).expect("a row's index")];
            self.report.sent_to.insert(customer);
            let most = &mut self.report.in_flight_max_before;
            *most = in_flight.max(*most);
        }
        let arrives = self.report.server.arrival(self.now, &mut self.random);
        self.events_ever += 1;
        let sent = Sent {
            request,
            row,
            token: self.token,
            at: self.now,
        };
        let on_its_way = OnItsWay {
            number: self.events_ever,
            ticket,
            sent,
        };
        assert!(
            self.waited_for.insert(ticket, on_its_way).is_none(),
            "one request a row at a time"
        );
        self.happens(arrives, Event::Arrives(on_its_way));
    }

    fn give_up(&mut self, ticket: Ticket) {
        let given_up = self
            .waited_for
            .remove(&ticket)
            .expect("what is given up is waited for");
        let waited = self.now.since(given_up.sent.at);
        assert!(
            waited >= self.setup.timeout || self.schedule.stopped().is_some(),
            "a request is given up after {waited:?}"
        );
        trace(
            self.now,
            format_args!(
                "{:?} of row {} given up",
                given_up.sent.request, given_up.sent.row
            ),
        );
        self.witness.given_up(given_up.sent, self.now);
        self.report
            .in_flight
            .push((self.now, self.schedule.in_flight()));
    }

    /// Waits for the next event or for the schedule's timer, which fires up to a millisecond late,
    /// like real ones.
    fn wait(&mut self, until: Option<Moment>) {
        if let Some(until) = until {
            let wait = until.since(self.now);
            self.vain_waits = if wait.is_zero() {
                self.vain_waits + 1
            } else {
                0
            };
            assert!(
                self.vain_waits < VAIN_WAITS_MAX,
                "the run waits for times that are over, at {:?}",
                self.now
            );
            assert!(
                wait <= self.report.wait_max.max(THROTTLED_MAX),
                "a wait of {wait:?} at {:?}",
                self.now
            );
            let late = self.random.up_to(Duration::from_millis(1));
            let first = self.events.keys().next().map(|(at, _)| *at);
            if first.is_none_or(|at| until < at) {
                self.happens(until.max(self.now) + late, Event::Timer);
            }
        }
        let Some(((at, _), event)) = self.events.pop_first() else {
            panic!("nothing can happen any more: {:?}", self.schedule)
        };
        self.now = at;
        match event {
            Event::Arrives(request) => self.arrives(request),
            Event::Answered(request, answer, fault) => self.answered(request, answer, fault),
            Event::Recorded(customer) => {
                self.witness.recorded(customer);
                self.schedule.recorded(customer);
            }
            Event::Decided(ticket) => self.decide(ticket),
            Event::TokenRefreshed => {
                self.report.refreshes += 1;
                if matches!(self.setup.refreshed, Refreshed::New { .. }) {
                    self.token += 1;
                    self.report.server.refresh_token(self.now);
                }
                self.schedule
                    .token_refreshed(self.setup.refreshed, self.now);
            }
            Event::Stop(reason) => self.schedule.stop(reason),
            Event::Timer => {}
        }
    }

    fn arrives(&mut self, request: OnItsWay) {
        if let Some(reply) = self
            .report
            .server
            .reply(request.sent, self.now, &mut self.random)
        {
            self.happens(
                reply.at.max(self.now),
                Event::Answered(request, reply.answer, reply.fault),
            );
        }
    }

    fn answered(&mut self, request: OnItsWay, answer: Answer, fault: FaultOf) {
        if self
            .waited_for
            .get(&request.ticket)
            .is_none_or(|waited_for| waited_for.number != request.number)
        {
            return; // It was given up.
        }
        self.waited_for.remove(&request.ticket);
        let status = match &answer {
            Answer::Response(response) => response.status,
            Answer::Fault(_) => 0,
        };
        trace(
            self.now,
            format_args!(
                "{:?} of row {} answered {status}",
                request.sent.request, request.sent.row
            ),
        );
        *self.report.answers.entry(status).or_default() += 1;
        let attempt = Attempt {
            answer,
            took: self.now.since(request.sent.at),
        };
        self.witness
            .answered(request.sent, &attempt, fault, self.now);
        self.schedule.finished(request.ticket, attempt, self.now);
        if self.schedule.awaits_decision(request.ticket) {
            let decided = self.now + self.random.up_to(self.setup.recording);
            self.happens(decided, Event::Decided(request.ticket));
        }
        self.report
            .in_flight
            .push((self.now, self.schedule.in_flight()));
    }

    /// Decides about a row at random.
    fn decide(&mut self, ticket: Ticket) {
        let row = *self.schedule.row(ticket);
        let may_be_alone = self.setup.care.of(row) == Care::Alone
            && self.setup.went_alone < self.setup.care.alone_max;
        let decision = if self.witness.is_applied(row) {
            if self.random.share() < 0.3 {
                Decision::Read
            } else {
                Decision::Applied
            }
        } else if may_be_alone && !self.schedule.is_alone(ticket) {
            Decision::Later
        } else if self.random.share() < self.setup.care.unsent {
            let against = [
                Ending::Unchanged,
                Ending::Conflict {
                    fields: FieldSet::EMPTY,
                    sign: ChangeSign::Values,
                },
            ];
            Decision::End(against[self.random.next_u64() as usize % 2].clone())
        } else {
            Decision::Write(None)
        };
        trace(self.now, format_args!("row {row} is decided: {decision:?}"));
        let is_over = matches!(decision, Decision::End(_) | Decision::Applied);
        let was_alone = may_be_alone && self.schedule.is_alone(ticket);
        self.schedule.decided(ticket, decision);
        if was_alone && is_over {
            self.setup.went_alone += 1;
            if self.setup.went_alone == self.setup.care.alone_max {
                self.witness.go_together();
                self.schedule.go_together(Care::Read);
            }
        }
    }

    fn happens(&mut self, at: Moment, event: Event) {
        self.events_ever += 1;
        self.events.insert((at, self.events_ever), event);
    }

    fn end(mut self) -> Report {
        self.report.unsent = self.witness.unsent();
        self.report.wronged = self.witness.wronged();
        self.report.stopped = self.schedule.stopped().cloned();
        self.report.statistics = self.schedule.statistics().clone();
        self.report.lasted = self.now.since_start();
        assert_eq!(self.schedule.in_flight(), 0);
        assert_eq!(
            self.report.statistics.attempts,
            self.report.sends.len() as u64
        );
        if self.report.stopped.is_none() {
            assert_eq!(
                self.report.unsent, 0,
                "the run is done, so every row has ended"
            );
        }
        self.report
    }
}

/// Prints what happens, if `TRACE` is set.
fn trace(now: Moment, what: fmt::Arguments<'_>) {
    static IS_ASKED: LazyLock<bool> = LazyLock::new(|| std::env::var_os("TRACE").is_some());
    if *IS_ASKED {
        eprintln!("{:>12.6} {what}", now.since_start().as_secs_f64());
    }
}

impl Report {
    fn of(server: Server) -> Report {
        Report {
            server,
            sends: Vec::new(),
            reads: 0,
            repeats: 0,
            in_flight: Vec::new(),
            answers: BTreeMap::new(),
            first_successes: 0,
            updated: 0,
            rejected: 0,
            failed: 0,
            invalid: 0,
            decided_against: 0,
            unsent: 0,
            bad_attempts: Vec::new(),
            wronged: 0,
            stopped: None,
            statistics: Statistics::default(),
            refreshes: 0,
            lasted: Duration::ZERO,
            wait_max: Duration::ZERO,
            customers: 0,
            held_max: 0,
            ended: Vec::new(),
            opened_at: None,
            judged: None,
            sent_to: BTreeSet::new(),
            in_flight_max_before: 0,
        }
    }

    fn count(&mut self, ended: &Ended<u64>) {
        match ended.ending {
            Ending::Updated { .. } => {
                self.updated += 1;
                self.first_successes += usize::from(ended.attempts == 1);
            }
            Ending::Rejected { .. } => self.rejected += 1,
            Ending::Failed { .. } => self.failed += 1,
            Ending::Unchanged | Ending::Conflict { .. } | Ending::Unsendable { .. } => {
                self.decided_against += 1;
                return;
            }
        }
        if !matches!(ended.ending, Ending::Updated { .. }) {
            self.bad_attempts.push(ended.attempts);
        }
    }
}
