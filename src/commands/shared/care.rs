//! What a run does with customers before and after their updates: which are read, and where their
//! images are kept.

use anyhow::anyhow;
use tracing::info;

use crate::commands::Failure;
use crate::commands::shared::start::Start;
use crate::config::Settings;
use crate::contract::{Countries, Field};
use crate::journal::{IMAGES_NAME, ImagesFile, RunDir};
use crate::pipeline::image_writer::{ImageWriter, ImagesTo};
use crate::pipeline::resume::LeftOut;
use crate::pipeline::sender::{CareSettings, ProbeState, ReadMode};

/// Returns the care of a run, after earlier processes.
pub(in crate::commands) fn of_run(
    settings: &Settings,
    run_dir: &RunDir,
    start: &Start,
) -> Result<CareSettings, Failure> {
    let mode = if settings.sending.undoable {
        ReadMode::Keep
    } else {
        ReadMode::None
    };
    let left_out = left_out(settings, start)?;
    let mut countries = countries(settings);
    let images = match (mode, left_out) {
        (ReadMode::None, ProbeState::Armed) => Some(ImagesTo::New(run_dir.clone())),
        (ReadMode::None, _) => None,
        (ReadMode::Keep, _) => {
            let images = match start {
                Start::Fresh => ImagesFile::begin(run_dir),
                Start::Continue { .. } => continue_images(run_dir),
            };
            let images = images.map_err(Failure::run_directory)?;
            countries.learn_all(images.countries());
            Some(ImagesTo::Open(images))
        }
    };
    let images = images
        .map(ImageWriter::start)
        .transpose()
        .map_err(Failure::unusable)?;
    Ok(CareSettings {
        mode,
        left_out,
        countries,
        images,
    })
}

/// The countries that the user's values name.
pub(in crate::commands) fn countries(settings: &Settings) -> Countries {
    let words = settings.input.rows.cells.values.texts();
    let countries = words.filter_map(|(field, text, value)| {
        (field == Field::CountryId).then_some((text.to_owned(), value.parse().ok()?))
    });
    Countries::of_words(countries)
}

fn continue_images(run_dir: &RunDir) -> Result<ImagesFile, crate::journal::ImagesError> {
    let resumed = ImagesFile::resume(run_dir)?;
    if resumed.torn_bytes > 0 {
        info!(
            "{} ended in the middle of a line, whose update never left",
            run_dir.display_path(IMAGES_NAME)
        );
    }
    Ok(resumed.file)
}

/// What is known of the fields that updates leave out. An API that is known to clear them is
/// refused.
fn left_out(settings: &Settings, start: &Start) -> Result<ProbeState, Failure> {
    let known = match start {
        Start::Fresh => None,
        Start::Continue { checkpoint, .. } => checkpoint.facts().left_out_is_kept,
    };
    match (settings.sending.left_out, known) {
        (_, Some(true)) => Ok(ProbeState::Kept),
        (LeftOut::Kept, _) => Ok(ProbeState::Trusted),
        (LeftOut::Unknown, None) => Ok(ProbeState::Armed),
        (LeftOut::Unknown, Some(false)) => Err(Failure::unusable(anyhow!(
            "the API clears the fields that an update leaves out, as this run has found out: send rows with all fields (--complete), or name all columns in the file; nothing was sent"
        ))),
    }
}
