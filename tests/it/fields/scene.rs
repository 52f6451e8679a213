//! Small random scenes: partly filled rows of a few customers, and the processes that send them
//! through trouble.

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::layout::Layout;
use crate::harness::{FIELDS, Form, SplitMix64};

/// The customer whose rows are always valid. So there is a success before and after all trouble,
/// and no process has to find out whether the API is down.
const QUIET_CUSTOMER: u64 = 900;
const QUIET_ROWS: usize = 2;

/// One or two files, and the events while they are sent.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) form: Form,
    pub(super) layout: Layout,
    pub(super) columns: Vec<&'static str>,
    /// The rows of each input.
    pub(super) inputs: Vec<Vec<Row>>,
    /// The processes that meet trouble, in turn.
    pub(super) troubled: Vec<Process>,
    /// The process that runs to the end.
    pub(super) last: Process,
    /// The processes of the corrected rows that meet trouble.
    pub(super) troubled_again: Vec<Process>,
}

/// A record.
#[derive(Debug)]
pub(super) struct Row {
    /// Counted from 1 over all inputs, including skipped rows.
    pub(super) number: u64,
    /// Its file, counted from 0, and its line there, counted from 1.
    pub(super) place: (usize, u64),
    pub(super) customer: u64,
    /// Its good values, a cell for each column.
    pub(super) cells: Vec<Given>,
    pub(super) flaw: Option<Flaw>,
}

/// The value of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    Nothing,
    Null,
    Text(String),
    Number(i64),
}

/// A cell that has another value than the good one.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) column: usize,
    pub(super) text: String,
}

/// One process.
#[derive(Debug, Clone, Default)]
pub(super) struct Process {
    pub(super) skip: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) flags: Vec<&'static str>,
    /// The API's answers for these rows while this process runs.
    pub(super) faults: BTreeMap<u64, Fault>,
    pub(super) strike: Option<Strike>,
}

/// A fault that a row meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// This status, in the API's shape.
    Status(u16),
    /// The connection is closed without an answer.
    CutOff(Meanwhile),
}

/// Whether an update is applied although its answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meanwhile {
    Applied,
    NotApplied,
}

/// A signal, at the request of this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strike {
    pub(super) request: usize,
    pub(super) signal: Signal,
    /// Whether that request is applied, if the signal is a kill.
    pub(super) meanwhile: Meanwhile,
}

impl Scene {
    /// The scene of this seed.
    pub(super) fn draw(seed: u64) -> Scene {
        let mut random = SplitMix64::new(seed);
        let form = random.pick(&[Form::Csv, Form::Csv, Form::Ndjson]);
        let layout = Layout::draw(form, &mut random);
        let columns = columns(&mut random);
        let customers = random.pick(&[1, 2, 2, 3, 4, 6]);
        let rows_max = 3 + random.below(34);
        let count = 5 + random.below(rows_max);
        let flawed_percent = random.pick(&[0, 10, 30]);
        let mut inputs = vec![Vec::new()];
        let two_from = if random.happens(20) {
            random.below(count)
        } else {
            count
        };
        let mut number = layout.skipped_in(0);
        for index in 0..count {
            if index == two_from {
                quiet(&mut inputs, &mut number, &columns, &layout, &mut random);
                inputs.push(Vec::new());
            }
            let customer = 1 + random.below(customers) as u64;
            let mut row = row(
                &inputs,
                &mut number,
                customer,
                &columns,
                &layout,
                &mut random,
            );
            if random.happens(flawed_percent) {
                row.flaw = Flaw::draw(&mut row.cells, row.number, &columns, &mut random);
            }
            inputs.last_mut().expect("there is one").push(row);
        }
        quiet(&mut inputs, &mut number, &columns, &layout, &mut random);
        let numbers: Vec<u64> = inputs
            .iter()
            .flatten()
            .filter(|row| row.customer < QUIET_CUSTOMER)
            .map(|row| row.number)
            .collect();
        let troubled = (0..=random.below(3))
            .map(|_| Process::draw(&numbers, &layout, &mut random))
            .collect();
        let troubled_again = (0..random.below(3))
            .map(|_| Process {
                skip: None,
                max: None,
                ..Process::draw(&numbers, &layout, &mut random)
            })
            .collect();
        let last = Process {
            flags: Process::draw(&numbers, &layout, &mut random).flags,
            ..Process::default()
        };
        Scene {
            form,
            layout,
            columns,
            inputs,
            troubled,
            last,
            troubled_again,
        }
    }

