//! The places of the customers' images in their file.

use std::fs::File;
use std::io::{BufRead as _, BufReader};

use super::IMAGES_NAME;
use super::error::ImagesError;
use super::line::{self, ImageEntry};
use super::reader::{ImageReader, read_error};
use crate::contract::{Countries, CustomerId};
use crate::journal::file_from::FileFrom;
use crate::journal::line::is_sealed;
use crate::journal::run_dir::RunDir;

/// The bytes that are read at once in a pass over the file.
const BUFFER_BYTES: usize = 1 << 16;
/// The bytes that are read at once for a single image.
const LINE_BYTES: usize = 1 << 11;

/// Passes each image in the file of a run directory to `visit`, in the order in which they were
/// kept. A torn tail is passed over: its requests never left.
pub(crate) fn for_each_image(
    run_dir: &RunDir,
    mut visit: impl FnMut(&ImageEntry),
) -> Result<(), ImagesError> {
    let images = run_dir.open_file(IMAGES_NAME)?;
    let buffered = BufReader::with_capacity(BUFFER_BYTES, images);
    let mut lines = ImageReader::of(buffered, run_dir.display_path(IMAGES_NAME));
    while let Some(next) = lines.next_with(line::image) {
        if let (_, Some(entry)) = next? {
            visit(&entry);
        }
    }
    Ok(())
}

/// The places of the images of each customer. It takes 16 bytes of memory for an image, and up to
/// three times as much while it is made: 16 MB for 1,000,000 images.
#[derive(Debug)]
pub(crate) struct ImageIndex {
    /// Customers with the offsets of their lines, sorted.
    places: Vec<(CustomerId, u64)>,
    images: File,
    /// The file's name, for errors.
    file: String,
}

impl ImageIndex {
    /// Reads the file of a run directory once, and checks each line of it. Its pairs of a country's
    /// id and name are added to `countries`. A torn tail is passed over: its requests never left.
    pub(crate) fn read(
        run_dir: &RunDir,
        countries: &mut Countries,
    ) -> Result<ImageIndex, ImagesError> {
        let images = run_dir.open_file(IMAGES_NAME)?;
        let file = run_dir.display_path(IMAGES_NAME);
        let start = FileFrom {
            file: &images,
            offset: 0,
        };
        let buffered = BufReader::with_capacity(BUFFER_BYTES, start);
        let mut lines = ImageReader::of(buffered, file.clone());
        let mut places = Vec::new();
        while let Some(next) = lines.next_with(line::customer_or_pair) {
            let (offset, (customer, pair)) = next?;
            places.extend(customer.map(|customer| (customer, offset)));
            if let Some(pair) = pair {
                countries.learn(pair.country_id, &pair.country_name);
            }
        }
        places.sort_unstable();
        places.shrink_to_fit();
        Ok(ImageIndex {
            places,
            images,
            file,
        })
    }

    /// Returns the number of images.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the customers, each once, by their ids.
    pub(crate) fn customers(&self) -> impl Iterator<Item = CustomerId> {
        self.places
            .chunk_by(|(one, _), (other, _)| one == other)
            .filter_map(|images| images.first())
            .map(|(customer, _)| *customer)
    }

    /// Whether there is an image of the customer.
    pub(crate) fn contains(&self, customer: CustomerId) -> bool {
        let place = self.places.binary_search_by_key(&customer, |(id, _)| *id);
        place.is_ok()
    }

    /// Reads the images of a customer, the oldest first.
    pub(crate) fn images(
        &self,
        customer: CustomerId,
    ) -> impl Iterator<Item = Result<ImageEntry, ImagesError>> {
        let first = self.places.partition_point(|(id, _)| *id < customer);
        let places = self.places.get(first..).unwrap_or_default();
        places
            .iter()
            .take_while(move |(id, _)| *id == customer)
            .map(|(_, offset)| self.image_at(*offset))
    }

    fn image_at(&self, offset: u64) -> Result<ImageEntry, ImagesError> {
        let start = FileFrom {
            file: &self.images,
            offset,
        };
        let mut line = Vec::new();
        BufReader::with_capacity(LINE_BYTES, start)
            .read_until(b'\n', &mut line)
            .map_err(|source| read_error(&self.file, source))?;
        // The line was intact when the index was made.
        line.strip_suffix(b"\n")
            .filter(|line| is_sealed(line))
            .and_then(|line| serde_json::from_slice(line).ok())
            .ok_or_else(|| ImagesError::Damaged {
                file: self.file.clone(),
                offset,
            })
    }
}
