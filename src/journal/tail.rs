//! Reads the last line of a journal alone, which shows whether a run of millions of rows is
//! finished.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::fact::Fact;
use super::line;

/// The bytes that are read. A fact takes far fewer.
const FACT_BYTES_MAX: u64 = 32 << 10;

/// Returns the last line of a journal if it is a fact; `None` if it is of another kind, or torn.
pub(crate) fn last_fact(journal: &File) -> io::Result<Option<Fact>> {
    let length = journal.metadata()?.len();
    let from = length.saturating_sub(FACT_BYTES_MAX);
    let mut tail = vec![0; usize::try_from(length - from).unwrap_or(usize::MAX)];
    journal.read_exact_at(&mut tail, from)?;
    let Some(tail) = tail.strip_suffix(b"\n") else {
        return Ok(None);
    };
    let line = tail
        .rsplit(|byte| *byte == b'\n')
        .next()
        .filter(|line| line::is_sealed(line));
    Ok(line.and_then(|line| serde_json::from_slice(line).ok()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use jiff::Timestamp;

    use super::*;
    use crate::journal::{Entry, Figures, Outcome, SentFigures};

    fn ended(exit: u8) -> Fact {
        Fact::Ended {
            at: Timestamp::UNIX_EPOCH,
            exit,
            until: None,
            opens: None,
            figures: None,
        }
    }

    /// Returns the last fact of a journal with these bytes.
    fn last_fact_of(bytes: &[u8]) -> Option<Fact> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("a file that can be written");
        last_fact(&file).expect("a file that can be read")
    }

    #[test]
    fn only_a_whole_last_line_that_is_a_fact_is_one() {
        let mut bytes = Vec::new();
        assert_eq!(last_fact_of(&bytes), None);
        ended(4).encode(&mut bytes);
        assert_eq!(last_fact_of(&bytes), Some(ended(4)), "the only line");
        for row in 1..=800 {
            Entry::of_row(row, Outcome::Updated).encode(&mut bytes);
        }
        assert_eq!(last_fact_of(&bytes), None, "an entry is no fact");
        let length = bytes.len();
        assert!(length > 64 << 10, "more than is read");
        ended(0).encode(&mut bytes);
        assert_eq!(last_fact_of(&bytes), Some(ended(0)));
        for end in length + 1..bytes.len() {
            assert_eq!(last_fact_of(&bytes[..end]), None, "torn at {end}");
        }
        bytes[length + 10] ^= 1;
        assert_eq!(last_fact_of(&bytes), None, "a line with the wrong checksum");
    }

    #[test]
    fn the_longest_figures_can_be_read_back() {
        let mut sent = SentFigures::default();
        let mut us = 1;
        while us < 1 << 33 {
            sent.answers.add(us, 999_999_999);
            us += us / 64 + 1;
        }
        for status in 400..420 {
            sent.retries.insert(format!("{status} of many"), u64::MAX);
        }
        let fact = Fact::Ended {
            at: Timestamp::UNIX_EPOCH,
            exit: 0,
            until: Some(Timestamp::UNIX_EPOCH),
            opens: None,
            figures: Some(Box::new(Figures {
                started: Timestamp::UNIX_EPOCH,
                ms: u64::MAX,
                latency_us: Some([u64::MAX; 3]),
                sent,
            })),
        };
        let mut bytes = vec![b'\n'; 64 << 10];
        fact.encode(&mut bytes);
        let is_read = matches!(
            last_fact_of(&bytes),
            Some(Fact::Ended {
                figures: Some(_),
                ..
            })
        );
        assert!(is_read, "they take fewer than {FACT_BYTES_MAX} bytes");
    }
}
