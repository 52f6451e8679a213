//! The inputs, and the rules for reading them.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::api::PlainHttp;
use crate::config::error::Problem;
use crate::config::groups::api::ApiSettings;
use crate::config::names::{EXPLAIN, INPUT_TOKEN_FILE, JSON_PATH, TWO_DIGIT_YEARS};
use crate::config::provenance::Provenance;
use crate::config::resolver::{Entry, Resolver, Split};
use crate::config::setting::{of_process, of_run, of_run_with_values};
use crate::config::tables::NestedEntry;
use crate::config::value::{ValueError, non_empty, number_in, parsed};
use crate::config::words::choice;
use crate::contract::{DateFormat, SinceRule, Today, TwoDigitYears, ValueRules};
use crate::download::{AddressError, DownloadOptions, shown_word};
use crate::input::{
    CellRules, Constants, Delimiter, EmptyRule, EmptyRules, Encoding, EncodingChoice, Escape,
    FormatChoice, HeaderNames, HeaderRule, InputName, InputRules, JsonPath, MappingRules,
    NullStrings, OvertakenRule, Ragged, RowRules, RulePlaces, Target, Trim, ValueMaps,
};
use crate::text::safe_path;

/// The inputs, and the rules for reading them.
#[derive(Debug, Clone)]
pub struct InputSettings {
    /// The inputs in order, as they were given.
    pub files: Vec<InputName>,
    /// Their format, and the mapping of columns to fields.
    pub rules: InputRules,
    /// The rules that turn a row's cells into values.
    pub rows: RowRules,
    /// The number of records to skip at the beginning.
    pub skip_rows: u64,
    /// Records read at most: at least 1.
    pub max_rows: Option<u64>,
    /// The number of rows that a check explains.
    pub explain: u64,
}

/// The last line that may hold the header: a sheet of a workbook has no more rows.
const HEADER_ROW_MAX: u64 = 1 << 20;

/// The most columns that a header may have.
const COLUMNS_MAX: usize = 1024;

/// The line of the header.
const HEADER_ROW: &str = "header-row";

/// The column of the latest times at which others may have changed a customer.
const UNLESS_CHANGED_SINCE: &str = "unless-changed-since";

/// The values of fields in every row.
const SET: &str = "set";

/// The replacements of texts by values, per field.
const VALUES: &str = "values";

/// The key of all fields, or of those without a rule of their own.
const ALL_FIELDS: &str = "default";

impl InputSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver, files: Vec<PathBuf>) -> Self {
        let files = files
            .into_iter()
            .filter_map(|file| input_name(resolver, file))
            .collect();
        let format = resolver.choice(of_run("format"), &FormatChoice::Auto);
        let delimiter = resolver.optional(of_run("delimiter"), delimiter);
        let quotes = resolver.optional(of_run("quotes"), choice);
        let escape = resolver
            .optional(of_run("escape"), escape)
            .unwrap_or_default();
        let ragged = resolver.choice(of_run("ragged"), &Ragged::Error);
        let encoding = resolver.one(of_run("encoding"), "auto", encoding);
        let header = header_rule(resolver);
        let json_path = resolver.optional(of_run(JSON_PATH), parsed::<JsonPath>);
        let sheet = resolver.optional(of_run("sheet"), non_empty);
        let mapping = mapping(resolver);
        let (mapping, since) = with_since(resolver, mapping);
        let constants = constants(resolver);
        let values = value_maps(resolver);
        let rows = RowRules {
            cells: CellRules {
                values,
                empty: empty_rules(resolver),
                null_strings: null_strings(resolver),
                trim: if resolver.boolean(of_run("trim")) {
                    Trim::Trim
                } else {
                    Trim::Keep
                },
            },
            values: ValueRules {
                since,
                ..value_rules(resolver)
            },
            overtaken: resolver.choice(of_run("overtaken"), &OvertakenRule::LeaveOut),
        };
        for (text, error) in rows.cells.value_errors(&rows.values) {
            resolver.report_value(VALUES, ValueError::Mapped { text, error });
        }
        for error in constants.errors(&rows.cells, &rows.values) {
            resolver.report_value(SET, ValueError::Contract(error));
        }
        Self {
            files,
            rules: InputRules {
                format,
                delimiter,
                quotes,
                escape,
                ragged,
                encoding,
                header,
                json_path,
                sheet,
                mapping: mapping.with_constants(constants),
                download: DownloadOptions {
                    token_file: resolver.path(of_process(INPUT_TOKEN_FILE)),
                    ..DownloadOptions::default()
                },
            },
            rows,
            skip_rows: resolver.number(of_process("skip-rows"), "0", 0..=u64::MAX),
            max_rows: resolver.optional(of_process("max-rows"), number_in(1..=u64::MAX)),
            explain: resolver.number(of_process(EXPLAIN), "0", 0..=u64::MAX),
        }
    }
}

