//! One rate for several processes: the rules of the store that they share, and the side of a member.
//!
//! A member asks the store for *slots*, times at which one request each may leave. What it holds is
//! lost with it. Without contact it sends at its *share* for a while, and then waits. The rules are
//! in [`store`], the member is in [`member`], and `rate_store` carries the [`exchange`].

pub(crate) mod exchange;
mod member;
pub(crate) mod store;

pub(super) use member::{Facts, Hold, Member, count, micros_up};
pub(crate) use member::{RateShare, RateStanding};
