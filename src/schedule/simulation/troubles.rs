//! Runs in which rows or requests fail: whose fault it is, what is sent again, and in which order.

use std::time::Duration;

use super::server::{Down, Latency, Trouble};
use super::{all_updated, at, each_seed, latency, ms, s, well};
use crate::contract::{Answer, Attempt, Body, CustomerId, Response};
use crate::schedule::error_limit::ErrorLimit;
use crate::schedule::{
    Care, Ending, History, Moment, Random, Refreshed, Request, RetryPolicy, Schedule, Step,
    StopReason,
};

fn customer(id: u64) -> CustomerId {
    CustomerId::new(id).expect("a good id")
}

#[test]
fn retries_stay_within_the_budget() {
    let setup = |random: &mut Random| {
        let mut setup = well(600, random);
        setup.server.troubles = vec![Trouble::Random(0.4, Down::api(500))];
        setup
    };
    each_seed(30, setup, |report| {
        // A retry that succeeds returns what it cost.
        let failed_retries =
            report.answers[&500] - 600_usize.saturating_sub(report.first_successes);
        let bound = 100.0 + report.updated as f64 / 5.0 + report.lasted.as_secs_f64() + 1.0;
        assert!(
            failed_retries as f64 <= bound,
            "{failed_retries} failed retries, where {bound} can be borne"
        );
    });
}

#[test]
fn rows_that_failed_together_do_not_return_together() {
    // Thirty rows meet a fault at once. Their next attempts are spread over the interval.
    let setup = |random: &mut Random| {
        let mut setup = well(4, random);
        setup.server.latency = Latency {
            jitter: 0.0,
            ..latency(ms(50))
        };
        setup.server.troubles = vec![Trouble::Poison {
            first: 0,
            every: 1,
            with: Down::api(500),
        }];
        setup
    };
    each_seed(50, setup, |report| {
        let second = &report.sends[4..8];
        assert!(
            second.windows(2).any(|pair| pair[1].since(pair[0]) > ms(5)),
            "{second:?}"
        );
    });
}

#[test]
fn bad_rows_fail_alone() {
    for status in [500, 502, 503, 504] {
        for first in [0, 57, 198, 199] {
            let setup = |random: &mut Random| {
                let mut setup = well(200, random);
                setup.server.troubles = vec![Trouble::Poison {
                    first,
                    every: 71,
                    with: Down::api(status),
                }];
                setup
            };
            each_seed(10, setup, |report| {
                let bad = (200 - usize::try_from(first).expect("small")).div_ceil(71);
                assert_eq!(
                    (report.failed, report.updated),
                    (bad, 200 - bad),
                    "{status} from {first}"
                );
                assert_eq!(report.statistics.outages, 0);
                // Three that are in doubt together get a second chance each.
                let most = if status == 500 { 3 } else { 5 } + u32::from(bad >= 3);
                assert!(
                    report.bad_attempts.iter().all(|sent| *sent <= most),
                    "{:?}",
                    report.bad_attempts
                );
                assert!(report.lasted < s(20), "{:?}", report.lasted);
            });
        }
    }
}

#[test]
fn a_cluster_of_bad_rows_holds_no_other_row_up() {
    let setup = |random: &mut Random| {
        let mut setup = well(400, random);
        setup.server.troubles = (40..60)
            .map(|first| Trouble::Poison {
                first,
                every: 1000,
                with: Down::api(502),
            })
            .collect();
        setup
    };
    each_seed(20, setup, |report| {
        assert_eq!(
            (report.failed, report.updated, &report.stopped),
            (20, 380, &None)
        );
        assert!(report.lasted < s(300), "{:?}", report.lasted);
    });
}

#[test]
fn an_outage_fails_no_row() {
    for down in [
        Down::Refused,
        Down::text(503),
        Down::text(502),
        Down::Broken,
        Down::BlackHole,
    ] {
        let setup = |random: &mut Random| {
            let mut setup = well(300, random);
            let from = Moment::after_start(random.up_to(s(1)));
            // A timeout takes half a minute, and a row has five of them by default.
            let attempts = if down == Down::BlackHole { 5 } else { 2 };
            setup.rules.retry = RetryPolicy::new(attempts).expect("a good limit");
            setup.server.troubles = vec![Trouble::Outage(from, from + random.up_to(s(100)), down)];
            setup
        };
        each_seed(40, setup, |report| all_updated(&report, 300));
    }
}

#[test]
fn nor_does_a_long_one() {
    // Few rows, so that probes repeat rows that have failed. Most rows are left when it starts.
    let setup = |random: &mut Random| {
        let mut setup = well(30, random);
        let from = Moment::after_start(ms(100));
        setup.rules.retry = RetryPolicy::new(2).expect("a good limit");
        setup.server.troubles = vec![Trouble::Outage(
            from,
            at(400) + random.up_to(s(400)),
            Down::text(503),
        )];
        setup
    };
    each_seed(20, setup, |report| all_updated(&report, 30));
}

