//! Made-up files, and those that mean something else than they say: each has a sign.

use std::collections::BTreeMap;

use super::moved_values::KEPT_MAX;
use super::*;
use crate::contract::FIELDS;

/// The number of customers of most files.
pub(super) const CUSTOMERS: u64 = 2000;
/// The number of files of each kind.
pub(super) const SEEDS: u64 = 4;

/// `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A number below a limit. Small ones are common, as few names are most people's.
    fn skewed(&mut self, limit: u64) -> u64 {
        let (one, other) = (self.below(limit), self.below(limit));
        one * other / limit
    }

    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

pub(super) type Column = Vec<Option<String>>;
pub(super) type Table = BTreeMap<Field, Column>;

/// A customer's value of a field, as it may be in a real account.
pub(super) fn value(field: Field, row: u64, random: &mut Random) -> Option<String> {
    let text = match field {
        Field::FirstName => format!("First{}", random.skewed(400)),
        Field::LastName => format!("Last{}", random.skewed(5000)),
        Field::PhoneNumber => format!("+49 30 {}", random.below(1 << 40)),
        Field::Email => format!("{}@example.com", random.below(1 << 40)),
        Field::DateOfBirth => day(random.below(50 * 336)),
        Field::Gender => ["male", "female"][usize::from(random.percent(50))].to_owned(),
        Field::CountryId => random.skewed(80).to_string(),
        Field::IdentityNumber => format!("ID{}", random.below(1 << 40)),
        Field::Job => format!("Job{}", random.skewed(200)),
        // Half of the customers live with a neighbour in the file.
        Field::Address if random.percent(50) => format!("{} High Street", row / 2),
        Field::Address => format!("{row} Low Street"),
        Field::DefaultChannelId => random.below(5).to_string(),
        Field::UserId => random.below(60).to_string(),
    };
    let may_be_null = field == Field::Email || field == Field::Gender;
    (!may_be_null || random.percent(80)).then_some(text)
}

/// A day of fifty years, each of twelve months of 28 days.
fn day(number: u64) -> String {
    let (year, month, day) = (1950 + number / 336, number / 28 % 12 + 1, number % 28 + 1);
    format!("{year}-{month:02}-{day:02}")
}

pub(super) fn table(customers: u64, random: &mut Random) -> Table {
    let column = |field| {
        (0..customers)
            .map(|row| value(field, row, random))
            .collect()
    };
    let fields = FIELDS.iter().map(|rule| rule.field);
    fields.clone().zip(fields.map(column)).collect()
}

fn ids() -> impl Iterator<Item = CustomerId> {
    (1..).map(|id| CustomerId::new(id).expect("an id"))
}

/// The signs of a file that sets some fields to what is `wanted`. Customers come in any order.
pub(super) fn signs(now: &Table, wanted: &Table, random: &mut Random) -> Vec<OddSign> {
    let mut signs = OddSigns::new();
    let mut rows: Vec<(usize, CustomerId)> = (0..now[&Field::Email].len()).zip(ids()).collect();
    rows.sort_by_cached_key(|_| random.next());
    for (row, id) in rows {
        for (field, column) in wanted {
            signs.add(
                id,
                *field,
                now[field][row].as_deref(),
                column[row].as_deref(),
            );
        }
        let names = [Field::FirstName, Field::LastName];
        if let [Some(first), Some(last)] = names.map(|field| wanted.get(&field)) {
            let [now_first, now_last] = names.map(|field| now[&field][row].as_deref());
            signs.add_names(
                now_first,
                now_last,
                first[row].as_deref(),
                last[row].as_deref(),
            );
        }
    }
    signs.findings()
}

/// Checks that files whose field is changed in this way have exactly one sign, of up to this share
/// of the rows.
fn planted(what: &str, fields: &[Field], percent: u64, change: fn(&mut Column)) {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let now = table(CUSTOMERS, &mut random);
        for field in fields {
            let mut column = now[field].clone();
            change(&mut column);
            let found = signs(&now, &Table::from([(*field, column)]), &mut random);
            let [
                OddSign::Exchanged {
                    field: told,
                    rows,
                    changed,
                },
            ] = found[..]
            else {
                panic!("{what} {field} {seed}: {found:?}");
            };
            assert_eq!(told, *field, "{what} {seed}");
            assert!(rows <= changed, "{what} {seed}: {found:?}");
            // Some rows get the value that they have, and some values are null.
            let most = CUSTOMERS * percent / 100;
            assert!(
                rows * 2 > most && rows <= most,
                "{what} {field} {seed}: {found:?}"
            );
        }
    }
}

const UNIQUE: [Field; 4] = [
    Field::PhoneNumber,
    Field::Email,
    Field::IdentityNumber,
    Field::Address,
];
const REPEATED: [Field; 4] = [
    Field::FirstName,
    Field::LastName,
    Field::DateOfBirth,
    Field::Job,
];
/// Fields of which a part of the rows has too few values to be beyond chance.
const NUMBERS: [Field; 2] = [Field::CountryId, Field::UserId];

#[test]
fn a_column_that_is_shifted_or_sorted_without_the_others_is_told() {
    let fields = [&UNIQUE[..], &REPEATED, &NUMBERS].concat();
    planted("shifted up", &fields, 100, |column| column.rotate_left(1));
    planted("shifted down", &fields, 100, |column| {
        column.rotate_right(1);
        column[0] = Some("7".to_owned());
    });
    planted("sorted", &fields, 100, |column| column.sort());
    planted("reversed", &fields, 100, |column| column.reverse());
}

