//! A simulated API: how long it takes, what it lets in, and what is wrong with it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::quota::Quota;
use crate::contract::{Answer, Body, Fault, Response};
use crate::schedule::{Moment, Random};

/// What the client waits for an answer at most.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The part of the time until an answer that passes before the request arrives.
const UPLINK_PART: f64 = 0.2;
/// A connection refused comes back at once.
const REFUSAL: Duration = Duration::from_millis(2);

/// A simulated API.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) clock: WallClock,
    pub(super) latency: Latency,
    pub(super) quota: Quota,
    /// More requests than this at once are answered 503.
    pub(super) at_once_max: usize,
    pub(super) troubles: Vec<Trouble>,
    /// For how long a token is accepted.
    pub(super) token_lives: Duration,
    token: Token,
    /// When the requests that it works on leave it.
    working: BinaryHeap<Reverse<Moment>>,
    link_free_at: Moment,
}

/// The server's own clock: seconds since 1970 at the start of the run, and how many millionths it runs fast.
#[derive(Debug, Clone, Copy)]
pub(super) struct WallClock {
    pub(super) at_start: Duration,
    pub(super) drift_ppm: u32,
}

/// How long an answer takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latency {
    pub(super) typical: Duration,
    /// Varies up to this part to both sides.
    pub(super) jitter: f64,
    pub(super) shape: Shape,
}

/// What the time that an answer takes depends on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Steady,
    /// Beyond so many requests at once each makes all the others slower.
    Knee(usize),
    /// From this time on it takes so long.
    Step(Moment, Duration),
    /// Requests pass the link one after the other, each in this time.
    SlowLink(Duration),
}

/// Something that is wrong with the API.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    /// Down from the first time to the second.
    Outage(Moment, Moment, Down),
    /// Up for the first time, then down for the second, and so on.
    Flapping(Duration, Duration, Down),
    /// It stumbles over rows of these numbers, always.
    Poison { first: u64, every: u64, status: u16 },
    /// This share of the requests is answered with this status.
    Random(f64, u16),
    /// This share of the requests is answered with this status, and a wait in seconds.
    Busy(f64, u16, Option<u64>),
}

/// What a request meets while the API is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    Refused,
    Unavailable,
    BadGateway,
    Broken,
    Timeout,
}

#[derive(Debug)]
struct Token {
    generation: u32,
    expires: Moment,
}

/// What becomes of a request, and how long after it was sent the client knows.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) answer: Answer,
    pub(super) at: Moment,
}

impl Server {
    /// An API with nothing wrong about it.
    pub(super) fn well(clock: WallClock, latency: Latency, quota: Quota) -> Server {
        let token = Token { generation: 0, expires: Moment::START };
        Server {
            clock,
            latency,
            quota,
            at_once_max: usize::MAX,
            troubles: Vec::new(),
            token_lives: Duration::MAX,
            token,
            working: BinaryHeap::new(),
            link_free_at: Moment::START,
        }
    }

    /// Gives out a new token.
    pub(super) fn renew_token(&mut self, now: Moment) {
        self.token.generation += 1;
        self.token.expires = now + self.token_lives;
    }

    /// When a request that is sent now arrives.
    pub(super) fn arrival(&mut self, sent: Moment, random: &mut Random) -> Moment {
        let free = match self.latency.shape {
            Shape::SlowLink(each) => {
                self.link_free_at = self.link_free_at.max(sent) + each;
                self.link_free_at
            }
            Shape::Steady | Shape::Knee(_) | Shape::Step(..) => sent,
        };
        free + self.latency.sample(sent, 0, random).mul_f64(UPLINK_PART)
    }

