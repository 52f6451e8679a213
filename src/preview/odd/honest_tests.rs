//! Honest files, however much they change: none has a sign.

use super::tests::{
    CUSTOMERS, Column, Random, SEEDS, Table, signs, signs_of_numbers, table, value,
};
use crate::contract::{FIELDS, Field};

/// A change of one field of a customer, given its value now and its row.
type Edit = fn(&str, u64, &mut Random) -> Option<String>;

/// Honest changes, with the percentage of the rows that they change.
const HONEST: [(&str, Field, u64, Edit); 29] = [
    ("new domain", Field::Email, 95, |now, _, _| {
        Some(now.replace(".com", ".org"))
    }),
    ("cleared", Field::Email, 95, |_, _, _| None),
    ("new", Field::Email, 50, |_, row, random| {
        value(Field::Email, row, random)
    }),
    ("new", Field::PhoneNumber, 95, |_, row, random| {
        value(Field::PhoneNumber, row, random)
    }),
    ("spelled", Field::PhoneNumber, 95, |now, _, _| {
        Some(now.replace(' ', ""))
    }),
    ("new titles", Field::Job, 95, |now, _, _| {
        Some(format!("{now} (m/f)"))
    }),
    ("other titles", Field::Job, 95, |now, _, _| {
        Some(renumbered(now, "Job", 200))
    }),
    ("other jobs", Field::Job, 95, |_, row, random| {
        value(Field::Job, row, random)
    }),
    ("a few", Field::Job, 3, |_, row, random| {
        value(Field::Job, row, random)
    }),
    ("drawn", Field::Gender, 95, |_, row, random| {
        value(Field::Gender, row, random)
    }),
    ("filled", Field::Gender, 100, |now, _, _| {
        Some(if now.is_empty() { "other" } else { now }.to_owned())
    }),
    ("exchanged", Field::Gender, 100, |now, _, _| {
        Some(if now == "male" { "female" } else { "male" }.to_owned())
    }),
    ("renumbered", Field::CountryId, 95, |now, _, _| {
        Some(renumbered(now, "", 80))
    }),
    ("drawn", Field::CountryId, 95, |_, row, random| {
        value(Field::CountryId, row, random)
    }),
    ("handed on", Field::UserId, 100, |now, _, _| {
        Some(renumbered(now, "", 60))
    }),
    ("drawn", Field::UserId, 100, |_, row, random| {
        value(Field::UserId, row, random)
    }),
    ("balanced", Field::UserId, 100, |_, row, _| {
        Some((row % 60).to_string())
    }),
    ("drawn", Field::DefaultChannelId, 95, |_, row, random| {
        value(Field::DefaultChannelId, row, random)
    }),
    ("accents", Field::FirstName, 95, |now, _, _| {
        Some(now.replace('i', "í"))
    }),
    ("drawn", Field::FirstName, 95, |_, row, random| {
        value(Field::FirstName, row, random)
    }),
    ("drawn", Field::FirstName, 30, |_, row, random| {
        value(Field::FirstName, row, random)
    }),
    ("upper case", Field::LastName, 95, |now, _, _| {
        Some(now.to_uppercase())
    }),
    ("drawn", Field::LastName, 95, |_, row, random| {
        value(Field::LastName, row, random)
    }),
    ("drawn", Field::DateOfBirth, 30, |_, row, random| {
        value(Field::DateOfBirth, row, random)
    }),
    ("drawn", Field::DateOfBirth, 100, |_, row, random| {
        value(Field::DateOfBirth, row, random)
    }),
    ("day and month", Field::DateOfBirth, 100, |now, _, _| {
        Some(day_as_month(now))
    }),
    ("company moves", Field::Address, 40, |_, _, _| {
        Some("1 New Road".to_owned())
    }),
    ("households move", Field::Address, 95, |_, row, _| {
        Some(format!("{} New Road", row / 2))
    }),
    ("new", Field::Address, 95, |now, _, _| {
        Some(format!("{now}, Springfield"))
    }),
];

/// The next number, behind which the first one follows.
fn renumbered(now: &str, prefix: &str, limit: u64) -> String {
    let number: u64 = now[prefix.len()..].parse().expect("a number");
    format!("{prefix}{}", (number + 1) % limit)
}

