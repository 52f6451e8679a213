//! The unique name of a plan, by which a run is known to belong to it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::journal::{Header, JOURNAL_NAME, Line, LineError, LineReader, RunDir, SettingText};

/// Returns the name of the plan in a run directory: that of its journal, or the path if there is
/// none.
pub(super) fn of(path: &Path) -> SettingText {
    let journal = RunDir::existing(path).open_file(JOURNAL_NAME).ok();
    let header = journal.and_then(|journal| header_of(journal).ok().flatten());
    SettingText::One(match header {
        Some(header) => header.run,
        None => path.display().to_string(),
    })
}

/// Returns the header of a journal; `None` if it has none.
pub(super) fn header_of(journal: File) -> Result<Option<Header>, LineError> {
    let mut lines = LineReader::of(BufReader::new(journal));
    Ok(match lines.next_line()? {
        Some(Line::Header(header)) => Some(*header),
        Some(_) | None => None,
    })
}
