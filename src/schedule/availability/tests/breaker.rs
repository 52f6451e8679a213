//! The times of probes, and the end of an outage.

use super::*;

#[test]
fn probes_leave_ever_more_seldom_up_to_half_a_minute() {
    for seed in 0..100 {
        let (mut breaker, mut random) = (Breaker::closed(), Random::seeded(seed));
        for outage in 0..2 {
            let mut now = at(1000 * outage);
            assert_eq!(breaker.open(now, &mut random), Transition::Opened);
            for want_s in [1, 2, 4, 8, 16, 30, 30, 30] {
                let due = probe_at(&breaker, now);
                is_about(due.since(now), want_s);
                assert_eq!(breaker.permission(due), Permission::Probe);
                now = due;
                breaker.sent(ticket());
                breaker.failed(ticket(), now, &mut random);
            }
            breaker.alive(now, now);
        }
    }
}

#[test]
fn one_probe_is_under_way_at_a_time() {
    let mut breaker = Breaker::closed();
    assert_eq!(breaker.permission(at(0)), Permission::Granted);
    assert_eq!(breaker.open(at(0), &mut random()), Transition::Opened);
    assert_eq!(
        breaker.open(at(1), &mut random()),
        Transition::Unchanged,
        "it is open already"
    );
    breaker.sent(ticket());
    assert_eq!(breaker.permission(at(60)), Permission::NotBeforeAnswer);
    breaker.inconclusive(ticket(), at(61));
    assert_eq!(
        breaker.permission(at(61)),
        Permission::Probe,
        "a probe that says nothing is followed by the next at once"
    );
    breaker.sent(ticket());
    assert_eq!(
        breaker.alive(at(61), at(62)),
        Some(Duration::from_secs(62)),
        "how long it was open"
    );
    assert_eq!(breaker.permission(at(62)), Permission::Granted);
}

#[test]
fn answers_to_requests_from_before_the_opening_are_no_probes() {
    let [earlier, probe] = tickets(2).try_into().expect("two rows");
    let mut breaker = Breaker::closed();
    breaker.sent(earlier);
    breaker.open(at(10), &mut random());
    let due = probe_at(&breaker, at(10));
    breaker.failed(earlier, at(11), &mut random());
    assert_eq!(
        probe_at(&breaker, at(10)),
        due,
        "the failure of an earlier request puts no probe off"
    );
    breaker.sent(probe);
    for end in [
        Breaker::failed,
        |breaker: &mut Breaker, ticket, now, _: &mut Random| breaker.inconclusive(ticket, now),
    ] {
        end(&mut breaker, earlier, at(12), &mut random());
        assert_eq!(breaker.permission(at(12)), Permission::NotBeforeAnswer);
    }
    assert_eq!(
        breaker.alive(at_ms(9_999), at(12)),
        None,
        "a success that left before says nothing"
    );
    assert_eq!(breaker.permission(at(12)), Permission::NotBeforeAnswer);
    assert!(breaker.alive(at(10), at(12)).is_some());
}

#[test]
fn the_next_probe_is_known_while_none_is_under_way() {
    let mut availability: Availability<u64> = Availability::new(ANSWERED);
    let mut random = random();
    assert_eq!(availability.next_probe(), None);
    availability.open_now(at(10), &mut random);
    let due = availability.next_probe().expect("a probe is due");
    is_about(due.since(at(10)), 1);
    assert_eq!(availability.permission(at(10)), Permission::NotBefore(due));
    availability.sent(ticket());
    assert_eq!(availability.next_probe(), None);
    availability.close_at_the_end();
    assert_eq!(availability.permission(at(10)), Permission::Granted);
    assert_eq!(availability.down_since(), None);
}
