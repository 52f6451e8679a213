//! The row that a control repeats, and the time of it.

use super::*;

fn applied(customers: std::ops::RangeInclusive<u64>) -> Control<u64> {
    let mut control = Control::new();
    customers.for_each(|id| control.applied(row_of(id, id), at(0)));
    control
}

fn ids(control: &Control<u64>) -> Vec<u64> {
    control.customers().map(CustomerId::get).collect()
}

#[test]
fn is_about_the_row_that_was_applied_last() {
    let mut control = applied(1..=9);
    assert_eq!(ids(&control), [9, 8, 7, 6, 5, 4, 3, 2]);
    control.applied(row_of(5, 50), at(0));
    assert_eq!(
        (ids(&control), control.row(customer(5))),
        (vec![5, 9, 8, 7, 6, 4, 3, 2], Some(50))
    );
    control.forget(customer(5));
    assert_eq!((ids(&control)[0], control.row(customer(5))), (9, None));
    control.applied_earlier(row_of(1, 1));
    assert_eq!(
        ids(&control)[0],
        9,
        "an earlier process's row is for where nothing was applied yet"
    );
}

#[test]
fn five_seconds_pass_between_controls_and_more_where_reads_are_in_vain() {
    let mut control = applied(1..=1);
    let mut random = random();
    let mut now = at(100);
    for want_s in [5, 10, 20, 40, 60, 60] {
        control.begins(ticket(), now, &mut random);
        is_about(control.due_at().since(now), want_s);
        control.ends();
        control.read_showed_nothing();
        now = control.due_at();
    }
    for reset in [
        |control: &mut Control<u64>| {
            control.succeeded();
        },
        Control::failed,
        Control::not_sent,
    ] {
        control.begins(ticket(), now, &mut random);
        control.ends();
        reset(&mut control);
        control.begins(ticket(), now, &mut random);
        is_about(control.due_at().since(now), 5);
    }
}

#[test]
fn is_relied_on_until_a_read_is_in_vain_and_again_once_a_row_is_applied() {
    let check = |why: Inconclusive, reliable: bool, known: bool| {
        let mut availability = Availability::new(ANSWERED);
        availability.applied(customer(1), &1, None, 0, at(0), at(0));
        availability.applied(customer(2), &2, None, 0, at(1), at(1));
        availability.control_begins(ticket(), at(1), &mut random());
        assert!(!availability.has_reliable_control(), "one is under way");
        availability.control_inconclusive(customer(2), why);
        assert_eq!(availability.has_reliable_control(), reliable, "{why:?}");
        assert_eq!(
            availability.control_row(customer(2)).is_some(),
            known,
            "{why:?}"
        );
        availability.applied(customer(3), &3, None, 0, at(2), at(2));
        assert!(availability.has_reliable_control(), "{why:?}");
    };
    check(Inconclusive::NotShown, false, true);
    check(Inconclusive::Differs, false, false);
    check(Inconclusive::NotSent, true, true);
}

#[test]
fn a_failed_one_opens_the_breaker_and_is_trouble_of_the_apis() {
    let mut availability = Availability::new(ANSWERED);
    availability.applied(customer(1), &1, None, 0, at(0), at(0));
    let counts = availability.counts();
    availability.control_begins(ticket(), at(1), &mut random());
    assert_eq!(
        availability.control_failed(at(1), at(2), &mut random()),
        Transition::Opened
    );
    assert_eq!(
        (availability.down_since(), availability.unsuccessful_since()),
        (Some(at(2)), Some(at(1)))
    );
    assert!(availability.has_been_in_trouble_since(counts, at(2)));
}

#[test]
fn an_applied_one_settles_what_was_answered_before_it_left() {
    let mut availability = Availability::new(ANSWERED);
    availability.applied(customer(1), &1, None, 0, at(0), at(0));
    for (row, answered_at) in tickets(2).into_iter().zip([at(1), at(3)]) {
        availability.doubt(row, DoubtReason::NotTheApi, None, answered_at, 0);
    }
    let decidable = availability.control_applied(at(2), at(4));
    assert_eq!(
        (
            decidable.doubts.len(),
            decidable.in_doubt,
            availability.doubts()
        ),
        (1, 2, 1)
    );
}

#[test]
fn takes_turns_with_rows_as_a_probe_where_it_can_be_relied_on() {
    let mut availability: Availability<u64> = Availability::new(ANSWERED);
    let mut random = random();
    availability.open_now(at(0), &mut random);
    assert!(!availability.is_controls_turn(), "a row goes first");
    for (failed, want) in [(1, true), (2, false), (3, true), (4, false)] {
        let probe = ticket();
        availability.sent(probe);
        availability.probe_failed(probe, at(0), &mut random);
        assert_eq!(
            availability.is_controls_turn(),
            want,
            "{failed} probes failed"
        );
    }
    let probe = ticket();
    availability.sent(probe);
    availability.probe_failed(probe, at(0), &mut random);
    availability.control_inconclusive(customer(1), Inconclusive::NotShown);
    assert!(!availability.is_controls_turn(), "reads show nothing");
}

#[test]
fn knows_the_country_of_the_row_that_it_repeats() {
    let mut availability: Availability<u64> = Availability::new(ANSWERED);
    assert!(!availability.has_control_rows());
    availability.applied(customer(1), &1, Some(4), 0, at(0), at(0));
    availability.applied(customer(2), &2, Some(5), 0, at(1), at(1));
    assert!(availability.has_control_rows());
    for (id, want) in [(1, Some(4)), (2, Some(5)), (3, None)] {
        assert_eq!(availability.control_country(customer(id)), want, "{id}");
    }
}
