//! The processes that worked on a run, in its summary.

use serde::{Deserialize, Serialize};

use super::sending::{SendingSummary, seconds};
use super::{format_time, rounded};
use crate::journal::{Process, Processes};

/// A process that worked on a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessSummary {
    /// The program's version.
    pub version: String,
    /// The time when it began.
    pub started: String,
    /// The time when it ended; null if it was killed, or could not write to the journal any more.
    pub ended: Option<String>,
    /// Its exit code.
    pub exit_code: Option<u8>,
    /// The time between start and end, in seconds.
    pub seconds: Option<f64>,
    /// Rows that it ended.
    pub rows: u64,
    /// Its numbers of sending; null if it has no end, or ran an earlier version.
    pub sending: Option<SendingSummary>,
}

/// The sums over all processes of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// The number of processes.
    pub processes: u64,
    /// Those among them whose times and numbers are unknown, and not in the sums.
    pub processes_unknown: u64,
    /// Rows that they ended. A row that was sent again counts each time.
    pub rows: u64,
    /// The seconds that they took.
    pub seconds: f64,
    /// Their numbers of sending.
    pub sending: SendingSummary,
}

impl ProcessSummary {
    /// Returns the last processes, the oldest first.
    pub(crate) fn all(processes: &Processes) -> Vec<ProcessSummary> {
        processes.kept().map(ProcessSummary::of).collect()
    }

    fn of(process: &Process) -> ProcessSummary {
        let end = process.end.as_ref();
        let figures = end.and_then(|end| end.figures.as_deref());
        let since = |end: jiff::Timestamp| end.duration_since(process.started).as_secs_f64();
        ProcessSummary {
            version: process.version.clone(),
            started: format_time(process.started),
            ended: end.map(|end| format_time(end.at)),
            exit_code: end.map(|end| end.exit),
            seconds: figures
                .map(|figures| seconds(figures.ms))
                .or_else(|| end.map(|end| rounded(since(end.at)))),
            rows: process.rows,
            sending: figures.map(SendingSummary::of),
        }
    }
}

impl Totals {
    /// Returns the sums.
    pub(crate) fn of(processes: &Processes) -> Totals {
        Totals {
            processes: processes.number,
            processes_unknown: processes.number - processes.with_figures,
            rows: processes.rows,
            seconds: seconds(processes.ms),
            sending: SendingSummary::of_all(&processes.sent, processes.ms),
        }
    }
}
