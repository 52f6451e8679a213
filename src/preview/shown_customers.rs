//! Customers whom pages have shown, in a file: a list of a million customers does not fit into
//! memory.

use std::path::Path;

use super::scratch::{Scratch, ScratchError};
use crate::contract::{CustomerId, Image};

/// The size of the images that are written together.
const TOGETHER_BYTES: usize = 1 << 20;

/// Customers whom pages have shown.
pub(crate) struct ShownCustomers {
    images: Scratch<u64>,
    /// Images that are not written yet, in the order in which they came.
    waiting: Vec<(u64, Vec<u8>)>,
    waiting_bytes: usize,
}

impl ShownCustomers {
    /// Creates the file, which only its owner can read. It must not exist.
    pub(crate) fn create(path: &Path) -> Result<ShownCustomers, ScratchError> {
        Ok(ShownCustomers {
            images: Scratch::create(path)?,
            waiting: Vec::new(),
            waiting_bytes: 0,
        })
    }

    /// Keeps customers. A later image of a customer replaces an earlier one.
    pub(crate) fn keep<'i>(
        &mut self,
        customers: impl IntoIterator<Item = (CustomerId, &'i Image)>,
    ) -> Result<(), ScratchError> {
        for (customer, image) in customers {
            let json = serde_json::to_vec(image).map_err(|_error| ScratchError::Entry)?;
            self.waiting_bytes += size_of::<(u64, Vec<u8>)>() + json.len();
            self.waiting.push((customer.get(), json));
        }
        if self.waiting_bytes >= TOGETHER_BYTES {
            self.finish()?;
        }
        Ok(())
    }

    /// Writes what is not written yet. Only what is written is found.
    pub(crate) fn finish(&mut self) -> Result<(), ScratchError> {
        // The sort keeps the order of a customer's images.
        self.waiting.sort_by_key(|(customer, _)| *customer);
        let entries = self.waiting.iter();
        self.images
            .insert(entries.map(|(customer, json)| (*customer, json.as_slice())))?;
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
    }

    /// Whether a page has shown the customer.
    pub(crate) fn contains(&self, customer: CustomerId) -> Result<bool, ScratchError> {
        Ok(self.images.get(customer.get(), |_| ())?.is_some())
    }

    /// Reads a customer; `None` if no page has shown it.
    pub(crate) fn read(&self, customer: CustomerId) -> Result<Option<Image>, ScratchError> {
        let image = self
            .images
            .get(customer.get(), |json| serde_json::from_slice(json))?;
        image.transpose().map_err(|_error| ScratchError::Entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u64) -> CustomerId {
        CustomerId::new(id).expect("an id")
    }

    fn image(job: &str) -> Image {
        let body = format!(r#"{{"data":{{"id":7,"job":"{job}","email":null}}}}"#);
        Image::of_answer(body.as_bytes(), id(7)).expect("the customer is shown")
    }

    #[test]
    fn the_last_image_of_each_customer_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shown");
        let mut shown = ShownCustomers::create(&path).expect("a file");
        let (nurse, judge, pilot) = (image("Nurse"), image("Judge"), image("Pilot"));
        shown
            .keep([(id(9), &judge), (id(7), &nurse), (id(5), &nurse)])
            .expect("it is kept");
        shown.finish().expect("it is written");
        shown.keep([]).expect("nothing is kept");
        shown
            .keep([(id(7), &judge), (id(7), &pilot)])
            .expect("it is kept");
        shown.finish().expect("it is written");
        assert_eq!(shown.read(id(7)).expect("it is read"), Some(pilot));
        assert_eq!(shown.read(id(9)).expect("it is read"), Some(judge));
        assert_eq!(shown.read(id(8)).expect("nothing is read"), None);
        assert!(shown.contains(id(5)).expect("it is read"));
        assert!(!shown.contains(id(8)).expect("it is read"));
        assert!(ShownCustomers::create(&path).is_err(), "it exists");
    }
}
