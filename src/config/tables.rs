//! Settings that are tables in a file, and their spelling elsewhere.

use super::error::Problem;
use super::layer::{ONE_TEXT, RawValue};
use super::provenance::ShownValue;
use super::resolver::{Entry, Resolver, split_at_commas};
use super::setting::Setting;
use super::value::ValueError;

/// An item of a table within a table.
pub(super) struct NestedEntry {
    /// The inner table's name.
    pub(super) table: String,
    pub(super) key: String,
    pub(super) value: String,
}

impl Resolver {
    /// Reads a setting whose items are plain texts. In the file, a table can name the key that a
    /// text or a list of texts applies to.
    pub(super) fn keyed_texts(&mut self, setting: Setting) -> Vec<Entry> {
        let texts = match self.find(setting, ShownValue::Many(Vec::new())) {
            None => Vec::new(),
            Some(RawValue::Text(text)) => vec![text],
            Some(RawValue::CommaSeparated(texts)) => split_at_commas(&texts),
            Some(RawValue::List(texts)) => texts,
            Some(RawValue::Table(pairs)) => return self.lists_of(setting.name, pairs),
        };
        texts
            .into_iter()
            .map(|value| Entry { key: None, value })
            .collect()
    }

    /// Returns the items of a table of texts and lists of texts.
    fn lists_of(&mut self, name: &str, pairs: Vec<(String, RawValue)>) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (key, value) in pairs {
            let texts = match value {
                RawValue::Text(text) | RawValue::CommaSeparated(text) => vec![text],
                RawValue::List(texts) => texts,
                RawValue::Table(_) => {
                    let error = ValueError::WrongKind {
                        wanted: "text or a list",
                        found: value.kind(),
                    };
                    self.report_in_table(name, &key, error);
                    continue;
                }
            };
            entries.extend(texts.into_iter().map(|value| Entry {
                key: Some(key.clone()),
                value,
            }));
        }
        entries
    }

    /// Reads a setting of tables within a table. Outside of the file, its items are written as
    /// `form`: the table's name, a colon, and `KEY=VALUE`, split at the last `=`.
    pub(super) fn nested_entries(
        &mut self,
        setting: Setting,
        form: &'static str,
    ) -> Vec<NestedEntry> {
        let items = match self.find(setting, ShownValue::Many(Vec::new())) {
            None => Vec::new(),
            Some(RawValue::Text(item)) => vec![item],
            Some(RawValue::CommaSeparated(items)) => split_at_commas(&items),
            Some(RawValue::List(items)) => items,
            Some(RawValue::Table(tables)) => return self.entries_of_tables(setting.name, tables),
        };
        let mut entries = Vec::new();
        for text in items {
            match NestedEntry::from_item(&text) {
                Some(entry) => entries.push(entry),
                None => self.report_value(setting.name, ValueError::NotAPair { text, form }),
            }
        }
        entries
    }

    fn entries_of_tables(
        &mut self,
        name: &str,
        tables: Vec<(String, RawValue)>,
    ) -> Vec<NestedEntry> {
        let mut entries = Vec::new();
        for (table, value) in tables {
            let place = format!("{name}.{table}");
            match value {
                RawValue::Table(pairs) => {
                    let pairs = self.texts_of(&place, pairs).into_iter();
                    entries.extend(pairs.map(|(key, value)| NestedEntry {
                        table: table.clone(),
                        key,
                        value,
                    }));
                }
                RawValue::Text(_) | RawValue::CommaSeparated(_) | RawValue::List(_) => {
                    let error = ValueError::WrongKind {
                        wanted: "a table",
                        found: value.kind(),
                    };
                    self.report_in_table(name, &table, error);
                }
            }
        }
        entries
    }

    /// Returns the pairs of a table that may hold only texts.
    pub(super) fn texts_of(
        &mut self,
        name: &str,
        pairs: Vec<(String, RawValue)>,
    ) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        for (key, value) in pairs {
            match value {
                RawValue::Text(text) | RawValue::CommaSeparated(text) => texts.push((key, text)),
                RawValue::List(_) | RawValue::Table(_) => {
                    let error = ValueError::WrongKind {
                        wanted: ONE_TEXT,
                        found: value.kind(),
                    };
                    self.report_in_table(name, &key, error);
                }
            }
        }
        texts
    }

    /// Reports that a value in the table `name` cannot be used. Only a file has tables.
    fn report_in_table(&mut self, name: &str, key: &str, error: ValueError) {
        let setting = name.split('.').next().unwrap_or(name);
        let place = self.provenance(setting).place(&format!("{name}.{key}"));
        self.report(Problem::Value { place, error });
    }
}

impl NestedEntry {
    fn from_item(item: &str) -> Option<Self> {
        let (table, pair) = item.split_once(':')?;
        let (key, value) = pair.rsplit_once('=')?;
        Some(Self {
            table: table.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
        })
    }
}

impl RawValue {
    /// Returns the value as a list of texts, for display.
    pub(super) fn items(&self) -> Vec<String> {
        match self {
            Self::CommaSeparated(text) if text.is_empty() => Vec::new(),
            Self::Text(text) | Self::CommaSeparated(text) => vec![text.clone()],
            Self::List(items) => items.clone(),
            Self::Table(pairs) => pairs
                .iter()
                .flat_map(|(key, value)| value.items_below(key))
                .collect(),
        }
    }

    /// Returns the value of a key in a table as a list of texts, for display.
    fn items_below(&self, key: &str) -> Vec<String> {
        let between = match self {
            Self::Text(_) | Self::CommaSeparated(_) | Self::List(_) => '=',
            Self::Table(_) => ':',
        };
        self.items()
            .iter()
            .map(|item| format!("{key}{between}{item}"))
            .collect()
    }

    /// Returns the kind of the value, with an article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::CommaSeparated(_) => "one value",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}
