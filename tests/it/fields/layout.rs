//! The layout of a scene's files, and the settings for it. They fit the first inputs only: a file
//! of failed rows has a layout of its own.

use std::fmt::Write as _;

use crate::harness::{Form, SplitMix64};

/// The text before and between the rows of a file.
#[derive(Debug)]
pub(super) struct Layout {
    form: Form,
    delimiter: char,
    header: Header,
    json: Json,
    encoding: Encoding,
    /// The records before the rows of the first input, which are skipped.
    skipped: u64,
}

/// The place of the columns' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    InFile,
    InSettings,
}

/// The separation of JSON objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Json {
    /// One a line.
    Lines,
    /// An array, with one a line.
    Array,
    /// An array, with each over several lines.
    ArrayOverLines,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Windows1252,
}

impl Layout {
    /// A layout that needs no settings.
    pub(super) fn plain(form: Form) -> Layout {
        Layout {
            form,
            delimiter: ',',
            header: Header::InFile,
            json: Json::Lines,
            encoding: Encoding::Utf8,
            skipped: 0,
        }
    }

    /// A random layout.
    pub(super) fn draw(form: Form, random: &mut SplitMix64) -> Layout {
        let skipped = if random.happens(30) {
            1 + random.below(2) as u64
        } else {
            0
        };
        let encoding = if random.happens(25) {
            Encoding::Windows1252
        } else {
            Encoding::Utf8
        };
        match form {
            Form::Ndjson => Layout {
                json: random.pick(&[Json::Lines, Json::Array, Json::ArrayOverLines]),
                encoding,
                skipped,
                ..Layout::plain(form)
            },
            Form::Csv => Layout {
                form,
                delimiter: random.pick(&[',', ',', ';', '|']),
                header: random.pick(&[Header::InFile, Header::InFile, Header::InSettings]),
                encoding,
                skipped,
                ..Layout::plain(form)
            },
        }
    }

    /// The configuration file, for a scene of this many records.
    pub(super) fn settings(&self, columns: &[&str], records: u64) -> String {
        let mut settings = "null-string = [\"NULL\"]\n".to_owned();
        let mut add =
            |setting: &str| writeln!(settings, "{setting}").expect("text can be added to text");
        if self.delimiter != ',' {
            add(&format!("delimiter = \"{}\"", self.delimiter));
        }
        if self.header == Header::InSettings {
            add(&format!(
                "no-header = true\ncolumns = {:?}",
                [&["id"], columns].concat()
            ));
        }
        if self.encoding == Encoding::Windows1252 {
            add("encoding = \"windows-1252\"");
        }
        if self.skipped > 0 {
            add(&format!(
                "skip-rows = {}\nmax-rows = {records}",
                self.skipped
            ));
        }
        settings
    }

    /// The skipped records of this input.
    pub(super) fn skipped_in(&self, input: usize) -> u64 {
        if input == 0 { self.skipped } else { 0 }
    }

    /// The line of a row, with this number of rows before it in its file.
    pub(super) fn line(&self, input: usize, rows_before: usize) -> u64 {
        let has_header = self.form == Form::Csv && self.header == Header::InFile;
        let lines_before = u64::from(has_header || self.json != Json::Lines);
        let lines_a_record = if self.json == Json::ArrayOverLines {
            3
        } else {
            1
        };
        1 + lines_before + (self.skipped_in(input) + rows_before as u64) * lines_a_record
    }

    /// The text of a file with these rows, and with those that are skipped.
    pub(super) fn text(&self, input: usize, columns: &[&str], rows: Vec<String>) -> String {
        let mut records = Vec::new();
        if self.form == Form::Csv && self.header == Header::InFile {
            records.push(self.record([&["id"], columns].concat().into_iter().map(str::to_owned)));
        }
        for _ in 0..self.skipped_in(input) {
            records.push(match self.form {
                Form::Csv => self.record((0..=columns.len()).map(|_| "passed over".to_owned())),
                Form::Ndjson => self.object("\"id\":\"passed over\""),
            });
        }
        records.extend(rows);
        match self.json {
            Json::Lines => records.concat(),
            Json::Array | Json::ArrayOverLines => array(&records.concat()),
        }
    }

    /// A JSON object with these members, as a record with its line end.
    pub(super) fn object(&self, members: &str) -> String {
        match self.json {
            Json::Lines => format!("{{{members}}}\n"),
            Json::Array => format!("{{{members}}},\n"),
            Json::ArrayOverLines => format!("{{\n\t{members}\n}},\n"),
        }
    }

    /// A corrected file of failed rows. A program that knows arrays may make one of it.
    pub(super) fn corrected(&self, failed: &str) -> String {
        if self.json != Json::Array || failed.is_empty() {
            return failed.to_owned();
        }
        let (mark, rows) = match failed.strip_prefix('\u{feff}') {
            Some(rows) => ("\u{feff}", rows),
            None => ("", failed),
        };
        format!("{mark}{}", array(&rows.replace('\n', ",\n")))
    }

    /// The extension of an input's name.
    pub(super) fn extension(&self) -> &'static str {
        match self.json {
            Json::Lines => self.form.extension(),
            Json::Array | Json::ArrayOverLines => "json",
        }
    }

    /// A line of CSV. No cell of a scene needs quotes.
    pub(super) fn record(&self, cells: impl Iterator<Item = String>) -> String {
        cells.collect::<Vec<_>>().join(&self.delimiter.to_string()) + "\n"
    }

    /// A file's bytes. The only letter that is not ASCII has the same number in Latin-1.
    pub(super) fn encode(&self, text: &str) -> Vec<u8> {
        match self.encoding {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Windows1252 => text
                .chars()
                .map(|letter| u8::try_from(letter).expect("Latin-1"))
                .collect(),
        }
    }

    /// The delimiter between fields.
    pub(super) fn delimiter(&self) -> char {
        self.delimiter
    }
}

/// An array of these elements, each with a comma and a line end.
fn array(elements: &str) -> String {
    let elements = elements.strip_suffix(",\n").expect("there are elements");
    format!("[\n{elements}\n]\n")
}
