//! A simulated API: its latency, its limits, and its faults.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::quota::Quota;
use crate::contract::{self, Answer, Body, Claim, Fault, Response, Shown};
use crate::schedule::{Moment, Random, Request};

/// The part of the latency before the request arrives.
const UPLINK_PART: f64 = 0.2;
/// The time of a refused connection.
const REFUSAL: Duration = Duration::from_millis(2);

/// A simulated API.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) clock: WallClock,
    pub(super) latency: Latency,
    pub(super) quota: Quota,
    /// The requests at once beyond which more are answered 503.
    pub(super) at_once_max: usize,
    pub(super) troubles: Vec<Trouble>,
    /// Its answers to reads of single customers.
    pub(super) reads: Reads,
    /// The lifetime of a token.
    pub(super) token_lives: Duration,
    token: Token,
    /// The times at which it finishes the requests in progress.
    working: BinaryHeap<Reverse<Moment>>,
    link_free_at: Moment,
}

/// The server's clock: the time since 1970 at the start of the run, and the millionths by which it
/// runs fast.
#[derive(Debug, Clone, Copy)]
pub(super) struct WallClock {
    pub(super) at_start: Duration,
    pub(super) drift_ppm: u32,
}

/// The time that an answer takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latency {
    pub(super) typical: Duration,
    /// The part by which it varies both ways.
    pub(super) jitter: f64,
    pub(super) shape: Shape,
}

/// The load that the latency depends on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Steady,
    /// Beyond this many requests at once each slows all the others.
    Knee(usize),
    /// From this time on it takes this long.
    Step(Moment, Duration),
    /// Requests pass the link one after the other, each in this time.
    SlowLink(Duration),
}

/// The answers to reads of single customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// The current state.
    Shown,
    /// An earlier state, from a cache.
    Stale,
    /// 403 in the API's shape.
    Forbidden,
    /// 404 as text: there is no such request.
    Missing,
}

/// A request that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) request: Request,
    pub(super) row: u64,
    pub(super) token: u32,
    pub(super) at: Moment,
}

/// A fault of the API.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    /// Down from the first time to the second.
    Outage(Moment, Moment, Down),
    /// Up for the first time, then down for the second, and so on.
    Flapping(Duration, Duration, Down),
    /// A fault for these rows, always.
    Poison { first: u64, every: u64, with: Down },
    /// From the first time to the second, this fault for a share of the requests.
    Partial {
        from: Moment,
        until: Moment,
        share: f64,
        with: Down,
    },
    /// This fault for a share of the requests, always.
    Random(f64, Down),
    /// This status, and a wait in seconds, for a share of the requests.
    Busy(f64, u16, Option<u64>),
}

/// The effect of a fault on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    Refused,
    Broken,
    /// The request is not processed, and is returned at once.
    NotProcessed,
    /// A reused connection is closed.
    Unanswered,
    /// There is no answer.
    BlackHole,
    /// This status with this body.
    Status(u16, Body),
    /// This status, and a wait in seconds.
    Wait(u16, Option<u64>),
    /// Reads work, and writes are 503.
    ReadOnly,
}

/// JSON of a gateway or the API itself: `{"message":"…"}`.
pub(super) const MESSAGE: Body = Body::Object {
    claim: Claim::Nothing,
    shape: contract::Shape::ApiError,
};
/// JSON that shows nothing: `{"status":"maintenance"}`.
pub(super) const STATUS: Body = Body::Object {
    claim: Claim::Nothing,
    shape: contract::Shape::Another,
};

impl Down {
    /// This status in the API's shape.
    pub(super) const fn api(status: u16) -> Down {
        Down::Status(status, Body::REFUSED)
    }

    /// This status with a body that is not JSON.
    pub(super) const fn text(status: u16) -> Down {
        Down::Status(status, Body::Other)
    }
}

#[derive(Debug)]
struct Token {
    generation: u32,
    expires: Moment,
}

/// An answer, and the time at which the client has it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) answer: Answer,
    pub(super) at: Moment,
    /// The party at fault, if it is no success.
    pub(super) fault: FaultOf,
}

/// The party at fault for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultOf {
    None,
    Row,
    Api,
}

impl Server {
    /// An API without faults.
    pub(super) fn well(clock: WallClock, latency: Latency, quota: Quota) -> Server {
        let token = Token {
            generation: 0,
            expires: Moment::START,
        };
        Server {
            clock,
            latency,
            quota,
            at_once_max: usize::MAX,
            troubles: Vec::new(),
            reads: Reads::Shown,
            token_lives: Duration::MAX,
            token,
            working: BinaryHeap::new(),
            link_free_at: Moment::START,
        }
    }

    /// Issues a new token.
    pub(super) fn refresh_token(&mut self, now: Moment) {
        self.token.generation += 1;
        self.token.expires = now + self.token_lives;
    }

    /// The time at which a request sent now arrives.
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

    /// Handles a request that arrives. Returns the answer, if there is one.
    pub(super) fn reply(&mut self, sent: Sent, now: Moment, random: &mut Random) -> Option<Reply> {
        while self
            .working
            .peek()
            .is_some_and(|Reverse(leaves)| *leaves <= now)
        {
            self.working.pop();
        }
        let at_once = self.working.len();
        let (answer, fault) = match self.trouble(sent, now, random) {
            Some((Down::BlackHole, _)) => return None,
            Some((down @ (Down::Refused | Down::NotProcessed), fault)) => {
                return Some(Reply {
                    answer: self.down(down, now),
                    at: sent.at.max(now) + REFUSAL,
                    fault,
                });
            }
            Some((down, fault)) => (self.down(down, now), fault),
            None => (self.decide(sent, at_once, now), FaultOf::None),
        };
        let leaves = now
            + self
                .latency
                .sample(now, at_once, random)
                .mul_f64(1.0 - UPLINK_PART);
        self.working.push(Reverse(leaves));
        Some(Reply {
            answer,
            at: leaves,
            fault,
        })
    }

