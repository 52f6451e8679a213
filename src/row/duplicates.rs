//! Customers that several rows name: which ids have come before, and what becomes of a row for its id's sake.

use rapidhash::RapidHashMap;
use roaring::RoaringBitmap;

use crate::contract::{CustomerId, FieldSet};

/// Consecutive ids that share a word of an [`IdSet`].
const IDS_PER_WORD: u64 = 64;
/// Words that a set has at most where repeated ids are only pointed out: what its table has room for in 9 MiB (17 bytes a
/// word, an eighth of them free), and with the one that it outgrew in 13 MiB. Enough for 29 million consecutive ids, or
/// 458,752 that have no neighbours.
const WATCHED_WORDS_MAX: usize = (1 << 19) / 8 * 7;

/// Which of the valid rows of one customer are sent (`--unique`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DuplicatePolicy {
    /// All of them, in the order of the input.
    #[default]
    All,
    /// The first one; the others are invalid.
    Reject,
    /// The last one; the others are superseded.
    Last,
}

/// What becomes of a valid row for its id's sake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// It is sent, and is not known to be anything but the customer's first.
    Sent,
    /// It is sent, after an earlier row of the customer.
    SentAgain,
    /// It is sent. There have been more ids than are kept, so whether it is the customer's first is not known.
    Unknown,
    /// It is sent, and earlier rows of the customer are not, which set fields that it leaves out.
    SentInstead {
        /// These fields.
        lost: FieldSet,
    },
    /// It is invalid, for the customer has an earlier row.
    Refused,
    /// It is not sent, for the customer has a later row.
    Superseded,
}

/// A set of ids. It keeps a word for every 64 neighbours, so that consecutive ids take next to no memory and scattered ones
/// still only a word each; a compressed bitmap takes 250 bytes for one that is alone.
#[derive(Debug, Default)]
struct IdSet {
    words: RapidHashMap<u64, u64>,
}

/// A set of any number of ids, in as little memory as there is a simple way to: ids below 2^32, as most APIs count them, take two
/// bytes each where they are scattered and next to none where they are consecutive; larger ones take what an [`IdSet`] does.
#[derive(Debug, Default)]
struct AllIds {
    small: RoaringBitmap,
    large: IdSet,
}

/// What was seen of the ids so far, to tell the occurrence of the next one. It has to be asked for each valid row once, in the
/// order of the input.
#[derive(Debug)]
pub struct DuplicateFilter(Mode);

#[derive(Debug)]
enum Mode {
    /// Points repeated ids out, within bounds.
    KeepAll { seen: IdSet, words_max: usize },
    /// There were more ids than that.
    GivenUp,
    /// Refuses repeated ids.
    KeepFirst(AllIds),
    /// Leaves all rows but the last of each id.
    KeepLast(LaterRows),
}

/// The rows that each id has before its last one.
#[derive(Debug, Default)]
pub struct LaterRows(RapidHashMap<CustomerId, EarlierRows>);

/// The rows of an id before its last one.
#[derive(Debug, Clone, Copy, Default)]
struct EarlierRows {
    /// How many of them are still to come.
    ahead: u32,
    /// The fields that those set which have come.
    fields: FieldSet,
}

/// Counts the rows of each id.
#[derive(Debug, Default)]
pub struct LaterRowsBuilder {
    seen: AllIds,
    later_rows: LaterRows,
}

impl IdSet {
    /// Adds an id. Returns whether it is new, as `HashSet::insert` does.
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
    fn contains(&self, id: CustomerId) -> bool {
        match u32::try_from(id.get()) {
            Ok(small) => self.small.contains(small),
            Err(_) => self.large.contains(id),
        }
    }

    /// Adds an id. Returns whether it is new.
    fn insert(&mut self, id: CustomerId) -> bool {
        match u32::try_from(id.get()) {
            Ok(small) => self.small.insert(small),
            Err(_) => self.large.insert(id),
        }
    }
}

impl DuplicateFilter {
    /// All rows are sent; ids that come again are pointed out for as long as memory allows.
    pub fn keep_all() -> DuplicateFilter {
        DuplicateFilter(Mode::KeepAll {
            seen: IdSet::default(),
            words_max: WATCHED_WORDS_MAX,
        })
    }

    /// Of each id the first row is sent.
    pub fn keep_first() -> DuplicateFilter {
        DuplicateFilter(Mode::KeepFirst(AllIds::default()))
    }

    /// Of each id the last row is sent; the whole input was counted before.
    pub fn keep_last(later_rows: LaterRows) -> DuplicateFilter {
        DuplicateFilter(Mode::KeepLast(later_rows))
    }

    /// Whether a row of this customer that comes now would be refused if it were valid.
    pub fn would_reject(&self, id: CustomerId) -> bool {
        match &self.0 {
            Mode::KeepFirst(seen) => seen.contains(id),
            Mode::KeepAll { .. } | Mode::GivenUp | Mode::KeepLast(_) => false,
        }
    }

    /// What becomes of the next row, which names this customer and sets these fields.
    pub fn next(&mut self, id: CustomerId, fields: FieldSet) -> Occurrence {
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
    pub fn add(&mut self, id: CustomerId) {
        if !self.seen.insert(id) {
            self.later_rows.0.entry(id).or_default().ahead += 1;
        }
    }

    /// All rows were counted.
    pub fn finish(self) -> LaterRows {
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

    /// DuplicateFilter that are near to each other and ids at the ends of the range.
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
