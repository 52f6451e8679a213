//! The settings that differ from their defaults, for summaries and reports.

use crate::config::provenance::{Provenance, ShownValue};
use crate::config::{BelongsTo, Holds, Settings};
use crate::results::summary::SettingSummary;

/// Returns the settings that differ from their defaults. Secrets and values that may be a customer's
/// are left out; their names are not.
pub(in crate::commands) fn of(settings: &Settings) -> Vec<SettingSummary> {
    let changed =
        (settings.effective().iter()).filter(|setting| setting.provenance != Provenance::Default);
    changed
        .map(|setting| SettingSummary {
            name: setting.name.to_owned(),
            value: match (&setting.value, setting.belongs_to) {
                (ShownValue::Secret, _) | (_, BelongsTo::Run(Holds::Values)) => None,
                (value, BelongsTo::Run(Holds::Words) | BelongsTo::Process) => Some(value.to_text()),
            },
            origin: setting.provenance.to_string(),
        })
        .collect()
}
