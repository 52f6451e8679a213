//! The plan of pages: the page that is read next, and the end.
//!
//! Pages are read in their order, one at a time, so that of a customer on two pages the later one
//! counts. Before they are trusted, the first customer of the first page is read singly.

use std::fmt;

use super::super::cause::Cause;
use crate::contract::CustomerId;

/// The most pages that are read. Customers beyond them are read singly.
const PAGES_MAX: u64 = 1_000_000;
/// The fewest customers for whom a page can be fewer requests.
const WANTED_MIN: u64 = 2;

/// The way in which customers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadWay {
    /// Whole pages, if they are fewer requests.
    #[default]
    Auto,
    /// Each customer singly.
    Each,
    /// Whole pages. Customers who are on none are read singly.
    List,
}

/// The rules for reading pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRules {
    /// The way in which customers are read.
    pub(crate) way: ReadWay,
    /// The number of customers to be read.
    pub(crate) wanted: u64,
}

/// A request of the reading of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageRequest {
    /// `GET /v1/customers?page=N&per_page=100`, counted from 1.
    Page(u64),
    /// `GET /v1/customers/{id}`, to compare the customer with the first page.
    Check(CustomerId),
    /// The same request, to find out whether only pages fail.
    Control(CustomerId),
}

impl fmt::Display for PageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PageRequest::Page(page) => write!(f, "page {page} of the customers"),
            PageRequest::Check(customer) | PageRequest::Control(customer) => {
                write!(f, "customer {customer}, who is on the first page,")
            }
        }
    }
}

/// The facts of a page that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageFacts {
    /// The number of customers on it.
    pub(crate) customers: u64,
    /// The first of them.
    pub(crate) first: Option<CustomerId>,
    /// The number of customers on all pages, if the page tells it.
    pub(crate) total: Option<u64>,
}

/// The result of comparing a customer who was read singly with the first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageCheck {
    /// All fields are equal.
    Same,
    /// A field differs.
    Otherwise,
}

/// The customers that an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageShown {
    /// A page.
    Page(PageFacts),
    /// The customer of a check.
    Customer(PageCheck),
    /// None: there is no such answer.
    Nothing,
}

/// The end of the reading of pages. Customers whom no page has shown are read singly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagesEnd {
    /// All pages were read.
    AllRead,
    /// Pages would be no fewer requests.
    NotFewer {
        /// Their number.
        pages: u64,
    },
    /// The first page does not tell the number of customers.
    NoTotal,
    /// A customer is shown otherwise when read singly.
    Differs {
        /// The first customer of the first page.
        customer: CustomerId,
    },
    /// A page shows the customers of the one before again.
    Repeated {
        /// Its number.
        page: u64,
    },
    /// The API refuses the request, or the answer is not the API's.
    Refused {
        /// The request.
        request: PageRequest,
        /// The answer.
        cause: Cause,
    },
    /// The request failed as often as a row may, although a customer could be read singly.
    Failed {
        /// The request.
        request: PageRequest,
        /// The cause of the last failure.
        cause: Cause,
    },
}

/// The plan of pages.
#[derive(Debug)]
pub(super) struct PagePlan {
    rules: PageRules,
    next: PageRequest,
    /// The number of the last page that was read.
    read: u64,
    /// The customers of a full page. An API may show fewer than are asked for.
    size: u64,
    /// The number of customers on all pages, as the last page tells it.
    total: Option<u64>,
    /// The first customer of the last page that was read.
    first: Option<CustomerId>,
    /// Whether no page is left.
    is_at_end: bool,
}

impl PageRules {
    /// Whether pages may be fewer requests.
    pub(super) fn want_pages(self) -> bool {
        match self.way {
            ReadWay::Each => false,
            ReadWay::Auto => self.wanted >= WANTED_MIN,
            ReadWay::List => true,
        }
    }
}

impl PagePlan {
    pub(super) fn new(rules: PageRules) -> PagePlan {
        PagePlan {
            rules,
            next: PageRequest::Page(1),
            read: 0,
            size: 0,
            total: None,
            first: None,
            is_at_end: false,
        }
    }

    /// The next request.
    pub(super) fn next(&self) -> PageRequest {
        self.next
    }

    /// The number of pages, if it is known.
    pub(super) fn pages(&self) -> Option<u64> {
        let total = self.total?;
        Some(total.div_ceil(self.size.max(1)).max(1))
    }

    /// Takes the next page.
    pub(super) fn page_read(&mut self, page: PageFacts) -> Option<PagesEnd> {
        self.read += 1;
        let number = self.read;
        if page.first.is_some() && page.first == self.first {
            return Some(PagesEnd::Repeated { page: number });
        }
        self.first = page.first;
        self.total = page.total.or(self.total);
        if number == 1 {
            self.size = page.customers;
        }
        let pages = self.pages();
        self.is_at_end = page.customers == 0
            || number >= PAGES_MAX
            || pages.map_or(page.customers < self.size, |pages| number >= pages);
        if number > 1 {
            return self.goes_on();
        }
        match (self.rules.way, pages) {
            (ReadWay::Auto, None) => return Some(PagesEnd::NoTotal),
            (ReadWay::Auto, Some(pages)) if pages >= self.rules.wanted => {
                return Some(PagesEnd::NotFewer { pages });
            }
            (ReadWay::Auto | ReadWay::Each | ReadWay::List, _) => {}
        }
        match page.first {
            Some(first) => {
                self.next = PageRequest::Check(first);
                None
            }
            None => Some(PagesEnd::AllRead),
        }
    }

    /// Takes the result of a check.
    pub(super) fn checked(&mut self, customer: CustomerId, check: PageCheck) -> Option<PagesEnd> {
        match check {
            PageCheck::Same => self.goes_on(),
            PageCheck::Otherwise => Some(PagesEnd::Differs { customer }),
        }
    }

