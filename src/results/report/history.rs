//! The history of a run: a fold over the lines of its journal. Nothing is written or locked.

use std::fs::File;
use std::io::{self, BufReader, Seek as _, SeekFrom};

use jiff::Timestamp;
use roaring::RoaringTreemap;

use super::course::CourseBuilder;
use super::model::{AfterCanary, Canary, RowEnd};
use crate::journal::{
    AnswerTimes, BulkEntry, Entry, Fact, Header, Line, LineError, LineReader, Outcome, Processes,
    Shard,
};
use crate::results::tally::Tally;
use crate::row::Position;

/// The bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 18;

/// A run as its journal tells it.
#[derive(Debug)]
pub(super) struct History {
    pub(super) header: Header,
    pub(super) processes: Processes,
    /// The rows by their last outcome, and the errors among them.
    pub(super) tally: Tally,
    pub(super) course: CourseBuilder,
    /// The times that answers took, to the millisecond: of the last request of each row.
    pub(super) answers: AnswerTimes,
    /// The time of the last line.
    pub(super) last_at: Timestamp,
    /// The end of the last process, if it has ended.
    pub(super) ended: Option<Ended>,
    /// Whether its changes are being undone.
    pub(super) is_undone: bool,
    /// The last verdict on its canary.
    pub(super) canary: Option<Canary>,
    /// Whether its last line is torn.
    pub(super) is_torn: bool,
    /// The rows that a shard has an outcome for, but for those of other shards.
    pub(super) own_rows: RoaringTreemap,
}

/// The recorded end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) at: Timestamp,
    pub(super) exit: u8,
}

/// The reason why a journal cannot be reported on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    /// A line cannot be read.
    #[error(transparent)]
    Line(#[from] LineError),
    /// A damaged line is followed by good ones.
    #[error("the journal is damaged at byte {offset}: restore it from a copy")]
    Damaged {
        /// The offset of the damaged line.
        offset: u64,
    },
}

impl From<io::Error> for HistoryError {
    fn from(error: io::Error) -> HistoryError {
        HistoryError::Line(LineError::from(error))
    }
}

/// Reads a journal. `None` if the first process died before its header was written.
pub(super) fn read(mut journal: File) -> Result<Option<History>, HistoryError> {
    // Only another process sends a row again.
    match fold(&journal, None)? {
        Folded::All(history) => Ok(history.map(|history| *history)),
        Folded::HasSeveralProcesses => {
            journal.seek(SeekFrom::Start(0))?;
            let repeats = Repeats::of(&journal)?;
            journal.seek(SeekFrom::Start(0))?;
            match fold(&journal, Some(repeats))? {
                Folded::All(history) => Ok(history.map(|history| *history)),
                Folded::HasSeveralProcesses => unreachable!("the repeated rows are known"),
            }
        }
    }
}

enum Folded {
    All(Option<Box<History>>),
    /// The journal has several processes, and the rows with several entries are not known.
    HasSeveralProcesses,
}

fn fold(journal: &File, mut repeats: Option<Repeats>) -> Result<Folded, HistoryError> {
    let mut lines = LineReader::of(BufReader::with_capacity(BUFFER_BYTES, journal));
    let mut history: Option<Box<History>> = None;
    let mut torn_at = None;
    while let Some(line) = lines.next_line()? {
        let is_torn = matches!(line, Line::Torn(_));
        if let Some(offset) = torn_at.filter(|_| !is_torn) {
            return Err(HistoryError::Damaged { offset });
        }
        match (line, &mut history) {
            (Line::Header(header), None) => history = Some(Box::new(History::of(*header))),
            (Line::Torn(_), _) => {
                torn_at.get_or_insert(lines.offset());
            }
            (Line::Fact(Fact::Continued { .. }), _) if repeats.is_none() => {
                return Ok(Folded::HasSeveralProcesses);
            }
            (Line::Entry(entry), Some(history)) => {
                let is_last = repeats
                    .as_mut()
                    .is_none_or(|repeats| repeats.take(entry.row));
                history.add_entry(&entry, is_last);
            }
            (Line::Bulk(bulk), Some(history)) => history.add_bulk(&bulk, repeats.as_mut()),
            (Line::Fact(fact), Some(history)) => history.add_fact(&fact),
            (Line::Unknown | Line::Header(_), _) | (_, None) => {}
        }
    }
    if let Some(history) = &mut history {
        history.is_torn = torn_at.is_some();
        history.end_process();
    }
    Ok(Folded::All(history))
}

