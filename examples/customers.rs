//! Writes generated customers to standard output, the same ones for the same arguments, for
//! benchmarks and for trying things out.
//!
//! ```sh
//! cargo run --release --example customers -- 2000000 --bad-percent 1 > customers.csv
//! cargo run --release --example customers -- 2000000 --ndjson > customers.ndjson
//! ```
//!
//! Names contain non-ASCII letters, one address in twenty has a line break, and many cells need
//! quotes. Each invalid row breaks one rule of the contract.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Parser;
use custsync::testing::contract::{Field, FieldKind};
use custsync::testing::schedule::Random;

const FIRST_NAMES: [&str; 12] = [
    "José", "Marie", "Anna", "Nguyễn", "Ivan", "Liu", "Fatima", "Omar", "Zoë", "John", "Kwame",
    "Aiko",
];
const LAST_NAMES: [&str; 10] = [
    "García",
    "O'Neil",
    "Smith, Jr.",
    "Müller",
    "Kowalski",
    "Tanaka",
    "van der Berg",
    "Ali",
    "Núñez",
    "Lee",
];
const JOBS: [&str; 7] = [
    "Engineer",
    "Nurse",
    "Teacher",
    "Data \"guru\"",
    "Sales, EMEA",
    "",
    "Driver",
];
/// A column, and a value that breaks its rule.
const MISTAKES: [(&str, &str); 6] = [
    ("id", ""),
    ("phone_number", "+9999999999999999999999999"),
    ("email", "not-an-email"),
    ("date_of_birth", "31/12/1999"),
    ("gender", "unknown"),
    ("country_id", "abc"),
];

/// A customer's cells, each with its column.
type Row = [(&'static str, String); 13];

/// Writes generated customers.
#[derive(Parser)]
struct Arguments {
    /// Number of customers
    rows: u64,
    /// Percentage of invalid rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    bad_percent: u64,
    /// Write one JSON object per line instead of CSV
    #[arg(long)]
    ndjson: bool,
}

fn main() -> io::Result<()> {
    let Arguments {
        rows,
        bad_percent,
        ndjson,
    } = Arguments::parse();
    let mut out = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut random = Random::seeded(7);
    let mut line = String::new();
    if !ndjson {
        let columns = customer(0, 0, &mut random.clone()).map(|(column, _)| column);
        write_csv_line(columns.into_iter(), &mut line);
        out.write_all(line.as_bytes())?;
    }
    for id in 1..=rows {
        let row = customer(id, bad_percent, &mut random);
        line.clear();
        if ndjson {
            write_json(&row, &mut line);
        } else {
            write_csv_line(row.iter().map(|(_, cell)| cell.as_str()), &mut line);
        }
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}

fn customer(id: u64, bad_percent: u64, random: &mut Random) -> Row {
    let mut row = [
        ("id", id.to_string()),
        ("first_name", one_of(&FIRST_NAMES, random).to_owned()),
        ("last_name", one_of(&LAST_NAMES, random).to_owned()),
        (
            "phone_number",
            format!("+1{:010}", below(10_000_000_000, random)),
        ),
        ("email", format!("user{id}@example.com")),
        ("date_of_birth", date_of_birth(random)),
        (
            "gender",
            one_of(&["male", "female", "other", ""], random).to_owned(),
        ),
        ("country_id", (1 + below(249, random)).to_string()),
        (
            "identity_number",
            format!("ID{:09}", below(1_000_000_000, random)),
        ),
        ("job", one_of(&JOBS, random).to_owned()),
        ("address", address(random)),
        (
            "default_channel_id",
            one_of(&["", "1", "2", "3"], random).to_owned(),
        ),
        (
            "user_id",
            if below(2, random) == 0 {
                String::new()
            } else {
                (1 + below(4999, random)).to_string()
            },
        ),
    ];
    if below(100, random) < bad_percent {
        let (column, value) = one_of(&MISTAKES, random);
        for (_, cell) in row.iter_mut().filter(|(name, _)| *name == column) {
            value.clone_into(cell);
        }
    }
    row
}

fn date_of_birth(random: &mut Random) -> String {
    let (year, month, day) = (
        40 + below(60, random),
        1 + below(12, random),
        1 + below(28, random),
    );
    format!("19{year}-{month:02}-{day:02}T00:00:00Z")
}

fn address(random: &mut Random) -> String {
    let number = 1 + below(9998, random);
    if below(20, random) == 0 {
        format!(
            "{number} Main St.\nApt {}, Springfield",
            1 + below(98, random)
        )
    } else {
        format!(
            "{number} Main Street, Springfield, IL {:05}",
            below(100_000, random)
        )
    }
}

fn below(limit: u64, random: &mut Random) -> u64 {
    random.next_u64() % limit
}

fn one_of<T: Copy>(choices: &[T], random: &mut Random) -> T {
    let place = below(choices.len() as u64, random);
    choices
        .iter()
        .zip(0..)
        .find(|(_, at)| *at == place)
        .map(|(choice, _)| *choice)
        .expect("there is a choice")
}

/// Whether a column's values are numbers.
fn is_number(column: &str) -> bool {
    Field::from_name(column).is_none_or(|field| matches!(field.rule().kind, FieldKind::Integer))
}

fn write_csv_line<'a>(cells: impl Iterator<Item = &'a str>, line: &mut String) {
    for (cell, before) in cells.zip(std::iter::once("").chain(std::iter::repeat(","))) {
        line.push_str(before);
        if cell.contains(['"', ',', '\n']) {
            write!(line, "\"{}\"", cell.replace('"', "\"\"")).expect("a String can be written");
        } else {
            line.push_str(cell);
        }
    }
    line.push('\n');
}

fn write_json(row: &Row, line: &mut String) {
    let given = row.iter().filter(|(_, cell)| !cell.is_empty());
    for ((column, cell), before) in given.zip(std::iter::once("{").chain(std::iter::repeat(", "))) {
        let is_number = is_number(column) && cell.bytes().all(|byte| byte.is_ascii_digit());
        let value = if is_number {
            cell.clone()
        } else {
            serde_json::to_string(cell).expect("text serialises")
        };
        write!(line, "{before}\"{column}\": {value}").expect("a String can be written");
    }
    line.push_str("}\n");
}
