//! The signs of an outage, and of trouble of the API's.

use super::*;

fn fail(signs: &mut Signs, row: Ticket, sent: Moment) {
    signs.failed(row, Evidence::New, sent, sent);
}

#[test]
fn ten_rows_are_an_outage_at_once_and_two_after_ten_seconds() {
    let check = |rows: u64, failures_each: u64, now: Moment, want: bool| {
        let mut signs = Signs::new(ANSWERED);
        for row in tickets(rows) {
            (0..failures_each).for_each(|_| fail(&mut signs, row, at(100)));
        }
        assert_eq!(
            signs.is_down(now),
            want,
            "{failures_each} failures of each of {rows} rows at {now:?}"
        );
    };
    check(9, 1, at(100), false);
    check(9, 2, at(100), false);
    check(10, 1, at(100), true);
    check(2, 1, at_ms(109_999), false);
    check(2, 1, at(110), true);
    check(1, 15, at(1000), false);
}

#[test]
fn two_rows_wake_the_breaker_where_no_answer_comes() {
    let mut availability: Availability<()> = Availability::new(ANSWERED);
    let mut random = random();
    let [first, second] = tickets(2).try_into().expect("two rows");
    availability.failed(first, Evidence::New, at(1), at(2));
    assert_eq!(availability.wake_at(), None);
    availability.failed(second, Evidence::New, at(2), at(3));
    assert_eq!(
        availability.wake_at(),
        Some(at(11)),
        "ten seconds after the first of them left"
    );
    assert_eq!(
        availability.judge(at_ms(10_999), &mut random),
        Transition::Unchanged
    );
    assert_eq!(availability.judge(at(11), &mut random), Transition::Opened);
    assert_eq!(availability.wake_at(), None);
    assert_eq!(
        availability.judge(at(12), &mut random),
        Transition::Unchanged,
        "it opens once"
    );
}

#[test]
fn more_failures_than_successes_in_twenty_seconds_are_an_outage() {
    let check = |alive: u64, failed: u64, want: bool| {
        let mut signs = Signs::new(ANSWERED);
        for row in tickets(failed) {
            signs.failed(row, Evidence::Repeated, at(100), at(100));
        }
        for _ in 0..alive {
            signs.alive(at(100), at(100));
        }
        assert_eq!(
            signs.is_down(at(101)),
            want,
            "{failed} of {}",
            alive + failed
        );
    };
    check(9, 10, false);
    check(10, 10, false);
    check(9, 11, true);
    check(500, 500, false);
    check(499, 501, true);
}

#[test]
fn a_failure_of_twenty_seconds_ago_is_no_part_of_the_share() {
    let check = |later: Moment, want: bool| {
        let mut signs = Signs::new(ANSWERED);
        let rows = tickets(20);
        let (before, [last]) = rows.split_at(19) else {
            panic!("twenty rows")
        };
        for row in before {
            fail(&mut signs, *row, at(100));
        }
        signs.alive(at(100), at(100));
        signs.alive(later, later);
        fail(&mut signs, *last, later);
        assert_eq!(signs.is_down(later), want, "at {later:?}");
    };
    check(at(120), true);
    check(at(121), false);
}

#[test]
fn rows_that_were_in_doubt_and_relapses_are_no_ten_rows() {
    for (evidence, share) in [(Evidence::None, false), (Evidence::Repeated, true)] {
        let mut signs = Signs::new(ANSWERED);
        for row in tickets(19) {
            signs.failed(row, evidence, at(100), at(100));
        }
        assert!(!signs.is_down(at(200)), "{evidence:?}");
        signs.failed(ticket(), evidence, at(100), at(100));
        assert_eq!(
            signs.is_down(at(100)),
            share,
            "of {evidence:?} as of all answers"
        );
    }
}

#[test]
fn a_success_that_left_before_the_trouble_ends_none_of_it() {
    let check = |sent: Moment, want: Option<Moment>| {
        let mut signs = Signs::new(ANSWERED);
        fail(&mut signs, ticket(), at(10));
        signs.alive(sent, at(20));
        assert_eq!(
            signs.failing_since(),
            want,
            "a success that left at {sent:?}"
        );
    };
    check(at(9), Some(at(10)));
    check(at(10), None);
    check(at(11), None);
}

#[test]
fn a_failure_that_left_before_a_success_begins_no_trouble() {
    let check = |sent: Moment, want: Option<Moment>| {
        let mut signs = Signs::new(ANSWERED);
        signs.alive(at(10), at(11));
        fail(&mut signs, ticket(), sent);
        assert_eq!(
            signs.failing_since(),
            want,
            "a failure that left at {sent:?}"
        );
        assert!(signs.was_alive_since(at(10)) && !signs.was_alive_since(at_ms(10_001)));
    };
    check(at(9), None);
    check(at(10), Some(at(10)));
}

