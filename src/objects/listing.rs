//! The objects of a bucket, as far as a command wants them.

/// The most objects that are listed. A bucket may hold billions.
#[cfg(feature = "object-storage")]
pub(super) const OBJECTS_LISTED_MAX: usize = 100_000;

/// The objects of a bucket whose keys begin alike.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Their keys, by the bytes of them.
    pub(crate) keys: Vec<String>,
    /// The folders in the folder that was listed, if only its own objects were wanted.
    pub(crate) folders: Vec<String>,
}

/// The objects that a listing has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Those of one folder.
    Folder,
    /// All whose keys begin alike.
    All,
}
