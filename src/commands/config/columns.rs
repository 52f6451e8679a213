//! The part of a file of settings that is about the columns or keys of one input.

use crate::config::Settings;
use crate::input::{
    FirstLine, IgnoreReason, InputError, InputName, NamedColumn, NamesOf, NumberReason, Proposal,
    Survey, Target, lacks_id, proposals,
};
use crate::text::safe_name;

use super::toml_text;

/// A line of the list of ignored columns, or of the table of mapped ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The TOML of the line.
    pub(super) toml: String,
    pub(super) force: Force,
    /// The remark behind it; empty if it needs none.
    pub(super) remark: &'static str,
}

/// Whether a line is in force or is offered as a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Force {
    InForce,
    Offered,
}

/// The part of the file about columns.
#[derive(Debug, Default)]
pub(super) struct ColumnLines {
    pub(super) ignored: Vec<Line>,
    pub(super) mapped: Vec<Line>,
}

/// The columns of an input, with a proposal for each.
pub(super) struct ProposedColumns {
    names_of: NamesOf,
    columns: Vec<(NamedColumn, Proposal)>,
    pub(super) first_line: FirstLine,
    /// Whether no column is known to hold the customer's id.
    pub(super) lacks_id: bool,
}

const WHICH_FIELD: &str = "which field?";
const NOT_SHOWN: &str = "its name is not shown, because it may be a customer's value";
const SAME_NAME: &str = "an earlier column has the same name";

impl ProposedColumns {
    /// Reads the names of an input, and proposes what each fills.
    pub(super) fn of(name: InputName, settings: &Settings) -> Result<ProposedColumns, InputError> {
        let rules = &settings.input.rules;
        let Survey {
            columns,
            names_of,
            first_line,
        } = Survey::of(name, rules)?;
        let proposals = proposals(&columns, names_of, &rules.mapping);
        let lacks_id = lacks_id(&columns, &proposals, &rules.mapping);
        Ok(ProposedColumns {
            names_of,
            first_line,
            columns: columns.into_iter().zip(proposals).collect(),
            lacks_id,
        })
    }

    /// Returns the word for what the input has, in the plural.
    pub(super) fn noun(&self) -> &'static str {
        match self.names_of {
            NamesOf::Columns => "columns",
            NamesOf::Keys => "keys",
        }
    }

    /// Returns the number of columns whose proposal is of this kind.
    pub(super) fn count(&self, is_counted: impl Fn(&Proposal) -> bool) -> usize {
        let proposals = self.columns.iter().map(|(_, proposal)| proposal);
        proposals.filter(|proposal| is_counted(proposal)).count()
    }

    /// Returns the columns that a person has to decide about and that have a line in the file, as
    /// messages name them.
    pub(super) fn undecided(&self) -> Vec<String> {
        let name = |(column, proposal): &(NamedColumn, Proposal)| match proposal {
            Proposal::Undecided(_) => Some(format!("`{}`", safe_name(&column.name))),
            Proposal::UndecidedByNumber(_) if self.names_of == NamesOf::Columns => {
                Some(by_number(column))
            }
            Proposal::UndecidedByNumber(_)
            | Proposal::Known
            | Proposal::Map(_)
            | Proposal::Ignore(_) => None,
        };
        self.columns.iter().filter_map(name).collect()
    }

    /// Returns the number of keys that are not shown. A key has no number by which it could have a
    /// line in the file.
    pub(super) fn hidden_keys(&self) -> usize {
        match self.names_of {
            NamesOf::Columns => 0,
            NamesOf::Keys => {
                self.count(|proposal| matches!(proposal, Proposal::UndecidedByNumber(_)))
            }
        }
    }

    /// Adds the lines about the columns to those about the user's flags.
    pub(super) fn add_to(&self, lines: &mut ColumnLines) {
        for (column, proposal) in &self.columns {
            let name = toml_text::string(&column.name);
            let map = |target: &str| format!("{name} = {}", toml_text::string(target));
            match proposal {
                Proposal::Known => {}
                Proposal::Map(target) => {
                    lines.mapped.push(Line::in_force(map(target.name()), ""));
                }
                Proposal::Ignore(why) => {
                    let remark = match why {
                        IgnoreReason::ReadOnly => "the API only returns it",
                        IgnoreReason::Set => "--set fills its field",
                        IgnoreReason::NoFieldLeft => "every field has a column already",
                    };
                    lines.ignored.push(Line::in_force(name, remark));
                }
                Proposal::Undecided(like) => {
                    let field = like.map_or("FIELD", Target::name);
                    lines.mapped.push(Line::offered(map(field), WHICH_FIELD));
                    lines.ignored.push(Line::offered(name, ""));
                }
                Proposal::UndecidedByNumber(why) => match self.names_of {
                    NamesOf::Columns => {
                        let name = toml_text::string(&by_number(column));
                        let remark = match why {
                            NumberReason::MayBeValue => NOT_SHOWN,
                            NumberReason::SameName => SAME_NAME,
                        };
                        lines.ignored.push(Line::offered(name, remark));
                    }
                    NamesOf::Keys => {}
                },
            }
        }
    }
}

fn by_number(column: &NamedColumn) -> String {
    format!("column {}", column.number)
}

impl ColumnLines {
    /// Returns the lines about the columns that the user's flags name. `ignored` columns are
    /// written with a comma between them only if one column has that name.
    pub(super) fn of_flags(settings: &Settings, columns: Option<&ProposedColumns>) -> ColumnLines {
        let names: Vec<_> = columns
            .iter()
            .flat_map(|columns| &columns.columns)
            .map(|(column, _)| column.name.clone())
            .collect();
        let rules = settings.input.rules.mapping.for_names(&names);
        let mut lines = ColumnLines::default();
        for (name, target) in rules.columns() {
            let name = toml_text::string(name);
            match target {
                Target::Ignored => lines.ignored.push(Line::in_force(name, "")),
                // It is a setting of its own.
                Target::Since => {}
                Target::Id | Target::Field(_) => {
                    let target = toml_text::string(target.name());
                    lines
                        .mapped
                        .push(Line::in_force(format!("{name} = {target}"), ""));
                }
            }
        }
        lines
    }
}

impl Line {
    fn in_force(toml: String, remark: &'static str) -> Line {
        Line {
            toml,
            force: Force::InForce,
            remark,
        }
    }

    fn offered(toml: String, remark: &'static str) -> Line {
        Line {
            toml,
            force: Force::Offered,
            remark,
        }
    }
}
