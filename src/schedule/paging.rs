//! The reading of whole pages before the rows: its steps, and what the answers do.
//!
//! Its requests take permits of the same throttle as all others, and their answers are judged as
//! those of reads. While the API is down, pages wait for it as rows do. A page that cannot be read
//! although the API works does not end the run: its customers are read singly.

use super::cause::Cause;
use super::decision::ReadNeed;
use super::judge::{self, Meaning, Wait, WaitReason};
use super::moment::Moment;
use super::pages::{PageReads, PageRequest, PageRules, PageShown, PagesEnd};
use super::request::Departure;
use super::state::Schedule;
use super::step::Step;
use super::stop::StopReason;
use super::throttle::LimitMet;
use super::ticket::Ticket;
use super::token;
use crate::contract::{Answer, Fault};

impl<T: Clone> Schedule<T> {
    /// Reads pages by these rules before the first row.
    pub(crate) fn read_pages(&mut self, rules: PageRules) {
        self.pages = PageReads::of(rules);
    }

    /// Whether pages are still read, so that no row should be offered.
    pub fn reads_pages(&self) -> bool {
        self.pages.are_under_way()
    }

    /// The next request of the reading of pages, or the one in flight.
    pub fn page_request(&self) -> PageRequest {
        self.pages.request()
    }

    /// The number of pages, if it is known.
    pub fn pages(&self) -> Option<u64> {
        self.pages.pages()
    }

    /// Takes the answer to [`Step::SendPage`]. `shown` is what it shows.
    pub fn page_finished(
        &mut self,
        ticket: Ticket,
        answer: &Answer,
        shown: PageShown,
        now: Moment,
    ) {
        self.flights.answered(now);
        self.page_ended(ticket, answer, shown, now);
    }

    /// The next step while pages are read.
    pub(super) fn page_step(&mut self, now: Moment) -> Step<T> {
        if let Some(end) = self.pages.take_end() {
            return Step::PagesEnded(end);
        }
        if self.pages.are_in_flight() {
            return self.wait(None);
        }
        match self.token.next(now) {
            token::Next::Usable => {}
            token::Next::Refresh(reason) => return Step::RefreshToken(reason),
            token::Next::Wait(until) => return self.wait(until),
        }
        if self.pages.due() > now {
            return self.wait(Some(self.pages.due()));
        }
        match self.permit_or_wait(None, now) {
            Some(wait) => wait,
            None => self.send_page(now),
        }
    }

    fn send_page(&mut self, now: Moment) -> Step<T> {
        let ticket = self.order.new_ticket();
        let departure = Departure {
            at: now,
            in_flight: 1,
            nth: self.pages.nth(),
            refused_beside_others: 0,
        };
        let token_generation = self.token.generation();
        self.pages.leaves(ticket, departure, token_generation);
        self.throttle.leaves(departure);
        self.flights.leaves(ticket, now);
        self.statistics.attempts += 1;
        self.run.limited_by = None;
        Step::SendPage(ticket, self.pages.request())
    }

    /// Fails the request for a page, whose timeout is over.
    pub(super) fn page_timed_out(&mut self, ticket: Ticket, now: Moment) {
        let answer = Answer::Fault(Fault::Timeout);
        self.page_ended(ticket, &answer, PageShown::Nothing, now);
    }

    fn page_ended(&mut self, ticket: Ticket, answer: &Answer, shown: PageShown, now: Moment) {
        let departure = self.land(ticket);
        self.learn(answer, departure.at, now);
        let (request, cause) = (self.pages.request(), Cause::of(answer));
        let meaning = match shown {
            PageShown::Page(_) | PageShown::Customer(_) => Meaning::Applied,
            PageShown::Nothing => judge::read_before(answer, ReadNeed::Required),
        };
        match meaning {
            Meaning::Applied if shown == PageShown::Nothing => {
                self.pages.end(PagesEnd::Refused { request, cause });
            }
            Meaning::Applied => {
                self.token.proven(self.pages.token_generation());
                self.throttle.accepted(departure, now);
                self.pages.answered(shown);
                if self.limits.reads == ReadNeed::Only {
                    self.only_reads_work(departure.at, now);
                }
            }
            Meaning::Refused | Meaning::RefusedInDoubt(_) | Meaning::NotTheApi(_) => {
                self.throttle.accepted(departure, now);
                self.pages.end(PagesEnd::Refused { request, cause });
            }
            Meaning::Wait(wait) => self.page_waits(wait, cause, departure, now),
            Meaning::TokenRefused => match self.token.refused(self.pages.token_generation(), now) {
                token::AfterRefusal::SendAgain => {}
                token::AfterRefusal::Stop => self.stop(StopReason::TokenRefused),
            },
            Meaning::Unreachable(fault) if !self.pages.have_answered() => {
                self.stop(StopReason::Unreachable { fault });
            }
            Meaning::SendAgain(_) if self.pages.go_again_at_once() => {}
            Meaning::SendAgain(_)
            | Meaning::NoSockets
            | Meaning::Trouble(_)
            | Meaning::Unreachable(_) => self.page_failed(cause, departure.at, now),
        }
        self.statistics.learned_rate = self.throttle.learned_rate();
    }

    /// Handles an answer to a page that asks to wait, or may mean it.
    fn page_waits(&mut self, wait: Wait, cause: Cause, departure: Departure, now: Moment) {
        let limit = self.throttle.refused(departure, wait, now);
        let is_limit = matches!(limit, LimitMet::Window | LimitMet::Learned);
        // A 503 without a time may be trouble of the list alone, which no wait would end.
        if is_limit && wait.reason != WaitReason::Unavailable {
            self.apply_wait(wait, limit, departure, now);
        } else {
            self.page_failed(cause, departure.at, now);
        }
    }

    /// Sends a request that failed again, as often as a row. After that, the read of a customer shows
    /// whether the API is down. If so, that is the run's wait for the API.
    fn page_failed(&mut self, cause: Cause, sent: Moment, now: Moment) {
        let attempts_max = self.retries.policy.attempts_max();
        let request = self.pages.request();
        let Some(failed) = self.pages.failed(sent, attempts_max) else {
            return self.pages.end(PagesEnd::Failed { request, cause });
        };
        let lasted = self.pages.failing_since().map(|since| now.since(since));
        if let (PageRequest::Control(_), Some(lasted)) = (request, lasted)
            && lasted >= self.limits.wait_max
        {
            return self.stop(StopReason::Outage {
                lasted,
                cause: Some(cause),
            });
        }
        let delay = self.retries.policy.delay(failed, &mut self.random);
        self.pages.go_again(now + delay);
    }
}
