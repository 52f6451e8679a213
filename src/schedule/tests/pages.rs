//! Whole pages of customers, which are read before the rows.

use super::*;
use PageRequest::{Check, Control, Page};

/// A page of the customers from `first` on, of 250 in all.
fn page(first: u64, customers: u64) -> PageShown {
    PageShown::Page(PageFacts {
        customers,
        first: Some(customer(first)),
        total: Some(250),
    })
}

/// A run of 40 rows whose customers are read from pages.
fn listed(rules: Rules) -> Run {
    let mut run = Run::with(Care::Known, History::default(), rules, 1..=40);
    run.schedule.read_pages(PageRules {
        way: ReadWay::Auto,
        wanted: 40,
    });
    run
}

impl Run {
    /// The next request of the reading of pages, as soon as it may leave.
    #[track_caller]
    fn page_leaves(&mut self) -> (Ticket, PageRequest) {
        for _ in 0..STEPS_MAX {
            match self.step() {
                Step::SendPage(ticket, request) => return (ticket, request),
                Step::Wait(Some(until)) => self.now = self.now.max(until),
                step => panic!("{step:?} at {:?}", self.now),
            }
        }
        panic!("no page is asked for");
    }

    /// Reports the answer to a request, a round trip later.
    fn page_answered(&mut self, ticket: Ticket, answer: &Answer, shown: PageShown) {
        self.now = self.now + ROUND_TRIP;
        self.schedule.page_finished(ticket, answer, shown, self.now);
    }

    /// Answers the next request, which has to be this one, as it wants to be.
    #[track_caller]
    fn page_is_read(&mut self, want: PageRequest) {
        let (ticket, request) = self.page_leaves();
        assert_eq!(request, want);
        let shown = match request {
            Page(number @ 1..=2) => page(number * 100 - 99, 100),
            Page(number) => page(number * 100 - 99, 50),
            Check(_) | Control(_) => PageShown::Customer(PageCheck::Same),
        };
        self.page_answered(ticket, &shows(Shown::AsSent), shown);
    }

    /// Answers the next request with this, and returns it.
    #[track_caller]
    fn page_fails(&mut self, answer: &Answer) -> PageRequest {
        let (ticket, request) = self.page_leaves();
        self.page_answered(ticket, answer, PageShown::Nothing);
        request
    }

    /// Checks that the reading of pages ends like this, and that the rows follow.
    #[track_caller]
    fn pages_end(&mut self, want: PagesEnd) {
        assert!(self.schedule.reads_pages());
        assert_eq!(self.step(), Step::PagesEnded(want));
        assert!(!self.schedule.reads_pages());
        assert!(matches!(self.step(), Step::Decide(_)));
    }
}

/// A run of which the first page was read.
fn begun(rules: Rules) -> Run {
    let mut run = listed(rules);
    run.page_is_read(Page(1));
    run.page_is_read(Check(customer(1)));
    run
}

#[test]
fn pages_are_read_one_at_a_time_and_the_rows_need_no_request() {
    let mut run = listed(in_flight(8));
    let (ticket, request) = run.page_leaves();
    assert_eq!(request, Page(1));
    assert_eq!(run.step(), Step::Wait(Some(at(30))), "it is in flight");
    run.page_answered(ticket, &shows(Shown::AsSent), page(1, 100));
    for request in [Check(customer(1)), Page(2), Page(3)] {
        run.page_is_read(request);
    }
    assert_eq!(run.step(), Step::PagesEnded(PagesEnd::AllRead));
    for row in 1..=40 {
        let Step::Decide(ticket) = run.step() else {
            panic!("row {row} needs a request");
        };
        assert!(run.schedule.is_known(ticket) && run.schedule.awaits_decision(ticket));
        assert_eq!(*run.schedule.row(ticket), row);
        run.schedule
            .decided(ticket, Decision::End(Ending::Unchanged));
    }
    assert_eq!(run.step(), Step::Done);
    run.ends(40, "unchanged", 0);
    assert_eq!(run.schedule.statistics().attempts, 4);
}

#[test]
fn a_customer_who_is_on_no_page_is_read() {
    let mut run = listed(rules());
    run.schedule.offer(customer(41), 41, 1, Care::Read);
    for request in [Page(1), Check(customer(1)), Page(2), Page(3)] {
        run.page_is_read(request);
    }
    assert_eq!(run.step(), Step::PagesEnded(PagesEnd::AllRead));
    while let Step::Decide(ticket) = run.step() {
        run.schedule
            .decided(ticket, Decision::End(Ending::Unchanged));
    }
    // The step that was just taken sends it.
    assert_eq!((run.ended.len(), run.schedule.in_flight()), (40, 1));
}

