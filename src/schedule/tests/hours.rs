//! The user's hours: no request leaves before them or after them.

use super::*;

fn within(opens: u64, closes: u64, rows: u64) -> Run {
    let mut run = Run::new(rules(), rows);
    run.schedule = run.schedule.within(Some(OpenHours {
        opens: at(opens),
        closes: at(closes),
    }));
    run
}

#[test]
fn the_first_request_waits_for_the_hours() {
    let mut run = within(60, 3600, 2);
    assert_eq!(run.step(), Step::Wait(Some(at(60))));
    assert_eq!(run.schedule.limited_by(), Some(LimitedBy::Hours(at(60))));
    let run = run.run_on(|_| applied());
    assert_eq!(run.writes(1), [at(60)]);
    run.all_updated(2);
}

#[test]
fn at_the_end_of_the_hours_what_is_in_flight_may_finish() {
    let mut run = within(0, 60, 3);
    run.now = at(59);
    let sent = run.leaves().expect("the hours are not over");
    // The end is among the times to wake up at.
    assert_eq!(run.step(), Step::Wait(Some(at(60))));
    run.now = at(60);
    let step = run.step();
    assert!(matches!(step, Step::Wait(Some(_))), "{step:?}");
    run.answered(sent, applied());
    assert_eq!(run.step(), Step::Stopped);
    assert_eq!(run.schedule.stopped(), Some(&StopReason::HoursEnded));
    run.ends(1, "updated 200", 1);
    assert_eq!(run.order(), [(1, Request::Write)]);
}

#[test]
fn a_row_that_waits_for_a_retry_stays_unsent() {
    let mut run = within(0, 60, 1);
    run.now = at(59);
    let sent = run.leaves().expect("the hours are not over");
    run.answered(sent, named(429, S(30)));
    while run.leaves().is_some() {}
    assert_eq!(run.schedule.stopped(), Some(&StopReason::HoursEnded));
    assert_eq!((run.now, run.ended.len()), (at(60), 0));
}

#[test]
fn a_run_that_is_done_by_then_ends_as_usual() {
    let run = within(0, 60, 3).run_on(|_| applied());
    run.all_updated(3);
}