impl History {
    fn of(header: Header) -> History {
        let mut processes = Processes::default();
        processes.begin(&header);
        History {
            last_at: header.started,
            header,
            processes,
            tally: Tally::default(),
            course: CourseBuilder::default(),
            answers: AnswerTimes::default(),
            ended: None,
            is_undone: false,
            canary: None,
            is_torn: false,
            own_rows: RoaringTreemap::new(),
        }
    }

    /// Adds an entry. `is_last` says whether the row has no later one.
    fn add_entry(&mut self, entry: &Entry<'_>, is_last: bool) {
        self.last_at = entry.at;
        self.processes.add_rows(1);
        self.ended = None;
        if let (Some(canary), Some(_)) = (&mut self.canary, entry.attempts) {
            canary.then = AfterCanary::WentOn;
        }
        // The time was cut to milliseconds: on average, half of one is missing.
        let answer_us = entry
            .ms
            .filter(|_| entry.status.is_some())
            .map(|ms| ms.saturating_mul(1000).saturating_add(500));
        if let Some(us) = answer_us {
            self.answers.add(us, 1);
        }
        let end = if is_last {
            RowEnd::from(entry.outcome)
        } else {
            RowEnd::SentAgain
        };
        self.course.add_rows(entry.at, end, 1, answer_us);
        self.add_own_row(entry.row, entry.outcome);
        if !is_last {
            return;
        }
        let input = entry.file.map_or(0, |file| file.saturating_sub(1));
        let position = Position {
            row: entry.row,
            line: entry.line,
            input: usize::try_from(input).unwrap_or(usize::MAX),
        };
        if entry.outcome.is_bad() {
            self.tally.record_failure(entry, position);
        } else {
            self.tally.record_good(entry, position);
        }
    }

    /// Notes a row that a shard has an outcome for.
    fn add_own_row(&mut self, row: u64, outcome: Outcome) {
        if self.header.shard_of_run().is_some() && outcome != Outcome::Elsewhere {
            self.own_rows.insert(row);
        }
    }

    fn add_bulk(&mut self, bulk: &BulkEntry, mut repeats: Option<&mut Repeats>) {
        self.last_at = bulk.at;
        self.ended = None;
        let rows = bulk.rows.iter().flat_map(|(first, last)| *first..=*last);
        for row in rows {
            self.processes.add_rows(1);
            self.add_own_row(row, bulk.outcome);
            let is_last = repeats
                .as_deref_mut()
                .is_none_or(|repeats| repeats.take(row));
            let end = if is_last {
                self.tally.record_success(bulk.outcome);
                RowEnd::from(bulk.outcome)
            } else {
                RowEnd::SentAgain
            };
            self.course.add_rows(bulk.at, end, 1, None);
        }
    }

    /// Adds the history of another shard.
    pub(super) fn append(&mut self, other: History) {
        self.processes.append(other.processes);
        self.course.append(other.course);
        self.answers.append(&other.answers);
        self.last_at = self.last_at.max(other.last_at);
        self.is_undone |= other.is_undone;
    }

