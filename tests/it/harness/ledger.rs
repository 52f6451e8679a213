//! The sandbox's ledger: the updates that were really applied.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

/// Applied updates in the order in which they were applied.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger(pub(crate) Vec<Applied>);

/// One applied update.
#[derive(Debug, Clone)]
pub(crate) struct Applied {
    pub(crate) at: Timestamp,
    pub(crate) id: u64,
    pub(crate) body: Value,
}

impl Applied {
    /// The row of the input, from its identity number.
    pub(crate) fn row(&self) -> u64 {
        let number = self.body["identity_number"]
            .as_str()
            .and_then(|number| number.strip_prefix('N'));
        number
            .and_then(|digits| digits.parse().ok())
            .expect("a row of made-up customers")
    }
}

impl Ledger {
    /// Parses the file. A last line without an end is still being written.
    pub(crate) fn parse(bytes: &[u8]) -> Ledger {
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let text = std::str::from_utf8(&bytes[..whole]).expect("a ledger is UTF-8");
        let applied = |(line, n): (&str, u64)| {
            let line: Value = serde_json::from_str(line).expect("a line of the ledger is JSON");
            assert_eq!(line["n"], n, "the ledger counts its lines");
            let at = line["at"]
                .as_str()
                .and_then(|at| at.parse().ok())
                .expect("a time");
            Applied {
                at,
                id: line["id"].as_u64().expect("a customer's id"),
                body: line["body"].clone(),
            }
        };
        Ledger(text.lines().zip(1..).map(applied).collect())
    }

    /// The number of applied updates.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The updates applied to each customer in order, with immediate repeats counted once, and the
    /// number of such repeats.
    pub(crate) fn without_repeats(&self) -> (BTreeMap<u64, Vec<Value>>, usize) {
        let mut by_customer: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
        let mut repeats = 0;
        for applied in &self.0 {
            let bodies = by_customer.entry(applied.id).or_default();
            if bodies.last() == Some(&applied.body) {
                repeats += 1;
            } else {
                bodies.push(applied.body.clone());
            }
        }
        (by_customer, repeats)
    }
}
