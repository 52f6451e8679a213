//! Generated customers: valid rows, invalid rows that each break one rule, and the expected result
//! of each.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::failed;
use super::flaws::{self, Flaw};
use super::random::SplitMix64;
use super::writing::{self, Form};

/// The columns, in the order in which they are written.
pub(crate) const COLUMNS: [&str; 13] = [
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

/// The fields of a request, in the API's order.
pub(crate) const FIELDS: &[&str] = COLUMNS.split_at(1).1;

const FIRST_NAMES: [&str; 8] = [
    "Zoë",
    "Łukasz",
    "Ngọc",
    "Søren",
    "José \"Pepe\"",
    "Анна",
    "李娜",
    "O'Neil",
];
const LAST_NAMES: [&str; 6] = [
    "Müller",
    "García, hijo",
    "Nguyễn",
    "van \"den\" Berg",
    "Ó Briain",
    "Şahin",
];
const JOBS: [&str; 5] = [
    "Nurse",
    "Head of sales,\nEMEA",
    "Ingénieur",
    "Clerk; part-time",
    "\"Freelancer\"",
];
const STREETS: [&str; 4] = [
    "Hauptstraße 5,\n10115 Berlin",
    "12 Rue de l'Église",
    "8, Main St.\r\nFlat \"B\"",
    "東京都",
];
const DATES: [&str; 4] = [
    "1985-04-12",
    "1990-12-31T23:59:59Z",
    "2000-02-29",
    "1971-07-01T08:30:00.25+02:00",
];
const GENDERS: [&str; 3] = ["male", "female", "other"];

/// The value of a field in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Given {
    /// Nothing: an empty cell, or no key.
    Absent,
    /// `NULL` in CSV (by `--null-string NULL`), `null` in JSON.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Bytes that are not UTF-8.
    NotText,
    /// This JSON, well-formed or not.
    Json(&'static str),
}

/// The cells of one record, with their columns' names.
pub(crate) type Cells = Vec<(&'static str, Given)>;

/// One row.
#[derive(Debug, Clone)]
pub(crate) struct CustomerRow {
    pub(crate) id: u64,
    good: Cells,
    pub(crate) flaw: Option<Flaw>,
}

/// Rows in file order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Customers {
    pub(crate) rows: Vec<CustomerRow>,
}

impl Customers {
    /// `rows` valid rows from a seed; about every fourth is of a customer that has an earlier row.
    pub(crate) fn good(rows: usize, seed: u64) -> Customers {
        Customers::with_bad(rows, 0, Form::Csv, seed)
    }

    /// As [`Customers::good`], but `bad_percent` of the rows break one rule that this form of file
    /// can express.
    pub(crate) fn with_bad(rows: usize, bad_percent: usize, form: Form, seed: u64) -> Customers {
        let mut random = SplitMix64::new(seed);
        let mut customers = Customers::default();
        let mut flaws = flaws::of(form).into_iter().cycle();
        for row in 1..=rows {
            let id = match row {
                2.. if random.happens(25) => customers.rows[random.below(row - 1)].id,
                _ => row as u64,
            };
            let flaw = if random.happens(bad_percent) {
                flaws.next()
            } else {
                None
            };
            customers.rows.push(CustomerRow {
                id,
                good: good_cells(id, row, &mut random),
                flaw,
            });
        }
        customers
    }

    /// `each` rows for each of `customers` customers, in turn.
    pub(crate) fn in_turn(customers: u64, each: usize, seed: u64) -> Customers {
        let mut random = SplitMix64::new(seed);
        let ids = (0..each).flat_map(|_| 1..=customers);
        let rows = ids.zip(1..).map(|(id, row)| CustomerRow {
            id,
            good: good_cells(id, row, &mut random),
            flaw: None,
        });
        Customers {
            rows: rows.collect(),
        }
    }

    /// `rows` rows of `customers` customers, of whom a few have a quarter of all rows.
    pub(crate) fn of_some(rows: usize, customers: usize, seed: u64) -> Customers {
        const BUSY: usize = 10;
        let mut random = SplitMix64::new(seed);
        let row = |row| {
            let among = if random.happens(25) {
                BUSY.min(customers)
            } else {
                customers
            };
            let id = 1 + random.below(among) as u64;
            CustomerRow {
                id,
                good: good_cells(id, row, &mut random),
                flaw: None,
            }
        };
        Customers {
            rows: (1..=rows).map(row).collect(),
        }
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The valid rows, with their numbers.
    pub(crate) fn valid(&self) -> impl Iterator<Item = (u64, &CustomerRow)> {
        self.numbered().filter(|(_, row)| row.flaw.is_none())
    }

    /// The invalid rows, with their numbers.
    pub(crate) fn bad(&self) -> impl Iterator<Item = (u64, &CustomerRow, &Flaw)> {
        self.numbered()
            .filter_map(|(number, row)| row.flaw.as_ref().map(|flaw| (number, row, flaw)))
    }

    /// The bodies that each customer should receive, in order.
    pub(crate) fn bodies_by_customer(&self) -> BTreeMap<u64, Vec<Value>> {
        let mut bodies: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
        for (_, row) in self.valid() {
            bodies.entry(row.id).or_default().push(row.body());
        }
        bodies
    }

    /// All rows as a file.
    pub(crate) fn file(&self, form: Form) -> Vec<u8> {
        writing::file(form, self.rows.iter().map(CustomerRow::written))
    }

    /// A file of failed rows with the values of each replaced by its good ones.
    pub(crate) fn corrected(&self, form: Form, failed: &[u8]) -> Vec<u8> {
        failed::corrected(form, failed, self)
    }

    /// The line of one row with its good values.
    pub(crate) fn line(&self, form: Form, row: u64) -> Vec<u8> {
        writing::line(form, &self.rows[row as usize - 1].good)
    }

    /// The row on this line of the file.
    pub(crate) fn row_at(&self, form: Form, line: u64) -> u64 {
        let mut next_line = match form {
            Form::Csv => 2,
            Form::Ndjson => 1,
        };
        for (row, customer) in self.numbered() {
            if next_line == line {
                return row;
            }
            let written = writing::line(form, &customer.written());
            next_line += written.split_inclusive(|byte| *byte == b'\n').count() as u64;
        }
        panic!("no row is on line {line}");
    }

    /// The CSV cells of one row with its good values.
    pub(crate) fn cells(&self, row: u64) -> Vec<Vec<u8>> {
        self.rows[row as usize - 1]
            .good
            .iter()
            .map(|(_, given)| writing::csv_cell(given))
            .collect()
    }

    fn numbered(&self) -> impl Iterator<Item = (u64, &CustomerRow)> {
        (1..).zip(&self.rows)
    }
}

impl CustomerRow {
    /// The request's body for the row's good values.
    pub(crate) fn body(&self) -> Value {
        Value::Object(self.fields())
    }

    /// The fields and values of that body.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let mut body = Map::new();
        for (field, given) in self.good.iter().filter(|(column, _)| *column != "id") {
            let value = match given {
                Given::Absent => continue,
                Given::Null => Value::Null,
                Given::Number(number) => json!(number),
                // A day is sent as its first moment, in UTC.
                Given::Text(text)
                    if *field == "date_of_birth" && text.len() == "1985-04-12".len() =>
                {
                    json!(format!("{text}T00:00:00Z"))
                }
                Given::Text(text) => json!(text),
                Given::NotText | Given::Json(_) => {
                    unreachable!("good values are text, numbers or null")
                }
            };
            body.insert((*field).to_owned(), value);
        }
        body
    }

    fn written(&self) -> Cells {
        let mut cells = self.good.clone();
        if let Some(flaw) = &self.flaw {
            (flaw.break_it)(&mut cells);
        }
        cells
    }
}

/// Good values for a row. The identity number holds the row's number, so that no two rows have the
/// same body.
fn good_cells(id: u64, row: usize, random: &mut SplitMix64) -> Cells {
    let text = |text: &str| Given::Text(text.to_owned());
    let number = |number: usize| Given::Number(number as i64);
    let mut cells: Cells = vec![
        ("id", Given::Number(id as i64)),
        ("first_name", text(random.pick(&FIRST_NAMES))),
        ("last_name", text(random.pick(&LAST_NAMES))),
        (
            "phone_number",
            Given::Text(format!("+49{:08}", random.below(100_000_000))),
        ),
        ("email", Given::Text(format!("customer+{row}@example.com"))),
        ("date_of_birth", text(random.pick(&DATES))),
        ("gender", text(random.pick(&GENDERS))),
        ("country_id", number(random.below(195))),
        ("identity_number", Given::Text(format!("N{row:07}"))),
        ("job", text(random.pick(&JOBS))),
        ("address", text(random.pick(&STREETS))),
        ("default_channel_id", number(random.below(9))),
        (
            "user_id",
            Given::Number(i64::MAX - random.below(1_000) as i64),
        ),
    ];
    for (field, given) in &mut cells {
        let may_be_null = !matches!(
            *field,
            "id" | "first_name" | "last_name" | "phone_number" | "identity_number"
        );
        if may_be_null && random.happens(10) {
            *given = Given::Null;
        }
        if !matches!(*field, "id" | "identity_number") && random.happens(10) {
            *given = Given::Absent;
        }
    }
    cells
}