    fn add_fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Continued { at, .. } => {
                self.end_process();
                self.last_at = *at;
                self.ended = None;
            }
            Fact::Ended { at, exit, .. } => {
                self.last_at = *at;
                self.ended = Some(Ended {
                    at: *at,
                    exit: *exit,
                });
            }
            Fact::Undone { .. } => self.is_undone = true,
            Fact::Canary {
                at,
                customers,
                updated,
                bad,
                echo,
                goes_on,
            } => {
                self.canary = Some(Canary {
                    shard: self.header.shard_of_run().map(Shard::index),
                    at: *at,
                    is_good: *bad == 0 && echo.is_empty(),
                    customers: *customers,
                    updated: *updated,
                    bad: *bad,
                    echo: echo.names().map(str::to_owned).collect(),
                    then: if *goes_on {
                        AfterCanary::WentOn
                    } else {
                        AfterCanary::Stopped
                    },
                });
            }
            Fact::LeftOut { .. } | Fact::Synced { .. } | Fact::Unknown => {}
        }
        self.processes.add_fact(fact);
    }

    /// Adds the time at which the last process worked. If it was killed, its last line counts.
    fn end_process(&mut self) {
        if let Some(process) = self.processes.kept().last() {
            self.course.add_process(process.started, self.last_at);
        }
    }
}

impl From<Outcome> for RowEnd {
    fn from(outcome: Outcome) -> RowEnd {
        match outcome {
            Outcome::Updated => RowEnd::Updated,
            Outcome::Unchanged => RowEnd::Unchanged,
            Outcome::Invalid => RowEnd::Invalid,
            Outcome::Rejected => RowEnd::Rejected,
            Outcome::Conflict => RowEnd::Conflict,
            Outcome::Failed => RowEnd::Failed,
            Outcome::Superseded => RowEnd::Superseded,
            Outcome::Elsewhere => RowEnd::Elsewhere,
            Outcome::Other => RowEnd::Other,
        }
    }
}

/// The rows with several entries, and the number of entries of each that are still to come: a row in
/// the first `n` sets has `n` more.
#[derive(Debug, Default)]
struct Repeats {
    seen: RoaringTreemap,
    more: Vec<RoaringTreemap>,
}

impl Repeats {
    fn of(journal: &File) -> Result<Repeats, HistoryError> {
        let mut lines = LineReader::of(BufReader::with_capacity(BUFFER_BYTES, journal));
        let mut repeats = Repeats::default();
        while let Some(line) = lines.next_settled()? {
            match line {
                Line::Entry(entry) => repeats.add(entry.row),
                Line::Bulk(bulk) => {
                    let rows = bulk.rows.iter().flat_map(|(first, last)| *first..=*last);
                    rows.for_each(|row| repeats.add(row));
                }
                Line::Header(_) | Line::Fact(_) | Line::Unknown | Line::Torn(_) => {}
            }
        }
        Ok(repeats)
    }

    fn add(&mut self, row: u64) {
        if self.seen.insert(row) {
            return;
        }
        if !self.more.iter_mut().any(|more| more.insert(row)) {
            self.more.push([row].into_iter().collect());
        }
    }