/// Reads the rules for values. The current day is set later: settings do not depend on the clock.
fn value_rules(resolver: &mut Resolver) -> ValueRules {
    let first_year = resolver.optional(
        of_run(TWO_DIGIT_YEARS),
        number_in(TwoDigitYears::FIRST_YEARS),
    );
    let two_digit_years = first_year.and_then(TwoDigitYears::from_year);
    ValueRules {
        date_formats: resolver.list(of_run("date-format"), |text| {
            Ok(DateFormat::new(text, two_digit_years)?)
        }),
        allowed: resolver.list(of_run("allow"), choice).into_iter().collect(),
        today: Today::default(),
        since: SinceRule::Unused,
    }
}

impl InputSettings {
    /// Takes over the settings that addresses share with the API. Reports addresses that must not be
    /// asked.
    pub(in crate::config) fn share(
        &mut self,
        resolver: &mut Resolver,
        api: &ApiSettings,
        wait_max: Duration,
    ) {
        let download = &mut self.rules.download;
        download.ca_file.clone_from(&api.ca_file);
        download.wait_max = wait_max;
        download.plain_http = api.plain_http;
        if api.plain_http == PlainHttp::Anywhere {
            return;
        }
        for name in &self.files {
            if let InputName::Address(address) = name
                && address.is_plain_http_elsewhere()
            {
                resolver.report(Problem::Address {
                    address: address.to_string(),
                    error: AddressError::PlainHttp,
                });
            }
        }
    }
}

/// Returns the input that an argument names. One that only begins as an address is reported.
fn input_name(resolver: &mut Resolver, file: PathBuf) -> Option<InputName> {
    match InputName::of_address(file.as_os_str()) {
        None => Some(plainest_name(file)),
        Some(Ok(name)) => Some(name),
        Some(Err(error)) => {
            let shown = shown_word(file.as_os_str());
            resolver.report(Problem::Address {
                address: safe_path(Path::new(&shown)),
                error,
            });
            None
        }
    }
}

/// Returns the name without `./`, as messages show it.
fn plainest_name(file: PathBuf) -> InputName {
    let plain: PathBuf = file
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    // Nothing would be left of `.`, and `./-` is a file, not standard input: both are kept.
    if plain.as_os_str().is_empty() || (plain == Path::new("-") && file != plain) {
        return InputName::Path(file);
    }
    InputName::from_argument(plain.into_os_string())
}

fn mapping(resolver: &mut Resolver) -> MappingRules {
    let mut map = Vec::new();
    for entry in resolver.entries(of_run("map"), &[], Split::Last) {
        match entry {
            Entry {
                key: Some(column),
                value: field,
            } if !column.is_empty() && !field.is_empty() => {
                map.push((column, field));
            }
            entry => resolver.report_value(
                "map",
                ValueError::NotAPair {
                    text: entry.text(),
                    form: "COLUMN=FIELD",
                },
            ),
        }
    }
    let ignore = resolver.names(of_run("ignore"));
    let rules = MappingRules::new(&map, &ignore).map_err(ValueError::from);
    let header_names = if resolver.boolean(of_run("loose-headers")) {
        HeaderNames::Loose
    } else {
        HeaderNames::Exact
    };
    resolver
        .ok_or_report("map", rules)
        .unwrap_or_default()
        .with_header_names(header_names)
        .with_places(rule_places(resolver))
}

