//! Compares all rows with the state before the first request.

use std::io;

use roaring::RoaringTreemap;

use super::counts::ChangeCounts;
use super::resync::Resync;
use crate::contract::CustomerId;
use crate::input::InputError;
use crate::pipeline::reading::{BlockDigest, DigestContent, RowDigest, RowsSum};
use crate::row::Position;
use crate::row::duplicates::{AllIds, DuplicateFilter, Occurrence};
use crate::state::{Known, RequestHash, State, StateEdit, StateError};

/// The rows that are looked up together. Sorted, they read each page of the state once.
const ROWS_TOGETHER: usize = 1 << 16;
/// The customers that are written together.
const CUSTOMERS_TOGETHER: usize = 1 << 16;

/// The treatment of a customer's second row.
#[derive(Debug)]
pub(crate) enum DuplicateRule {
    /// It ends the comparison.
    Refuse,
    /// As `--unique` says.
    Unique,
}

/// The reason why rows cannot be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    /// The input cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A customer has a second row, and no rule tells which one counts.
    #[error("a customer has a second row")]
    Duplicate(Position),
    /// The list of changes cannot be written.
    #[error("the list of changes cannot be written")]
    List(#[source] io::Error),
}

/// A change of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The customer is not in the state.
    New,
    /// The customer's request differs from the last one.
    Changed,
    /// The customer's last request is unknown.
    Unknown,
    /// The customer has no row, for the first time.
    Absent,
}

/// Takes the changes, as they are found. Absent customers come last, and have no row.
pub(crate) type ChangeObserver<'o> =
    dyn FnMut(Change, Option<Position>, u64) -> io::Result<()> + 'o;

/// The comparison of an input with a state.
pub(crate) struct Comparison<'s> {
    state: &'s State,
    resync: Resync,
    rule: DuplicateRule,
    ids: DuplicateFilter,
    observer: &'s mut ChangeObserver<'s>,
    /// Rows that are not looked up yet.
    waiting: Vec<WaitingRow>,
    counts: ChangeCounts,
    /// All customers that a row names.
    present: AllIds,
    result: Compared,
}

/// The result of a comparison.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    /// The rows that need no request.
    pub(super) unchanged: RoaringTreemap,
    /// The digests of consecutive parts of the input.
    pub(super) parts: Vec<RowsSum>,
    /// The customers to whom a request will be sent.
    pub(super) to_send: AllIds,
    /// Customers without a row, who had one before.
    pub(super) newly_absent: AllIds,
    /// Customers who have a row again, and whose request is unchanged.
    pub(super) returned: AllIds,
}

/// A row with a request.
struct WaitingRow {
    position: Position,
    id: CustomerId,
    request: RequestHash,
}

