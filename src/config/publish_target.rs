//! The place that files of a run are copied to, as it is written.

use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use crate::objects::{ObjectAddress, ObjectAddressError};

/// The place that files are copied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublishTarget {
    /// Object storage.
    Objects(ObjectAddress),
    /// A directory of this machine, or one that is mounted.
    Directory(PathBuf),
}

/// The reason why a text is no place to copy files to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishTargetError {
    /// Not the address of a folder of objects.
    #[error("the address {0}")]
    Object(#[from] ObjectAddressError),
    /// An address of another kind.
    #[error("files are copied to s3://, gs:// and az:// addresses, and to directories")]
    Scheme,
    /// Not a directory of this machine.
    #[error("not a directory of this machine, as in file:///srv/reports")]
    File,
    /// No text at all.
    #[error("the value is empty")]
    Empty,
}

impl FromStr for PublishTarget {
    type Err = PublishTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(address) = ObjectAddress::of_text(text) {
            return Ok(Self::Objects(address?));
        }
        let is_file = |text: &&str| text.to_ascii_lowercase().starts_with("file://");
        if let Some(text) = Some(text).filter(is_file) {
            let path = Url::parse(text)
                .ok()
                .and_then(|url| url.to_file_path().ok());
            return path.map(Self::Directory).ok_or(PublishTargetError::File);
        }
        match text {
            "" => Err(PublishTargetError::Empty),
            text if text.contains("://") => Err(PublishTargetError::Scheme),
            text => Ok(Self::Directory(PathBuf::from(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_copied_to_objects_and_directories() {
        let check = |text: &str, want: Result<&str, PublishTargetError>| {
            let shown = |target| match target {
                PublishTarget::Objects(address) => address.to_string(),
                PublishTarget::Directory(path) => path.display().to_string(),
            };
            let got = text.parse::<PublishTarget>().map(shown);
            assert_eq!(got.as_deref(), want.as_ref().map(|want| *want), "{text}");
        };
        check("s3://reports/custsync", Ok("s3://reports/custsync"));
        check("az://reports", Ok("az://reports/"));
        check("/srv/reports", Ok("/srv/reports"));
        check("reports", Ok("reports"));
        check("file:///srv/my%20reports", Ok("/srv/my reports"));
        check("file://host/srv", Err(PublishTargetError::File));
        check(
            "https://reports.example.com",
            Err(PublishTargetError::Scheme),
        );
        check("", Err(PublishTargetError::Empty));
        check(
            "s3://a:b@reports",
            Err(PublishTargetError::Object(ObjectAddressError::Bucket)),
        );
    }
}