#[test]
fn attempts_from_before_the_breaker_opened_are_forgiven() {
    let mut setup = well(20, &mut Random::seeded(0));
    setup.rules.retry = RetryPolicy::new(2).expect("a good limit");
    let mut schedule: Schedule<u64> = Schedule::new(setup.rules, History::default(), 0);
    for (row, customer) in (0..).zip(setup.customers) {
        schedule.offer(customer, row, 1, Care::None);
    }
    schedule.close();
    let (mut now, mut attempts) = (Moment::START, [0; 20]);
    loop {
        match schedule.next(now) {
            Step::Send(ticket, Request::Write) => {
                let row = *schedule.row(ticket) as usize;
                attempts[row] += 1;
                // Ten rows fail in a row, which looks like an outage. One of them fails once more
                // after it.
                let fails = attempts[row]
                    <= match row {
                        1 => 2,
                        2..=10 => 1,
                        _ => 0,
                    };
                let (status, body) = if fails {
                    (503, Body::Empty)
                } else {
                    (200, Body::APPLIED)
                };
                now = now + ms(1);
                let answer = Answer::Response(Response {
                    status,
                    body,
                    ..Response::default()
                });
                schedule.finished(
                    ticket,
                    Attempt {
                        answer,
                        took: ms(1),
                    },
                    now,
                );
            }
            Step::Ended(ended) => {
                assert_eq!(
                    ended.ending,
                    Ending::Updated {
                        status: 200,
                        echo: None,
                    },
                    "row {}",
                    ended.row
                );
                schedule.recorded(ended.customer);
            }
            Step::Wait(until) => now = until.expect("nothing is in flight"),
            Step::Done => break,
            step => panic!("{step:?}"),
        }
    }
    assert_eq!((attempts[1], schedule.statistics().outages), (3, 1));
}

#[test]
fn after_an_outage_it_begins_again_gently() {
    let setup = |random: &mut Random| {
        let mut setup = well(3000, random);
        setup.server.troubles = vec![Trouble::Outage(at(4), at(10), Down::Refused)];
        setup
    };
    each_seed(10, setup, |report| {
        // The first request after the outage is the probe. Its answer lets others leave, none of
        // which is answered within 50 ms.
        let after: Vec<Moment> = report
            .sends
            .iter()
            .copied()
            .filter(|sent| *sent >= at(10))
            .collect();
        let herd = after
            .iter()
            .skip(1)
            .filter(|sent| sent.since(after[1]) < ms(50))
            .count();
        assert!(herd <= 4, "{herd} requests at once");
    });
}

#[test]
fn an_api_that_is_down_from_the_start_stops_the_run() {
    for (rows, down) in [
        (1, Down::Refused),
        (1, Down::text(503)),
        (3, Down::BlackHole),
        (100, Down::Broken),
    ] {
        let setup = |random: &mut Random| {
            let mut setup = well(rows, random);
            setup.server.troubles = vec![Trouble::Outage(Moment::START, at(100_000), down)];
            setup
        };
        each_seed(10, setup, |report| {
            assert!(
                matches!(report.stopped, Some(StopReason::Outage { .. })),
                "{:?}",
                report.stopped
            );
            assert_eq!((report.failed, report.unsent), (0, rows as usize));
            assert!(report.sends.len() <= 110, "{} requests", report.sends.len());
            assert!(report.lasted <= s(25 * 60));
        });
    }
}

#[test]
fn an_api_that_comes_and_goes_fails_no_row() {
    for down in [Down::Refused, Down::text(503), Down::text(502)] {
        let setup = |random: &mut Random| {
            let mut setup = well(1000, random);
            setup.rules.retry = RetryPolicy::new(3).expect("a good limit");
            setup.server.troubles = vec![Trouble::Flapping(s(3), s(3), down)];
            setup
        };
        each_seed(10, setup, |report| {
            all_updated(&report, 1000);
            assert!(report.lasted < s(120), "{down:?} {:?}", report.lasted);
        });
    }
}

#[test]
fn a_token_that_expires_is_refreshed_once_for_all_rows() {
    let setup = |random: &mut Random| {
        let mut setup = well(1000, random);
        setup.rules.retry = RetryPolicy::new(1).expect("a good limit");
        setup.server.token_lives = s(2);
        setup
    };
    each_seed(20, setup, |report| {
        all_updated(&report, 1000);
        let expired = report.lasted.as_secs() / 2;
        assert!(
            u64::from(report.refreshes) <= expired,
            "{} refreshes in {:?}",
            report.refreshes,
            report.lasted
        );
        assert!(report.refreshes > 0);
    });
}