/// Adds the column of the latest times at which others may have changed a customer.
fn with_since(resolver: &mut Resolver, mapping: MappingRules) -> (MappingRules, SinceRule) {
    let Some(column) = resolver.optional(of_run(UNLESS_CHANGED_SINCE), non_empty) else {
        return (mapping, SinceRule::Unused);
    };
    let with_since = mapping.clone().with_since(&column);
    let with_since = with_since.map_err(ValueError::from);
    let with_since = resolver.ok_or_report(UNLESS_CHANGED_SINCE, with_since);
    (with_since.unwrap_or(mapping), SinceRule::Required)
}

/// Returns the places of the rules for columns. A setting without a value has its flag for a place.
fn rule_places(resolver: &Resolver) -> RulePlaces {
    let place = |name: &str, flag: String| match resolver.provenance(name) {
        Provenance::Default => flag,
        provenance => provenance.place(name),
    };
    let flags = RulePlaces::default();
    let file = match (resolver.provenance("map"), resolver.provenance("ignore")) {
        (Provenance::File(path), _) | (Provenance::Default, Provenance::File(path)) => {
            Some(safe_path(path))
        }
        _ => None,
    };
    RulePlaces {
        map: place("map", flags.map),
        ignore: place("ignore", flags.ignore),
        since: place(UNLESS_CHANGED_SINCE, flags.since),
        columns: place("columns", flags.columns),
        file,
    }
}

fn constants(resolver: &mut Resolver) -> Constants {
    let mut constants = Constants::default();
    for entry in resolver.entries(of_run_with_values(SET), &[], Split::First) {
        match entry {
            Entry {
                key: Some(field),
                value,
            } if !field.is_empty() => {
                let added = constants.add(&field, value).map_err(ValueError::from);
                resolver.ok_or_report(SET, added);
            }
            entry => resolver.report_value(
                SET,
                ValueError::NotAPair {
                    text: entry.text(),
                    form: "FIELD=VALUE",
                },
            ),
        }
    }
    constants
}

fn value_maps(resolver: &mut Resolver) -> ValueMaps {
    let mut maps = ValueMaps::default();
    for NestedEntry {
        table: field,
        key: text,
        value,
    } in resolver.nested_entries(of_run_with_values(VALUES), "FIELD:TEXT=VALUE")
    {
        let added = maps.add(&field, text, value).map_err(ValueError::from);
        resolver.ok_or_report(VALUES, added);
    }
    maps
}

fn empty_rules(resolver: &mut Resolver) -> EmptyRules {
    const NAME: &str = "empty";
    let mut default = EmptyRule::Omit;
    let mut fields = Vec::new();
    for Entry { key, value } in resolver.entries(of_run(NAME), &["omit"], Split::Last) {
        let Some(rule) = resolver.ok_or_report(NAME, choice(&value)) else {
            continue;
        };
        match key.as_deref() {
            None | Some(ALL_FIELDS) => default = rule,
            Some("") => {
                let text = format!("={value}");
                resolver.report_value(
                    NAME,
                    ValueError::NotAPair {
                        text,
                        form: "RULE or FIELD=RULE",
                    },
                );
            }
            Some(field) => fields.push((field.to_owned(), rule)),
        }
    }
    let fields = fields.iter().map(|(field, rule)| (field.as_str(), *rule));
    let rules = EmptyRules::new(default, fields).map_err(ValueError::from);
    resolver.ok_or_report(NAME, rules).unwrap_or_default()
}

fn null_strings(resolver: &mut Resolver) -> NullStrings {
    const NAME: &str = "null-string";
    let mut nulls = NullStrings::default();
    for Entry { key, value } in resolver.keyed_texts(of_run_with_values(NAME)) {
        let added = match (key.as_deref(), of_one_field(&value)) {
            (Some(ALL_FIELDS), _) | (None, None) => {
                nulls.add(value);
                Ok(())
            }
            (Some(field), _) => nulls.add_for(field, value),
            (None, Some((field, text))) => nulls.add_for(field, text.to_owned()),
        };
        resolver.ok_or_report(NAME, added.map_err(ValueError::from));
    }
    nulls
}

