//! The loop of a run in simulated time: a queue of events instead of connections, timers and a journal.

use std::collections::BTreeMap;
use std::time::Duration;

use super::server::Server;
use super::witness::Witness;
use crate::contract::{Answer, Attempt, CustomerId};
use crate::schedule::{
    Ended, Ending, History, Moment, Random, Renewal, Rules, Schedule, Statistics, Step, StopReason, Ticket,
};

/// How long reading a token again takes.
const TOKEN_RENEWAL: Duration = Duration::from_millis(120);
/// Steps in a row that may pass no time: one for each row that can be sent, and a few.
const STEPS_AT_ONCE_MAX: u32 = 10_000;

/// A run to simulate.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) rules: Rules,
    pub(super) server: Server,
    /// The customer of each row.
    pub(super) customers: Vec<CustomerId>,
    /// Each row of such a number is invalid.
    pub(super) invalid_every: Option<usize>,
    /// The longest that writing an outcome down takes.
    pub(super) recording: Duration,
    /// By then the run has ended.
    pub(super) ends_within: Duration,
    /// The user stops the run.
    pub(super) stop: Option<(Moment, StopReason)>,
    pub(super) renewal: Renewal,
}

/// What came of a run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) server: Server,
    pub(super) sends: Vec<Moment>,
    /// Requests in flight, each time that it changed.
    pub(super) in_flight: Vec<(Moment, usize)>,
    /// Answers by status; 0 for none.
    pub(super) answers: BTreeMap<u16, usize>,
    pub(super) updated: usize,
    pub(super) rejected: usize,
    pub(super) failed: usize,
    pub(super) invalid: usize,
    pub(super) unsent: usize,
    pub(super) stopped: Option<StopReason>,
    pub(super) statistics: Statistics,
    pub(super) renewals: u32,
    pub(super) lasted: Duration,
    /// The most rows that were held at once.
    pub(super) held_max: usize,
}

#[derive(Debug)]
enum Event {
    Arrives(Request),
    Answered(Request, Answer),
    Recorded(CustomerId),
    TokenRenewed,
    Stop(StopReason),
    Timer,
}

#[derive(Debug, Clone, Copy)]
struct Request {
    ticket: Ticket,
    row: u64,
    sent: Moment,
    token: u32,
}

struct World {
    schedule: Schedule<u64>,
    witness: Witness,
    report: Report,
    random: Random,
    now: Moment,
    events: BTreeMap<(Moment, u64), Event>,
    events_ever: u64,
    token: u32,
    offered: usize,
    held: usize,
    setup: Rest,
    customers: Vec<CustomerId>,
}

/// What of a setup is still needed while the run goes on.
struct Rest {
    invalid_every: Option<usize>,
    recording: Duration,
    renewal: Renewal,
}

/// Simulates a run to its end.
pub(super) fn run(setup: Setup, seed: u64) -> Report {
    let Setup { rules, server, customers, invalid_every, recording, ends_within, stop, renewal } = setup;
    let mut world = World {
        witness: Witness::new(&server, &rules, &customers, invalid_every),
        schedule: Schedule::new(rules, History::default(), seed),
        report: Report::of(server),
        random: Random::seeded(seed ^ 0x5eed),
        now: Moment::START,
        events: BTreeMap::new(),
        events_ever: 0,
        token: 0,
        offered: 0,
        held: 0,
        setup: Rest { invalid_every, recording, renewal },
        customers,
    };
    world.report.server.renew_token(Moment::START);
    world.token = 1;
    if let Some((at, reason)) = stop {
        world.happens(at, Event::Stop(reason));
    }
    world.carry_out(ends_within);
    world.end()
}

impl World {
    fn carry_out(&mut self, ends_within: Duration) {
        let mut steps = 0;
        loop {
            self.write_down();
            self.take_in();
            let before = self.now;
            match self.schedule.next(self.now) {
                Step::Send(ticket) => self.send(ticket),
                Step::RenewToken(_) => self.happens(self.now + TOKEN_RENEWAL, Event::TokenRenewed),
                Step::Wait(until) => self.wait(until),
                Step::Done | Step::Stopped => break,
            }
            steps = if self.now > before { 0 } else { steps + 1 };
            assert!(steps < STEPS_AT_ONCE_MAX, "the run goes round in circles at {:?}", self.now);
            assert!(self.now.since_start() <= ends_within, "the run has not ended: {:?}", self.report.answers);
        }
        self.write_down();
    }

