//! `--unique`: the rows of one customer that are sent.

use anyhow::anyhow;
use tracing::info;

use crate::commands::Failure;
use crate::config::Settings;
use crate::input::{InputName, KnownInput, RowRange};
use crate::pipeline::{self, RowBuilder};
use crate::row::duplicates::{DuplicateFilter, DuplicatePolicy};

/// Refuses pipes for `--unique last`, which reads inputs twice. Call before opening: opening a pipe
/// blocks until it has a writer.
pub(in crate::commands) fn refuse_streams(settings: &Settings) -> Result<(), Failure> {
    match settings.sending.unique {
        DuplicatePolicy::All | DuplicatePolicy::Reject => Ok(()),
        DuplicatePolicy::Last => settings
            .input
            .files
            .iter()
            .filter(|name| is_stream(name))
            .try_for_each(refuse_stream),
    }
}

/// Whether the input exists and is neither a file nor a folder. A missing input is reported when it
/// is opened.
pub(in crate::commands) fn is_stream(name: &InputName) -> bool {
    match name {
        InputName::Path(path) => path.exists() && !path.is_file() && !path.is_dir(),
        // The server of an address tells whether it can be read twice.
        InputName::Member(_) | InputName::Address(_) => false,
        InputName::Stdin => true,
    }
}

fn refuse_stream(name: &InputName) -> Result<(), Failure> {
    let (why, way_out) = match name {
        InputName::Path(_) | InputName::Member(_) | InputName::Stdin => {
            ("this can be read only once", "save it to a file")
        }
        InputName::Address(_) => (
            "its server does not show whether it is the same both times (by a strong ETag)",
            "download it first",
        ),
    };
    Err(Failure::unusable(anyhow!(
        "{name}: --unique last reads the input twice, first to find each customer's last row, and {why}: {way_out}, or \
         use --unique reject"
    )))
}

/// Returns the filter for rows of the same customer. Finding each customer's last row takes a pass
/// over the inputs, which are opened anew for it.
pub(in crate::commands) fn ids(
    settings: &Settings,
    inputs: &[KnownInput],
    builder: &RowBuilder,
    row_range: RowRange,
) -> Result<DuplicateFilter, Failure> {
    match settings.sending.unique {
        DuplicatePolicy::All if settings.nightly.state.is_none() => Ok(DuplicateFilter::keep_all()),
        // The comparison with the state refuses a second row.
        DuplicatePolicy::All | DuplicatePolicy::Reject => Ok(DuplicateFilter::keep_first()),
        DuplicatePolicy::Last => {
            // A file may have been replaced by a pipe since the arguments were read.
            inputs
                .iter()
                .filter(|input| !input.can_be_read_twice())
                .map(KnownInput::name)
                .try_for_each(refuse_stream)?;
            info!("reading the input once to find each customer's last row (--unique last)");
            let again = inputs.iter().filter_map(KnownInput::again).collect();
            let repeats =
                pipeline::count_repeats(again, builder.clone(), row_range, pipeline::threads())
                    .map_err(Failure::unusable)?;
            Ok(DuplicateFilter::keep_last(
                repeats.map_err(Failure::of_input)?,
            ))
        }
    }
}
