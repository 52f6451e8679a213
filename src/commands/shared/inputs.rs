//! Opens the inputs of a command, and finds problems with them before anything is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{info, warn};

use crate::commands::Failure;
use crate::commands::shared::first_rows::FirstRows;
use crate::commands::shared::{archives, files};
use crate::config::input::InputSettings;
use crate::input::{Block, KnownInput, Layout, Origin, ReadAs};
use crate::results::summary::InputNames;

/// The inputs of a command, inspected and closed again, except for those that can be read only
/// once.
pub(in crate::commands) struct InspectedInputs {
    pub(in crate::commands) inputs: Vec<KnownInput>,
    pub(in crate::commands) names: InputNames,
    /// The size of all inputs, if it is known.
    pub(in crate::commands) total_bytes: Option<u64>,
}

/// Inspects the beginning of all inputs, one after the other. Other inputs
/// than regular files come last, since a pipe waits for its writer. `first_rows` sees the same blocks.
pub(in crate::commands) fn inspect(
    settings: &InputSettings,
    mut first_rows: Option<&mut FirstRows>,
) -> Result<InspectedInputs, Failure> {
    let files = files::expand(&settings.files, &settings.rules.download)
        .and_then(archives::expand)
        .map_err(Failure::unusable)?;
    let rules = Arc::new(settings.rules.clone());
    let mut found: BTreeMap<usize, KnownInput> = BTreeMap::new();
    let (first, last): (Vec<_>, Vec<_>) = files
        .into_iter()
        .enumerate()
        .partition(|(_, name)| name.is_regular_file());
    for (index, name) in first.into_iter().chain(last) {
        let mut is_utf_8 = true;
        let look_at = |block: Block, layout: &Layout| {
            is_utf_8 &= simdutf8::basic::from_utf8(&block.bytes).is_ok();
            if let Some(first_rows) = &mut first_rows {
                first_rows.look_at(index, block, layout);
            }
        };
        let input = KnownInput::look(name, &rules, look_at).map_err(Failure::of_input)?;
        warn_of_encoding(&input);
        if !is_utf_8 && input.layout().origin() == Origin::FailedRows {
            warn!(
                "{} holds failed rows, but it is not UTF-8: if a spreadsheet program has saved it in another encoding, \
                 characters that this encoding lacks are now `?`; save it as CSV UTF-8 or as a workbook",
                input.name()
            );
        }
        if !input.has_rows() {
            let what = match **input.layout() {
                Layout::Ndjson(_) => "is an empty JSON array",
                Layout::Csv(_) | Layout::Sheet(_) => "has a header but no rows",
            };
            warn!("{} {what}", input.place_name());
        }
        for note in input.notes() {
            info!("{note}");
        }
        let before = index.checked_sub(1).and_then(|before| found.get(&before));
        let input = if let Some(before) = before {
            input.sharing_with(before)
        } else {
            input
        };
        found.insert(index, input);
    }
    let inputs: Vec<_> = found.into_values().collect();
    settings
        .rules
        .mapping
        .check_ignored(|name| inputs.iter().any(|input| input.layout().may_have(name)))
        .map_err(Failure::unusable)?;
    for input in &inputs {
        log_sheet(input);
        log_loose_names(input);
        log_unused_settings(input, settings);
    }
    let names = InputNames::of(&inputs);
    if let Some(first_rows) = first_rows {
        first_rows.log(&names);
    }
    let total_bytes = inputs.iter().map(KnownInput::size_bytes).sum();
    Ok(InspectedInputs {
        inputs,
        names,
        total_bytes,
    })
}

/// Warns of a given encoding that an input does not seem to have: its texts would be sent garbled.
fn warn_of_encoding(input: &KnownInput) {
    if let Some(doubt) = input.encoding_doubt() {
        warn!("{} {doubt}", input.name());
    }
}

/// Logs the sheet of a workbook that is read, if there are others.
fn log_sheet(input: &KnownInput) {
    match input.read_as() {
        ReadAs::Workbook(choice) if choice.is_one_of_several() => {
            info!("{}: {choice} (--sheet)", input.name());
        }
        ReadAs::Text(_) | ReadAs::Workbook(_) => {}
    }
}

/// Logs the names that were matched loosely, so that a wrong match can be seen.
fn log_loose_names(input: &KnownInput) {
    let columns: Vec<_> = input
        .loose_columns()
        .iter()
        .map(ToString::to_string)
        .collect();
    if !columns.is_empty() {
        info!("{}: {} (--loose-headers)", input.name(), columns.join(", "));
    }
}

/// Logs the settings that have no effect on failed rows, which are read by their own layout.
fn log_unused_settings(input: &KnownInput, settings: &InputSettings) {
    if input.layout().origin() == Origin::First {
        return;
    }
    let skip_rows = (settings.skip_rows > 0).then_some("skip-rows");
    let max_rows = settings.max_rows.map(|_| "max-rows");
    let made: Vec<_> = settings
        .rules
        .layout_settings()
        .into_iter()
        .chain(skip_rows)
        .chain(max_rows)
        .collect();
    if !made.is_empty() {
        info!(
            "{} holds failed rows and is read by its own layout, without {}",
            input.name(),
            made.join(", ")
        );
    }
}
