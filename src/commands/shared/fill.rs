//! The images that a run with `--fill` keeps for its later processes: what they tell, and which are
//! left once nothing more is sent.

use std::collections::BTreeMap;
use std::fs;
use std::io;

use roaring::RoaringTreemap;

use crate::commands::Failure;
use crate::commands::shared::start::Start;
use crate::config::Settings;
use crate::contract::CustomerId;
use crate::journal::{
    EntriesError, IMAGES_NAME, Outcome, RunDir, for_each_entry, for_each_image, keep_images,
};
use crate::pipeline::recorder::Recorded;
use crate::pipeline::sender::{Fill, KeptFills};

/// The fields that are sent only where the API has none, after earlier processes.
pub(in crate::commands) fn of_run(
    settings: &Settings,
    run_dir: &RunDir,
    start: &Start,
) -> Result<Fill, Failure> {
    let mut fill = Fill::new(settings.sending.fill);
    let Start::Continue { checkpoint, .. } = start else {
        return Ok(fill);
    };
    if !settings.sending.fill.is_empty() && run_dir.file(IMAGES_NAME).exists() {
        let mut kept = KeptFills::default();
        for_each_image(run_dir, |entry| {
            match checkpoint.outcome(entry.row) {
                // The API refuses an update whose customer was changed since the read (412), and the
                // row may end without another one.
                Some(Outcome::Conflict | Outcome::Unchanged) => {}
                Some(Outcome::Updated) => fill.kept(entry, &mut kept),
                Some(_) | None => {
                    fill.kept(entry, &mut kept);
                    fill.may_be_applied(entry.row);
                }
            }
        })
        .map_err(Failure::run_directory)?;
    }
    Ok(fill)
}

/// Deletes the images of a run that needs them for `--fill` alone, and that has sent all rows. Rows
/// that failed or were rejected may be sent again: what the run has filled of their customers stays.
pub(in crate::commands) fn end(
    run_dir: &RunDir,
    settings: &Settings,
    recorded: &Recorded,
) -> Result<(), Failure> {
    if settings.sending.fill.is_empty()
        || settings.sending.undoable
        || recorded.unrecorded > 0
        || recorded.fault.is_some()
        || !run_dir.file(IMAGES_NAME).exists()
    {
        return Ok(());
    }
    let is_settled = [Outcome::Failed, Outcome::Rejected]
        .iter()
        .all(|outcome| recorded.tally.count(*outcome) == 0);
    if is_settled {
        return delete_images(run_dir);
    }
    let Needed { customers, rows } = needed(run_dir).map_err(Failure::run_directory)?;
    let is_needed =
        |customer: CustomerId, row| customers.contains(customer.get()) && rows.contains(row);
    let kept = keep_images(run_dir, |entry| is_needed(entry.id, entry.row));
    match kept.map_err(Failure::run_directory)? {
        0 => delete_images(run_dir),
        _ => Ok(()),
    }
}

/// The images that later processes need.
struct Needed {
    /// The customers with rows that may be sent again.
    customers: RoaringTreemap,
    /// The rows whose updates may have been applied.
    rows: RoaringTreemap,
}

/// Reads from the journal which images later processes need.
fn needed(run_dir: &RunDir) -> Result<Needed, EntriesError> {
    let mut rows = RoaringTreemap::new();
    let mut sent_again = BTreeMap::new();
    // The last entry of a row counts.
    for_each_entry(run_dir, |entry| match (entry.outcome, entry.id) {
        (Outcome::Failed | Outcome::Rejected, Some(id)) => {
            sent_again.insert(entry.row, id);
            rows.insert(entry.row);
        }
        (Outcome::Updated, _) => {
            sent_again.remove(&entry.row);
            rows.insert(entry.row);
        }
        _ => {
            sent_again.remove(&entry.row);
            rows.remove(entry.row);
        }
    })?;
    Ok(Needed {
        customers: sent_again.into_values().collect(),
        rows,
    })
}

/// Deletes the images of a run.
pub(in crate::commands) fn delete_images(run_dir: &RunDir) -> Result<(), Failure> {
    match fs::remove_file(run_dir.file(IMAGES_NAME)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::run_directory(
            anyhow::Error::from(error).context(run_dir.display_path(IMAGES_NAME)),
        )),
    }
}