fn day_as_month(now: &str) -> String {
    let (month, day) = (&now[5..7], &now[8..]);
    if day <= "12" {
        format!("{}-{day}-{month}", &now[..4])
    } else {
        now.to_owned()
    }
}

fn edited(now: &Table, field: Field, percent: u64, edit: Edit, random: &mut Random) -> Column {
    let column = now[&field].iter().zip(0..);
    let edited = column.map(|(value, row)| {
        if random.percent(percent) {
            edit(value.as_deref().unwrap_or_default(), row, random)
        } else {
            value.clone()
        }
    });
    edited
        .map(|value| value.filter(|text| !text.is_empty()))
        .collect()
}

#[test]
fn honest_changes_have_no_sign() {
    for (customers, seeds) in [(20, 10), (40, 30), (100, 10), (CUSTOMERS, SEEDS), (8000, 1)] {
        for seed in 0..seeds {
            let mut random = Random(seed);
            let now = table(customers, &mut random);
            for (what, field, percent, edit) in HONEST {
                let column = edited(&now, field, percent, edit, &mut random);
                assert!(
                    customers < CUSTOMERS || column != now[&field],
                    "{field} {what}"
                );
                let found = signs(&now, &Table::from([(field, column)]), &mut random);
                assert_eq!(found, [], "{field} {what} {customers} {seed}");
            }
        }
    }
}

#[test]
fn a_copied_field_has_no_sign() {
    let mut random = Random(1);
    let now = table(CUSTOMERS, &mut random);
    let copy = (Field::IdentityNumber, now[&Field::PhoneNumber].clone());
    let new = edited(
        &now,
        Field::PhoneNumber,
        100,
        |now, _, _| Some(format!("{now}9")),
        &mut random,
    );
    let wanted = Table::from([copy, (Field::PhoneNumber, new)]);
    assert_eq!(signs(&now, &wanted, &mut random), []);
}

#[test]
fn honest_edits_of_all_fields_have_no_sign() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let now = table(CUSTOMERS, &mut random);
        let mut wanted = now.clone();
        for rule in &FIELDS {
            let column = now[&rule.field].iter().zip(0..).map(|(value, row)| {
                let is_edited = random.percent(5);
                let edited = is_edited.then(|| self::value(rule.field, row, &mut random));
                edited.unwrap_or_else(|| value.clone())
            });
            wanted.insert(rule.field, column.collect());
        }
        assert_eq!(signs(&now, &wanted, &mut random), [], "{seed}");
    }
}

#[test]
fn merged_duplicates_have_no_sign() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let now = table(CUSTOMERS, &mut random);
        let mut wanted = now.clone();
        for column in wanted.values_mut() {
            for row in (0..column.len()).step_by(10) {
                column[row] = column[row + 5].clone();
            }
        }
        assert_eq!(signs(&now, &wanted, &mut random), [], "{seed}");
    }
}

#[test]
fn small_files_have_no_sign() {
    for customers in 1..20 {
        let mut random = Random(customers);
        let now = table(customers, &mut random);
        let mut wanted = now.clone();
        for column in wanted.values_mut() {
            column.rotate_right(1);
        }
        assert_eq!(signs(&now, &wanted, &mut random), [], "{customers}");
        wanted.insert(Field::FirstName, now[&Field::LastName].clone());
        wanted.insert(Field::LastName, now[&Field::FirstName].clone());
        assert_eq!(signs(&now, &wanted, &mut random), [], "{customers}");
    }
}

/// Checks that a file with these numbers has no sign.
fn honest_numbers(rows: impl Iterator<Item = (u64, u64)>) {
    let (found, _) = signs_of_numbers(rows);
    assert_eq!(found, []);
}

#[test]
fn customers_that_are_shared_out_have_no_sign() {
    let mut random = Random(1);
    honest_numbers((0..20_000).map(|row| (random.below(200), row % 200)));
    honest_numbers((0..6000).map(|row| (row % 60, row / 100)));
}

#[test]
fn users_who_exchange_as_many_customers_have_no_sign() {
    let customers = |user: u64| (0..5 + user / 2).map(move |_| (user, user ^ 1));
    honest_numbers((0..80).flat_map(customers));
}

#[test]
fn numbers_that_are_drawn_from_as_many_have_no_sign() {
    for seed in 0..100 {
        let mut random = Random(seed);
        honest_numbers((0..400).map(|_| (random.below(400), random.below(400))));
    }
}