#[test]
fn pages_keep_to_the_rate() {
    let rate = LimitedRate::new(2, RateUnit::Second).expect("a good rate");
    let mut run = begun(Rules {
        rate: Rate::Limited(rate),
        ..rules()
    });
    run.page_is_read(Page(2));
    run.page_is_read(Page(3));
    // Four requests, the first at once.
    assert!(run.now >= Moment::after_start(Duration::from_millis(1_500)));
    assert!(run.now < at(2), "{:?}", run.now);
}

#[test]
fn a_named_wait_holds_pages_back_and_uses_up_no_attempt() {
    let mut run = begun(rules());
    let before = run.now;
    assert_eq!(run.page_fails(&named(429, S(7))), Page(2));
    run.page_is_read(Page(2));
    assert!(run.now >= before + S(7), "{:?}", run.now);
    let mut run = begun(rules());
    for _ in 0..8 {
        assert_eq!(run.page_fails(&named(429, S(7))), Page(2));
    }
    run.page_is_read(Page(2));
}

#[test]
fn a_wait_that_is_too_long_stops_the_run() {
    let mut run = begun(rules());
    run.page_fails(&named(429, S(901)));
    assert_eq!(run.step(), Step::Stopped);
    let wait = Some(&StopReason::WaitTooLong { wait: S(901) });
    assert_eq!(run.schedule.stopped(), wait);
    // So do many waits without a page in between.
    let mut run = begun(rules());
    while run.schedule.stopped().is_none() {
        run.page_fails(&named(429, S(100)));
        assert!(run.now < at(1_000));
    }
}

/// Failures of all kinds, and their causes.
fn troubles() -> Vec<(Answer, Cause)> {
    let of = |answer: Answer| match &answer {
        Answer::Response(response) => (answer.clone(), Cause::Status(response.status)),
        Answer::Fault(fault) => (answer.clone(), Cause::Fault(*fault)),
    };
    vec![
        of(text(502)),
        of(text(503)),
        of(api(500)),
        of(Answer::Fault(Fault::Refused)),
        of(Answer::Fault(Fault::NoSockets)),
    ]
}

#[test]
fn a_page_that_fails_although_the_api_works_ends_the_pages() {
    for (answer, cause) in troubles() {
        let mut run = begun(rules());
        for _ in 0..4 {
            assert_eq!(run.page_fails(&answer), Page(2));
        }
        run.page_is_read(Page(2));
        for _ in 0..5 {
            assert_eq!(run.page_fails(&answer), Page(3));
        }
        run.page_is_read(Control(customer(1)));
        assert_eq!(run.page_fails(&answer), Page(3));
        let request = Page(3);
        run.pages_end(PagesEnd::Failed { request, cause });
        assert!(run.now < at(600), "{:?}", run.now);
    }
}

#[test]
fn a_first_page_that_fails_ends_the_pages() {
    for (answer, cause) in troubles() {
        let mut run = listed(rules());
        for _ in 0..5 {
            assert_eq!(run.page_fails(&answer), Page(1));
        }
        let request = Page(1);
        run.pages_end(PagesEnd::Failed { request, cause });
    }
}

#[test]
fn pages_wait_for_an_api_that_is_down() {
    let mut run = begun(rules());
    while run.now < at(600) {
        run.page_fails(&text(502));
    }
    run.page_is_read(Control(customer(1)));
    run.page_is_read(Page(2));
    assert_eq!(run.schedule.failing_since(), None);
    run.page_is_read(Page(3));
    run.pages_end(PagesEnd::AllRead);
}

#[test]
fn an_outage_that_is_too_long_stops_the_run() {
    let mut run = begun(rules());
    let began = run.now;
    while run.schedule.stopped().is_none() {
        run.page_fails(&text(502));
        assert!(run.now < began + S(960), "it waits for ever");
    }
    assert!(run.now >= began + S(900));
    let stop = run.schedule.stopped();
    assert!(matches!(stop, Some(StopReason::Outage { .. })), "{stop:?}");
    assert_eq!(run.step(), Step::Stopped);
}

#[test]
fn a_request_that_was_not_processed_is_sent_again_at_once() {
    let mut run = begun(rules());
    let answer = Answer::Fault(Fault::Unanswered);
    let mut fails_at_once = || {
        let before = run.now;
        run.page_fails(&answer);
        run.now == before + ROUND_TRIP
    };
    // The first request, and twice again.
    assert!((0..3).all(|_| fails_at_once()));
    assert!(!fails_at_once(), "more of it is trouble");
    run.page_is_read(Page(2));
}

#[test]
fn a_page_that_fails_is_asked_for_again_after_growing_waits() {
    let mut run = begun(rules());
    let mut requests = 0;
    while run.now < at(600) {
        run.page_fails(&text(502));
        requests += 1;
    }
    assert!((5..100).contains(&requests), "{requests} in ten minutes");
}

