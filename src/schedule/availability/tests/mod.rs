//! Tests of each part: the signs of life, the breaker, the rows in doubt and the control.

mod breaker;
mod control;
mod doubts;
mod signs;

use super::super::decision::Care;
use super::super::order::Order;
use super::signs::Signs;
use super::*;

/// Earlier processes had answers from the API.
const ANSWERED: History = History {
    ended: 1,
    errors: 1,
    answered: 1,
    not_before: Moment::START,
};

const MS: fn(u64) -> Duration = Duration::from_millis;

fn at_ms(ms: u64) -> Moment {
    Moment::after_start(MS(ms))
}

fn at(seconds: u64) -> Moment {
    at_ms(seconds * 1000)
}

fn customer(id: u64) -> CustomerId {
    CustomerId::new(id).expect("a good id")
}

/// An applied row of this customer.
fn row_of(id: u64, row: u64) -> Applied<u64> {
    Applied {
        customer: customer(id),
        row,
        country: None,
    }
}

/// The tickets of this many rows.
fn tickets(n: u64) -> Vec<Ticket> {
    let mut order = Order::new();
    for id in 1..=n {
        order.hold(customer(id), (), 0, Care::None);
    }
    std::iter::from_fn(|| order.take_ready()).collect()
}

#[track_caller]
fn ticket() -> Ticket {
    tickets(1).pop().expect("one row has one ticket")
}

fn random() -> Random {
    Random::seeded(7)
}

#[track_caller]
fn is_about(wait: Duration, want_s: u64) {
    let want = Duration::from_secs(want_s);
    assert!(
        (want..=want * 11 / 10).contains(&wait),
        "{wait:?} is not {want:?} and up to a tenth more"
    );
}

/// The time at which the next probe may leave.
#[track_caller]
fn probe_at(breaker: &Breaker, now: Moment) -> Moment {
    match breaker.permission(now) {
        Permission::NotBefore(at) => at,
        permission => panic!("{permission:?} where a probe is due later"),
    }
}
