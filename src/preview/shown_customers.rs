//! Customers whom pages have shown, in a file: a list of a million customers does not fit into
//! memory.

use std::fmt;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::{TemporaryFileError, TemporaryFolder};
use crate::contract::{CustomerId, Image, Marks};
use crate::external_sort::{SortedEntries, Sorter};

/// Customers whom pages have shown.
#[derive(Debug)]
pub(crate) struct ShownCustomers {
    images: SortedEntries,
    folder: TemporaryFolder,
}

/// The customers of pages that are still read.
pub(crate) struct ShownCustomersWriter {
    images: Sorter,
    /// The number of the next image.
    number: u64,
    folder: TemporaryFolder,
}

impl fmt::Debug for ShownCustomersWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownCustomersWriter")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl ShownCustomersWriter {
    /// Begins with no customers. They are kept in temporary files in this folder.
    pub(crate) fn create(folder: &Path) -> Result<ShownCustomersWriter, TemporaryFileError> {
        let images = Sorter::create(folder);
        let folder = TemporaryFolder(folder.to_owned());
        Ok(ShownCustomersWriter {
            images: images.map_err(|error| folder.failed(error))?,
            number: 0,
            folder,
        })
    }

    /// Keeps a customer. A later image of a customer replaces an earlier one.
    pub(crate) fn keep(
        &mut self,
        customer: CustomerId,
        image: &Image,
    ) -> Result<(), TemporaryFileError> {
        let Marks {
            updated_at,
            is_deleted,
        } = image.marks();
        let entry = (image, updated_at.map(|at| at.to_string()), is_deleted);
        let kept = serde_json::to_vec(&entry)
            .map_err(io::Error::other)
            .and_then(|json| self.images.add((customer.get(), self.number), &json));
        kept.map_err(|error| self.folder.failed(error))?;
        self.number += 1;
        Ok(())
    }

    /// Sorts the customers. No customer is kept after that.
    pub(crate) fn finish(self) -> Result<ShownCustomers, TemporaryFileError> {
        let images = self.images.finish();
        Ok(ShownCustomers {
            images: images.map_err(|error| self.folder.failed(error))?,
            folder: self.folder,
        })
    }
}

impl ShownCustomers {
    /// Whether a page has shown the customer.
    pub(crate) fn contains(&self, customer: CustomerId) -> Result<bool, TemporaryFileError> {
        let found = self.images.contains(customer.get());
        found.map_err(|error| self.folder.failed(error))
    }

    /// Reads a customer; `None` if no page has shown it.
    pub(crate) fn read(&self, customer: CustomerId) -> Result<Option<Image>, TemporaryFileError> {
        let mut last = None;
        let visited = self
            .images
            .of_customer(customer.get(), |_, entry| last = Some(image_of(entry)));
        visited
            .and_then(|()| last.transpose())
            .map_err(|error| self.folder.failed(error))
    }
}

/// Returns the image in an entry. The JSON of an image leaves its marks out, so they are beside it.
fn image_of(entry: &[u8]) -> io::Result<Image> {
    let (image, updated_at, is_deleted): (Image, Option<String>, bool) =
        serde_json::from_slice(entry)?;
    let updated_at: Option<Timestamp> =
        (updated_at.map(|at| at.parse()).transpose()).map_err(io::Error::other)?;
    Ok(image.with_marks(Marks {
        updated_at,
        is_deleted,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u64) -> CustomerId {
        CustomerId::new(id).expect("an id")
    }

    fn image(job: &str) -> Image {
        let times = r#""updated_at":"2026-11-23T09:18:04.000001Z","deleted_at":"2026-11-24""#;
        let body = format!(r#"{{"data":{{"id":7,"job":"{job}","email":null,{times}}}}}"#);
        Image::of_answer(body.as_bytes(), id(7)).expect("the customer is shown")
    }

    #[test]
    fn the_last_image_of_each_customer_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shown = ShownCustomersWriter::create(folder.path()).expect("a file");
        let (nurse, judge, pilot) = (image("Nurse"), image("Judge"), image("Pilot"));
        for (customer, image) in [
            (9, &judge),
            (7, &nurse),
            (5, &nurse),
            (7, &judge),
            (7, &pilot),
        ] {
            shown.keep(id(customer), image).expect("it is kept");
        }
        let shown = shown.finish().expect("it is written");
        assert_eq!(shown.read(id(7)).expect("it is read"), Some(pilot));
        assert_eq!(shown.read(id(9)).expect("it is read"), Some(judge));
        assert_eq!(shown.read(id(8)).expect("nothing is read"), None);
        assert!(shown.contains(id(5)).expect("it is read"));
        assert!(!shown.contains(id(8)).expect("it is read"));
    }
}
