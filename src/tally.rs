//! Counts over outcomes, for the summary: a fold over journal entries and over the rows that stream past.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::contract::Notes;
use crate::journal::{Entry, Outcome};
use crate::row::{Content, Position, Row};

/// Groups of errors that are told apart; more than these are counted as one, so that no input makes the tally grow.
const GROUPS_MAX: usize = 500;
/// Places that are kept for each group.
const PLACES_MAX: usize = 3;
/// What groups beyond the limit are counted as.
const OTHERS: &str = "other";
/// Latencies are told apart from a microsecond to an hour.
const LATENCY_MAX_US: u64 = 3_600_000_000;

/// What happened to the rows.
#[derive(Debug)]
pub struct Tally {
    outcomes: BTreeMap<Outcome, u64>,
    groups: BTreeMap<GroupKey, Group>,
    latency_us: Histogram<u64>,
}

/// What was read, whether or not it came to an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowsRead {
    /// Rows.
    pub rows: u64,
    /// The last of them.
    pub last_row: Option<u64>,
    /// Rows whose date was brought into another form.
    pub dates_normalised: u64,
    /// Rows that leave fields of the contract out.
    pub fields_left_out: u64,
    /// Rows whose e-mail address has a domain without a dot.
    pub domains_without_dot: Group,
}

impl RowsRead {
    /// Counts a row.
    pub fn add(&mut self, row: &Row) {
        match &row.content {
            Content::Update { notes, .. } => self.add_valid(row.position, *notes),
            Content::Invalid(_) => self.add_invalid(row.position),
        }
    }

    /// Counts a row that keeps the contract.
    pub fn add_valid(&mut self, position: Position, notes: Notes) {
        self.add_invalid(position);
        self.dates_normalised += u64::from(notes.date_normalised);
        self.fields_left_out += u64::from(notes.fields_left_out);
        if notes.email_domain_without_dot {
            self.domains_without_dot.add(position);
        }
    }

    /// Counts a row of which nothing else is known.
    pub fn add_invalid(&mut self, position: Position) {
        self.rows += 1;
        self.last_row = Some(position.row);
    }

    /// Adds rows that come behind these.
    pub fn append(&mut self, later: &RowsRead) {
        self.rows += later.rows;
        self.last_row = later.last_row.or(self.last_row);
        self.dates_normalised += later.dates_normalised;
        self.fields_left_out += later.fields_left_out;
        self.domains_without_dot.append(&later.domains_without_dot);
    }

    /// Numbers the rows as ones that so many rows come before.
    pub fn move_behind(&mut self, rows_before: u64) {
        for row in self.last_row.iter_mut().chain(self.domains_without_dot.first.iter_mut().map(|first| &mut first.row))
        {
            *row += rows_before;
        }
    }
}

/// What errors are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// How the rows ended.
    pub outcome: Outcome,
    /// The field, where the error names one.
    pub field: Option<String>,
    /// The contract's code, the API's code, or the cause.
    pub code: String,
    /// The answer's status.
    pub status: Option<u16>,
}

/// Rows that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// How many.
    pub rows: u64,
    /// Where the first of them stand.
    pub first: Vec<Position>,
}

impl Group {
    fn add(&mut self, position: Position) {
        self.rows += 1;
        // Rows end in another order than that of the file, of which people expect the first places.
        let before = self.first.partition_point(|earlier| earlier.row < position.row);
        if before < PLACES_MAX {
            self.first.insert(before, position);
            self.first.truncate(PLACES_MAX);
        }
    }

    /// Adds rows that stand behind these.
    fn append(&mut self, later: &Group) {
        self.rows += later.rows;
        let room = PLACES_MAX.saturating_sub(self.first.len());
        self.first.extend(later.first.iter().take(room));
    }
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            outcomes: BTreeMap::new(),
            groups: BTreeMap::new(),
            latency_us: Histogram::new_with_max(LATENCY_MAX_US, 3).expect("three digits are within the crate's bounds"),
        }
    }
}

impl Tally {
    /// Counts a row that ended so, and needs nobody's attention.
    pub fn ended_well(&mut self, outcome: Outcome) {
        *self.outcomes.entry(outcome).or_default() += 1;
    }

