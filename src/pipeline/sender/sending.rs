//! The parts and the result of sending.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::super::input_stop::ReadStop;
use super::super::reading::Batch;
use super::super::recorder::{Message, Written};
use super::super::resume::Resume;
use super::care::{CareResult, CareSettings};
use super::pager::PageReading;
use crate::api::{Api, Grant, TokenSource};
use crate::input::InputError;
use crate::process::signals::Drain;
use crate::rate_store::RateStore;
use crate::results::held_back::Brake;
use crate::results::metrics::Metrics;
use crate::results::progress::RunProgress;
use crate::results::tally::{Latencies, RowsRead};
use crate::row::Row;
use crate::schedule::{Schedule, Statistics, StopReason};

/// The parts that the sender works with.
#[derive(Debug)]
pub(crate) struct Sending {
    /// Makes the decisions.
    pub schedule: Schedule<Row>,
    /// Sends requests.
    pub api: Api,
    /// The source of tokens.
    pub token_source: TokenSource,
    /// The first token.
    pub grant: Grant,
    /// The store of a rate that several processes share.
    pub rate_store: Option<RateStore>,
    /// The results of earlier processes.
    pub resume: Option<Resume>,
    /// The care for customers before and after their updates.
    pub care: CareSettings,
    /// The reading of whole pages of customers before the rows, if only reads are sent.
    pub pages: Option<PageReading>,
    /// Done before the first update leaves.
    pub before_first_update: Option<BeforeFirstUpdate>,
    /// The progress that the user sees.
    pub progress: Arc<RunProgress>,
    /// The metrics, if they are wanted.
    pub metrics: Option<Arc<Metrics>>,
    /// The signals that end the run.
    pub drain: Drain,
}

/// The work before the first update leaves; if it fails, none leaves.
pub(crate) struct BeforeFirstUpdate(pub Box<dyn FnOnce() -> anyhow::Result<()>>);

impl fmt::Debug for BeforeFirstUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeforeFirstUpdate")
    }
}

/// The result of sending.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The reason if it stopped early.
    pub stop: Option<StopReason>,
    /// The error if the input could not be read further.
    pub input_fault: Option<InputError>,
    /// The rows that were read.
    pub read: RowsRead,
    /// The schedule's statistics.
    pub statistics: Statistics,
    /// The durations of answers.
    pub latencies: Latencies,
    /// The part of the time that each cause held it back.
    pub held_back: Vec<(Brake, f64)>,
    /// The point up to which the input was read.
    pub read_to: ReadTo,
    /// The end of a wait that the API named, if it is not over.
    pub until: Option<Timestamp>,
    /// Requests that the end of the run left without an answer.
    pub cut_off: usize,
    /// The result of the care for customers.
    pub care: CareResult,
}

/// The point up to which the input was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadTo {
    /// Its end.
    End,
    /// A stop before the end: there may be unread rows.
    Stop,
}

/// The sender's queues: batches from the reader, messages to the recorder.
pub(crate) struct Queues {
    pub(crate) batches: mpsc::Receiver<Result<Batch, ReadStop>>,
    pub(crate) recorder: mpsc::Sender<Message>,
    pub(crate) written: watch::Receiver<Written>,
}
