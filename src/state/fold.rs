//! Takes the results of a run from its journal into the state.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use super::{Known, Night, RequestHash, State, StateEdit, StateError};
use crate::journal::{Entry, Fact, Header, JOURNAL_NAME, Line, LineReader, Outcome};

/// The results that are written together.
const RESULTS_TOGETHER: usize = 1 << 18;

/// The source of the results of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folded {
    /// Its journal.
    Journal,
    /// There is none, so the customers to whom the run was sending stay unknown.
    Nothing,
}

/// Takes the results of a night into the state: whoever was updated, or had the values already, has
/// the request of the row from now on, and all others to whom the run was sending stay unknown. A damaged journal counts as far
/// as it can be read.
pub(crate) fn fold(state: &mut State, night: &Night) -> Result<Folded, StateError> {
    let journal = Path::new(&night.directory).join(JOURNAL_NAME);
    let request_hash = state.info().request_hash;
    let is_of_night =
        |header: &Header| header.run == night.run && header.request_hash == request_hash;
    // Customers are written while the journal is read; without the edit, nothing has changed.
    let mut edit = state.edit()?;
    let mut results = Results {
        edit: &mut edit,
        waiting: Vec::new(),
    };
    let folded = match read(&journal, is_of_night, &mut results) {
        // The lines before a damaged one are right.
        Ok(true) | Err(ReadError::Journal) => {
            results.write()?;
            Folded::Journal
        }
        Ok(false) => {
            drop(edit);
            edit = state.edit()?;
            Folded::Nothing
        }
        Err(ReadError::State(error)) => return Err(error),
    };
    edit.set_night(Night {
        is_folded: true,
        ..night.clone()
    });
    edit.commit()?;
    Ok(folded)
}

/// Marks customers of a run as unknown, because they were put back. The run's journal is not folded
/// any more.
pub(crate) fn forget(
    state: &mut State,
    run: &str,
    customers: impl Iterator<Item = u64>,
) -> Result<(), StateError> {
    let night = state.info().night.clone();
    let mut edit = state.edit()?;
    let mut results = Results {
        edit: &mut edit,
        waiting: Vec::new(),
    };
    for customer in customers {
        results.push(customer, Known::Unknown)?;
    }
    results.write()?;
    if let Some(night) = night.filter(|night| night.run == run) {
        edit.set_night(Night {
            is_folded: true,
            ..night
        });
    }
    edit.commit()
}

/// Marks customers as unknown, in ascending order.
pub(crate) fn forget_customers(state: &mut State, customers: &[u64]) -> Result<(), StateError> {
    let mut edit = state.edit()?;
    for customers in customers.chunks(RESULTS_TOGETHER) {
        let unknown: Vec<_> = (customers.iter())
            .map(|customer| (*customer, Known::Unknown))
            .collect();
        edit.set(&unknown)?;
    }
    edit.commit()
}

/// Results on their way into the state, in the order in which rows ended.
struct Results<'r, 's> {
    edit: &'r mut StateEdit<'s>,
    waiting: Vec<(u64, Known)>,
}

impl Results<'_, '_> {
    fn push(&mut self, customer: u64, known: Known) -> Result<(), StateError> {
        self.waiting.push((customer, known));
        if self.waiting.len() >= RESULTS_TOGETHER {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), StateError> {
        // The last result of a customer counts.
        self.waiting.reverse();
        self.waiting.sort_by_key(|(customer, _)| *customer);
        self.waiting.dedup_by_key(|(customer, _)| *customer);
        self.edit.set(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }
}

/// The reason why a journal is not read to its end.
enum ReadError {
    State(StateError),
    Journal,
}

/// Reads the results of a journal. Returns whether they count: it is the journal of the night, and
/// the run was not undone.
fn read(
    journal: &Path,
    is_of_night: impl Fn(&Header) -> bool,
    results: &mut Results<'_, '_>,
) -> Result<bool, ReadError> {
    let Ok(file) = open(journal) else {
        return Ok(false);
    };
    let mut lines = LineReader::of(BufReader::with_capacity(1 << 16, file));
    match lines.next_line() {
        Ok(Some(Line::Header(header))) if is_of_night(&header) => {}
        Ok(_) | Err(_) => return Ok(false),
    }
    loop {
        match lines.next_line() {
            Ok(None) => return Ok(true),
            Ok(Some(Line::Entry(entry))) => {
                if let Some((customer, known)) = result_of(&entry) {
                    results.push(customer, known).map_err(ReadError::State)?;
                }
            }
            Ok(Some(Line::Fact(Fact::Undone { .. }))) => return Ok(false),
            Ok(Some(Line::Fact(Fact::LeftOut { kept, .. }))) => {
                results.edit.set_left_out_is_kept(kept);
            }
            Ok(Some(Line::Fact(_) | Line::Bulk(_) | Line::Unknown)) => {}
            Ok(Some(Line::Header(_) | Line::Torn(_))) | Err(_) => return Err(ReadError::Journal),
        }
    }
}

/// Opens a regular file; anything else could block.
fn open(journal: &Path) -> io::Result<File> {
    if !std::fs::metadata(journal)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    File::open(journal)
}

/// Returns the knowledge of a customer after this entry; `None` if nothing was sent. A row of which
/// later rows had set some fields was sent without them.
fn result_of(entry: &Entry<'_>) -> Option<(u64, Known)> {
    let (customer, request) = (entry.id?, entry.request?);
    entry.attempts?;
    let known = match entry.outcome {
        Outcome::Updated | Outcome::Unchanged if entry.overtaken.is_empty() => {
            Known::Request(RequestHash::from(request))
        }
        _ => Known::Unknown,
    };
    Some((customer, known))
}
