//! custsync brings a customer API to the state that CSV, JSON or Excel files describe: one
//! `PUT /v1/customers/{id}` per row, and a recorded outcome for every row. The program is a thin
//! shell around this library; this page is its map.
//!
//! # The life of a row
//!
//! ```text
//!             thread "reader"        thread "checker"                 thread "custsync"         thread "recorder"
//! file ─▶ source ─▶ block ─▶ record ─▶ CustomerUpdate ─▶ Schedule ─▶ request ─▶ Attempt ─▶ Outcome ─▶ journal entry
//!         [ input               ]      [ contract    ]   [ schedule ] [ api              ]  [ pipeline, journal       ]
//! ```
//!
//! 1. [`input`] cuts a file into blocks of whole records and reads each record's cells.
//! 2. [`contract`] makes a [`CustomerUpdate`](contract::CustomerUpdate) of them, or returns all
//!    errors of the record.
//! 3. [`schedule`] decides what is sent when. It is pure and takes the time as an argument;
//!    [`pipeline::sender`] carries out its decisions through [`api`].
//! 4. The answer becomes an outcome, which [`pipeline::recorder`] writes to the [`journal`] and
//!    counts in the [`tally`](results::tally).
//!
//! If a customer is read first (`--undoable`, `--complete`, a plan, fields that are left out, an
//! undo), the row passes the schedule twice: the read's answer goes to `pipeline/sender/care/`, which decides
//! whether and with what the update follows. Where only reads are sent (`custsync undo --dry-run`),
//! whole pages of customers may be read before the rows: [`schedule`] plans them, and
//! `pipeline/sender/paging.rs` keeps the customers that rows need and decides about these rows without
//! another read.
//!
//! A report ([`results::report`]) is a fold over the journal and the other files of run directories.
//!
//! An invalid record takes the same way without the API, so that outcomes, failed rows and counts
//! have one source. [`pipeline`] starts and joins the threads, and owns the bounded queues between
//! them: a slow API holds up the reading of the file, and memory stays flat. The main thread waits
//! for [`signals`](process::signals), so that the program ends promptly, even if other threads are
//! blocked.
//!
//! # Layers
//!
//! A module imports only from the layers below its own, and within a layer only from later modules.
//! A test checks the sources for this order.
//!
//! | layer | modules | what it knows |
//! |---|---|---|
//! | edge | [`cli`] [`commands`] [`terminal`] [`config`] | what was typed, the environment, the terminal |
//! | run | [`pipeline`] | threads and queues, and the loops between them |
//! | parts | [`results`] [`preview`] [`row`] [`process`] [`input`] [`download`] [`objects`] [`state`] [`plan`] [`external_sort`] [`journal`] [`rate_store`] [`schedule`] [`api`] | one subject each |
//! | ground | [`contract`] [`nearest`] [`text`] | what the API allows and answers; words |
//!
//! [`contract`], [`schedule`] and [`config`] are pure: no runtime, no files, no clock of their own.
//! [`sandbox`], the API's double, imports none of the other modules, so that it is a second opinion
//! on the contract.
//!
//! # Invariants
//!
//! 1. **The books close.** Each record has exactly one outcome, or is unsent. `records` is the sum
//!    of the rows by outcome ([`Outcome`](journal::Outcome)) and the unsent rows.
//! 2. **No false success.** [`Outcome::Updated`](journal::Outcome::Updated) requires an answer that
//!    proves it.
//! 3. **The journal is the only state.** An entry is a line with a checksum. The checkpoint, the
//!    failed rows, the summary and the report are folds over the journal and the input. After a kill, the rows
//!    without an entry are the rows to send.
//! 4. **Order per customer.** A customer's rows are applied in the order of the input and never
//!    overlap, across retries, stops and continued runs of one run directory. A row is a partial
//!    update: if it is sent after later rows of its customer, it sets only the fields that those do
//!    not set, or is reported as overtaken ([`Checkpoint::plan`](journal::Checkpoint::plan)).
//! 5. **Every attempt takes a permit.** Retries keep to the rate, too, and a wait that the API names
//!    holds for all requests.
//! 6. **A bad row never stops a run, and an outage never fails a row.** Neither does a refused
//!    token. So a row fails, or is rejected by an answer that may come from a gateway, only if other
//!    rows succeed. `schedule/judge.rs` is the one place that looks at a status, and
//!    `schedule/availability/` knows whether the API works.
//! 7. **What `check` accepts is what `run` sends.** Both use the reading and checking of
//!    `pipeline/reading/`, and a [`plan`] proves it row by row.
//! 8. **No secret and no customer's value** is in a log, an error, the journal or the summary.
//!    Values are only in the request, in the file of failed rows, in the images of customers
//!    (`before.ndjson`), and on the screen of a user who asks to see rows (`--explain`). The API's
//!    own words are only in results and failed rows.
//! 9. **A way back.** With `--undoable`, a customer's image is durable before the update leaves.
//!    `custsync undo` puts back what the run wrote, field by field, and leaves alone what others
//!    have changed since ([`ChangeHistory`](contract::ChangeHistory)). No more than one customer at
//!    a time is at risk while it is not known whether the API clears fields that are left out.

