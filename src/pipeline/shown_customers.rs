//! Customers whom pages have shown, in a file: a list of a million customers does not fit into
//! memory.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::contract::{CustomerId, Image};

/// The bytes before an image that hold its length.
const LENGTH_BYTES: usize = size_of::<u32>();

/// Customers whom pages have shown. In memory, each takes about 20 bytes.
#[derive(Debug)]
pub(crate) struct ShownCustomers {
    /// The images as JSON, each behind its length.
    file: File,
    end: u64,
    /// The offset of each customer's last image.
    places: BTreeMap<CustomerId, u64>,
}

impl ShownCustomers {
    /// Creates the file, which only its owner can read. It must not exist.
    pub(crate) fn create(path: &Path) -> io::Result<ShownCustomers> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(ShownCustomers {
            file,
            end: 0,
            places: BTreeMap::new(),
        })
    }

    /// Keeps customers. A later image of a customer replaces an earlier one.
    pub(crate) fn keep<'i>(
        &mut self,
        customers: impl IntoIterator<Item = (CustomerId, &'i Image)>,
    ) -> io::Result<()> {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        for (customer, image) in customers {
            let json = serde_json::to_vec(image)?;
            let length = u32::try_from(json.len()).map_err(io::Error::other)?;
            places.push((customer, self.end + bytes.len() as u64));
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&json);
        }
        self.file.write_all_at(&bytes, self.end)?;
        self.end += bytes.len() as u64;
        self.places.extend(places);
        Ok(())
    }

    /// Whether a page has shown the customer.
    pub(crate) fn contains(&self, customer: CustomerId) -> bool {
        self.places.contains_key(&customer)
    }

    /// Reads a customer; `None` if no page has shown it.
    pub(crate) fn read(&self, customer: CustomerId) -> io::Result<Option<Image>> {
        let Some(offset) = self.places.get(&customer) else {
            return Ok(None);
        };
        let mut length = [0; LENGTH_BYTES];
        self.file.read_exact_at(&mut length, *offset)?;
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
        let mut json = vec![0; length];
        self.file
            .read_exact_at(&mut json, *offset + LENGTH_BYTES as u64)?;
        Ok(Some(serde_json::from_slice(&json)?))
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
            .keep([(id(7), &nurse), (id(9), &judge)])
            .expect("it is written");
        shown.keep([]).expect("nothing is written");
        shown.keep([(id(7), &pilot)]).expect("it is written");
        assert_eq!(shown.read(id(7)).expect("it is read"), Some(pilot));
        assert_eq!(shown.read(id(9)).expect("it is read"), Some(judge));
        assert_eq!(shown.read(id(8)).expect("nothing is read"), None);
        assert!(shown.contains(id(9)) && !shown.contains(id(8)));
        assert!(ShownCustomers::create(&path).is_err(), "it exists");
    }
}
