//! Duplicate customers: remembers the ids seen so far and applies `--unique` to the next row.

use rapidhash::RapidHashMap;
use roaring::RoaringBitmap;

use crate::contract::{CustomerId, FieldSet};

/// The number of consecutive ids that share a word of an [`IdSet`].
const IDS_PER_WORD: u64 = 64;
/// The most words of a set that only reports duplicates. Its table has room for them in 9 MiB (17
/// bytes a word, an eighth of them free), or in 13 MiB with the table that it outgrew. That is
/// enough for 29 million consecutive ids, or for 458,752 without neighbours.
const WATCHED_WORDS_MAX: usize = (1 << 19) / 8 * 7;

/// The rows of a customer that are sent, if several are valid (`--unique`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicatePolicy {
    /// All rows, in the order of the input.
    #[default]
    All,
    /// The first row; the others are invalid.
    Reject,
    /// The last row; the others are superseded.
    Last,
}

/// The place of a valid row among the rows of its customer, and its consequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// The row is sent. It is the customer's first, as far as is known.
    Sent,
    /// The row is sent after an earlier row of the customer.
    SentAgain,
    /// The row is sent. Whether it is the customer's first is unknown, since there were more ids
    /// than are kept.
    Unknown,
    /// The row is sent. Earlier rows of the customer are not, and they set fields that this row
    /// leaves out.
    SentInstead {
        /// The fields that are lost.
        lost: FieldSet,
    },
    /// The row is invalid, since the customer has an earlier row.
    Refused,
    /// The row is not sent, since the customer has a later row.
    Superseded,
}

/// A set of ids with one word for every 64 neighbours. Consecutive ids take almost no memory, and
/// scattered ones a word each, where a compressed bitmap takes 250 bytes for a single id.
#[derive(Debug, Clone, Default)]
struct IdSet {
    words: RapidHashMap<u64, u64>,
}

/// A compact set of any number of ids. Ids below 2^32, as most APIs assign them, take two bytes
/// each if they are scattered and almost nothing if they are consecutive. Larger ids are in an
/// [`IdSet`].
#[derive(Debug, Clone, Default)]
pub(crate) struct AllIds {
    small: RoaringBitmap,
    large: IdSet,
}

/// Applies [`DuplicatePolicy`] to valid rows, which are passed once each, in the order of the
/// input.
#[derive(Debug, Clone)]
pub(crate) struct DuplicateFilter(Mode);

#[derive(Debug, Clone)]
enum Mode {
    /// Reports duplicates, within bounds of memory.
    KeepAll { seen: IdSet, words_max: usize },
    /// There were more ids than those bounds allow.
    GivenUp,
    /// Refuses all rows but the first of each id.
    KeepFirst(AllIds),
    /// Supersedes all rows but the last of each id.
    KeepLast(LaterRows),
}

/// The later rows of each id that has several.
#[derive(Debug, Clone, Default)]
pub(crate) struct LaterRows(RapidHashMap<CustomerId, CustomerRows>);

/// The progress through the rows of one id.
#[derive(Debug, Clone, Copy, Default)]
struct CustomerRows {
    /// The number of rows after the next one.
    ahead: u32,
    /// The fields that the superseded rows set.
    fields: FieldSet,
}

/// Counts the rows of each id, to build [`LaterRows`].
#[derive(Debug, Default)]
pub(crate) struct LaterRowsBuilder {
    seen: AllIds,
    later_rows: LaterRows,
}

impl IdSet {
    /// Adds an id. Returns whether it is new.
    fn insert(&mut self, id: CustomerId) -> bool {
        let word = self.words.entry(id.get() / IDS_PER_WORD).or_default();
        let bit = 1 << (id.get() % IDS_PER_WORD);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    fn contains(&self, id: CustomerId) -> bool {
        let word = self
            .words
            .get(&(id.get() / IDS_PER_WORD))
            .copied()
            .unwrap_or_default();
        word & 1 << (id.get() % IDS_PER_WORD) != 0
    }
}

impl AllIds {
    pub(crate) fn contains(&self, id: CustomerId) -> bool {
        match u32::try_from(id.get()) {
            Ok(small) => self.small.contains(small),
            Err(_) => self.large.contains(id),
        }
    }