impl<'s> Comparison<'s> {
    /// Begins a comparison. `ids` applies `--unique`.
    pub(crate) fn new(
        state: &'s State,
        resync: Resync,
        rule: DuplicateRule,
        ids: DuplicateFilter,
        observer: &'s mut ChangeObserver<'s>,
    ) -> Comparison<'s> {
        Comparison {
            state,
            resync,
            rule,
            ids,
            observer,
            waiting: Vec::with_capacity(ROWS_TOGETHER),
            counts: ChangeCounts {
                customers: state.info().customers,
                ..ChangeCounts::default()
            },
            present: AllIds::default(),
            result: Compared::default(),
        }
    }

    /// Compares the next block of the input.
    pub(crate) fn add(&mut self, block: &BlockDigest) -> Result<(), CompareError> {
        self.result.parts.push(block.sum);
        for row in &block.rows {
            self.add_row(row)?;
        }
        Ok(())
    }

    fn add_row(&mut self, row: &RowDigest) -> Result<(), CompareError> {
        self.counts.rows += 1;
        if row.content == DigestContent::Elsewhere {
            self.counts.elsewhere += 1;
            return Ok(());
        }
        if let Some(id) = row.id {
            self.present.insert(id);
        }
        let (Some(id), DigestContent::Request { fields, hash }) = (row.id, row.content) else {
            self.counts.invalid += 1;
            return Ok(());
        };
        match (self.ids.next(id, fields), &self.rule) {
            (Occurrence::Refused, DuplicateRule::Refuse) => {
                return Err(CompareError::Duplicate(row.position));
            }
            (Occurrence::Refused, DuplicateRule::Unique) => self.counts.invalid += 1,
            (Occurrence::Superseded, _) => self.counts.superseded += 1,
            (
                Occurrence::Sent
                | Occurrence::SentAgain
                | Occurrence::SentInstead { .. }
                | Occurrence::Unknown,
                _,
            ) => {
                self.waiting.push(WaitingRow {
                    position: row.position,
                    id,
                    request: RequestHash::from(hash),
                });
                if self.waiting.len() >= ROWS_TOGETHER {
                    self.look_up()?;
                }
            }
        }
        Ok(())
    }

    fn look_up(&mut self) -> Result<(), CompareError> {
        let rows = std::mem::take(&mut self.waiting);
        let ids: Vec<_> = rows.iter().map(|row| row.id.get()).collect();
        let entries = self.state.look_up(&ids)?;
        for (row, entry) in rows.iter().zip(entries) {
            let customer = row.id.get();
            let change = match entry.map(|entry| entry.known) {
                None => Change::New,
                Some(Known::Unknown) => Change::Unknown,
                Some(Known::Request(last)) if last != row.request => Change::Changed,
                Some(Known::Request(_)) => {
                    self.counts.unchanged += 1;
                    if self.resync.contains(customer) {
                        self.counts.resync += 1;
                        self.result.to_send.insert(row.id);
                    } else {
                        self.result.unchanged.insert(row.position.row);
                        if entry.is_some_and(|entry| entry.is_absent) {
                            self.result.returned.insert(row.id);
                        }
                    }
                    continue;
                }
            };
            match change {
                Change::New => self.counts.new += 1,
                Change::Unknown => self.counts.unknown += 1,
                Change::Changed | Change::Absent => self.counts.changed += 1,
            }
            self.result.to_send.insert(row.id);
            (self.observer)(change, Some(row.position), customer).map_err(CompareError::List)?;
        }
        self.waiting = rows;
        self.waiting.clear();
        Ok(())
    }

    /// Ends the comparison of the rows. `absent` tells whether customers without a row are looked
    /// for: the input is an export of all customers.
    pub(crate) fn finish(
        mut self,
        export: Export,
    ) -> Result<(ChangeCounts, Compared), CompareError> {
        self.look_up()?;
        if export == Export::OfAllCustomers {
            self.find_absent()?;
        }
        Ok((self.counts, self.result))
    }

    fn find_absent(&mut self) -> Result<(), CompareError> {
        let mut listed = Ok(());
        let Comparison {
            state,
            observer,
            counts,
            present,
            result,
            ..
        } = self;
        state.for_each(|customer, entry| {
            let Ok(id) = CustomerId::new(customer) else {
                return;
            };
            if present.contains(id) {
                return;
            }
            counts.absent += 1;
            if !entry.is_absent {
                counts.newly_absent += 1;
                result.newly_absent.insert(id);
                if listed.is_ok() {
                    listed = observer(Change::Absent, None, customer);
                }
            }
        })?;
        listed.map_err(CompareError::List)
    }
}

/// The customers of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Export {
    /// All of them: who has no row is absent.
    OfAllCustomers,
    /// Some: those of failed rows.
    OfSome,
}

impl Compared {
    /// Whether the state stays as it is.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.to_send.is_empty() && self.newly_absent.is_empty() && self.returned.is_empty()
    }

    /// Whether a request will be sent.
    pub(crate) fn sends(&self) -> bool {
        !self.to_send.is_empty()
    }

    /// Marks in the state who is about to be sent, and who is absent.
    pub(crate) fn mark(&self, edit: &mut StateEdit<'_>) -> Result<(), StateError> {
        let mut together = Vec::with_capacity(CUSTOMERS_TOGETHER);
        in_chunks(self.to_send.ascending(), |ids| {
            together.clear();
            together.extend(ids.iter().map(|id| (*id, Known::Unknown)));
            edit.set(&together)
        })?;
        in_chunks(self.newly_absent.ascending(), |ids| edit.set_absent(ids))?;
        in_chunks(self.returned.ascending(), |ids| edit.set_present(ids))
    }
}

/// Passes the items on, many at a time.
fn in_chunks(
    items: impl Iterator<Item = u64>,
    mut take: impl FnMut(&[u64]) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let mut chunk = Vec::with_capacity(CUSTOMERS_TOGETHER);
    for item in items {
        chunk.push(item);
        if chunk.len() >= CUSTOMERS_TOGETHER {
            take(&chunk)?;
            chunk.clear();
        }
    }
    if chunk.is_empty() {
        Ok(())
    } else {
        take(&chunk)
    }
}