#[test]
fn the_longest_wait_for_pages_ends_to_the_moment() {
    for (lasts, stops) in [(S(899), false), (S(900), true)] {
        let mut run = begun(Rules {
            timeout: S(1000),
            ..rules()
        });
        let since = run.now;
        while !matches!(run.schedule.page_request(), Control(_)) {
            run.page_fails(&text(502));
        }
        let (ticket, _) = run.page_leaves();
        run.now = since + lasts - ROUND_TRIP;
        run.page_answered(ticket, &text(502), PageShown::Nothing);
        let want = StopReason::Outage {
            lasted: lasts,
            cause: Some(Cause::Status(502)),
        };
        assert_eq!(run.schedule.stopped(), stops.then_some(&want), "{lasts:?}");
    }
}

#[test]
fn the_number_of_pages_is_known_after_the_first() {
    let mut run = listed(rules());
    assert_eq!(run.schedule.pages(), None);
    run.page_is_read(Page(1));
    assert_eq!(run.schedule.pages(), Some(3));
}

#[test]
fn an_answer_that_shows_no_page_ends_the_pages_whatever_else_it_shows() {
    let mut run = begun(rules());
    let request = run.page_fails(&shows(Shown::AsSent));
    let cause = Cause::Status(200);
    run.pages_end(PagesEnd::Refused { request, cause });
}

#[test]
fn pages_say_that_the_api_works_only_where_nothing_is_written() {
    for (reads, works) in [(ReadNeed::Required, false), (ReadNeed::Only, true)] {
        let run = begun(Rules { reads, ..rules() });
        assert_eq!(run.schedule.availability.has_answered(), works, "{reads:?}");
    }
}

#[test]
fn requests_for_a_page_are_numbered_until_it_is_read() {
    let mut run = begun(rules());
    for nth in 1..=3 {
        assert_eq!(run.schedule.pages.nth(), nth);
        run.page_fails(&text(502));
    }
    run.page_is_read(Page(2));
    assert_eq!(run.schedule.pages.nth(), 1);
}

#[test]
fn a_refusal_and_another_shape_end_the_pages() {
    for answer in [
        api(403),
        api(404),
        api(422),
        text(404),
        text(200),
        text(302),
    ] {
        let Answer::Response(response) = &answer else {
            panic!("they are answers");
        };
        let cause = Cause::Status(response.status);
        for request in [Page(1), Check(customer(1)), Page(2)] {
            let mut run = listed(rules());
            for earlier in [Page(1), Check(customer(1))] {
                if earlier == request {
                    break;
                }
                run.page_is_read(earlier);
            }
            assert_eq!(run.page_fails(&answer), request);
            run.pages_end(PagesEnd::Refused { request, cause });
        }
    }
}

#[test]
fn a_refused_token_is_refreshed_once() {
    let mut run = begun(rules());
    run.page_fails(&api(401));
    assert_eq!(run.step(), Step::RefreshToken(RefreshReason::Needed));
    let new = Refreshed::New { lifetime: None };
    run.schedule.token_refreshed(new, run.now);
    assert_eq!(run.page_fails(&api(401)), Page(2));
    assert_eq!(run.schedule.stopped(), Some(&StopReason::TokenRefused));
    assert_eq!(run.step(), Step::Stopped);
}

#[test]
fn a_setting_that_is_wrong_stops_the_run_and_later_trouble_does_not() {
    let fault = Fault::NameUnknown;
    let mut run = listed(rules());
    run.page_fails(&Answer::Fault(fault));
    assert_eq!(
        run.schedule.stopped(),
        Some(&StopReason::Unreachable { fault })
    );
    let mut run = begun(rules());
    run.page_fails(&Answer::Fault(fault));
    run.page_is_read(Page(2));
}

#[test]
fn a_page_without_an_answer_is_given_up_and_asked_for_again() {
    let mut run = begun(rules());
    let (ticket, _) = run.page_leaves();
    let left = run.now;
    assert_eq!(run.step(), Step::Wait(Some(left + S(30))));
    run.now = left + S(30);
    assert_eq!(run.step(), Step::GiveUp(ticket));
    assert_eq!(run.schedule.in_flight(), 0);
    run.page_is_read(Page(2));
}

#[test]
fn a_stop_waits_for_a_page_no_longer_than_its_grace() {
    let mut run = begun(rules());
    let (ticket, _) = run.page_leaves();
    run.schedule.stop(StopReason::Interrupted);
    assert_eq!(run.step(), Step::Wait(Some(run.now + S(25))));
    run.now = run.now + S(25);
    assert_eq!(run.step(), Step::GiveUp(ticket));
    assert_eq!(run.step(), Step::Stopped);
}

#[test]
fn a_page_that_is_answered_after_a_stop_changes_nothing() {
    let mut run = begun(rules());
    let (ticket, _) = run.page_leaves();
    run.schedule.stop(StopReason::Interrupted);
    run.step();
    run.page_answered(ticket, &shows(Shown::AsSent), page(101, 100));
    assert_eq!(run.step(), Step::Stopped);
}