#[test]
fn a_token_that_stays_refused_stops_the_run() {
    let setup = |random: &mut Random| {
        let mut setup = well(1000, random);
        setup.server.token_lives = s(2);
        setup.refreshed = Refreshed::Unchanged;
        setup
    };
    each_seed(20, setup, |report| {
        assert_eq!(report.stopped, Some(StopReason::TokenRefused));
        assert_eq!((report.refreshes, report.failed + report.rejected), (1, 0));
    });
}

#[test]
fn answers_that_all_rows_meet_leave_them_unsent() {
    for (status, requests_max) in [(403, 20 + 32), (404, 100 + 32)] {
        let setup = |random: &mut Random| {
            let mut setup = well(200, random);
            setup.rules.error_limit = ErrorLimit::Count(1000);
            setup.server.troubles = vec![Trouble::Random(1.0, Down::api(status))];
            setup
        };
        each_seed(20, setup, |report| {
            assert_eq!((report.rejected, report.unsent), (0, 200));
            assert!(report.sends.len() <= requests_max, "{}", report.sends.len());
        });
    }
}

#[test]
fn refusals_of_single_rows_are_their_own() {
    for (status, requests_max) in [(403, 100 + 2 * 32), (404, 100 + 2 * 32), (422, 100)] {
        let setup = |random: &mut Random| {
            let mut setup = well(100, random);
            setup.rules.error_limit = ErrorLimit::Count(1000);
            setup.server.troubles = vec![Trouble::Poison {
                first: 5,
                every: 3,
                with: Down::api(status),
            }];
            setup
        };
        each_seed(20, setup, |report| {
            assert_eq!(
                (report.rejected, report.updated, &report.stopped),
                (32, 68, &None)
            );
            // Three refusals or more at once are rechecked.
            assert!(report.sends.len() <= requests_max, "{}", report.sends.len());
        });
    }
}

#[test]
fn a_customer_with_many_rows_keeps_their_order() {
    let setup = |random: &mut Random| {
        let mut setup = well(0, random);
        setup.customers = (0..300)
            .map(|row| if row % 3 == 0 { 1 } else { row + 10 })
            .map(customer)
            .collect();
        setup.recording = ms(50);
        setup.server.troubles = vec![
            Trouble::Random(0.1, Down::api(503)),
            Trouble::Random(0.1, Down::api(500)),
        ];
        setup
    };
    each_seed(50, setup, |report| {
        assert_eq!(report.updated + report.failed, 300);
    });
}

#[test]
fn a_row_that_waits_delays_only_its_customer() {
    let setup = |random: &mut Random| {
        let mut setup = well(0, random);
        setup.rules.retry = RetryPolicy::new(8).expect("a good limit");
        setup.customers = (0..200)
            .map(|row| if row < 20 { 1 } else { row + 10 })
            .map(customer)
            .collect();
        setup.server.troubles = vec![Trouble::Poison {
            first: 0,
            every: 1000,
            with: Down::api(504),
        }];
        setup
    };
    each_seed(20, setup, |report| {
        assert_eq!((report.updated, report.failed), (199, 1));
        let others = report.sends.iter().filter(|sent| **sent < at(3)).count();
        assert!(others >= 180, "{others} rows in the first three seconds");
    });
}

#[test]
fn more_rows_than_are_held_at_once() {
    // The hot customer's rows fill the window of held rows. The window is bounded, and the run
    // still ends.
    let setup = |random: &mut Random| {
        let mut setup = well(0, random);
        setup.customers = (0..12_000)
            .map(|row| if row % 10 < 9 { 1 } else { row + 10 })
            .map(customer)
            .collect();
        setup.server.latency = latency(ms(2));
        setup.recording = Duration::ZERO;
        setup
    };
    each_seed(1, setup, |report| {
        all_updated(&report, 12_000);
        assert!(report.held_max <= 8192, "{}", report.held_max);
    });
}

#[test]
fn a_stop_leaves_what_was_not_sent() {
    let setup = |random: &mut Random| {
        let mut setup = well(500, random);
        setup.server.troubles = vec![Trouble::Random(0.1, Down::api(503))];
        setup.stop = Some((
            Moment::after_start(random.up_to(s(2))),
            StopReason::Terminated,
        ));
        setup
    };
    each_seed(50, setup, |report| {
        assert_eq!(report.stopped, Some(StopReason::Terminated));
        assert!(
            report.lasted < s(3),
            "only what is in flight is waited for: {:?}",
            report.lasted
        );
        assert!(report.unsent > 0);
    });
}

#[test]
fn invalid_rows_end_in_their_turn_and_are_never_sent() {
    let setup = |random: &mut Random| {
        let mut setup = well(100, random);
        setup.invalid_every = Some(5);
        setup.server.troubles = vec![Trouble::Outage(at(1), at(5), Down::Refused)];
        setup
    };
    each_seed(20, setup, |report| {
        assert_eq!(
            (report.invalid, report.updated, &report.stopped),
            (20, 80, &None)
        );
    });
}
