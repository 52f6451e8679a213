//! The reading of whole pages of customers: those who are wanted, and those whom pages have shown.

use std::fmt;

use crate::contract::{CustomerId, CustomerPage, Image, PageError};
use crate::preview::{ScratchError, ShownCustomers};
use crate::schedule::{PageCheck, PageRules, ReadWay};

/// The reading of whole pages of customers before the rows. It is for rows for which nothing but reads
/// is sent: by the time of an update, somebody else may have changed a customer.
pub(crate) struct PageReading {
    /// The way in which customers are read.
    pub way: ReadWay,
    /// The customers that are to be read.
    pub wanted: WantedCustomers,
    /// The place for the customers that pages show.
    pub shown: ShownCustomers,
}

/// The customers that are to be read.
pub(crate) struct WantedCustomers {
    /// Their number.
    pub count: u64,
    /// Whether a customer is one of them.
    pub contains: Box<dyn Fn(CustomerId) -> Result<bool, ScratchError>>,
}

impl fmt::Debug for PageReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageReading")
            .field("way", &self.way)
            .field("wanted", &self.wanted.count)
            .finish_non_exhaustive()
    }
}

impl PageReading {
    /// The rules for the schedule.
    pub(super) fn rules(&self) -> PageRules {
        PageRules {
            way: self.way,
            wanted: self.wanted.count,
        }
    }
}

/// The state of the reading of pages.
pub(super) struct Pager {
    pub(super) wanted: WantedCustomers,
    pub(super) shown: ShownCustomers,
    /// The first page, until its first customer was read singly.
    pub(super) unchecked: Option<CustomerPage>,
    /// The reason why the last answer is no page, if it is none.
    pub(super) flaw: Option<PageError>,
}

impl Pager {
    pub(super) fn new(reading: PageReading) -> Pager {
        let PageReading { wanted, shown, .. } = reading;
        Pager {
            wanted,
            shown,
            unchecked: None,
            flaw: None,
        }
    }

    /// Keeps the customers of a page that are to be read.
    pub(super) fn keep(&mut self, page: &CustomerPage) -> Result<(), ScratchError> {
        let mut wanted = Vec::with_capacity(page.customers.len());
        for (id, image) in &page.customers {
            if (self.wanted.contains)(*id)? {
                wanted.push((*id, image));
            }
        }
        self.shown.keep(wanted)
    }

    /// Compares a customer who was read singly with the first page.
    pub(super) fn check(&self, read: &Image) -> PageCheck {
        let page = self.unchecked.as_ref();
        match page.and_then(|page| page.customers.first()) {
            Some((_, shown)) if shown == read => PageCheck::Same,
            Some(_) | None => PageCheck::Otherwise,
        }
    }
}