#[test]
fn any_success_forgets_the_rows_that_failed_before() {
    let mut signs = Signs::new(ANSWERED);
    let rows = tickets(18);
    for nine in rows.chunks(9) {
        for row in nine {
            fail(&mut signs, *row, at(10));
        }
        assert!(!signs.is_down(at(10)));
        signs.alive(at(1), at(11));
    }
    assert_eq!(signs.down_at(), None);
}

#[test]
fn one_proven_failure_in_eight_answers_is_the_apis_trouble() {
    let check = |answers: u64, want: bool| {
        let mut signs = Signs::new(ANSWERED);
        let counts = signs.counts();
        signs.applied(1, at(0), at(0));
        // Late enough that the share of the last twenty seconds does not count.
        (1..answers).for_each(|_| signs.applied(0, at(60), at(60)));
        assert_eq!(
            signs.has_been_in_trouble_since(counts, at(60)),
            want,
            "one failure among {answers} answers"
        );
        assert!(
            !signs.has_been_in_trouble_since(signs.counts(), at(60)),
            "and nothing since"
        );
    };
    check(8, true);
    check(9, false);
}

#[test]
fn an_outage_that_many_showed_is_trouble_and_one_of_two_rows_is_not() {
    for (rows, want) in [(2, false), (3, true)] {
        let mut availability: Availability<()> = Availability::new(ANSWERED);
        let counts = availability.counts();
        for row in tickets(rows) {
            availability.failed(row, Evidence::New, at(0), at(0));
        }
        assert_eq!(
            availability.judge(at(10), &mut random()),
            Transition::Opened
        );
        assert_eq!(
            availability.has_been_in_trouble_since(counts, at(10)),
            want,
            "{rows} rows"
        );
        let forgiven = counts.after_outages_of(availability.counts());
        assert!(!availability.has_been_in_trouble_since(forgiven, at(10)));
    }
}

#[test]
fn three_rows_that_something_else_answered_are_an_outage_once_the_api_has_answered() {
    for (has_answered, rows, want) in [(true, 3, true), (true, 2, false), (false, 3, false)] {
        let mut signs = Signs::new(History {
            answered: u64::from(has_answered),
            ..History::default()
        });
        for row in tickets(rows) {
            signs.foreign_answer(row, at(0));
            fail(&mut signs, row, at(0));
        }
        assert_eq!(
            signs.is_down(at(0)),
            want,
            "{rows} rows, answered before: {has_answered}"
        );
    }
}

#[test]
fn a_success_forgets_what_something_else_answered_before() {
    let mut signs = Signs::new(ANSWERED);
    for row in tickets(3) {
        signs.foreign_answer(row, at(1));
        fail(&mut signs, row, at(1));
        assert!(!signs.is_down(at(1)));
        signs.alive(at(0), at(1));
    }
}

#[test]
fn what_failed_before_an_outage_opens_no_other_one() {
    let mut availability: Availability<()> = Availability::new(ANSWERED);
    for row in tickets(30) {
        availability.failed(row, Evidence::New, at(0), at(0));
    }
    assert_eq!(availability.judge(at(0), &mut random()), Transition::Opened);
    availability.refused(at(5), at(6));
    assert_eq!(
        availability.alive(at(5), at(6)),
        Some(Duration::from_secs(6))
    );
    availability.failed(ticket(), Evidence::New, at(7), at(8));
    assert_eq!(
        availability.judge(at(8), &mut random()),
        Transition::Unchanged
    );
}

#[test]
fn what_was_proven_long_ago_is_no_trouble_now() {
    let mut signs = Signs::new(ANSWERED);
    signs.applied(3, at(0), at(0));
    let counts = signs.counts();
    signs.count_refusal_in_doubt();
    assert!(signs.has_been_in_trouble_since(counts, at(20)));
    assert!(!signs.has_been_in_trouble_since(counts, at(21)));
}

#[test]
fn what_something_else_answered_before_a_success_left_is_no_news() {
    let check = |sent: Moment, want: bool| {
        let mut signs = Signs::new(ANSWERED);
        signs.alive(at(10), at(11));
        for row in tickets(3) {
            signs.foreign_answer(row, sent);
            signs.failed(row, Evidence::None, at(10), at(12));
        }
        assert_eq!(signs.is_down(at(12)), want, "answers of {sent:?}");
    };
    check(at_ms(9_999), false);
    check(at(10), true);
    check(at(11), true);
}

#[test]
fn a_row_that_something_else_answers_twice_is_one_row() {
    let mut signs = Signs::new(ANSWERED);
    for row in tickets(2) {
        (0..3).for_each(|_| signs.foreign_answer(row, at(1)));
    }
    assert_eq!(signs.foreign_rows(), 2);
}

