//! The throttle of a process that shares its rate by a store.

use super::*;
use crate::schedule::shared_rate::exchange::Reply;

/// A member that is in contact with its store.
fn member(rate: Rate) -> Throttle {
    let mut throttle = Throttle::new(rate, RateSharing::Member("a".to_owned()));
    throttle.ask_store(0, Moment::START).expect("it is due");
    let reply = Reply {
        members: 1,
        slots_us: vec![0; 9],
        ..Reply::empty()
    };
    throttle.store_answered(&reply, Moment::START, Moment::START);
    throttle
}

#[test]
fn a_member_tells_the_store_at_once_of_a_new_window_and_not_of_a_known_one() {
    let mut throttle = member(Rate::Unlimited);
    let start = Moment::START;
    assert!(throttle.ask_store(0, start).is_none(), "it has no news");
    for is_news in [true, false] {
        let response = shows_a_minute(600);
        throttle.learn(&response, start, start, &mut Random::seeded(1));
        let asked = throttle.ask_store(0, start);
        assert_eq!(asked.is_some(), is_news);
        assert_eq!(asked.is_some_and(|ask| ask.window.is_some()), is_news);
        throttle.store_answered(&Reply::empty(), start, start);
    }
}

#[test]
fn a_member_tells_the_store_by_what_part_refusals_lowered_its_rate() {
    let told = |named_s: Option<u64>| {
        let mut throttle = member(Rate::Unlimited);
        throttle.learned.lower_to(100.0, Moment::START);
        let at = Moment::after_start(Duration::from_secs(1));
        let wait = Wait {
            named: named_s.map(Duration::from_secs),
            window: Exhausted::No,
            reason: WaitReason::Quota,
        };
        throttle.leaves(first(at));
        throttle.refused(first(at), wait, at);
        let later = at + Duration::from_secs(1);
        let ask = throttle.ask_store(0, later).expect("it is due");
        (throttle.learned.in_use().expect("a rate"), ask.fall_ppm)
    };
    assert_eq!(told(None), (100.0, 0), "it is as fast as before");
    let (rate, fall_ppm) = told(Some(1));
    assert!(rate < 100.0);
    let part = f64::from(u32::try_from(fall_ppm).expect("a part")) / 1e6;
    assert!((part - rate / 100.0).abs() < 1e-5, "{part} of 100, {rate}");
}

#[test]
fn a_store_that_paces_the_learned_rate_takes_the_place_of_our_own_pace() {
    let mut throttle = member(Rate::Unlimited);
    throttle.learned.lower_to(1.0, Moment::START);
    let at = Moment::after_start(Duration::from_millis(500));
    let asked = throttle.ask_store(0, at).expect("it is due");
    assert_eq!(asked.learned_us, 1_000_000);
    let reply = Reply {
        members: 1,
        slots_us: vec![0, 0],
        ..Reply::empty()
    };
    throttle.store_answered(&reply, at, at);
    for _ in 0..2 {
        assert_eq!(throttle.acquire(at, 0, None), Ok(()));
        throttle.leaves(first(at));
    }
}

#[test]
fn a_member_has_its_part_of_the_rate_that_the_store_tells() {
    let mut throttle = Throttle::new(Rate::Unlimited, RateSharing::Member("a".to_owned()));
    let ask = throttle.ask_store(0, Moment::START).expect("it is due");
    assert_eq!(ask.member, "a");
    assert!(
        throttle.ask_store(0, Moment::START).is_none(),
        "one at a time"
    );
    assert_eq!(
        (throttle.members_per_second(), throttle.part_per_second()),
        (None, None)
    );
    let reply = Reply {
        members: 4,
        interval_us: 125_000,
        ..Reply::empty()
    };
    let heard = throttle.store_answered(&reply, Moment::START, Moment::START);
    assert_eq!(heard, None);
    assert_eq!(throttle.members_per_second(), Some(8.0));
    assert_eq!(throttle.part_per_second(), Some(2.0));
    assert_eq!(throttle.per_second(), Some(2.0));
    assert_eq!(throttle.members_max(), Some(4));
    let share = throttle.rate_share(Moment::START);
    assert_eq!(share.map(|share| share.members), Some(4));
    let alone = throttle_of(Rate::Unlimited);
    assert_eq!(
        (alone.members_max(), alone.members_per_second()),
        (None, None)
    );
    assert_eq!(alone.rate_share(Moment::START), None);
}

#[test]
fn a_member_without_contact_waits_for_the_store() {
    let mut throttle = Throttle::new(Rate::Unlimited, RateSharing::Member("a".to_owned()));
    assert_eq!(throttle.waits_for_store_since(), None);
    let at = Moment::after_start(Duration::from_secs(3));
    assert_eq!(
        throttle.acquire(at, 0, None),
        Err(ThrottledBy::NoRateStore(None))
    );
    assert_eq!(throttle.waits_for_store_since(), Some(at));
}
