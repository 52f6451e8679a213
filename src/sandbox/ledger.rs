//! The ledger: a file with one line for each applied update, whatever the client was answered.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jiff::Timestamp;

/// An open ledger. Lines are `{"at":"…","n":1,"id":1042,"body":{…}}`; `n` counts from 1 and
/// continues after the file's earlier lines.
#[derive(Debug)]
pub(super) struct Ledger {
    file: File,
    lines: u64,
}

impl Ledger {
    /// Opens the file for appending. A new file is readable by its owner only, because it holds
    /// customers' values.
    pub(super) fn open(path: &Path) -> io::Result<Ledger> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let lines = count_lines(&file)?;
        Ok(Ledger { file, lines })
    }

    /// Appends the line of an update with one write, so that a killed sandbox leaves whole lines.
    /// `body` is JSON as received, without line ends, which JSON only has between tokens.
    pub(super) fn append(&mut self, at: Timestamp, id: u64, body: &[u8]) -> io::Result<()> {
        let n = self.lines + 1;
        let mut line = format!(r#"{{"at":"{at:.3}","n":{n},"id":{id},"body":"#).into_bytes();
        line.extend(body.iter().map(|byte| {
            if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                *byte
            }
        }));
        line.extend_from_slice(b"}\n");
        self.file.write_all(&line)?;
        self.lines = n;
        Ok(())
    }
}

fn count_lines(file: &File) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let mut lines = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(lines);
        }
        lines += memchr::memchr_iter(b'\n', buffer).map(|_| 1).sum::<u64>();
        let length = buffer.len();
        reader.consume(length);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use jiff::Timestamp;

    use super::Ledger;

    #[test]
    fn lines_go_on_where_the_file_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ledger.ndjson");
        let at = Timestamp::from_millisecond(1_700_000_000_120).unwrap();
        Ledger::open(&path)
            .unwrap()
            .append(at, 7, b"{\"job\":\"clerk\"}")
            .unwrap();
        Ledger::open(&path)
            .unwrap()
            .append(at, 8, b"{\r\n\"job\": null\n}")
            .unwrap();
        let written = fs::read_to_string(&path).unwrap();
        let want = concat!(
            r#"{"at":"2023-11-14T22:13:20.120Z","n":1,"id":7,"body":{"job":"clerk"}}"#,
            "\n",
            r#"{"at":"2023-11-14T22:13:20.120Z","n":2,"id":8,"body":{  "job": null }}"#,
            "\n",
        );
        assert_eq!(written, want);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o077, 0);
    }
}
