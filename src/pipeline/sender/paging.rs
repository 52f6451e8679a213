//! Reads whole pages of customers before the rows, and answers the rows' reads from them.

use tracing::{debug, error, info, trace, warn};

use super::super::in_flight::Landed;
use super::super::reporter::explain;
use super::Driver;
use super::care::Seen;
use crate::api::reading::KeepImage;
use crate::contract::{
    Answer, Answered, Attempt, CUSTOMERS_PER_PAGE, CustomerId, CustomerPage, PageAnswered,
    PageError,
};
use crate::preview::TemporaryFileError;
use crate::schedule::{
    Cause, PageCheck, PageFacts, PageRequest, PageShown, PagesEnd, Request, StopReason, Ticket,
};
use crate::text::{grouped, with_causes};

/// The body of an update that sets nothing, which a customer is compared with.
const NOTHING_SENT: &[u8] = b"{}";
/// The page that is compared with a single read.
const FIRST_PAGE: PageRequest = PageRequest::Page(1);
/// The reason why there is a pager.
const READS_PAGES: &str = "the schedule reads pages only if there is a pager";

impl Driver {
    /// Sends a request of the reading of pages.
    pub(super) fn send_page(&mut self, ticket: Ticket, request: PageRequest) {
        let (api, token) = (self.sending.api.clone(), self.token_refresh.token());
        match request {
            PageRequest::Page(page) => self.in_flight.add(ticket, Request::Read, async move {
                let answered = api.page(page, &token).await;
                Landed::Page(answered)
            }),
            PageRequest::Check(customer) | PageRequest::Control(customer) => {
                self.in_flight.add(ticket, Request::Read, async move {
                    let image = KeepImage::Yes;
                    Landed::Check(api.read(customer, NOTHING_SENT, &token, image).await)
                });
            }
        }
    }

    /// Takes the answer to a request for a page.
    pub(super) fn page_finished(&mut self, ticket: Ticket, answered: PageAnswered) {
        let PageAnswered { attempt, page } = answered;
        let pager = self.pager.as_mut().expect(READS_PAGES);
        pager.flaw = page.as_ref().err().copied();
        let shown = match &page {
            Ok(page) => PageShown::Page(facts_of(page)),
            Err(_) => PageShown::Nothing,
        };
        let request = self.sending.schedule.page_request();
        self.listed(ticket, &attempt, shown);
        match page {
            // It is kept once its first customer was read singly.
            Ok(page) if request == FIRST_PAGE => {
                self.pager.as_mut().expect(READS_PAGES).unchecked = Some(page);
            }
            Ok(page) => self.keep(&page),
            Err(_) => {}
        }
    }

    /// Takes the answer to the read of the first page's first customer.
    pub(super) fn check_finished(&mut self, ticket: Ticket, answered: Answered) {
        let Answered { attempt, image } = answered;
        let pager = self.pager.as_mut().expect(READS_PAGES);
        pager.flaw = None;
        let check = image.map(|image| pager.check(&image));
        self.listed(
            ticket,
            &attempt,
            check.map_or(PageShown::Nothing, PageShown::Customer),
        );
        if check != Some(PageCheck::Same) {
            return;
        }
        let pager = self.pager.as_mut().expect(READS_PAGES);
        let wanted = grouped(pager.wanted.count);
        match self.sending.schedule.pages() {
            Some(pages) => {
                let time = pager.time_for.as_ref().map(|time_for| time_for(pages));
                info!(
                    "reading whole pages of {CUSTOMERS_PER_PAGE} (requests: {} instead of {wanted}{})",
                    grouped(pages),
                    time.map(|time| format!(", about {time}"))
                        .unwrap_or_default()
                );
            }
            None => {
                info!(
                    "reading whole pages of {CUSTOMERS_PER_PAGE} (instead of {wanted} single reads)"
                );
            }
        }
        if let Some(page) = pager.unchecked.take() {
            self.keep(&page);
        }
    }