#[test]
fn earlier_processes_count_as_answered_and_as_applied() {
    for (ended, errors, answered, want) in [
        (0, 0, 0, (false, false)),
        (1, 1, 0, (false, false)),
        (1, 1, 1, (true, false)),
        (2, 1, 1, (true, true)),
    ] {
        let history = History {
            ended,
            errors,
            answered,
            not_before: Moment::START,
        };
        let mut availability: Availability<u64> = Availability::new(history);
        let found = (availability.has_answered(), availability.has_ever_applied());
        assert_eq!(found, want, "{history:?}");
        availability.applied(customer(1), &1, None, 0, at(0), at(0));
        assert!(availability.has_answered() && availability.has_ever_applied());
    }
}

/// Each answer makes the share of a proven failure smaller, whatever the answer is.
#[test]
fn every_answer_counts_for_the_share_of_the_apis_trouble() {
    let others: [fn(&mut Signs); 3] = [
        |signs| signs.applied(0, at(60), at(60)),
        |signs| signs.count_refusal_in_doubt(),
        |signs| signs.failed(ticket(), Evidence::None, at(60), at(60)),
    ];
    for (index, other) in others.iter().enumerate() {
        for (answers, want) in [(8, true), (9, false)] {
            let mut signs = Signs::new(ANSWERED);
            // Counts of before do not matter.
            (0..7).for_each(|_| signs.applied(1, at(0), at(0)));
            let counts = signs.counts();
            signs.applied(1, at(0), at(0));
            (1..answers).for_each(|_| other(&mut signs));
            assert_eq!(
                signs.has_been_in_trouble_since(counts, at(60)),
                want,
                "{answers} answers, other {index}"
            );
        }
    }
}

#[test]
fn rows_that_failed_may_turn_out_to_be_the_apis_trouble() {
    let check = |answers: u64, proven: u32, rows: usize, want: bool| {
        let mut signs = Signs::new(ANSWERED);
        (0..7).for_each(|_| signs.applied(1, at(0), at(0)));
        let counts = signs.counts();
        (1..answers).for_each(|_| signs.applied(0, at(60), at(60)));
        signs.applied(proven, at(60), at(60));
        assert_eq!(
            signs.may_be_in_trouble_since(counts, rows),
            want,
            "{rows} rows and {proven} failures among {answers} answers"
        );
    };
    check(8, 0, 0, false);
    check(8, 0, 1, true);
    check(9, 0, 1, false);
    check(16, 1, 1, true);
    check(17, 1, 1, false);
    check(8, 1, 0, true);
}

#[test]
fn an_outage_is_shown_by_many_if_something_else_answered_three_rows() {
    for (rows, want) in [(2, false), (3, true)] {
        let mut signs = Signs::new(ANSWERED);
        for row in tickets(rows) {
            signs.foreign_answer(row, at(0));
        }
        assert_eq!(signs.is_shown_by_many(at(0)), want, "{rows} rows");
    }
}

#[test]
fn the_share_of_the_last_twenty_seconds_is_kept_second_by_second() {
    // An answer belongs to the second that began at most a second before it.
    for (later, want) in [(at_ms(999), false), (at(1), true)] {
        let mut signs = Signs::new(ANSWERED);
        signs.failed(ticket(), Evidence::Repeated, at(0), at(0));
        for row in tickets(20) {
            signs.failed(row, Evidence::Repeated, later, later);
        }
        assert_eq!(signs.is_down(at(21)), want, "failures at {later:?}");
    }
}

#[test]
fn what_was_proven_lately_is_a_share_of_the_latest_answers() {
    for (answers, want) in [(8, true), (9, false)] {
        let mut signs = Signs::new(ANSWERED);
        signs.applied(1, at(0), at(0));
        (2..answers).for_each(|_| signs.alive(at(0), at(0)));
        signs.failed(ticket(), Evidence::Repeated, at(0), at(2));
        let counts = signs.counts();
        assert_eq!(
            signs.has_been_in_trouble_since(counts, at(2)),
            want,
            "{answers} answers"
        );
    }
}

#[test]
fn rows_in_doubt_count_as_answers_and_may_be_foreign() {
    for (answers, want) in [(8, true), (9, false)] {
        let mut availability: Availability<u64> = Availability::new(ANSWERED);
        let counts = availability.counts();
        (0..answers).for_each(|_| availability.refused_in_doubt());
        assert!(!availability.may_be_in_trouble_since(counts, 0));
        assert_eq!(
            availability.may_be_in_trouble_since(counts, 1),
            want,
            "{answers} answers"
        );
    }
    let mut availability: Availability<u64> = Availability::new(ANSWERED);
    assert!(!availability.all_doubts_are_foreign());
    availability.doubt(ticket(), DoubtReason::NotTheApi, None, at(0), 0);
    assert!(availability.all_doubts_are_foreign());
    availability.doubt(ticket(), DoubtReason::Waits, None, at(0), 0);
    assert!(!availability.all_doubts_are_foreign());
}