    /// All rows, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.inputs.iter().flatten()
    }

    /// A row by its number, or by its place as in `customers-1.csv:7`.
    pub(super) fn find(&self, place: &str) -> Option<&Row> {
        let Some((file, line)) = place.rsplit_once(':') else {
            let number: u64 = place.parse().ok()?;
            return self.rows().find(|row| row.number == number);
        };
        let line: u64 = line.parse().ok()?;
        self.rows()
            .find(|row| row.place.1 == line && file.ends_with(&self.input_name(row.place.0)))
    }

    /// The name of an input.
    pub(super) fn input_name(&self, index: usize) -> String {
        format!("customers-{}.{}", index + 1, self.layout.extension())
    }

    /// An input's bytes.
    pub(super) fn input(&self, index: usize) -> Vec<u8> {
        let rows = self.inputs[index]
            .iter()
            .map(|row| row.written(&self.columns, self.form, &self.layout));
        let text = self.layout.text(index, &self.columns, rows.collect());
        self.layout.encode(&text)
    }
}

fn columns(random: &mut SplitMix64) -> Vec<&'static str> {
    let count_max = random.pick(&[3, 6, FIELDS.len()]);
    let count = 1 + random.below(count_max);
    let mut left = FIELDS.to_vec();
    (0..count)
        .map(|_| left.swap_remove(random.below(left.len())))
        .collect()
}