#![allow(
    rustdoc::private_intra_doc_links,
    reason = "this page is the map of the program, whose modules are no library"
)]

mod api;
mod cli;
mod commands;
mod config;
mod contract;
mod download;
mod external_sort;
mod input;
mod journal;
mod nearest;
#[cfg_attr(
    not(feature = "object-storage"),
    expect(
        dead_code,
        reason = "addresses are understood, but nothing is read or written there"
    )
)]
mod objects;
mod pipeline;
mod plan;
mod preview;
mod process;
mod rate_store;
mod results;
mod row;
mod sandbox;
mod schedule;
mod state;
mod terminal;
mod text;

pub use cli::main;

/// Parts that tests and benches use besides the program itself. They are no interface: each may
/// change without notice.
#[doc(hidden)]
pub mod testing {
    /// The client of the API.
    pub mod api {
        pub use crate::api::{LoginFlaw, Token, oauth, rate_headers, reading, token_file};
    }
    /// The command line.
    pub mod cli {
        pub use crate::cli::args;
    }
    /// The settings.
    pub mod config {
        pub use crate::config::Settings;
    }
    /// The API's contract.
    pub mod contract {
        pub use crate::contract::{
            Answer, Attempt, Body, Claim, CustomerId, EchoCheck, ErrorCode, FIELDS, Field,
            FieldKind, FieldSet, NullRule, Reset, Response, Shown, UpdateBuilder, ValueRules,
        };
    }
    /// Inputs.
    pub mod input {
        pub use crate::input::{
            Block, BlockSize, Delimiter, Encoding, EncodingChoice, HeaderNames, Input, InputName,
            InputRules, MappingRules, RowRules,
        };
    }
    /// The journal.
    pub mod journal {
        pub use crate::journal::{
            AnswerTimes, BulkEntry, Entry, EntryError, Fact, Figures, Header, InputIdentity,
            JOURNAL_NAME, JournalFile, Line, LineReader, Outcome, Purpose, Retry, RunDir, RunKey,
            SentFigures, SettingText, Shard, recover,
        };
    }
    /// The plan of a run.
    pub mod plan {
        pub use crate::plan::{PlanError, Requests, RequestsWriter, Seen, SeenWriter};
    }
    /// Previews.
    pub mod preview {
        pub use crate::preview::{FieldFindings, Findings};
    }
    /// The process.
    pub mod process {
        pub use crate::process::exit;
    }
    /// The results of a run.
    pub mod results {
        pub use crate::results::timeline::TimelinePoint;
        pub use crate::results::{notice, summary, tally};
    }
    /// The API's double.
    pub mod sandbox {
        pub use crate::sandbox::{
            Counts, Deletion, ETags, Edit, Edits, PageTotal, Pages, Put, RateHeaders, Reads,
            SandboxOptions, SandboxThread, Share, SuccessShape, Window,
        };
    }
    /// The schedule.
    pub mod schedule {
        pub use crate::schedule::{
            Care, History, Moment, Random, RateSharing, ReadNeed, RetryPolicy, Rules, Schedule,
            Step, error_limit, rate,
        };
    }
    /// The state of nightly runs.
    pub mod state {
        pub use crate::state::{
            Known, Night, RequestHash, ResyncTurn, State, StateEdit, StateEntry, StateError,
            StateIdentity, StateInfo, StateLock,
        };
    }
}
