//! The reading of whole pages of customers: those who are wanted, and those whom pages have shown.

use std::fmt;

use crate::contract::{CustomerId, CustomerPage, Image, PageError};
use crate::preview::{ShownCustomers, ShownCustomersWriter, TemporaryFileError};
use crate::schedule::{PageCheck, PageRules, ReadWay};

/// The reading of whole pages of customers before the rows. It is for rows for which nothing but reads
/// is sent: by the time of an update, somebody else may have changed a customer.
pub(crate) struct PageReading {
    /// The way in which customers are read.
    pub way: ReadWay,
    /// The customers that are to be read.
    pub wanted: WantedCustomers,
    /// The place for the customers that pages show.
    pub shown: ShownCustomersWriter,
    /// Tells the time for this many requests, if it is known beforehand.
    pub time_for: Option<Box<dyn Fn(u64) -> String>>,
}

/// The customers that are to be read.
pub(crate) struct WantedCustomers {
    /// Their number.
    pub count: u64,
    /// Whether a customer is one of them.
    pub contains: Box<dyn Fn(CustomerId) -> Result<bool, TemporaryFileError>>,
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
    pub(super) time_for: Option<Box<dyn Fn(u64) -> String>>,
    /// The customers whom pages show, until the last page.
    pub(super) reading: Option<ShownCustomersWriter>,
    /// The customers whom pages have shown, after the last page.
    pub(super) shown: Option<ShownCustomers>,
    /// The first page, until its first customer was read singly.
    pub(super) unchecked: Option<CustomerPage>,
    /// The reason why the last answer is no page, if it is none.
    pub(super) flaw: Option<PageError>,
}

impl Pager {
    pub(super) fn new(reading: PageReading) -> Pager {
        let PageReading {
            wanted,
            shown,
            time_for,
            ..
        } = reading;
        Pager {
            wanted,
            time_for,
            reading: Some(shown),
            shown: None,
            unchecked: None,
            flaw: None,
        }
    }

    /// Keeps the customers of a page that are to be read.
    pub(super) fn keep(&mut self, page: &CustomerPage) -> Result<(), TemporaryFileError> {
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        for (id, image) in &page.customers {
            if (self.wanted.contains)(*id)? {
                reading.keep(*id, image)?;
            }
        }
        Ok(())
    }

    /// Ends the reading of pages: now it can be asked whom they have shown.
    pub(super) fn finish(&mut self) -> Result<(), TemporaryFileError> {
        if let Some(reading) = self.reading.take() {
            self.shown = Some(reading.finish()?);
        }
        Ok(())
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
