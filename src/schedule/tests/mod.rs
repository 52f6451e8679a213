//! The schedule as its driver sees it, in a time that passes only while it waits.

mod attempts;
mod canary;
mod care;
mod control;
mod echo;
mod guard;
mod hours;
mod in_doubt;
mod not_reached;
mod outages;
mod pages;
mod sockets;
mod steps;
mod waits;

use std::time::Duration;

use super::error_limit::ErrorLimit;
use super::rate::{LimitedRate, Rate, RateUnit};
use super::state::{DoubtRound, Supply};
use super::*;
use crate::contract::{
    Answer, Attempt, Body, CustomerId, EchoCheck, Fault, FieldSet, RateWindow, Reset, Response,
    Shown,
};

/// The time that each answer takes.
const ROUND_TRIP: Duration = Duration::from_millis(10);
/// More steps than between two requests, and more requests than in any of these runs.
const STEPS_MAX: usize = 20_000;

const S: fn(u64) -> Duration = Duration::from_secs;

fn at(seconds: u64) -> Moment {
    Moment::after_start(S(seconds))
}

fn customer(id: u64) -> CustomerId {
    CustomerId::new(id).expect("a good id")
}

/// Rules with one request in flight, and no rate of our own.
fn rules() -> Rules {
    Rules {
        rate: Rate::Unlimited,
        sharing: RateSharing::Alone,
        in_flight_max: 1,
        timeout: S(30),
        retry: RetryPolicy::new(5).expect("a good limit"),
        error_limit: ErrorLimit::Count(1000),
        echo: EchoCheck::Warn,
        wait_max: S(900),
        grace: S(25),
        reads: ReadNeed::Required,
    }
}

fn in_flight(in_flight_max: u16) -> Rules {
    Rules {
        in_flight_max,
        ..rules()
    }
}

fn applied() -> Answer {
    Answer::Response(Response {
        status: 200,
        body: Body::APPLIED,
        ..Response::default()
    })
}

/// An answer in the shape of the API's errors.
fn api(status: u16) -> Answer {
    Answer::Response(Response {
        status,
        body: Body::REFUSED,
        ..Response::default()
    })
}

/// An answer that names a wait.
fn named(status: u16, wait: Duration) -> Answer {
    Answer::Response(Response {
        status,
        retry_after: Some(wait),
        ..Response::default()
    })
}

/// An answer in another shape.
fn text(status: u16) -> Answer {
    Answer::Response(Response {
        status,
        body: Body::Other,
        ..Response::default()
    })
}

/// An answer to a read.
fn shows(shown: Shown) -> Answer {
    Answer::Response(Response {
        status: 200,
        body: Body::APPLIED,
        shown: Some(shown),
        ..Response::default()
    })
}

/// A request that left.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sent {
    ticket: Ticket,
    row: u64,
    request: Request,
    /// The number of this write of its row.
    nth: usize,
    at: Moment,
}

/// A run in which outcomes are recorded at once, and time passes only while the schedule waits.
struct Run {
    schedule: Schedule<u64>,
    now: Moment,
    sent: Vec<Sent>,
    ended: Vec<Ended<u64>>,
}

impl Run {
    /// A run of rows 1, 2 and so on, of these customers.
    fn of(rules: Rules, customers: impl IntoIterator<Item = u64>) -> Run {
        Run::after(History::default(), rules, customers)
    }

    /// The same after earlier processes of the run directory.
    fn after(history: History, rules: Rules, customers: impl IntoIterator<Item = u64>) -> Run {
        Run::with(Care::None, history, rules, customers)
    }