#[test]
fn a_shifted_block_is_told() {
    let fields = [UNIQUE, REPEATED].concat();
    planted("block", &fields, 6, |column| {
        column[700..820].rotate_right(1);
    });
    planted("block among new values", &UNIQUE[..3], 8, |column| {
        column[700..860].rotate_right(1);
        for (row, value) in column.iter_mut().enumerate() {
            if !(700..860).contains(&row) {
                *value = Some(format!("New{row}"));
            }
        }
    });
    planted("block beside a common new value", &UNIQUE, 8, |column| {
        column[700..860].rotate_right(1);
        column[1000..].fill(Some("New".to_owned()));
    });
}

/// Checks the signs of two fields that are exchanged in this share of the rows.
fn exchanged(fields: [Field; 2], percent: u64, want: fn(u64) -> OddSign) {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let now = table(CUSTOMERS, &mut random);
        let [mut one, mut other] = fields.map(|field| now[&field].clone());
        let mut rows = 0;
        for (one, other) in one.iter_mut().zip(&mut other) {
            if random.percent(percent) {
                std::mem::swap(one, other);
                rows += 1;
            }
        }
        let wanted = Table::from([(fields[0], one), (fields[1], other)]);
        let found = signs(&now, &wanted, &mut random);
        assert_eq!(found, [want(rows)], "{fields:?} {percent} {seed}");
    }
}

#[test]
fn exchanged_fields_of_customers_are_told() {
    for percent in [10, 100] {
        exchanged([Field::FirstName, Field::LastName], percent, |rows| {
            OddSign::NamesExchanged {
                rows,
                changed: rows,
            }
        });
        exchanged([Field::Job, Field::Address], percent, |rows| {
            OddSign::FieldsExchanged {
                fields: [Field::Job, Field::Address],
                rows,
                changed: rows,
            }
        });
    }
}

/// The signs of a file that sets an identity number in each row, and the number of kept hashes.
pub(super) fn signs_of_numbers(rows: impl Iterator<Item = (u64, u64)>) -> (Vec<OddSign>, usize) {
    let mut signs = OddSigns::new();
    for ((before, after), id) in rows.zip(ids()) {
        let (before, after) = (before.to_string(), after.to_string());
        signs.add(id, Field::IdentityNumber, Some(&before), Some(&after));
    }
    let kept = signs.fields[&Field::IdentityNumber].kept();
    (signs.findings(), kept)
}

#[test]
fn a_million_values_are_sampled() {
    for (rows, moved, is_told) in [
        (1_000_000, 100_000, true),
        (200_000, 200_000, true),
        (200_000, 4_000, false),
    ] {
        let after = |row| {
            if row < moved {
                (row + 1) % moved
            } else {
                rows + row
            }
        };
        let (found, kept) = signs_of_numbers((0..rows).map(|row| (row, after(row))));
        assert!(kept <= KEPT_MAX && kept > KEPT_MAX / 3, "{moved}: {kept}");
        match found[..] {
            [
                OddSign::Exchanged {
                    rows: told,
                    changed,
                    ..
                },
            ] if is_told => {
                assert_eq!(changed, rows);
                assert!(told.abs_diff(moved) < moved / 5, "{moved}: {told}");
            }
            ref found => assert!(found.is_empty() && !is_told, "{moved}: {found:?}"),
        }
    }
}

#[test]
fn shared_values_are_sampled() {
    let mut random = Random(1);
    let mut column = || -> Vec<u64> { (0..200_000).map(|_| random.skewed(60_000)).collect() };
    let (before, drawn) = (column(), column());
    let mut sorted = before.clone();
    sorted.sort_unstable();
    for (after, is_told) in [(sorted, true), (drawn, false)] {
        let (found, kept) = signs_of_numbers(before.iter().copied().zip(after));
        assert!(kept <= KEPT_MAX && kept > KEPT_MAX / 3, "{kept}");
        assert_eq!(!found.is_empty(), is_told, "{found:?}");
    }
}

#[test]
fn a_sign_is_a_sentence_with_counts_and_without_values() {
    for (sign, want) in [
        (
            OddSign::Exchanged {
                field: Field::Email,
                rows: 1200,
                changed: 20_000,
            },
            "email: about 1,200 of 20,000 new values are other customers' present values; check whether the column was shifted or sorted without the others",
        ),
        (
            OddSign::NamesExchanged {
                rows: 30,
                changed: 31,
            },
            "first_name, last_name: the two would be exchanged for 30 of 31 customers for whom both change; check whether the two columns are swapped",
        ),
        (
            OddSign::FieldsExchanged {
                fields: [Field::Job, Field::Address],
                rows: 30,
                changed: 31,
            },
            "job, address: the two would be exchanged for 30 of 31 customers with new values; check whether the two columns are swapped",
        ),
    ] {
        assert_eq!(sign.to_string(), want);
    }
}

#[test]
fn the_sign_with_the_most_rows_comes_first() {
    let mut random = Random(1);
    let now = table(CUSTOMERS, &mut random);
    let mut wanted = now.clone();
    for (field, rows) in [(Field::PhoneNumber, 200), (Field::IdentityNumber, 2000)] {
        let column = wanted.get_mut(&field).expect("a column for each field");
        column[..rows].reverse();
    }
    let found = signs(&now, &wanted, &mut random);
    let rows: Vec<_> = found.iter().map(OddSign::rows).collect();
    assert_eq!(rows, [2000, 200]);
}