    fn decide(&mut self, sent: Sent, at_once: usize, now: Moment) -> Answer {
        if at_once >= self.at_once_max {
            return self.response(503, now, Response::default());
        }
        let is_valid = sent.token == self.token.generation && now < self.token.expires;
        if self.token_lives < Duration::MAX && !is_valid {
            return self.response(401, now, Response::default());
        }
        let admission = self.quota.admit(self.clock.unix(now));
        let (window, retry_after) = (admission.window, admission.retry_after);
        let said = Response {
            retry_after,
            window,
            ..Response::default()
        };
        match (admission.admitted, sent.request) {
            (false, _) => self.response(admission.status, now, said),
            (true, Request::Write) => self.response(200, now, said),
            (true, Request::Read) => match self.reads {
                Reads::Shown => self.response(
                    200,
                    now,
                    Response {
                        shown: Some(Shown::AsSent),
                        ..said
                    },
                ),
                Reads::Stale => self.response(
                    200,
                    now,
                    Response {
                        shown: Some(Shown::Otherwise),
                        ..said
                    },
                ),
                Reads::Forbidden => self.response(403, now, said),
                Reads::Missing => self.response(404, now, said),
            },
        }
    }

    fn trouble(&self, sent: Sent, now: Moment, random: &mut Random) -> Option<(Down, FaultOf)> {
        let is_write = sent.request == Request::Write;
        self.troubles.iter().find_map(|trouble| {
            let (down, fault) = match *trouble {
                Trouble::Outage(from, until, down) if from <= now && now < until => {
                    (down, FaultOf::Api)
                }
                Trouble::Flapping(up, down_for, down) => {
                    let phase = now.since_start().as_nanos() % (up + down_for).as_nanos();
                    (phase >= up.as_nanos()).then_some((down, FaultOf::Api))?
                }
                Trouble::Poison { first, every, with } => {
                    let is_hit =
                        is_write && sent.row >= first && (sent.row - first).is_multiple_of(every);
                    is_hit.then_some((with, FaultOf::Row))?
                }
                Trouble::Partial {
                    from,
                    until,
                    share,
                    with,
                } if from <= now && now < until => {
                    (random.share() < share).then_some((with, FaultOf::Api))?
                }
                Trouble::Random(share, with) => {
                    (random.share() < share).then_some((with, FaultOf::Api))?
                }
                Trouble::Busy(share, status, wait_s) => (random.share() < share)
                    .then_some((Down::Wait(status, wait_s), FaultOf::Api))?,
                Trouble::Outage(..) | Trouble::Partial { .. } => return None,
            };
            (is_write || down != Down::ReadOnly).then_some((down, fault))
        })
    }

    fn down(&self, down: Down, now: Moment) -> Answer {
        match down {
            Down::Refused => Answer::Fault(Fault::Refused),
            Down::Broken => Answer::Fault(Fault::Broken),
            Down::NotProcessed => Answer::Fault(Fault::NotProcessed),
            Down::Unanswered => Answer::Fault(Fault::Unanswered),
            Down::BlackHole => Answer::Fault(Fault::Timeout),
            Down::ReadOnly => self.response(
                503,
                now,
                Response {
                    body: Body::Other,
                    ..Response::default()
                },
            ),
            Down::Status(status, body) => self.response(
                status,
                now,
                Response {
                    body,
                    ..Response::default()
                },
            ),
            Down::Wait(status, wait_s) => {
                let retry_after = wait_s.map(Duration::from_secs);
                self.response(
                    status,
                    now,
                    Response {
                        retry_after,
                        ..Response::default()
                    },
                )
            }
        }
    }

    fn response(&self, status: u16, now: Moment, response: Response) -> Answer {
        let body = match (status, response.body) {
            (200, Body::Empty) => Body::APPLIED,
            (_, Body::Empty) => Body::REFUSED,
            (_, body) => body,
        };
        let date_unix_s = Some(self.clock.unix(now).as_secs());
        Answer::Response(Response {
            status,
            body,
            date_unix_s,
            ..response
        })
    }
}

impl WallClock {
    /// The time that the server's clock shows.
    pub(super) fn unix(self, at: Moment) -> Duration {
        let elapsed = at.since_start();
        self.at_start + elapsed + elapsed * self.drift_ppm / 1_000_000
    }
}

impl Latency {
    fn sample(&self, now: Moment, at_once: usize, random: &mut Random) -> Duration {
        let typical = match self.shape {
            Shape::Steady | Shape::SlowLink(_) => self.typical,
            Shape::Knee(knee) => {
                self.typical * u32::try_from(at_once.max(knee)).unwrap_or(u32::MAX) / knee as u32
            }
            Shape::Step(at, after) => {
                if now < at {
                    self.typical
                } else {
                    after
                }
            }
        };
        // One answer in a hundred takes three times as long, since a mean has to tolerate tails.
        let tail = if random.share() < 0.01 { 3.0 } else { 1.0 };
        typical.mul_f64(tail * (1.0 - self.jitter + 2.0 * self.jitter * random.share()))
    }
}
