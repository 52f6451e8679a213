//! Writes made-up customers to standard output, the same ones for the same arguments: for benchmarks, and to try things out.
//!
//! ```sh
//! cargo run --release --example customers -- 2000000 --bad-percent 1 > customers.csv
//! cargo run --release --example customers -- 2000000 --ndjson > customers.ndjson
//! ```
//!
//! Names are not ASCII, one address in twenty has a line break, and many cells need quotes. Of the bad rows each breaks one
//! rule of the contract.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Parser;

const COLUMNS: [&str; 13] = [
    "id",
    "first_name",
    "last_name",
    "phone_number",
    "email",
    "date_of_birth",
    "gender",
    "country_id",
    "identity_number",
    "job",
    "address",
    "default_channel_id",
    "user_id",
];
/// Columns whose values are numbers.
const NUMBERS: [&str; 4] = ["id", "country_id", "default_channel_id", "user_id"];
const FIRST_NAMES: [&str; 12] =
    ["José", "Marie", "Anna", "Nguyễn", "Ivan", "Liu", "Fatima", "Omar", "Zoë", "John", "Kwame", "Aiko"];
const LAST_NAMES: [&str; 10] =
    ["García", "O'Neil", "Smith, Jr.", "Müller", "Kowalski", "Tanaka", "van der Berg", "Ali", "Núñez", "Lee"];
const JOBS: [&str; 7] = ["Engineer", "Nurse", "Teacher", "Data \"guru\"", "Sales, EMEA", "", "Driver"];
/// A column, and a value that breaks its rule.
const MISTAKES: [(usize, &str); 6] =
    [(0, ""), (3, "+9999999999999999999999999"), (4, "not-an-email"), (5, "31/12/1999"), (6, "unknown"), (7, "abc")];

/// Writes made-up customers.
#[derive(Parser)]
struct Arguments {
    /// How many
    rows: u64,
    /// How many of a hundred break a rule
    #[arg(long, value_name = "N", default_value_t = 0)]
    bad_percent: u64,
    /// One JSON object a line instead of CSV
    #[arg(long)]
    ndjson: bool,
}

/// Numbers that look random: xorshift64*, by Vigna.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let place = self.below(words.len() as u64);
        words.iter().zip(0..).find(|(_, at)| *at == place).map_or("", |(word, _)| word)
    }
}

fn main() -> io::Result<()> {
    let Arguments { rows, bad_percent, ndjson } = Arguments::parse();
    let mut out = io::BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let mut random = Random(7);
    if !ndjson {
        writeln!(out, "{}", COLUMNS.join(","))?;
    }
    let mut line = String::new();
    for id in 1..=rows {
        let row = customer(id, bad_percent, &mut random);
        line.clear();
        if ndjson {
            write_json(&row, &mut line);
        } else {
            write_csv(&row, &mut line);
        }
        out.write_all(line.as_bytes())?;
    }
    out.flush()
}

fn customer(id: u64, bad_percent: u64, random: &mut Random) -> [String; 13] {
    let mut row = [
        id.to_string(),
        random.one_of(&FIRST_NAMES).to_owned(),
        random.one_of(&LAST_NAMES).to_owned(),
        format!("+1{:010}", random.below(10_000_000_000)),
        format!("user{id}@example.com"),
        format!("19{}-{:02}-{:02}T00:00:00Z", 40 + random.below(60), 1 + random.below(12), 1 + random.below(28)),
        random.one_of(&["male", "female", "other", ""]).to_owned(),
        (1 + random.below(249)).to_string(),
        format!("ID{:09}", random.below(1_000_000_000)),
        random.one_of(&JOBS).to_owned(),
        address(random),
        random.one_of(&["", "1", "2", "3"]).to_owned(),
        if random.below(2) == 0 { String::new() } else { (1 + random.below(4999)).to_string() },
    ];
    if random.below(100) < bad_percent {
        let mistake = random.below(MISTAKES.len() as u64);
        let (column, value) =
            MISTAKES.iter().zip(0..).find(|(_, at)| *at == mistake).map_or((0, ""), |(mistake, _)| *mistake);
        if let Some(cell) = row.get_mut(column) {
            value.clone_into(cell);
        }
    }
    row
}

fn address(random: &mut Random) -> String {
    let number = 1 + random.below(9998);
    if random.below(20) == 0 {
        format!("{number} Main St.\nApt {}, Springfield", 1 + random.below(98))
    } else {
        format!("{number} Main Street, Springfield, IL {:05}", random.below(100_000))
    }
}

fn write_csv(row: &[String], line: &mut String) {
    for (cell, before) in row.iter().zip(std::iter::once("").chain(std::iter::repeat(","))) {
        line.push_str(before);
        if cell.contains(['"', ',', '\n']) {
            write!(line, "\"{}\"", cell.replace('"', "\"\"")).expect("a String can be written");
        } else {
            line.push_str(cell);
        }
    }
    line.push('\n');
}

fn write_json(row: &[String], line: &mut String) {
    let given = row.iter().zip(COLUMNS).filter(|(cell, _)| !cell.is_empty());
    for ((cell, column), before) in given.zip(std::iter::once("{").chain(std::iter::repeat(", "))) {
        let is_number = NUMBERS.contains(&column) && cell.bytes().all(|byte| byte.is_ascii_digit());
        let value = if is_number { cell.clone() } else { serde_json::to_string(cell).expect("text serialises") };
        write!(line, "{before}\"{column}\": {value}").expect("a String can be written");
    }
    line.push_str("}\n");
}
