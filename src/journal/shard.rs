//! One of several processes that share the rows of an input.
//!
//! A customer belongs to the shard with the number `crc32(id) % N + 1`, where `crc32` is the usual
//! CRC-32 (IEEE 802.3, as in zlib, gzip and `MySQL`) of the id's decimal digits. The rule is part of
//! the format of run directories and states, and never changes.

use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::contract::CustomerId;

/// The most processes that share the rows of an input. Each of them reads all rows.
pub(crate) const SHARDS_MAX: u32 = 1000;
/// The beginning of the name of a shard's run directory.
const DIRECTORY_PREFIX: &str = "shard-";

/// One of several processes that share the rows of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Numbers", into = "Numbers")]
pub struct Shard {
    index: u32,
    of: NonZeroU32,
}

/// The form of a shard in a journal's header.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Numbers {
    index: u32,
    of: u32,
}

/// The reason why two numbers or a text are not a shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// A text without two numbers.
    #[error("`{0}` is not a shard: write 2/4 for the second of four")]
    NotAShard(String),
    /// A number of shards that cannot be.
    #[error("a run has 1 to {SHARDS_MAX} shards")]
    Number,
    /// A shard that is not among them.
    #[error("there is no shard {index} of {of}: they are numbered from 1 to {of}")]
    NoSuchShard {
        /// The number of the shard.
        index: u32,
        /// The number of all shards.
        of: u32,
    },
}

impl Shard {
    /// Creates shard `index`, from 1, of `of`: at most 1,000.
    pub fn new(index: u32, of: u32) -> Result<Shard, ShardError> {
        let number = NonZeroU32::new(of).filter(|of| of.get() <= SHARDS_MAX);
        let number = number.ok_or(ShardError::Number)?;
        if (1..=of).contains(&index) {
            Ok(Shard { index, of: number })
        } else {
            Err(ShardError::NoSuchShard { index, of })
        }
    }

    /// Its number, from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// The number of all shards.
    pub fn of(self) -> u32 {
        self.of.get()
    }

    /// Whether a row belongs to this shard. A row whose customer cannot be read belongs to the
    /// first.
    pub fn contains(self, customer: Option<CustomerId>) -> bool {
        let index = customer.map_or(1, |customer| {
            crc32fast::hash(customer.to_string().as_bytes()) % self.of + 1
        });
        index == self.index
    }

    /// Returns the name of the shard's run directory, in that which all shards share.
    pub(crate) fn directory_name(self) -> String {
        format!("{DIRECTORY_PREFIX}{}-of-{}", self.index, self.of)
    }

    /// Returns the path of a file that each shard has one of: `nightly.shard-2-of-4.state` for
    /// `nightly.state`. Without shards, it is the path itself.
    pub(crate) fn own(shard: Option<Shard>, path: Option<PathBuf>) -> Option<PathBuf> {
        path.map(|path| shard.map_or_else(|| path.clone(), |shard| shard.own_file(&path)))
    }

    fn own_file(self, path: &Path) -> PathBuf {
        let name = self.directory_name();
        let stem = path.file_stem().unwrap_or_default().as_encoded_bytes();
        if stem.ends_with(format!(".{name}").as_bytes()) {
            return path.to_owned();
        }
        let mut own = path.file_stem().unwrap_or_default().to_owned();
        own.push(format!(".{name}"));
        if let Some(extension) = path.extension() {
            own.push(".");
            own.push(extension);
        }
        path.with_file_name(own)
    }
}

/// Whether a directory has the name of a shard's.
pub(crate) fn is_shard_directory(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes()
        .starts_with(DIRECTORY_PREFIX.as_bytes())
}

impl TryFrom<Numbers> for Shard {
    type Error = ShardError;

    fn try_from(Numbers { index, of }: Numbers) -> Result<Shard, ShardError> {
        Shard::new(index, of)
    }
}