    /// Adds an id. Returns whether it is new.
    pub(crate) fn insert(&mut self, id: CustomerId) -> bool {
        match u32::try_from(id.get()) {
            Ok(small) => self.small.insert(small),
            Err(_) => self.large.insert(id),
        }
    }
}

impl AllIds {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.small.is_empty() && self.large.words.is_empty()
    }

    /// Returns the ids in ascending order.
    pub(crate) fn ascending(&self) -> impl Iterator<Item = u64> {
        let mut words: Vec<_> = self
            .large
            .words
            .iter()
            .map(|(at, bits)| (*at, *bits))
            .collect();
        words.sort_unstable();
        let large = words.into_iter().flat_map(|(at, bits)| {
            let ids = (0..IDS_PER_WORD).filter(move |bit| bits & 1 << bit != 0);
            ids.map(move |bit| at * IDS_PER_WORD + bit)
        });
        self.small.iter().map(u64::from).chain(large)
    }
}

impl DuplicateFilter {
    /// Creates a filter that sends all rows and reports duplicates for as long as memory allows.
    pub(crate) fn keep_all() -> DuplicateFilter {
        DuplicateFilter(Mode::KeepAll {
            seen: IdSet::default(),
            words_max: WATCHED_WORDS_MAX,
        })
    }

    /// Creates a filter that sends the first row of each id.
    pub(crate) fn keep_first() -> DuplicateFilter {
        DuplicateFilter(Mode::KeepFirst(AllIds::default()))
    }

    /// Creates a filter that sends the last row of each id. The whole input has been counted.
    pub(crate) fn keep_last(later_rows: LaterRows) -> DuplicateFilter {
        DuplicateFilter(Mode::KeepLast(later_rows))
    }

    /// Whether the next row of this customer would be refused if it were valid.
    pub(crate) fn would_reject(&self, id: CustomerId) -> bool {
        match &self.0 {
            Mode::KeepFirst(seen) => seen.contains(id),
            Mode::KeepAll { .. } | Mode::GivenUp | Mode::KeepLast(_) => false,
        }
    }

    /// Returns the occurrence of the next row, which has this customer and sets these fields.
    pub(crate) fn next(&mut self, id: CustomerId, fields: FieldSet) -> Occurrence {
        match &mut self.0 {
            Mode::KeepAll { seen, words_max } => {
                let occurrence = if seen.insert(id) {
                    Occurrence::Sent
                } else {
                    Occurrence::SentAgain
                };
                if seen.words.len() >= *words_max {
                    self.0 = Mode::GivenUp;
                }
                occurrence
            }
            Mode::GivenUp => Occurrence::Unknown,
            Mode::KeepFirst(seen) => {
                if seen.insert(id) {
                    Occurrence::Sent
                } else {
                    Occurrence::Refused
                }
            }
            Mode::KeepLast(later_rows) => match later_rows.0.get_mut(&id) {
                Some(earlier) if earlier.ahead > 0 => {
                    earlier.ahead -= 1;
                    earlier.fields = earlier.fields.union(fields);
                    Occurrence::Superseded
                }
                Some(earlier) if !earlier.fields.without(fields).is_empty() => {
                    Occurrence::SentInstead {
                        lost: earlier.fields.without(fields),
                    }
                }
                Some(_) | None => Occurrence::Sent,
            },
        }
    }
}

impl LaterRowsBuilder {
    /// Counts a valid row of this customer.
    pub(crate) fn add(&mut self, id: CustomerId) {
        if !self.seen.insert(id) {
            self.later_rows.0.entry(id).or_default().ahead += 1;
        }
    }

