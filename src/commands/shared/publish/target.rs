//! The place that files are copied to.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::{PublishedFile, media_type};
use crate::config::publish::PublishSettings;
use crate::config::publish_target::PublishTarget;
use crate::objects::{Bucket, BucketOptions, Content, ObjectAddress, ObjectFault};
use crate::text;

/// The longest time without an answer, in which a part of a file has to arrive.
const ANSWER_TIME_MAX: Duration = Duration::from_mins(1);
/// The mode of directories and files, as in the run directory.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The place of the copies of one run directory.
pub(super) enum Target {
    Objects {
        bucket: Bucket,
        folder: ObjectAddress,
    },
    Directory(PathBuf),
}

/// The reason why a file is not copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    /// The store cannot be written to.
    #[error(transparent)]
    Object(#[from] ObjectFault),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl Target {
    /// Returns the place for the run directory of this name. Nothing is written yet.
    pub(super) fn open(
        target: &PublishTarget,
        name: &str,
        settings: &PublishSettings,
    ) -> Result<Target, PublishError> {
        match target {
            PublishTarget::Directory(path) => Ok(Target::Directory(path.join(name))),
            PublishTarget::Objects(address) => {
                let options = BucketOptions {
                    ca_file: settings.ca_file.clone(),
                    plain_http: settings.plain_http,
                    idle_max: ANSWER_TIME_MAX,
                };
                Ok(Target::Objects {
                    bucket: Bucket::open(address, &options)?,
                    folder: address.with_key(format!("{}/", address.key_below(name))),
                })
            }
        }
    }

    /// Whether this is the directory at `path`, by whatever name.
    pub(super) fn is(&self, path: &Path) -> bool {
        let Target::Directory(own) = self else {
            return false;
        };
        let found = fs::metadata(own).ok().zip(fs::metadata(path).ok());
        found.is_some_and(|(own, other)| (own.dev(), own.ino()) == (other.dev(), other.ino()))
    }

    /// Writes the copy of a file, whole or not at all.
    pub(super) async fn put(&self, name: &str, file: &PublishedFile) -> Result<(), PublishError> {
        match self {
            Target::Objects { bucket, folder } => {
                let content = Content {
                    file: &file.file,
                    bytes: file.bytes,
                    media_type: media_type(name),
                };
                Ok(bucket.put(&folder.key_below(name), content).await?)
            }
            Target::Directory(path) => Ok(copy_into(path, name, file)?),
        }
    }
}

impl PublishError {
    /// Whether another try may do better.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            PublishError::Object(fault) => fault.may_pass(),
            PublishError::File(_) => false,
        }
    }
}

/// The place of the copies.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Objects { folder, .. } => folder.fmt(f),
            Target::Directory(path) => f.write_str(&text::safe_path(path)),
        }
    }
}

fn copy_into(directory: &Path, name: &str, file: &PublishedFile) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)?;
    let new = directory.join(format!(".{name}.new"));
    let copied = copy_to(&new, file).and_then(|()| fs::rename(&new, directory.join(name)));
    if copied.is_err() {
        fs::remove_file(&new).ok();
    }
    copied
}

fn copy_to(path: &Path, file: &PublishedFile) -> io::Result<()> {
    // What a killed process has left is no file of anybody.
    if fs::symlink_metadata(path).is_ok() {
        fs::remove_file(path)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    let mut copy = options.open(path)?;
    let copied = io::copy(&mut (&file.file).take(file.bytes), &mut copy)?;
    if copied < file.bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    copy.sync_all()
}