    /// Takes an entry of a row. Returns whether it is the last one.
    fn take(&mut self, row: u64) -> bool {
        !self.more.iter_mut().rev().any(|more| more.remove(row))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::journal::{Purpose, RunKey};

    /// A line of a random journal.
    #[derive(Debug, Clone)]
    enum Step {
        /// A row ends.
        Entry(u64, Outcome),
        /// Rows end together.
        Bulk(u64, u64),
        /// Another process continues, after this many seconds.
        Continue(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let outcome = prop::sample::select(&Outcome::ALL[..]);
        let step = prop_oneof![
            20 => (1..40_u64, outcome).prop_map(|(row, outcome)| Step::Entry(row, outcome)),
            1 => (1..40_u64, 1..10_u64).prop_map(|(first, rows)| Step::Bulk(first, first + rows)),
            2 => (0..100_000_u64).prop_map(Step::Continue),
        ];
        prop::collection::vec(step, 0..200)
    }

    fn header() -> Vec<u8> {
        let key = RunKey::of([7; 16]);
        let mut bytes = Vec::new();
        Header::new(Purpose::Run, &key, Vec::new(), BTreeMap::new()).encode(&mut bytes);
        bytes
    }

    fn file_of(journal: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(journal).expect("it can be written");
        file.seek(SeekFrom::Start(0)).expect("a file");
        file
    }

    /// Writes a journal, and returns the last outcome of each row and the number of all ends.
    fn write(steps: &[Step], journal: &mut Vec<u8>) -> (BTreeMap<u64, Outcome>, u64) {
        let (mut last, mut ends) = (BTreeMap::new(), 0);
        let mut is_first_process = true;
        let mut at = Timestamp::now();
        for step in steps {
            at += Duration::from_millis(730);
            match step {
                // Only another process sends a row again.
                Step::Entry(row, _) if is_first_process && last.contains_key(row) => {}
                Step::Bulk(..) if is_first_process => {}
                Step::Entry(row, outcome) => {
                    let entry = Entry {
                        at,
                        ms: Some(3),
                        status: Some(200),
                        ..Entry::of_row(*row, *outcome)
                    };
                    entry.encode(journal);
                    last.insert(*row, *outcome);
                    ends += 1;
                }
                Step::Bulk(first, end) => {
                    let mut bulk = BulkEntry::new(Outcome::Unchanged, at);
                    for row in *first..*end {
                        assert!(bulk.add(row, 7), "one block");
                        last.insert(row, Outcome::Unchanged);
                        ends += 1;
                    }
                    bulk.encode(journal);
                }
                Step::Continue(seconds) => {
                    is_first_process = false;
                    at += Duration::from_secs(*seconds);
                    let version = "1".to_owned();
                    Fact::Continued { at, version }.encode(journal);
                }
            }
        }
        (last, ends)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn each_row_counts_once_by_its_last_outcome(steps in steps()) {
            let mut journal = header();
            let (last, ends) = write(&steps, &mut journal);
            let history = read(file_of(&journal)).expect("it can be read").expect("a header");
            let mut rows = BTreeMap::<RowEnd, u64>::new();
            let course = history.course.finish().map(super::super::course::CourseColumns::course);
            let stretches = course.iter().flat_map(|course| &course.stretches);
            for (end, number) in stretches.flat_map(|stretch| &stretch.columns).flat_map(|column| &column.rows) {
                *rows.entry(*end).or_default() += number;
            }
            let again = rows.remove(&RowEnd::SentAgain).unwrap_or_default();
            let mut want = BTreeMap::<RowEnd, u64>::new();
            for outcome in last.values() {
                *want.entry(RowEnd::from(*outcome)).or_default() += 1;
                let counted = last.values().filter(|other| *other == outcome).count();
                prop_assert_eq!(history.tally.count(*outcome), u64::try_from(counted).expect("few"));
            }
            prop_assert_eq!(&rows, &want);
            prop_assert_eq!(again + want.values().sum::<u64>(), ends);
            let continued = steps.iter().filter(|step| matches!(step, Step::Continue(_))).count();
            prop_assert_eq!(history.processes.number, u64::try_from(continued).expect("few") + 1);
        }
    }

    #[test]
    fn damage_is_refused_and_a_torn_end_is_not() {
        let check = |lines: &[&[u8]], want: Result<bool, u64>| {
            let (mut journal, length) = (header(), u64::try_from(header().len()).expect("few"));
            for line in lines {
                journal.extend_from_slice(line);
            }
            let found = match read(file_of(&journal)) {
                Ok(history) => Ok(history.expect("a header").is_torn),
                Err(HistoryError::Damaged { offset }) => Err(offset - length),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(found, want);
        };
        let mut entry = Vec::new();
        Entry::of_row(1, Outcome::Updated).encode(&mut entry);
        let torn = &entry[..20];
        check(&[&entry], Ok(false));
        check(&[&entry, torn], Ok(true));
        check(&[&entry, torn, b"\n", torn], Ok(true));
        check(&[torn, b"\n", &entry], Err(0));
    }
}