fn row(
    inputs: &[Vec<Row>],
    number: &mut u64,
    customer: u64,
    columns: &[&'static str],
    layout: &Layout,
    random: &mut SplitMix64,
) -> Row {
    *number += 1;
    let file = inputs.len() - 1;
    let line = layout.line(file, inputs[file].len());
    let filled = random.pick(&[25, 50, 90]);
    let mut cells: Vec<_> = columns
        .iter()
        .map(|field| given(field, *number, filled, random))
        .collect();
    if cells.iter().all(|cell| *cell == Given::Nothing) {
        let column = random.below(columns.len());
        cells[column] = good(columns[column], *number);
    }
    Row {
        number: *number,
        place: (file, line),
        customer,
        cells,
        flaw: None,
    }
}

fn quiet(
    inputs: &mut [Vec<Row>],
    number: &mut u64,
    columns: &[&'static str],
    layout: &Layout,
    random: &mut SplitMix64,
) {
    for _ in 0..QUIET_ROWS {
        let row = row(
            inputs,
            number,
            QUIET_CUSTOMER + *number,
            columns,
            layout,
            random,
        );
        inputs.last_mut().expect("there is one").push(row);
    }
}

fn given(field: &str, number: u64, filled_percent: usize, random: &mut SplitMix64) -> Given {
    match random.below(100) {
        _ if !random.happens(filled_percent) => Given::Nothing,
        0..15 if !matches!(field, "first_name" | "last_name" | "phone_number") => Given::Null,
        _ => good(field, number),
    }
}

/// A valid value that no other row has, if the field has that many.
fn good(field: &str, number: u64) -> Given {
    let text = |text: String| Given::Text(text);
    match field {
        "phone_number" => text(format!("+4930{number:06}")),
        "email" => text(format!("customer.{number}@example.com")),
        "date_of_birth" => text(format!("{}-05-17", 1910 + number)),
        "gender" => text(["male", "female", "other"][(number % 3) as usize].to_owned()),
        "country_id" | "default_channel_id" | "user_id" => Given::Number(number as i64),
        "job" => text(format!("Métier {number}.")),
        _ => text(format!("{field} {number}.")),
    }
}

impl Row {
    /// The value that the row's cell in a file sets; `None` if it leaves the field unchanged.
    pub(super) fn written_value(&self, column: usize, field: &str) -> Option<Value> {
        match &self.flaw {
            Some(flaw) if flaw.column == column => Some(json!(flaw.text)),
            _ => self.good_value(column, field),
        }
    }

    /// The value that the cell sets once the row is corrected.
    pub(super) fn good_value(&self, column: usize, field: &str) -> Option<Value> {
        match &self.cells[column] {
            Given::Nothing => None,
            Given::Null => Some(Value::Null),
            Given::Number(number) => Some(json!(number)),
            Given::Text(text) if field == "date_of_birth" => {
                Some(json!(format!("{text}T00:00:00Z")))
            }
            Given::Text(text) => Some(json!(text)),
        }
    }

    fn written(&self, columns: &[&str], form: Form, layout: &Layout) -> String {
        let cells = self
            .cells
            .iter()
            .enumerate()
            .map(|(column, given)| match &self.flaw {
                Some(flaw) if flaw.column == column => Given::Text(flaw.text.clone()).written(form),
                _ => given.written(form),
            });
        match form {
            Form::Csv => layout.record(std::iter::once(self.customer.to_string()).chain(cells)),
            Form::Ndjson => {
                let members = columns
                    .iter()
                    .zip(cells)
                    .filter(|(_, cell)| !cell.is_empty());
                let members: Vec<_> = members
                    .map(|(field, cell)| format!(",\"{field}\":{cell}"))
                    .collect();
                layout.object(&format!("\"id\":{}{}", self.customer, members.concat()))
            }
        }
    }
}

impl Given {
    /// The cell as written in a file.
    pub(super) fn written(&self, form: Form) -> String {
        match (self, form) {
            (Given::Nothing, _) => String::new(),
            (Given::Null, Form::Csv) => "NULL".to_owned(),
            (Given::Null, Form::Ndjson) => "null".to_owned(),
            (Given::Number(number), _) => number.to_string(),
            (Given::Text(text), Form::Csv) => text.clone(),
            (Given::Text(text), Form::Ndjson) => json!(text).to_string(),
        }
    }
}

impl Flaw {
    /// A random flaw of a row, one of whose cells is filled for it.
    fn draw(
        cells: &mut [Given],
        number: u64,
        columns: &[&'static str],
        random: &mut SplitMix64,
    ) -> Option<Flaw> {
        let column = random.below(cells.len());
        let field = columns[column];
        let is_refused = random.happens(50);
        let text = if is_refused {
            refused(field, number)?
        } else {
            invalid(field, number)?
        };
        cells[column] = good(field, number);
        Some(Flaw { column, text })
    }
}

/// A valid value that the API refuses nevertheless.
fn refused(field: &str, number: u64) -> Option<String> {
    match field {
        "email" => Some(format!("refused{number}x@example.com")),
        "first_name" | "last_name" | "identity_number" | "job" | "address" => {
            Some(format!("refused{number}x"))
        }
        _ => None,
    }
}

/// An invalid value, so that the row is never sent.
fn invalid(field: &str, number: u64) -> Option<String> {
    match field {
        "identity_number" => None,
        "address" => Some(format!("bad{number}x{}", "y".repeat(1000))),
        _ => Some(format!("bad{number}x{}", "y".repeat(255))),
    }
}

impl Process {
    fn draw(numbers: &[u64], layout: &Layout, random: &mut SplitMix64) -> Process {
        let skipped = layout.skipped_in(0);
        let skip = random
            .happens(40)
            .then(|| skipped + random.below(numbers.len()) as u64);
        let max = random
            .happens(25)
            .then(|| 1 + random.below(numbers.len() + 2) as u64);
        let mut flags = vec![
            "--max-in-flight",
            random.pick(&["1", "2", "8"]),
            "--attempts",
            if random.happens(10) { "2" } else { "1" },
        ];
        if random.happens(40) {
            flags.extend(["--retry", "rejected"]);
        }
        if random.happens(50) {
            flags.extend(["--left-out", "trust"]);
        }
        let percent = random.pick(&[0, 15, 30, 60]);
        let faulty = numbers
            .iter()
            .filter(|_| random.happens(percent))
            .copied()
            .collect::<Vec<_>>();
        let faults = faulty
            .into_iter()
            .map(|number| (number, Fault::draw(random)))
            .collect();
        let strike = random
            .happens(40)
            .then(|| Strike::draw(numbers.len(), random));
        Process {
            skip,
            max,
            flags,
            faults,
            strike,
        }
    }
}

impl Fault {
    fn draw(random: &mut SplitMix64) -> Fault {
        let (applied, not) = (
            Fault::CutOff(Meanwhile::Applied),
            Fault::CutOff(Meanwhile::NotApplied),
        );
        random.pick(&[
            Fault::Status(503),
            Fault::Status(503),
            Fault::Status(422),
            Fault::Status(422),
            applied,
            not,
        ])
    }
}

impl Strike {
    fn draw(rows: usize, random: &mut SplitMix64) -> Strike {
        Strike {
            request: 1 + random.below(rows),
            signal: random.pick(&[
                Signal::KILL,
                Signal::KILL,
                Signal::KILL,
                Signal::TERM,
                Signal::INT,
            ]),
            meanwhile: random.pick(&[Meanwhile::Applied, Meanwhile::NotApplied]),
        }
    }
}