    fn take_in(&mut self) {
        while self.offered < self.customers.len() && self.schedule.has_room() {
            let row = self.offered as u64;
            match self.setup.invalid_every {
                Some(every) if self.offered % every == every - 1 => self.schedule.offer_invalid(row, 400),
                Some(_) | None => self.schedule.offer(self.customers[self.offered], row, 400),
            }
            self.offered += 1;
            self.held += 1;
        }
        self.report.held_max = self.report.held_max.max(self.held);
        if self.offered == self.customers.len() {
            self.schedule.close();
        }
    }

    fn write_down(&mut self) {
        while let Some(ended) = self.schedule.pop_ended() {
            self.witness.ended(&ended);
            self.held -= 1;
            self.report.count(&ended);
            let recorded = self.now + self.random.up_to(self.setup.recording);
            self.happens(recorded, Event::Recorded(ended.customer));
        }
        while let Some(row) = self.schedule.pop_invalid() {
            self.witness.invalid(row);
            self.held -= 1;
            self.report.invalid += 1;
        }
    }

    fn send(&mut self, ticket: Ticket) {
        let row = *self.schedule.row(ticket);
        self.witness.sends(row, self.now);
        self.report.sends.push(self.now);
        self.report.in_flight.push((self.now, self.schedule.in_flight()));
        let arrives = self.report.server.arrival(self.now, &mut self.random);
        self.happens(arrives, Event::Arrives(Request { ticket, row, sent: self.now, token: self.token }));
    }

    /// Passes the time until something happens, or until the timer that the schedule asks for, which is up to a millisecond
    /// late, as timers are.
    fn wait(&mut self, until: Option<Moment>) {
        if let Some(until) = until {
            let late = self.random.up_to(Duration::from_millis(1));
            let first = self.events.keys().next().map(|(at, _)| *at);
            if first.is_none_or(|at| until < at) {
                self.happens(until.max(self.now) + late, Event::Timer);
            }
        }
        let Some(((at, _), event)) = self.events.pop_first() else { panic!("nothing can happen any more") };
        self.now = at;
        match event {
            Event::Arrives(request) => self.arrives(request),
            Event::Answered(request, answer) => self.answered(request, answer),
            Event::Recorded(customer) => {
                self.witness.recorded(customer);
                self.schedule.recorded(customer);
            }
            Event::TokenRenewed => {
                self.report.renewals += 1;
                if matches!(self.setup.renewal, Renewal::New { .. }) {
                    self.token += 1;
                    self.report.server.renew_token(self.now);
                }
                self.schedule.token_renewed(self.setup.renewal, self.now);
            }
            Event::Stop(reason) => self.schedule.stop(reason),
            Event::Timer => {}
        }
    }

    fn arrives(&mut self, request: Request) {
        let Request { row, token, sent, .. } = request;
        let reply = self.report.server.reply(row, token, sent, self.now, &mut self.random);
        self.happens(reply.at.max(self.now), Event::Answered(request, reply.answer));
    }

    fn answered(&mut self, request: Request, answer: Answer) {
        let status = match &answer {
            Answer::Response(response) => response.status,
            Answer::Fault(_) => 0,
        };
        *self.report.answers.entry(status).or_default() += 1;
        let attempt = Attempt { answer, took: self.now.since(request.sent) };
        self.witness.answered(request.row, &attempt, self.now);
        self.schedule.finished(request.ticket, attempt, self.now);
        self.report.in_flight.push((self.now, self.schedule.in_flight()));
    }

    fn happens(&mut self, at: Moment, event: Event) {
        self.events_ever += 1;
        self.events.insert((at, self.events_ever), event);
    }

    fn end(mut self) -> Report {
        self.report.unsent = self.witness.unsent();
        self.report.stopped = self.schedule.stopped().cloned();
        self.report.statistics = self.schedule.statistics().clone();
        self.report.lasted = self.now.since_start();
        assert_eq!(self.schedule.in_flight(), 0);
        assert_eq!(self.report.statistics.attempts, self.report.sends.len() as u64);
        if self.report.stopped.is_none() {
            assert_eq!(self.report.unsent, 0, "the run is done, so every row has ended");
        }
        self.report
    }
}

impl Report {
    fn of(server: Server) -> Report {
        Report {
            server,
            sends: Vec::new(),
            in_flight: Vec::new(),
            answers: BTreeMap::new(),
            updated: 0,
            rejected: 0,
            failed: 0,
            invalid: 0,
            unsent: 0,
            stopped: None,
            statistics: Statistics::default(),
            renewals: 0,
            lasted: Duration::ZERO,
            held_max: 0,
        }
    }

    fn count(&mut self, ended: &Ended<u64>) {
        match ended.ending {
            Ending::Updated { .. } => self.updated += 1,
            Ending::Rejected { .. } => self.rejected += 1,
            Ending::Failed { .. } => self.failed += 1,
        }
    }
}
