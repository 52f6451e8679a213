//! `custsync config` alone: the effective settings and their provenance.

use std::fmt::Write as _;

use anyhow::anyhow;
use serde::Serialize;
use serde_json::json;

use crate::commands::Failure;
use crate::commands::shared::pattern::is_pattern;
use crate::config::Settings;
use crate::config::output::OutputFormat;
use crate::config::provenance::{EffectiveSetting, ShownValue};
use crate::input::InputName;
use crate::{terminal, text};

/// The widest column. Longer values stick out, so that the next column stays in sight.
const COLUMN_WIDTH_MAX: usize = 40;

/// Prints the effective settings. The inputs are not read, but a word that names none is refused:
/// it may be meant as a verb.
pub(crate) fn show(settings: &Settings) -> Result<(), Failure> {
    for name in &settings.input.files {
        if let InputName::Path(path) = name
            && !path.exists()
            && !is_pattern(path)
        {
            return Err(Failure::unusable(anyhow!(
                "{name}: no such file
To see the settings in force, with the files and flags of any run: custsync config
To begin a custsync.toml: custsync config init [FILE]
To change a setting: edit that file, or give its flag"
            )));
        }
    }
    terminal::print(&render(settings)).map_err(Failure::stdout)
}

/// Returns the effective settings in the format that they ask for, with a newline at the end.
fn render(settings: &Settings) -> String {
    match settings.output.output_format {
        OutputFormat::Text => render_text(settings.effective()),
        OutputFormat::Json => render_json(settings.effective()),
    }
}

/// Name, value and origin, in columns.
fn render_text(settings: &[EffectiveSetting]) -> String {
    let cells = |setting: &EffectiveSetting| {
        (
            setting.name,
            setting.value.to_text(),
            setting.provenance.to_string(),
        )
    };
    let lines: Vec<_> = settings.iter().map(cells).collect();
    let name_width = lines
        .iter()
        .map(|(name, _, _)| name.len())
        .max()
        .unwrap_or(0);
    let value_width = lines
        .iter()
        .map(|(_, value, _)| value.chars().count())
        .max()
        .unwrap_or(0);
    let value_width = value_width.min(COLUMN_WIDTH_MAX);
    let mut text = String::new();
    for (name, value, origin) in &lines {
        writeln!(text, "{name:name_width$}  {value:value_width$}  {origin}")
            .expect("writing to a String cannot fail");
    }
    text
}

/// Returns a JSON array with an object for each setting. A list is an array, and null means that
/// the setting is unset.
fn render_json(settings: &[EffectiveSetting]) -> String {
    let objects: Vec<JsonSetting> = settings.iter().map(JsonSetting::new).collect();
    let array = serde_json::to_string_pretty(&objects).expect("texts and lists of them serialise");
    format!("{}\n", text::safe_json(&array))
}

#[derive(Serialize)]
struct JsonSetting {
    name: &'static str,
    value: serde_json::Value,
    origin: String,
}

impl JsonSetting {
    fn new(setting: &EffectiveSetting) -> Self {
        let value = match &setting.value {
            ShownValue::Unset => json!(null),
            ShownValue::One(text) => json!(text),
            ShownValue::Many(items) => json!(items),
            ShownValue::Secret => json!(ShownValue::SECRET),
        };
        Self {
            name: setting.name,
            value,
            origin: setting.provenance.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BelongsTo;
    use crate::config::provenance::Provenance;

    fn settings() -> Vec<EffectiveSetting> {
        let setting = |name, value, provenance| EffectiveSetting {
            name,
            belongs_to: BelongsTo::Process,
            value,
            provenance,
        };
        let many = |items: &[&str]| {
            ShownValue::Many(items.iter().map(|item| (*item).to_owned()).collect())
        };
        let one = |text: &str| ShownValue::One(text.to_owned());
        vec![
            setting("rate", one("50/s"), Provenance::Flag("--rate".to_owned())),
            setting(
                "token",
                ShownValue::Secret,
                Provenance::Environment("CUSTSYNC_TOKEN".to_owned()),
            ),
            setting(
                "delimiter",
                one("\t"),
                Provenance::File("custsync.toml".into()),
            ),
            setting("null-string", many(&["", "NULL"]), Provenance::Default),
            setting("ignore", many(&[]), Provenance::Default),
            setting("tenant", ShownValue::Unset, Provenance::Default),
        ]
    }

    #[test]
    fn text_is_aligned_and_shows_what_cannot_be_seen() {
        let want = "\
rate         50/s      --rate
token        ***       CUSTSYNC_TOKEN
delimiter    \\t        custsync.toml
null-string  \"\", NULL  default
ignore       -         default
tenant       -         default
";
        assert_eq!(render_text(&settings()), want);
    }

    #[test]
    fn json_keeps_lists_apart_from_texts_and_from_nothing() {
        let got: serde_json::Value = serde_json::from_str(&render_json(&settings())).unwrap();
        let want = json!([
            { "name": "rate", "value": "50/s", "origin": "--rate" },
            { "name": "token", "value": "***", "origin": "CUSTSYNC_TOKEN" },
            { "name": "delimiter", "value": "\t", "origin": "custsync.toml" },
            { "name": "null-string", "value": ["", "NULL"], "origin": "default" },
            { "name": "ignore", "value": [], "origin": "default" },
            { "name": "tenant", "value": null, "origin": "default" },
        ]);
        assert_eq!(got, want);
    }
}
