//! The address of an object: `s3://bucket/key`. Nothing in it is secret: the credentials are in the
//! environment.

use std::fmt;

use crate::text::{self, is_unsafe};

/// The most bytes of a bucket's name. S3 and Azure allow 63; names with dots of Google 222.
const BUCKET_BYTES_MAX: usize = 222;
/// The most bytes of a key, with all providers.
const KEY_BYTES_MAX: usize = 1024;

/// A provider of object storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// Amazon S3, and servers with the same interface.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
}

/// The address of an object, or of a folder of objects, whose key is empty or ends in `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectAddress {
    provider: Provider,
    bucket: String,
    key: String,
}

/// The reason why a text is not the address of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectAddressError {
    /// No name of a bucket.
    #[error(
        "does not name a bucket, as in s3://exports/customers.csv: credentials belong in the environment"
    )]
    Bucket,
    /// A character that cannot be seen, or that is no text.
    #[error("has a character in its key that cannot be seen")]
    InvisibleCharacter,
    /// A part of the key that clients of object storage read in different ways.
    #[error(
        "has a part in its key that is empty, `.` or `..`: copy the object to a key without such a part"
    )]
    Part,
    /// A key that is too long.
    #[error("has a key of more than {KEY_BYTES_MAX} bytes")]
    TooLong,
}

impl Provider {
    pub(super) const ALL: [Provider; 3] = [Provider::S3, Provider::Google, Provider::Azure];

    /// Returns the beginning of its addresses.
    fn scheme(self) -> &'static str {
        match self {
            Provider::S3 => "s3://",
            Provider::Google => "gs://",
            Provider::Azure => "az://",
        }
    }

    /// Returns the variables of the environment that hold credentials.
    pub(super) fn variables(self) -> &'static str {
        match self {
            Provider::S3 => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role"
            }
            Provider::Google => {
                "set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials, or give this machine a service account"
            }
            Provider::Azure => {
                "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY, or give this machine an identity"
            }
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Provider::S3 => "S3",
            Provider::Google => "Google Cloud Storage",
            Provider::Azure => "Azure Blob Storage",
        })
    }
}

impl ObjectAddress {
    /// Reads an address. `None` if the text does not begin as one. The key is taken as it is
    /// written: `%20` is no space, and `?` begins no query.
    pub(crate) fn of_text(text: &str) -> Option<Result<ObjectAddress, ObjectAddressError>> {
        Provider::ALL.into_iter().find_map(|provider| {
            let scheme = provider.scheme();
            let begin = text.get(..scheme.len())?;
            let rest = text.get(scheme.len()..)?;
            begin
                .eq_ignore_ascii_case(scheme)
                .then(|| ObjectAddress::of_rest(provider, rest))
        })
    }

    fn of_rest(provider: Provider, rest: &str) -> Result<ObjectAddress, ObjectAddressError> {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let is_in_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !(1..=BUCKET_BYTES_MAX).contains(&bucket.len()) || !bucket.bytes().all(is_in_names) {
            return Err(ObjectAddressError::Bucket);
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(ObjectAddressError::TooLong);
        }
        let is_unseen = |character: char| {
            (is_unsafe(character) && character != ' ') || character == char::REPLACEMENT_CHARACTER
        };
        if key.contains(is_unseen) {
            return Err(ObjectAddressError::InvisibleCharacter);
        }
        let parts = key.strip_suffix('/').unwrap_or(key);
        let is_wrong = |part: &str| matches!(part, "" | "." | "..");
        if !key.is_empty() && parts.split('/').any(is_wrong) {
            return Err(ObjectAddressError::Part);
        }
        Ok(ObjectAddress {
            provider,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    /// Returns the provider.
    pub(super) fn provider(&self) -> Provider {
        self.provider
    }

    /// Returns the name of the bucket; in Azure's words, of the container.
    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Returns the key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether it is the address of a folder.
    pub(crate) fn is_folder(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// Returns the last part of the key; of a folder its own name.
    pub(crate) fn last_part(&self) -> &str {
        let key = self.key.strip_suffix('/').unwrap_or(&self.key);
        match key.rsplit('/').next() {
            None | Some("") => &self.bucket,
            Some(part) => part,
        }
    }

    /// Returns the address of another object in the same bucket.
    pub(crate) fn with_key(&self, key: String) -> ObjectAddress {
        ObjectAddress {
            key,
            ..self.clone()
        }
    }

    /// Returns the key of an object in this folder, which may be written without its last slash.
    pub(crate) fn key_below(&self, path: &str) -> String {
        match self.key.strip_suffix('/').unwrap_or(&self.key) {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        }
    }
}

/// Scheme, bucket and key.
impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = format!("{}{}/{}", self.provider.scheme(), self.bucket, self.key);
        f.write_str(&text::safe(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_a_key_as_it_is_written() {
        let check = |text: &str, bucket: &str, key: &str, last_part: &str| {
            let address = ObjectAddress::of_text(text)
                .expect("begins as one")
                .expect(text);
            assert_eq!((address.bucket(), address.key()), (bucket, key), "{text}");
            assert_eq!(address.last_part(), last_part, "{text}");
            assert_eq!(
                address.is_folder(),
                key.is_empty() || key.ends_with('/'),
                "{text}"
            );
        };
        check(
            "s3://exports/a/b.csv.gz",
            "exports",
            "a/b.csv.gz",
            "b.csv.gz",
        );
        check(
            "S3://exports/a b%20c?d#e",
            "exports",
            "a b%20c?d#e",
            "a b%20c?d#e",
        );
        check(
            "gs://my_bucket.example/",
            "my_bucket.example",
            "",
            "my_bucket.example",
        );
        check("az://exports/daily/", "exports", "daily/", "daily");
        check("az://exports", "exports", "", "exports");
        check(
            "s3://exports/münchen.csv",
            "exports",
            "münchen.csv",
            "münchen.csv",
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let check = |text: &str, want: ObjectAddressError| {
            let error = ObjectAddress::of_text(text).expect("begins as one");
            assert_eq!(error, Err(want), "{text:?}");
        };
        check("s3://", ObjectAddressError::Bucket);
        check("s3:///a.csv", ObjectAddressError::Bucket);
        check("s3://KEY:SECRET@exports/a.csv", ObjectAddressError::Bucket);
        check("s3://a b/c", ObjectAddressError::Bucket);
        check("s3://exports/a//b.csv", ObjectAddressError::Part);
        check("s3://exports//b.csv", ObjectAddressError::Part);
        check("s3://exports//", ObjectAddressError::Part);
        check("s3://exports/a/../b.csv", ObjectAddressError::Part);
        check("s3://exports/a\nb", ObjectAddressError::InvisibleCharacter);
        check(
            "s3://exports/a\u{200b}b",
            ObjectAddressError::InvisibleCharacter,
        );
        check(
            "s3://exports/a\u{fffd}",
            ObjectAddressError::InvisibleCharacter,
        );
        check(
            &format!("s3://exports/{}", "a".repeat(1025)),
            ObjectAddressError::TooLong,
        );
        for other in ["https://a/b", "s3:/a/b", "s3a://a/b", "customers.csv", "s3"] {
            assert!(ObjectAddress::of_text(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_folder_is_written_with_or_without_its_slash() {
        let check = |text: &str, want: &str| {
            let address = ObjectAddress::of_text(text).expect("begins as one");
            assert_eq!(address.expect(text).key_below("x/y"), want, "{text}");
        };
        check("s3://b", "x/y");
        check("s3://b/", "x/y");
        check("s3://b/a", "a/x/y");
        check("s3://b/a/", "a/x/y");
    }
}
