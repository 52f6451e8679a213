//! The text of a commented file of settings.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::config::provenance::{EffectiveSetting, Provenance};
use crate::config::{Settings, Verb};
use crate::input::{FirstLine, InputName, Target};

use super::columns::{ColumnLines, Force, Line, ProposedColumns};
use super::toml_text;

/// A setting of the file, with an example in TOML if it has no default.
type UsualSetting = (&'static str, Option<&'static str>);

/// The settings that most files need, by what they are about. The others are in the help.
const USUAL: [(&str, &[UsualSetting]); 3] = [
    (
        "How the file is read",
        &[
            ("format", None),
            ("delimiter", Some("\";\"")),
            ("encoding", None),
            ("header-row", Some("3")),
            ("sheet", Some("\"Customers\"")),
            ("loose-headers", None),
            ("trim", None),
            ("empty", None),
            ("null-string", Some("[\"NULL\", \"n/a\"]")),
            ("date-format", Some("\"%d.%m.%Y\"")),
        ],
    ),
    (
        "The API",
        &[
            ("base-url", None),
            ("tenant", Some("7")),
            ("token-file", Some("\"token\"")),
        ],
    ),
    (
        "Sending",
        &[
            ("rate", None),
            ("max-in-flight", None),
            ("max-errors", None),
            ("unique", None),
            ("max-wait", None),
        ],
    ),
];

/// Settings that are about this command, or have a place of their own in the file.
const NOT_WRITTEN: [&str; 6] = ["color", "ignore", "log-format", "map", "quiet", "verbose"];

/// The number of fields that fit in a line.
const FIELDS_A_LINE: usize = 7;

/// The source of a file of settings.
pub(super) struct Template<'a> {
    pub(super) settings: &'a Settings,
    /// The first line of the help of each setting.
    pub(super) help: &'a BTreeMap<String, String>,
    pub(super) input: Option<&'a InputName>,
    pub(super) columns: Option<&'a ProposedColumns>,
}