    /// Returns the counts after the last row.
    pub(crate) fn finish(self) -> LaterRows {
        self.later_rows
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::contract::Field;

    fn id(id: u64) -> CustomerId {
        CustomerId::new(id).expect("an id")
    }

    fn occurrences(mut ids: DuplicateFilter, rows: &[u64]) -> Vec<Occurrence> {
        rows.iter()
            .map(|row| ids.next(id(*row), FieldSet::EMPTY))
            .collect()
    }

    /// Generates neighbouring ids and ids at the ends of the range.
    fn any_id() -> impl Strategy<Value = u64> {
        let last = i64::MAX.cast_unsigned();
        let edge = 1_u64 << 32;
        prop_oneof![
            1..200_u64,
            6_400..6_600_u64,
            edge - 70..edge + 70,
            last - 70..=last
        ]
    }

    #[test]
    fn fields_that_the_last_row_leaves_out_are_lost() {
        let fields = |of: &[Field]| of.iter().copied().collect::<FieldSet>();
        let (email, job) = (fields(&[Field::Email]), fields(&[Field::Job]));
        let rows = [
            (5, email),
            (6, email),
            (5, job),
            (5, email),
            (6, email.union(job)),
            (7, job),
        ];
        let mut count = LaterRowsBuilder::default();
        for (row, _) in rows {
            count.add(id(row));
        }
        let mut ids = DuplicateFilter::keep_last(count.finish());
        let occurrences: Vec<_> = rows
            .iter()
            .map(|(row, fields)| ids.next(id(*row), *fields))
            .collect();
        let (superseded, sent) = (Occurrence::Superseded, Occurrence::Sent);
        let want = [
            superseded,
            superseded,
            superseded,
            Occurrence::SentInstead { lost: job },
            sent,
            sent,
        ];
        assert_eq!(occurrences, want);
    }

    const ROWS: [u64; 8] = [5, 6, 5, 64, 5, 6, 128, 64];

    #[test]
    fn all_rows_are_sent_and_repeats_pointed_out() {
        use Occurrence::{Sent, SentAgain};
        let want = [
            Sent, Sent, SentAgain, Sent, SentAgain, SentAgain, Sent, SentAgain,
        ];
        assert_eq!(occurrences(DuplicateFilter::keep_all(), &ROWS), want);
    }

    #[test]
    fn of_each_id_the_first_row_is_sent() {
        use Occurrence::{Refused, Sent};
        let want = [Sent, Sent, Refused, Sent, Refused, Refused, Sent, Refused];
        assert_eq!(occurrences(DuplicateFilter::keep_first(), &ROWS), want);
    }

    #[test]
    fn of_each_id_the_last_row_is_sent_and_rows_that_were_not_counted_too() {
        use Occurrence::{Sent, Superseded};
        let mut count = LaterRowsBuilder::default();
        for row in ROWS {
            count.add(id(row));
        }
        let rows: Vec<_> = ROWS.into_iter().chain([5]).collect();
        let want = [
            Superseded, Superseded, Superseded, Superseded, Sent, Sent, Sent, Sent, Sent,
        ];
        assert_eq!(
            occurrences(DuplicateFilter::keep_last(count.finish()), &rows),
            want
        );
    }

    #[test]
    fn with_more_ids_than_it_may_keep_it_gives_up() {
        use Occurrence::{Sent, SentAgain, Unknown};
        let ids = DuplicateFilter(Mode::KeepAll {
            seen: IdSet::default(),
            words_max: 2,
        });
        let rows = [1, 2, 1, 64, 1, 128, 2];
        let want = [Sent, Sent, SentAgain, Sent, Unknown, Unknown, Unknown];
        assert_eq!(occurrences(ids, &rows), want);
    }

    #[test]
    fn the_bound_is_what_a_table_has_room_for() {
        let mut set = IdSet::default();
        set.words.reserve(WATCHED_WORDS_MAX);
        let room = set.words.capacity();
        assert_eq!(
            room, WATCHED_WORDS_MAX,
            "one word more would double the table"
        );
    }

    proptest! {
        #[test]
        fn a_set_of_ids_is_a_set(rows in prop::collection::vec(any_id(), 0..400)) {
            let (mut set, mut all, mut plain) = (IdSet::default(), AllIds::default(), BTreeSet::new());
            for row in rows {
                let want = plain.insert(row);
                prop_assert_eq!(set.insert(id(row)), want, "{}", row);
                prop_assert_eq!(all.insert(id(row)), want, "{}", row);
            }
        }
    }
}
