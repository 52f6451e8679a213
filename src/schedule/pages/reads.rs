//! The state of the reading of pages: the request in flight, its failures, and the end.

use super::super::moment::Moment;
use super::super::request::Departure;
use super::super::ticket::Ticket;
use super::plan::{PageCheck, PagePlan, PageRequest, PageRules, PageShown, PagesEnd, ReadWay};
use crate::contract::CustomerId;

/// The times that a request is sent again at once after it was not processed. The next one is
/// trouble.
const NOT_PROCESSED_MAX: u32 = 2;

/// The reading of pages. One request is in flight at a time.
#[derive(Debug)]
pub(in super::super) struct PageReads {
    plan: PagePlan,
    phase: Phase,
    flight: Option<Flight>,
    /// The generation of the token that the last request was sent with.
    token_generation: u32,
    /// The time before which the next request does not leave.
    due: Moment,
    failures: Failures,
    /// The customer who was read singly, once there is one.
    checked: Option<CustomerId>,
    /// Whether a page was read.
    has_answered: bool,
}

#[derive(Debug)]
enum Phase {
    Reading,
    /// The driver is to be told.
    Ended(PagesEnd),
    /// It has not begun, or the driver knows of the end.
    Over,
}

/// The request in flight.
#[derive(Debug, Clone, Copy)]
struct Flight {
    ticket: Ticket,
    departure: Departure,
}

/// The requests since the last good answer, and their failures.
#[derive(Debug, Default)]
struct Failures {
    sent: u32,
    failed: u32,
    not_processed: u32,
    /// The time at which the first one left that failed.
    since: Option<Moment>,
    suspect: Suspect,
}

/// The suspected cause of failures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Suspect {
    /// Chance: the request is sent again.
    #[default]
    Chance,
    /// The whole API. A customer who was read before shows whether it works.
    Api,
    /// The page: a customer was read in the meantime. The request is sent once more.
    Page,
}

impl PageReads {
    /// The reading of no page.
    pub(in super::super) fn none() -> PageReads {
        PageReads::of(PageRules {
            way: ReadWay::Each,
            wanted: 0,
        })
    }

    /// The reading of pages by these rules.
    pub(in super::super) fn of(rules: PageRules) -> PageReads {
        PageReads {
            plan: PagePlan::new(rules),
            phase: if rules.want_pages() {
                Phase::Reading
            } else {
                Phase::Over
            },
            flight: None,
            token_generation: 0,
            due: Moment::START,
            failures: Failures::default(),
            checked: None,
            has_answered: false,
        }
    }

    /// Whether pages are read, or the driver does not know of their end.
    pub(in super::super) fn are_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Over)
    }

    /// Returns the end once.
    pub(in super::super) fn take_end(&mut self) -> Option<PagesEnd> {
        let Phase::Ended(end) = self.phase else {
            return None;
        };
        self.phase = Phase::Over;
        Some(end)
    }

    /// The next request, or the one in flight.
    pub(in super::super) fn request(&self) -> PageRequest {
        match (self.failures.suspect, self.checked) {
            (Suspect::Api, Some(customer)) => PageRequest::Control(customer),
            _ => self.plan.next(),
        }
    }

    /// The time before which the next request does not leave.
    pub(in super::super) fn due(&self) -> Moment {
        self.due
    }

    /// The number of pages, if it is known.
    pub(in super::super) fn pages(&self) -> Option<u64> {
        self.plan.pages()
    }

    /// Whether a page was read.
    pub(in super::super) fn have_answered(&self) -> bool {
        self.has_answered
    }

    /// The number of the next request since the last good answer, from 1.
    pub(in super::super) fn nth(&self) -> u32 {
        self.failures.sent + 1
    }

    /// Notes that the next request leaves, with a token of this generation.
    pub(in super::super) fn leaves(
        &mut self,
        ticket: Ticket,
        departure: Departure,
        token_generation: u32,
    ) {
        self.failures.sent += 1;
        self.flight = Some(Flight { ticket, departure });
        self.token_generation = token_generation;
    }

    /// The generation of the token that the last request was sent with.
    pub(in super::super) fn token_generation(&self) -> u32 {
        self.token_generation
    }

    /// Whether a request is in flight.
    pub(in super::super) fn are_in_flight(&self) -> bool {
        self.flight.is_some()
    }

    /// The departure of this ticket's request, if it is the one in flight.
    pub(in super::super) fn departure(&self, ticket: Ticket) -> Option<Departure> {
        let flight = self.flight.filter(|flight| flight.ticket == ticket);
        flight.map(|flight| flight.departure)
    }

    /// Takes this ticket's request out of flight, if it is in flight.
    pub(in super::super) fn land(&mut self, ticket: Ticket) -> Option<Departure> {
        let departure = self.departure(ticket)?;
        self.flight = None;
        Some(departure)
    }

    /// Takes a good answer to the request.
    pub(in super::super) fn answered(&mut self, shown: PageShown) {
        let end = match (self.request(), shown) {
            (PageRequest::Control(_), _) => {
                self.failures.suspect = Suspect::Page;
                return;
            }
            (PageRequest::Check(customer), PageShown::Customer(check)) => {
                self.checked = (check == PageCheck::Same).then_some(customer);
                self.plan.checked(customer, check)
            }
            (PageRequest::Page(_), PageShown::Page(page)) => self.plan.page_read(page),
            (request, _) => unreachable!("{request:?} was answered by something else"),
        };
        self.failures = Failures::default();
        self.has_answered = true;
        if let Some(end) = end {
            self.end(end);
        }
    }

    /// Ends the reading.
    pub(in super::super) fn end(&mut self, end: PagesEnd) {
        self.phase = Phase::Ended(end);
    }

    /// Notes that the request, which left at `sent`, failed. Returns the number of failures if another
    /// one follows.
    pub(in super::super) fn failed(&mut self, sent: Moment, attempts_max: u32) -> Option<u32> {
        let failures = &mut self.failures;
        failures.since.get_or_insert(sent);
        failures.failed += 1;
        let is_used_up = failures.failed >= attempts_max;
        match failures.suspect {
            Suspect::Page => return None,
            Suspect::Chance if is_used_up && self.checked.is_none() => return None,
            Suspect::Chance if is_used_up => failures.suspect = Suspect::Api,
            Suspect::Chance | Suspect::Api => {}
        }
        Some(failures.failed)
    }

    /// The time since which requests have failed.
    pub(in super::super) fn failing_since(&self) -> Option<Moment> {
        self.failures.since
    }

    /// Whether the request, which was not processed, is sent again at once.
    pub(in super::super) fn go_again_at_once(&mut self) -> bool {
        self.failures.not_processed += 1;
        self.failures.not_processed <= NOT_PROCESSED_MAX
    }

    /// Lets the request leave again at this time.
    pub(in super::super) fn go_again(&mut self, due: Moment) {
        self.due = due;
    }
}