impl Template<'_> {
    /// Returns the file. Tables come last, because TOML has no way back from them.
    pub(super) fn text(&self) -> String {
        let mut text = self.preface();
        let defaults = Settings::defaults(Verb::Run);
        for (index, (title, settings)) in USUAL.iter().enumerate() {
            push(&mut text, format_args!("\n# === {title} ===\n"));
            for (name, example) in *settings {
                self.push_setting(&mut text, name, *example, &defaults);
            }
            if index == 0 {
                push(&mut text, format_args!("{}", self.ignored()));
            }
        }
        let others: Vec<_> = self.given().filter(|given| !is_usual(given.name)).collect();
        if !others.is_empty() {
            push(&mut text, format_args!("\n# === Other settings ===\n"));
            for setting in others {
                self.push_setting(&mut text, setting.name, None, &defaults);
            }
        }
        push(&mut text, format_args!("{}", self.mapped()));
        text
    }

    fn preface(&self) -> String {
        let about = match self.input {
            Some(input @ (InputName::Path(_) | InputName::Member(_) | InputName::Address(_))) => {
                format!(" for {input}")
            }
            Some(InputName::Stdin) | None => String::new(),
        };
        format!(
            "\
# Settings of custsync{about}.
#
# custsync reads this file if it is named custsync.toml and is in the folder where custsync is started. Another file is
# named by --config. Each key is a flag without its dashes, and `custsync run --help` explains all of them. A flag or a
# variable (as in CUSTSYNC_RATE) overrides the file.
#
# A line that begins with # is not in force. It shows the default, or an example if there is no default. Remove the # to
# set a value. A token does not belong here: name a file that holds it, or set CUSTSYNC_TOKEN.
{}",
            self.doubt()
        )
    }

    /// Returns the remark on a first line that may be no header.
    fn doubt(&self) -> &'static str {
        match self.columns.map(|columns| columns.first_line) {
            Some(FirstLine::InDoubt) => {
                "\
#
# None of the columns has a known name. Is the header missing? If the first line is a customer's row, delete this file, and
# name the columns: custsync config init FILE --no-header --columns id,first_name,...
"
            }
            Some(FirstLine::Header) | None => "",
        }
    }

    /// Returns the settings that were given by flags.
    fn given(&self) -> impl Iterator<Item = &EffectiveSetting> {
        let settings = self.settings.effective().iter();
        settings.filter(|setting| {
            matches!(setting.provenance, Provenance::Flag(_))
                && !NOT_WRITTEN.contains(&setting.name)
        })
    }

    fn push_setting(
        &self,
        text: &mut String,
        name: &str,
        example: Option<&str>,
        defaults: &[EffectiveSetting],
    ) {
        let value_in = |settings: &[EffectiveSetting]| {
            let setting = settings.iter().find(|setting| setting.name == name)?;
            toml_text::value(&setting.value)
        };
        let help = self.help.get(name).map_or("", String::as_str);
        push(text, format_args!("\n# {help}\n"));
        match (
            self.given().any(|given| given.name == name),
            value_in(defaults),
            example,
        ) {
            (true, _, _) => {
                let value = value_in(self.settings.effective());
                let value = value.unwrap_or_else(|| "[]".to_owned());
                push(text, format_args!("{name} = {value}\n"));
            }
            (false, Some(default), _) => push(text, format_args!("# {name} = {default}\n")),
            (false, None, Some(example)) => {
                push(text, format_args!("# {name} = {example}  # an example\n"));
            }
            (false, None, None) => {}
        }
    }

    /// Returns the list of the columns that fill nothing.
    fn ignored(&self) -> String {
        let mut text = String::from(
            "\n# Columns that fill no field. `column 4` is the fourth column, whatever its name.\n",
        );
        let lines = self.lines().ignored;
        if lines.is_empty() {
            text.push_str("# ignore = [\"Notes\"]  # an example\n");
            return text;
        }
        text.push_str("ignore = [\n");
        for line in &lines {
            push_line(&mut text, "    ", line, ",");
        }
        text.push_str("]\n");
        text
    }

    /// Returns the table of the columns that fill fields.
    fn mapped(&self) -> String {
        let fields: Vec<_> = Target::api_names().collect();
        let fields: Vec<_> = fields
            .chunks(FIELDS_A_LINE)
            .map(|names| names.join(", "))
            .collect();
        let noun = self.columns.map_or("columns", ProposedColumns::noun);
        let mut text = format!(
            "
# === From {noun} to fields ===

# Each of the {noun} has the name of a field, or is mapped here, or is ignored above. The fields are
# {}.
",
            fields.join(",\n# ")
        );
        if self.columns.is_some_and(|columns| columns.lacks_id) {
            push(
                &mut text,
                format_args!(
                    "# Every row needs the customer's id: none of the {noun} is known to hold it.\n"
                ),
            );
        }
        if let Some(columns) = self.columns {
            match columns.hidden_keys() {
                0 => {}
                1 => text.push_str(
                    "# One key has no line, because it may be a customer's value: write it here or above to map or ignore it.\n",
                ),
                keys => push(
                    &mut text,
                    format_args!(
                        "# {keys} keys have no line, because they may be customers' values: write them here or above to map or ignore them.\n"
                    ),
                ),
            }
        }
        let mapped = self.lines().mapped;
        text.push_str("[map]\n");
        if mapped.is_empty() {
            text.push_str("# \"E-mail\" = \"email\"  # an example\n");
        }
        for line in &mapped {
            push_line(&mut text, "", line, "");
        }
        text
    }

    fn lines(&self) -> ColumnLines {
        let mut lines = ColumnLines::of_flags(self.settings, self.columns);
        if let Some(columns) = self.columns {
            columns.add_to(&mut lines);
        }
        lines
    }
}

fn is_usual(name: &str) -> bool {
    let mut settings = USUAL.iter().flat_map(|(_, settings)| *settings);
    settings.any(|(usual, _)| *usual == name)
}

fn push_line(text: &mut String, indent: &str, line: &Line, end: &str) {
    let mark = match line.force {
        Force::InForce => "",
        Force::Offered => "# ",
    };
    let remark = if line.remark.is_empty() {
        String::new()
    } else {
        format!("  # {}", line.remark)
    };
    push(
        text,
        format_args!("{indent}{mark}{}{end}{remark}\n", line.toml),
    );
}

fn push(text: &mut String, added: std::fmt::Arguments<'_>) {
    text.write_fmt(added)
        .expect("writing to a String cannot fail");
}
