//! Reads `results.ndjson` with code that is independent of its writer.

use std::collections::BTreeMap;

use serde_json::Value;

use super::crc::crc32c;

/// A journal in which every line has the right checksum.
#[derive(Debug, Clone)]
pub(crate) struct Results {
    /// The first line.
    pub(crate) header: Value,
    /// The lines about rows, in the order of the file.
    pub(crate) lines: Vec<Value>,
    /// The lines about the run.
    pub(crate) facts: Vec<Value>,
}

impl Results {
    /// Reads the file's bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Results {
        let text = std::str::from_utf8(bytes).expect("results are UTF-8");
        assert!(
            text.ends_with('\n'),
            "the last line of the results has an end"
        );
        let mut lines = text.lines().map(checked);
        let header = lines.next().expect("results have a header");
        assert_eq!(
            header["custsync_journal"], 2,
            "the first line is the header"
        );
        let (lines, facts) = lines.partition(|line: &Value| line.get("row").is_some());
        Results {
            header,
            lines,
            facts,
        }
    }

    /// The last line of each row.
    pub(crate) fn by_row(&self) -> BTreeMap<u64, &Value> {
        self.lines
            .iter()
            .map(|line| (line["row"].as_u64().expect("a row's number"), line))
            .collect()
    }

    /// The line of a row that has exactly one line.
    pub(crate) fn row(&self, row: u64) -> &Value {
        let lines: Vec<_> = self
            .lines
            .iter()
            .filter(|line| line["row"] == row)
            .collect();
        assert_eq!(lines.len(), 1, "row {row} has one line: {lines:?}");
        lines[0]
    }

    /// Checks that each row from 1 to `rows` has a line, and none has two that settle it.
    pub(crate) fn settle_each_of(&self, rows: usize) -> &Results {
        let mut settled: BTreeMap<u64, usize> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| line["outcome"] != "failed") {
            *settled
                .entry(line["row"].as_u64().expect("a row's number"))
                .or_default() += 1;
        }
        let twice: Vec<_> = settled.iter().filter(|(_, lines)| **lines > 1).collect();
        assert!(twice.is_empty(), "rows settled more than once: {twice:?}");
        let have: Vec<u64> = self.by_row().into_keys().collect();
        let want: Vec<u64> = (1..=rows as u64).collect();
        assert_eq!(have, want, "each row has a line");
        self
    }

    /// The number of requests for all rows.
    pub(crate) fn attempts(&self) -> u64 {
        self.lines
            .iter()
            .filter_map(|line| line["attempts"].as_u64())
            .sum()
    }
}

/// A line as JSON, after its checksum is verified.
fn checked(line: &str) -> Value {
    let (content, crc) = line
        .rsplit_once(",\"crc\":\"")
        .expect("a line ends with its checksum");
    assert_eq!(
        crc,
        format!("{:08x}\"}}", crc32c(content.as_bytes())),
        "{line}"
    );
    serde_json::from_str(line).expect("a line of the results is JSON")
}
