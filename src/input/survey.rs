//! The names of an input's columns or keys, even if its header cannot be used yet: the user is
//! about to decide what each of them fills.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use csv::ByteRecord;
use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::input::blocks::block::BlockSize;
use crate::input::blocks::cutter::Blocks;
use crate::input::bytes::ByteStream;
use crate::input::bytes::dialect::Dialect;
use crate::input::bytes::failed_rows::is_own;
use crate::input::bytes::format::Format;
use crate::input::bytes::name::InputName;
use crate::input::bytes::source::Source;
use crate::input::csv::header::columns_of;
use crate::input::csv::records::CsvRecords;
use crate::input::error::{InputError, InputFault};
use crate::input::mapping::column_fault::ColumnFault;
use crate::input::mapping::header;
use crate::input::mapping::own_columns::{leading, number_of_column};
use crate::input::mapping::proposal::{NamedColumn, NamesOf};
use crate::input::ndjson::records::{Framing, JsonRecords};
use crate::input::open::{TextHead, open_head, workbook_of};
use crate::input::options::{HeaderRule, InputRules};
use crate::input::refusal::fault_of;
use crate::input::sheet;

/// The number of JSON records whose keys are listed: exports leave keys out where there is no
/// value.
const RECORDS_MAX: usize = 100;

/// The number of keys that are listed. An input with more has values for keys.
const KEYS_MAX: usize = 1024;

/// The names of an input.
pub(crate) struct Survey {
    /// The columns or keys, without those that custsync added.
    pub(crate) columns: Vec<NamedColumn>,
    pub(crate) names_of: NamesOf,
    pub(crate) first_line: FirstLine,
}

/// The trust in the first line of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstLine {
    /// It names the columns, or the input needs no such line.
    Header,
    /// It has no known name, so the header may be missing. None of its cells looks like a value;
    /// a row without one has no id, and cannot be sent.
    InDoubt,
}

impl Survey {
    /// Reads the header of an input, or the keys of its first records. A header whose columns are
    /// unknown is no error. A first line that looks like a customer's row is one, because its cells
    /// are not to be written as names.
    pub(crate) fn of(name: InputName, rules: &InputRules) -> Result<Survey, InputError> {
        let survey = match workbook_of(&name) {
            Some(path) => of_workbook(path, rules),
            None => Source::open(&name, &rules.download)
                .and_then(|source| open_head(&name, source, rules, BlockSize::default()))
                .and_then(of_text),
        };
        survey.map_err(|fault| fault_of(name, fault))
    }

    fn of_header(names: Vec<String>, first_line: FirstLine) -> Survey {
        let own_columns = leading(names.iter().map(String::as_bytes));
        let columns = names.into_iter().enumerate().skip(own_columns);
        Survey {
            columns: columns
                .map(|(index, name)| NamedColumn {
                    number: number_of_column(index, own_columns),
                    name,
                })
                .collect(),
            names_of: NamesOf::Columns,
            first_line,
        }
    }
}

fn of_workbook(path: &Path, rules: &InputRules) -> Result<Survey, InputFault> {
    let (names, read) = sheet::header_names(path, rules)?;
    let first_line = unless_refused(read, &rules.header)?;
    Ok(Survey::of_header(names, first_line))
}

fn of_text(text: TextHead<'_>) -> Result<Survey, InputFault> {
    let TextHead {
        mut head,
        rules,
        form,
        ..
    } = text;
    if form.begins_with_bracket() {
        head.open_array();
    }
    let blocks = head.into_blocks(form.format);
    match form.format {
        Format::Csv(dialect) => of_csv(blocks, dialect, &rules),
        Format::Ndjson => of_keys(blocks, Framing::Lines),
        Format::JsonArray => of_keys(blocks, Framing::Array),
    }
}

fn of_csv(
    mut blocks: Blocks<ByteStream>,
    dialect: Dialect,
    rules: &InputRules,
) -> Result<Survey, InputFault> {
    while let Some(block) = blocks.next()? {
        let mut records = CsvRecords::of(&block, dialect);
        let Some(record) = records.next() else {
            continue;
        };
        let (names, first_line) = match &rules.header {
            HeaderRule::Named(names) => {
                let read = header::named(names, &rules.mapping);
                (names.clone(), unless_refused(read, &rules.header)?)
            }
            HeaderRule::Row(row) if record.line != *row => {
                return Err(InputFault::HeaderRowBlank { line: *row });
            }
            HeaderRule::FirstRecord | HeaderRule::Row(_) => {
                let read = columns_of(&record, &block, dialect, rules);
                let first_line = unless_refused(read, &rules.header)?;
                let cells: ByteRecord = record.unquoted().collect();
                let names = cells.iter().map(String::from_utf8_lossy);
                (
                    names.map(std::borrow::Cow::into_owned).collect(),
                    first_line,
                )
            }
        };
        return Ok(Survey::of_header(names, first_line));
    }
    Err(InputFault::Empty)
}

/// Passes on the faults of a header that leave its names unknown.
fn unless_refused<T>(
    read: Result<T, InputFault>,
    rule: &HeaderRule,
) -> Result<FirstLine, InputFault> {
    let Err(fault) = read else {
        return Ok(FirstLine::Header);
    };
    let inner = match &fault {
        InputFault::InSheet { fault, .. } => fault.as_ref(),
        fault => fault,
    };
    let is_not_text = |fault: &ColumnFault| matches!(fault, ColumnFault::NotText { .. });
    let has_names = match inner {
        InputFault::Header { columns, .. } => !columns.iter().any(is_not_text),
        InputFault::Columns { .. } => true,
        InputFault::NoneKnown { .. } if matches!(rule, HeaderRule::Row(_)) => true,
        // One column, or another delimiter that gives known names, means a wrong delimiter.
        InputFault::NoneKnown {
            columns,
            likely: None,
            ..
        } if *columns > 1 => return Ok(FirstLine::InDoubt),
        _ => false,
    };
    if has_names {
        Ok(FirstLine::Header)
    } else {
        Err(fault)
    }
}

fn of_keys(mut blocks: Blocks<ByteStream>, framing: Framing) -> Result<Survey, InputFault> {
    let (mut keys, mut records) = (Keys::default(), 0);
    while records < RECORDS_MAX
        && let Some(block) = blocks.next()?
    {
        let left = RECORDS_MAX - records;
        for record in JsonRecords::of(&block, framing).take(left) {
            records += 1;
            // A record that is no object is an invalid row; the keys before its fault are kept.
            serde_json::Deserializer::from_slice(record.raw)
                .deserialize_map(&mut keys)
                .ok();
        }
    }
    if records == 0 {
        return Err(InputFault::Empty);
    }
    let own = |key: &String| !is_own(key);
    Ok(Survey {
        columns: keys
            .in_order
            .into_iter()
            .filter(own)
            .zip(1..)
            .map(|(name, number)| NamedColumn { number, name })
            .collect(),
        names_of: NamesOf::Keys,
        first_line: FirstLine::Header,
    })
}

/// Collects the keys of objects, each once.
#[derive(Default)]
struct Keys {
    in_order: Vec<String>,
    seen: BTreeSet<String>,
}

impl<'b> Visitor<'b> for &mut Keys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some((key, IgnoredAny)) = members.next_entry::<String, IgnoredAny>()? {
            if self.in_order.len() < KEYS_MAX && self.seen.insert(key.clone()) {
                self.in_order.push(key);
            }
        }
        Ok(())
    }
}
