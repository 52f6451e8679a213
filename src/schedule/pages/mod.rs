//! Whole pages of customers, which are read before the first row.
//!
//! `plan` decides which page is read next, and whether pages are fewer requests than customers.
//! `reads` is the state of the request in flight and of its failures.

mod plan;
mod reads;

pub(crate) use plan::{PageCheck, PageFacts, PageRequest, PageRules, PageShown, PagesEnd, ReadWay};
pub(super) use reads::PageReads;