    /// A request arrives; what becomes of it.
    pub(super) fn reply(&mut self, row: u64, token: u32, sent: Moment, now: Moment, random: &mut Random) -> Reply {
        while self.working.peek().is_some_and(|Reverse(leaves)| *leaves <= now) {
            self.working.pop();
        }
        let at_once = self.working.len();
        let answer = match self.trouble(row, now, random) {
            Some(Answer::Fault(fault @ Fault::Refused)) => {
                return Reply { answer: Answer::Fault(fault), at: sent.max(now) + REFUSAL };
            }
            Some(Answer::Fault(fault @ Fault::Timeout)) => {
                return Reply { answer: Answer::Fault(fault), at: sent + TIMEOUT };
            }
            Some(answer) => answer,
            None => self.decide(token, at_once, now),
        };
        let leaves = now + self.latency.sample(now, at_once, random).mul_f64(1.0 - UPLINK_PART);
        self.working.push(Reverse(leaves));
        if leaves.since(sent) > TIMEOUT {
            return Reply { answer: Answer::Fault(Fault::Timeout), at: sent + TIMEOUT };
        }
        Reply { answer, at: leaves }
    }

    fn decide(&mut self, token: u32, at_once: usize, now: Moment) -> Answer {
        if at_once >= self.at_once_max {
            return self.response(503, now, Response::default());
        }
        let is_valid = token == self.token.generation && now < self.token.expires;
        if self.token_lives < Duration::MAX && !is_valid {
            return self.response(401, now, Response::default());
        }
        let admission = self.quota.admit(self.clock.unix(now));
        let (window, retry_after) = (admission.window, admission.retry_after);
        let status = if admission.admitted { 200 } else { 429 };
        self.response(status, now, Response { retry_after, window, ..Response::default() })
    }

    fn trouble(&self, row: u64, now: Moment, random: &mut Random) -> Option<Answer> {
        self.troubles.iter().find_map(|trouble| match *trouble {
            Trouble::Outage(from, until, down) => (from <= now && now < until).then(|| self.down(down, now)),
            Trouble::Flapping(up, down_for, down) => {
                let phase = now.since_start().as_nanos() % (up + down_for).as_nanos();
                (phase >= up.as_nanos()).then(|| self.down(down, now))
            }
            Trouble::Poison { first, every, status } => (row >= first && (row - first).is_multiple_of(every))
                .then(|| self.response(status, now, Response::default())),
            Trouble::Random(share, status) => {
                (random.share() < share).then(|| self.response(status, now, Response::default()))
            }
            Trouble::Busy(share, status, wait_s) => (random.share() < share).then(|| {
                let retry_after = wait_s.map(Duration::from_secs);
                self.response(status, now, Response { retry_after, ..Response::default() })
            }),
        })
    }

    fn down(&self, down: Down, now: Moment) -> Answer {
        match down {
            Down::Refused => Answer::Fault(Fault::Refused),
            Down::Unavailable => self.response(503, now, Response::default()),
            Down::BadGateway => self.response(502, now, Response::default()),
            Down::Broken => Answer::Fault(Fault::Broken),
            Down::Timeout => Answer::Fault(Fault::Timeout),
        }
    }

    fn response(&self, status: u16, now: Moment, response: Response) -> Answer {
        let body = if status == 200 { Body::APPLIED } else { Body::REFUSED };
        let date_unix_s = Some(self.clock.unix(now).as_secs());
        Answer::Response(Response { status, body, date_unix_s, ..response })
    }
}

impl WallClock {
    /// What the server's clock shows.
    pub(super) fn unix(self, at: Moment) -> Duration {
        let elapsed = at.since_start();
        self.at_start + elapsed + elapsed * self.drift_ppm / 1_000_000
    }
}

impl Latency {
    fn sample(&self, now: Moment, at_once: usize, random: &mut Random) -> Duration {
        let typical = match self.shape {
            Shape::Steady | Shape::SlowLink(_) => self.typical,
            Shape::Knee(knee) => self.typical * u32::try_from(at_once.max(knee)).unwrap_or(u32::MAX) / knee as u32,
            Shape::Step(at, after) => {
                if now < at {
                    self.typical
                } else {
                    after
                }
            }
        };
        // One answer in a hundred takes three times as long: tails are what a mean has to bear.
        let tail = if random.share() < 0.01 { 3.0 } else { 1.0 };
        typical.mul_f64(tail * (1.0 - self.jitter + 2.0 * self.jitter * random.share()))
    }
}