    /// The same with this care.
    fn with(
        care: Care,
        history: History,
        rules: Rules,
        customers: impl IntoIterator<Item = u64>,
    ) -> Run {
        let mut schedule = Schedule::new(rules, history, 7);
        for (row, id) in (1..).zip(customers) {
            schedule.offer(customer(id), row, 1, care);
        }
        schedule.close();
        Run {
            schedule,
            now: Moment::START,
            sent: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// A run of `rows` rows, each of another customer.
    fn new(rules: Rules, rows: u64) -> Run {
        Run::of(rules, 1..=rows)
    }

    /// The next step that is not the end of a row.
    fn step(&mut self) -> Step<u64> {
        loop {
            match self.schedule.next(self.now) {
                Step::Ended(ended) => {
                    self.schedule.recorded(ended.customer);
                    self.ended.push(ended);
                }
                step => return step,
            }
        }
    }

    /// The next request, as soon as it may leave. `None` if the run is over.
    fn leaves(&mut self) -> Option<Sent> {
        for _ in 0..STEPS_MAX {
            match self.step() {
                Step::Send(ticket, request) => {
                    let row = *self.schedule.row(ticket);
                    let is_same = |sent: &&Sent| sent.row == row && sent.request == request;
                    let nth = self.sent.iter().filter(is_same).count() + 1;
                    let sent = Sent {
                        ticket,
                        row,
                        request,
                        nth,
                        at: self.now,
                    };
                    self.sent.push(sent);
                    return Some(sent);
                }
                Step::Wait(Some(until)) => self.now = self.now.max(until),
                Step::Done | Step::Stopped => return None,
                step => panic!("{step:?} at {:?}", self.now),
            }
        }
        panic!("it never ends: {:?}", self.sent.last());
    }

    /// Sends what may leave now, which has to be these rows.
    #[track_caller]
    fn sends(&mut self, rows: &[u64]) -> Vec<Sent> {
        let sent: Vec<_> = rows
            .iter()
            .map(|_| self.leaves().expect("a request leaves"))
            .collect();
        assert_eq!(sent.iter().map(|sent| sent.row).collect::<Vec<_>>(), rows);
        sent
    }

    /// Reports this answer, a round trip later.
    fn answered(&mut self, sent: Sent, answer: Answer) {
        self.now = self.now + ROUND_TRIP;
        self.schedule.finished(
            sent.ticket,
            Attempt {
                answer,
                took: ROUND_TRIP,
            },
            self.now,
        );
    }

    /// Sends as many requests as may be in flight, and answers them together.
    fn round(&mut self, answer: &Answer) {
        let mut tickets = Vec::new();
        while let Step::Send(ticket, _) = self.step() {
            tickets.push(ticket);
        }
        self.now = self.now + ROUND_TRIP;
        for ticket in tickets {
            self.schedule.finished(
                ticket,
                Attempt {
                    answer: answer.clone(),
                    took: ROUND_TRIP,
                },
                self.now,
            );
        }
    }

    /// Answers each request before the next one leaves, until the run is over.
    fn run_on(mut self, mut answer: impl FnMut(Sent) -> Answer) -> Run {
        while let Some(sent) = self.leaves() {
            self.answered(sent, answer(sent));
            assert!(self.sent.len() < STEPS_MAX, "it never ends: {sent:?}");
        }
        self
    }

    /// The rows in the order in which they were sent, with reads and repeated writes.
    fn order(&self) -> Vec<(u64, Request)> {
        self.sent
            .iter()
            .map(|sent| (sent.row, sent.request))
            .collect()
    }

    /// The times at which the writes of this row left.
    fn writes(&self, row: u64) -> Vec<Moment> {
        let is_write = |sent: &&Sent| sent.row == row && sent.request == Request::Write;
        self.sent
            .iter()
            .filter(is_write)
            .map(|sent| sent.at)
            .collect()
    }

    #[track_caller]
    fn ended(&self, row: u64) -> &Ended<u64> {
        self.ended
            .iter()
            .find(|ended| ended.row == row)
            .expect("the row has ended")
    }

    /// The ending of the row, as "updated 200", and the number of its writes.
    #[track_caller]
    fn ending(&self, row: u64) -> (String, u32) {
        let ended = self.ended(row);
        let how = match &ended.ending {
            Ending::Updated { status, .. } => format!("updated {status}"),
            Ending::Rejected { status, .. } => format!("rejected {status}"),
            Ending::Failed { cause } => format!("failed {cause}"),
            Ending::Unchanged => "unchanged".to_owned(),
            Ending::Conflict { fields, .. } => format!("conflict {fields:?}"),
            Ending::Unsendable { fields, .. } => format!("unsendable {fields:?}"),
        };
        (how, ended.attempts)
    }

    #[track_caller]
    fn ends(&self, row: u64, how: &str, attempts: u32) {
        assert_eq!(
            self.ending(row),
            (how.to_owned(), attempts),
            "row {row} of {:?}",
            self.order()
        );
    }

    #[track_caller]
    fn all_updated(&self, rows: usize) {
        assert_eq!(self.schedule.stopped(), None);
        let updated = |ended: &&Ended<u64>| matches!(ended.ending, Ending::Updated { .. });
        assert_eq!(
            self.ended.iter().filter(updated).count(),
            rows,
            "{:?}",
            self.ended
        );
    }
}
