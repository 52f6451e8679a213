//! Leaves images out of a file of images that nothing needs any more.

use std::fs;
use std::io::BufReader;

use super::IMAGES_NAME;
use super::error::ImagesError;
use super::file::ImagesFile;
use super::line::{self, ImageEntry};
use super::reader::ImageReader;
use crate::contract::Countries;
use crate::journal::disk::FileOnDisk;
use crate::journal::run_dir::RunDir;

/// The name of the new file until it is whole. `custsync forget` knows it.
const UNFINISHED_NAME: &str = "before.ndjson.unfinished";
/// The bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 16;
/// The images that are written at once.
const IMAGES_AT_ONCE: u64 = 1_000;

/// Leaves out all images but those that are `wanted`, and returns how many are left. The file is
/// replaced as a whole, so that a kill leaves all images or these. A torn tail is left out: its
/// requests never left.
pub(crate) fn keep_images(
    run_dir: &RunDir,
    wanted: impl Fn(&ImageEntry) -> bool,
) -> Result<u64, ImagesError> {
    let file = run_dir.display_path(IMAGES_NAME);
    let images = run_dir.open_file(IMAGES_NAME)?;
    let mut lines = ImageReader::of(BufReader::with_capacity(BUFFER_BYTES, images), file.clone());
    drop(run_dir.create_file(UNFINISHED_NAME)?);
    let unfinished = run_dir.append_file(UNFINISHED_NAME)?;
    let disk = FileOnDisk::of(unfinished, UNFINISHED_NAME, run_dir);
    let mut kept = ImagesFile::resume_on(Box::new(disk), 0, Countries::default())?;
    let mut number = 0;
    let image_or_pair = |content: &[u8]| Ok((line::image(content)?, line::country_pair(content)?));
    while let Some(next) = lines.next_with(image_or_pair) {
        let (_, (image, pair)) = next?;
        if let Some(pair) = pair {
            kept.push_country(pair.country_id, &pair.country_name);
        }
        if let Some(entry) = image.filter(|entry| wanted(entry)) {
            kept.push(&entry)?;
            number += 1;
            if number % IMAGES_AT_ONCE == 0 {
                kept.sync()?;
            }
        }
    }
    kept.close()?;
    fs::rename(run_dir.file(UNFINISHED_NAME), run_dir.file(IMAGES_NAME))
        .and_then(|()| run_dir.sync())
        .map_err(|source| ImagesError::Write { file, source })?;
    Ok(number)
}