impl From<Shard> for Numbers {
    fn from(shard: Shard) -> Numbers {
        Numbers {
            index: shard.index,
            of: shard.of(),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let number = |digits: &str| {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| digits.parse().unwrap_or(u32::MAX))
        };
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(index, of)| number(index).zip(number(of)));
        let (index, of) = numbers.ok_or_else(|| ShardError::NotAShard(text.to_owned()))?;
        Shard::new(index, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The customer's shard of `of`.
    fn shard_of(id: u64, of: u32) -> u32 {
        let customer = CustomerId::new(id).expect("an id");
        let contains =
            |index: &u32| Shard::new(*index, of).is_ok_and(|shard| shard.contains(Some(customer)));
        let found: Vec<_> = (1..=of).filter(contains).collect();
        assert_eq!(found.len(), 1, "{id} belongs to one shard of {of}");
        found[0]
    }

    #[test]
    fn a_customer_s_shard_never_changes() {
        // As by `zlib.crc32(b"1042") % 4 + 1` in Python. Directories and states depend on these.
        for (id, of, want) in [
            (1, 1, 1),
            (1, 2, 2),
            (1, 4, 4),
            (2, 4, 2),
            (3, 4, 4),
            (1042, 4, 4),
            (1042, 8, 8),
            (1043, 4, 2),
            (9_223_372_036_854_775_807, 1000, 463),
        ] {
            assert_eq!(shard_of(id, of), want, "{id} of {of}");
        }
    }

    #[test]
    fn a_row_without_a_customer_belongs_to_the_first_shard() {
        let without = |index| Shard::new(index, 3).expect("a shard").contains(None);
        assert_eq!([1, 2, 3].map(without), [true, false, false]);
    }

    #[test]
    fn shards_are_about_equally_large() {
        for of in [2, 3, 4, 8, 16] {
            for step in [1, 10, 1000] {
                let mut sizes = vec![0_u32; of as usize];
                for n in 1..=8000 {
                    sizes[shard_of(n * step, of) as usize - 1] += 1;
                }
                let even = 8000 / of;
                let bounds = even * 7 / 10..=even * 13 / 10;
                assert!(sizes.iter().all(|n| bounds.contains(n)), "{step} {sizes:?}");
            }
        }
    }

    #[test]
    fn a_shard_is_read_and_written_back() {
        let shard: Shard = "2/4".parse().expect("a shard");
        assert_eq!((shard.index(), shard.of()), (2, 4));
        assert_eq!(shard.to_string(), "2/4");
        assert_eq!(shard.directory_name(), "shard-2-of-4");
        let json = serde_json::to_string(&shard).expect("numbers serialise");
        assert_eq!(json, r#"{"index":2,"of":4}"#);
        assert_eq!(
            serde_json::from_str::<Shard>(&json).expect("the same"),
            shard
        );
        assert!(serde_json::from_str::<Shard>(r#"{"index":5,"of":4}"#).is_err());
    }

    #[test]
    fn what_is_no_shard_says_why() {
        let check = |text: &str, want: &str| {
            let error = text.parse::<Shard>().expect_err(text).to_string();
            assert!(error.contains(want), "{text}: {error}");
        };
        for text in [
            "", "2", "2/", "/4", "2/4/8", "+2/4", "-1/4", "2 of 4", "a/b",
        ] {
            check(text, "is not a shard: write 2/4");
        }
        check(
            "0/4",
            "there is no shard 0 of 4: they are numbered from 1 to 4",
        );
        check("5/4", "there is no shard 5 of 4");
        check("1/0", "a run has 1 to 1000 shards");
        check("1/1001", "a run has 1 to 1000 shards");
        check("1/99999999999", "a run has 1 to 1000 shards");
    }

    #[test]
    fn each_shard_has_its_own_files() {
        let shard = Shard::new(2, 4).expect("a shard");
        for (path, want) in [
            ("nightly.state", "nightly.shard-2-of-4.state"),
            ("/data/state", "/data/state.shard-2-of-4"),
            ("a.b/changes.csv", "a.b/changes.shard-2-of-4.csv"),
            (".state", ".state.shard-2-of-4"),
            // A user may have named the shard's own.
            ("nightly.shard-2-of-4.state", "nightly.shard-2-of-4.state"),
        ] {
            assert_eq!(shard.own_file(Path::new(path)), Path::new(want), "{path}");
        }
    }
}
