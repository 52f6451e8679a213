//! The inputs and the rules for reading them: the same for a check and a run.

use std::ops::Range;

use crate::commands::Failure;
use crate::commands::shared::{first_rows, row_range, unique};
use crate::config::Settings;
use crate::input::KnownInput;
use crate::journal::{RunKey, Shard};
use crate::pipeline::{Reading, RowBuilder};

/// Returns the reading of these rows, of which a shard sends its own. Finding each customer's last row (`--unique last`) takes a
/// pass over the inputs here.
pub(in crate::commands) fn of(
    settings: &Settings,
    inputs: Vec<KnownInput>,
    rows: &Range<u64>,
    key: RunKey,
    shard: Option<Shard>,
) -> Result<Reading, Failure> {
    let row_range = row_range::of(rows);
    let builder = RowBuilder {
        rules: first_rows::rules(&settings.input),
        key,
        shard,
    };
    Ok(Reading {
        ids: unique::ids(settings, &inputs, &builder, row_range.clone())?,
        inputs,
        builder,
        row_range,
        filter: None,
    })
}