/// Returns the field and the text of `FIELD=TEXT`. Any text may mean null, so the text applies to
/// all fields unless it begins with the exact name of one.
fn of_one_field(text: &str) -> Option<(&str, &str)> {
    text.split_once('=')
        .filter(|(name, _)| Target::of_api_name(name).is_some())
}

impl Entry {
    /// As it was typed.
    fn text(&self) -> String {
        match &self.key {
            Some(key) => format!("{key}={}", self.value),
            None => self.value.clone(),
        }
    }
}

fn encoding(text: &str) -> Result<EncodingChoice, ValueError> {
    match text {
        "auto" => Ok(EncodingChoice::Auto),
        label => Ok(EncodingChoice::Named(Encoding::of_label(label)?)),
    }
}

fn escape(text: &str) -> Result<Escape, ValueError> {
    match text {
        "\\" => Ok(Escape::Backslash),
        other => Err(ValueError::NotAChoice {
            text: other.to_owned(),
            choices: "\\".to_owned(),
        }),
    }
}

/// Reads the rule for the header. Columns that are named imply that the file has no header.
fn header_rule(resolver: &mut Resolver) -> HeaderRule {
    let has_header = !resolver.boolean(of_run("no-header"));
    let columns = resolver.list(of_run("columns"), non_empty);
    if columns.len() > COLUMNS_MAX {
        resolver.report_value("columns", ValueError::TooMany { most: COLUMNS_MAX });
    }
    let row = resolver.optional(of_run(HEADER_ROW), number_in(1..=HEADER_ROW_MAX));
    match row {
        Some(row) if has_header && columns.is_empty() => HeaderRule::Row(row),
        Some(_) => {
            let other = if has_header { "columns" } else { "no-header" };
            let (first, second) = (resolver.place(HEADER_ROW), resolver.place(other));
            resolver.report(Problem::Contradiction { first, second });
            HeaderRule::Named(columns)
        }
        None if has_header && columns.is_empty() => HeaderRule::FirstRecord,
        None => HeaderRule::Named(columns),
    }
}

fn delimiter(text: &str) -> Result<Delimiter, ValueError> {
    let mut characters = text.chars();
    let delimiter = match (text, characters.next(), characters.next()) {
        ("tab" | "\\t", _, _) => Some(Delimiter::TAB),
        (_, Some(character), None) => Delimiter::new(character).ok(),
        _ => None,
    };
    delimiter.ok_or_else(|| ValueError::NotADelimiter(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_one_ascii_character_or_the_tab() {
        let check = |text: &str, want: Option<u8>| {
            assert_eq!(delimiter(text).ok().map(Delimiter::byte), want, "{text}");
        };
        for (text, want) in [
            (";", Some(b';')),
            ("|", Some(b'|')),
            ("\t", Some(b'\t')),
            ("tab", Some(b'\t')),
            ("\\t", Some(b'\t')),
            ("", None),
            (",,", None),
            ("\"", None),
            ("\n", None),
            ("\r", None),
            ("\0", None),
            ("é", None),
            ("x", None),
            ("7", None),
            ("_", None),
            ("-", Some(b'-')),
        ] {
            check(text, want);
        }
    }

    #[test]
    fn an_input_is_called_by_its_plainest_name() {
        let path = |text: &str| InputName::Path(PathBuf::from(text));
        let check = |text: &str, want: InputName| {
            assert_eq!(plainest_name(PathBuf::from(text)), want, "{text}");
        };
        for (text, want) in [
            ("-", InputName::Stdin),
            ("./-", path("./-")),
            ("a.csv", path("a.csv")),
            ("./a.csv", path("a.csv")),
            ("in/./a.csv", path("in/a.csv")),
            ("../a.csv", path("../a.csv")),
            ("/in/a.csv", path("/in/a.csv")),
            (".", path(".")),
        ] {
            check(text, want);
        }
    }
}