    /// Reports an answer to the schedule.
    fn listed(&mut self, ticket: Ticket, attempt: &Attempt, shown: PageShown) {
        if let Some(meter) = &mut self.meter {
            meter.answered(Request::Read, attempt);
        }
        let request = self.sending.schedule.page_request();
        let took_ms = attempt.took.as_millis();
        match &attempt.answer {
            Answer::Response(response) => {
                self.latencies.add(attempt.took);
                match response.status {
                    status @ 200..300 => trace!(%request, status, took_ms, "answered"),
                    status => debug!(%request, status, took_ms, "not accepted"),
                }
            }
            Answer::Fault(fault) => {
                debug!(%request, fault = fault.name(), took_ms, "no answer");
            }
        }
        let now = self.now();
        (self.sending.schedule).page_finished(ticket, &attempt.answer, shown, now);
    }

    fn keep(&mut self, page: &CustomerPage) {
        let pager = self.pager.as_mut().expect(READS_PAGES);
        if let Err(error) = pager.keep(page) {
            self.pages_are_lost(&error);
        }
    }

    /// Says why no more pages are read, unless that was to be expected.
    pub(super) fn pages_ended(&mut self, end: PagesEnd) {
        let pager = self.pager.as_mut().expect(READS_PAGES);
        pager.unchecked = None;
        let flaw = pager.flaw;
        if let Err(error) = pager.finish() {
            self.pages_are_lost(&error);
        }
        match end {
            PagesEnd::AllRead => debug!("all pages were read"),
            PagesEnd::NotFewer { pages } => {
                debug!(pages, "pages would be no fewer requests");
            }
            PagesEnd::NoTotal => debug!("a page does not tell the number of customers"),
            PagesEnd::Differs { customer } => warn!(
                "customer {customer} is shown otherwise on a page than when read singly: each customer is read singly"
            ),
            PagesEnd::Repeated { page } => warn!(
                "page {page} of the customers shows the page before again: customers whom no page has shown are read singly"
            ),
            PagesEnd::Refused { request, cause } | PagesEnd::Failed { request, cause } => warn!(
                "{request} cannot be read ({}): customers whom no page has shown are read singly",
                self.why(cause, flaw)
            ),
        }
    }

    /// The reason why an answer shows nothing.
    fn why(&self, cause: Cause, flaw: Option<PageError>) -> String {
        match flaw {
            Some(flaw) if flaw != PageError::NoPage => flaw.to_string(),
            Some(_) | None => explain(self.sending.api.route(), cause),
        }
    }

    /// Whether a page has shown a customer.
    pub(super) fn is_known(&mut self, customer: CustomerId) -> bool {
        let shown = (self.pager.as_ref()).and_then(|pager| pager.shown.as_ref());
        match shown.map_or(Ok(false), |shown| shown.contains(customer)) {
            Ok(is_known) => is_known,
            Err(error) => {
                self.pages_are_lost(&error);
                false
            }
        }
    }

    /// Decides about a row whose customer a page has shown.
    pub(super) fn decide_known(&mut self, ticket: Ticket) {
        let pager = self.pager.as_ref().expect(READS_PAGES);
        let customer = self.sending.schedule.row(ticket).id;
        let read = customer.zip(pager.shown.as_ref());
        let read = read.map_or(Ok(None), |(customer, shown)| shown.read(customer));
        match read {
            Ok(image) => {
                self.decide(ticket, Seen::of(image.as_ref(), false));
            }
            Err(error) => self.pages_are_lost(&error),
        }
    }

    /// Stops, because the customers of pages cannot be kept or read.
    fn pages_are_lost(&mut self, error: &TemporaryFileError) {
        error!(
            "the customers of pages cannot be kept: {}",
            with_causes(error)
        );
        self.sending.schedule.stop(StopReason::ReadsUnusable);
    }
}

fn facts_of(page: &CustomerPage) -> PageFacts {
    PageFacts {
        customers: page.customers.len() as u64,
        first: page.customers.first().map(|(id, _)| *id),
        total: page.total,
    }
}