    /// Goes on to the next page, if one is left.
    fn goes_on(&mut self) -> Option<PagesEnd> {
        self.next = PageRequest::Page(self.read + 1);
        self.is_at_end.then_some(PagesEnd::AllRead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u64) -> CustomerId {
        CustomerId::new(id).expect("an id")
    }

    fn plan(way: ReadWay, wanted: u64) -> PagePlan {
        PagePlan::new(PageRules { way, wanted })
    }

    /// A page that begins with this customer.
    fn page(first: u64, customers: u64, total: Option<u64>) -> PageFacts {
        PageFacts {
            customers,
            first: (customers > 0).then(|| id(first)),
            total,
        }
    }

    #[test]
    fn pages_are_read_if_they_are_fewer_than_the_customers() {
        let check = |way, wanted, total, want: Option<PagesEnd>| {
            let mut plan = plan(way, wanted);
            assert_eq!(plan.page_read(page(7, 100, total)), want, "{total:?}");
            if want.is_none() {
                assert_eq!(plan.next(), PageRequest::Check(id(7)));
            }
        };
        check(ReadWay::Auto, 4, Some(300), None);
        check(ReadWay::Auto, 3, Some(200), None);
        let not_fewer = Some(PagesEnd::NotFewer { pages: 4 });
        check(ReadWay::Auto, 4, Some(301), not_fewer);
        check(ReadWay::Auto, 4, Some(400), not_fewer);
        check(ReadWay::Auto, 1_000, None, Some(PagesEnd::NoTotal));
        check(ReadWay::List, 1, Some(301), None);
        check(ReadWay::List, 1, None, None);
        let want_pages = |way, wanted| PageRules { way, wanted }.want_pages();
        assert!(want_pages(ReadWay::Auto, 2) && want_pages(ReadWay::List, 1));
        assert!(!want_pages(ReadWay::Auto, 1) && !want_pages(ReadWay::Each, 9));
    }

    /// The requests for these pages, and the end.
    fn requests(pages: &[PageFacts]) -> (Vec<PageRequest>, Option<PagesEnd>) {
        let mut plan = plan(ReadWay::List, 1_000);
        let mut requests = Vec::new();
        let mut pages = pages.iter();
        loop {
            requests.push(plan.next());
            let end = match plan.next() {
                PageRequest::Page(_) => match pages.next() {
                    Some(page) => plan.page_read(*page),
                    None => return (requests, None),
                },
                PageRequest::Check(customer) => plan.checked(customer, PageCheck::Same),
                PageRequest::Control(_) => panic!("nothing has failed"),
            };
            if end.is_some() {
                return (requests, end);
            }
        }
    }

    #[test]
    fn the_first_customer_is_checked_and_the_pages_follow_in_order() {
        use PageRequest::{Check, Page};
        let check = |pages: &[PageFacts], want: &[PageRequest]| {
            let (found, end) = requests(pages);
            assert_eq!((&*found, end), (want, Some(PagesEnd::AllRead)));
        };
        let all = Some(250);
        check(
            &[page(1, 100, all), page(101, 100, all), page(201, 50, all)],
            &[Page(1), Check(id(1)), Page(2), Page(3)],
        );
        check(&[page(1, 7, Some(7))], &[Page(1), Check(id(1))]);
        check(&[page(1, 0, Some(0))], &[Page(1)]);
        // Customers have come and gone in the meantime.
        check(
            &[
                page(1, 100, Some(200)),
                page(90, 100, Some(201)),
                page(190, 12, Some(201)),
            ],
            &[Page(1), Check(id(1)), Page(2), Page(3)],
        );
        check(
            &[page(1, 100, Some(300)), page(101, 0, Some(90))],
            &[Page(1), Check(id(1)), Page(2)],
        );
        // The API shows fewer than are asked for.
        check(
            &[
                page(1, 50, Some(120)),
                page(51, 50, Some(120)),
                page(101, 20, Some(120)),
            ],
            &[Page(1), Check(id(1)), Page(2), Page(3)],
        );
    }

    #[test]
    fn without_a_total_the_pages_end_with_one_that_is_not_full() {
        let (found, end) = requests(&[page(1, 50, None), page(51, 50, None), page(101, 49, None)]);
        assert_eq!((found.len(), end), (4, Some(PagesEnd::AllRead)));
        let (found, end) = requests(&[page(1, 50, None), page(51, 0, None)]);
        assert_eq!((found.len(), end), (3, Some(PagesEnd::AllRead)));
    }

    #[test]
    fn an_api_that_shows_the_same_page_again_is_not_believed() {
        let (found, end) = requests(&[page(1, 100, None), page(1, 100, None)]);
        assert_eq!(
            (found.len(), end),
            (3, Some(PagesEnd::Repeated { page: 2 }))
        );
    }

    #[test]
    fn a_total_beyond_measure_is_no_danger() {
        let mut plan = plan(ReadWay::List, 10);
        plan.page_read(page(1, 100, Some(u64::MAX)));
        assert_eq!(plan.checked(id(1), PageCheck::Same), None);
        let mut last = 1;
        while plan
            .page_read(page(last + 1, 100, Some(u64::MAX)))
            .is_none()
        {
            last += 1;
        }
        assert_eq!(last + 1, PAGES_MAX);
    }

    #[test]
    fn a_customer_who_is_shown_otherwise_ends_it() {
        let mut plan = plan(ReadWay::List, 10);
        plan.page_read(page(7, 100, None));
        let end = plan.checked(id(7), PageCheck::Otherwise);
        assert_eq!(end, Some(PagesEnd::Differs { customer: id(7) }));
    }
}