    /// Counts a row that ended badly, in all groups that its errors belong to.
    pub fn ended_badly(&mut self, entry: &Entry<'_>, position: Position) {
        *self.outcomes.entry(entry.outcome).or_default() += 1;
        let key = |field: Option<String>, code: String| GroupKey {
            outcome: entry.outcome,
            field,
            code,
            status: entry.status,
        };
        let common = entry.error.as_deref().or(entry.cause.as_deref());
        let common = common
            .map_or_else(|| entry.status.map_or_else(String::new, |status| format!("http_{status}")), str::to_owned);
        if entry.errors.is_empty() {
            return self.add(key(None, common), position);
        }
        let mut keys: Vec<_> = (entry.errors.iter())
            .map(|error| {
                let code = error.code.as_deref().map_or_else(|| common.clone(), str::to_owned);
                key(Some(error.field.clone().into_owned()), code)
            })
            .collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            self.add(key, position);
        }
    }

    /// Counts how long an update took.
    pub fn took(&mut self, took: Duration) {
        self.latency_us.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Rows that ended so.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// Rows that have ended.
    pub fn ended(&self) -> u64 {
        self.outcomes.values().sum()
    }

    /// Errors by group, the largest first.
    pub fn groups(&self) -> Vec<(&GroupKey, &Group)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.rows));
        groups
    }

    /// The latency that this share of updates stayed within; nothing where there were none.
    pub fn latency(&self, percentile: f64) -> Option<Duration> {
        (!self.latency_us.is_empty()).then(|| Duration::from_micros(self.latency_us.value_at_percentile(percentile)))
    }

    fn add(&mut self, key: GroupKey, position: Position) {
        if self.groups.len() >= GROUPS_MAX && !self.groups.contains_key(&key) {
            let others = GroupKey { field: None, code: OTHERS.to_owned(), status: None, ..key };
            return self.groups.entry(others).or_default().add(position);
        }
        self.groups.entry(key).or_default().add(position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::EntryError;

    fn entry(row: u64, errors: &[(&'static str, Option<&'static str>)]) -> Entry<'static> {
        let errors = errors.iter().map(|(field, code)| EntryError {
            field: (*field).into(),
            code: code.map(Into::into),
            message: "is bad".into(),
        });
        Entry { errors: errors.collect(), ..Entry::of_row(row, Outcome::Invalid) }
    }

    fn position(row: u64) -> Position {
        Position { row, input: 0, line: row }
    }

    #[test]
    fn a_row_counts_once_in_each_of_its_groups() {
        let mut tally = Tally::default();
        tally.ended_badly(
            &entry(1, &[("email", Some("format")), ("email", Some("format")), ("job", Some("null"))]),
            position(1),
        );
        tally.ended_badly(&entry(2, &[("email", Some("format"))]), position(2));
        let groups: Vec<_> = tally.groups().into_iter().map(|(key, group)| (key.field.clone(), group.rows)).collect();
        assert_eq!(groups, [(Some("email".to_owned()), 2), (Some("job".to_owned()), 1)]);
        assert_eq!((tally.count(Outcome::Invalid), tally.ended()), (2, 2));
    }

    #[test]
    fn no_input_makes_the_tally_grow_without_end() {
        let mut tally = Tally::default();
        let rows = u64::try_from(GROUPS_MAX).expect("few") * 2;
        for row in 1..=rows {
            let entry = Entry { error: Some(format!("code {row}").into()), status: Some(400), ..entry(row, &[]) };
            tally.ended_badly(&entry, position(row));
        }
        let groups = tally.groups();
        assert!(groups.len() <= GROUPS_MAX + 1, "{}", groups.len());
        assert_eq!(groups.iter().map(|(_, group)| group.rows).sum::<u64>(), rows);
        assert!(groups.iter().all(|(_, group)| group.first.len() <= PLACES_MAX));
    }

    #[test]
    fn a_group_keeps_its_first_places_in_whatever_order_they_come() {
        let check = |rows: &[u64], want: &[u64]| {
            let mut group = Group::default();
            for row in rows {
                group.add(Position { row: *row, input: 0, line: row + 1 });
            }
            let kept: Vec<_> = group.first.iter().map(|position| position.row).collect();
            assert_eq!((group.rows, kept.as_slice()), (rows.len() as u64, want), "{rows:?}");
        };
        check(&[], &[]);
        check(&[1, 2, 3, 4], &[1, 2, 3]);
        check(&[9, 4, 7, 2, 8], &[2, 4, 7]);
    }
}
