//! The limit on the speed of a run.

use super::moment::Moment;
use super::rate::LimitedRate;

/// The limit on the speed of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedBy {
    /// A wait that the API named, until this time.
    Pause(Moment),
    /// An outage since the first time. The next probe is due at the second; without one it is in
    /// flight.
    Outage(Moment, Option<Moment>),
    /// Doubts about all the rows that are left: the API refused or failed them, and another write
    /// has to show whose fault that is.
    Doubts,
    /// The API's window.
    Window,
    /// The user's rate.
    Rate(LimitedRate),
    /// The rate of this many processes.
    SharedRate(u64),
    /// The store of that rate: it is out of reach, or closed. Requests leave at one of this many
    /// parts of the rate; without a number none does.
    RateStore(Option<u64>),
    /// The modest rate of `auto`: the API names no limit.
    NoNamedLimit,
    /// The rate learned from what the API refuses.
    LearnedRate,
    /// The requests in flight: at most this many, because of this bound.
    InFlight(usize, InFlightBound),
    /// The retry tokens: too many retries for too few successes.
    RetryTokens,
    /// A refresh of the token.
    TokenRefresh,
    /// The canary: all other rows wait for its verdict.
    Canary,
    /// The user's hours, which begin at this time.
    Hours(Moment),
    /// The order of rows: each row that is left waits for another row of its customer.
    Order,
    /// The reading of the input.
    Input,
}

/// The bound on the requests in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InFlightBound {
    /// The user's setting.
    Setting,
    /// Slow start, which still raises the bound.
    SlowStart,
    /// The number that the API answers without getting slower or refusing.
    Answers,
    /// The number that the API accepts at once, learned from its refusals.
    Refusals,
    /// The file descriptors and ports of this machine.
    Sockets,
    /// The canary.
    Canary,
}
