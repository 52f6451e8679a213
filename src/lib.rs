//! custsync brings a customer API to the state that CSV or NDJSON files describe: one `PUT /v1/customers/{id}` a row, and
//! a recorded outcome for every row. The program is a thin shell around this library; this page is its map.
//!
//! # The life of a row
//!
//! ```text
//!             thread "reader"        thread "checker"                 thread "custsync"         thread "recorder"
//! file ─▶ source ─▶ block ─▶ record ─▶ CustomerUpdate ─▶ Schedule ─▶ request ─▶ Attempt ─▶ Outcome ─▶ journal entry
//!         [ input               ]      [ contract    ]   [ schedule ] [ api              ]  [ pipeline, journal       ]
//! ```
//!
//! [`input`] cuts a file into blocks of whole records and reads each record's cells; [`contract`] makes a
//! [`CustomerUpdate`](contract::CustomerUpdate) of them, or says all that is wrong. [`schedule`] decides what is sent when:
//! it is pure, takes the time as an argument, and [`pipeline::sender`] carries out what it says through [`api`]. What came back becomes
//! an outcome, which [`pipeline::recorder`] writes to the [`journal`] and counts in the [`tally`](results::tally). An invalid record takes the same way
//! past the API, so that outcomes, failed rows and counts have one source. [`pipeline`] starts the threads, joins them, and
//! owns the bounded queues between them: a slow API holds up the reading of the file, and nothing piles up in memory. The main
//! thread waits for [`signals`](process::signals), so that the program ends whatever the others wait for.
//!
//! # Layers
//!
//! A module uses those below it, never one above. A test reads the sources and holds them to this order.
//!
//! | layer | modules | what it knows |
//! |---|---|---|
//! | edge | [`cli`] [`commands`] [`terminal`] [`config`] | what was typed, the environment, the terminal |
//! | run | [`pipeline`] | threads and queues, and the loops between them |
//! | parts | [`results`] [`row`] [`process`] [`input`] [`journal`] [`schedule`] [`api`] | one subject each |
//! | ground | [`contract`] [`nearest`] [`text`] | what the API allows and answers; words |
//!
//! [`contract`], [`schedule`] and [`config`] are pure: no runtime, no files, no clock of their own. [`sandbox`], the API's
//! double, stands aside: it imports nothing of the others, so that it is a second opinion on the contract.
//!
//! # Invariants
//!
//! 1. **The books close.** Each record ends in exactly one outcome, or is unsent;
//!    `records` is the sum of the rows by outcome ([`Outcome`](journal::Outcome)) and of those that are unsent.
//! 2. **No false success.** [`Outcome::Updated`](journal::Outcome::Updated) comes only of an answer that proves it.
//! 3. **The journal is the only state.** An entry is a line with a checksum; the checkpoint, the failed rows and the summary are
//!    folds over it and the input. After a kill, the rows without an entry are the rows to send.
//! 4. **Order per customer.** A customer's rows are applied in the order of the input and never overlap, over retries, stops and
//!    continued runs of one run directory. A row is a partial update: one that comes to be sent after later rows of its customer
//!    sets the fields alone that those do not, or is told as overtaken ([`Checkpoint::plan`](journal::Checkpoint::plan)).
//! 5. **Every attempt takes a permit**: retries keep to the rate too, and a wait that the API names holds for everybody.
//! 6. **A row's fault is the row's; an outage is nobody's.** A bad row never stops a run; a dead API or a refused token never
//!    fails rows. So a row fails, or is rejected where a gateway may be speaking, only beside a success; `schedule/judge.rs` is
//!    the one place that looks at a status, and `schedule/availability/` knows whether the API works.
//! 7. **What `check` accepts is what `run` sends**: both use the one reading and checking of `pipeline/reading/`.
//! 8. **No secret and no customer's value** in a log, an error, the journal or the summary. Values are in the request and in
//!    the file of failed rows alone, and on the screen of who asks to see some rows (`--explain`); the API's own words are in
//!    results and failed rows alone.

pub mod api;
pub mod cli;
pub mod commands;
pub mod config;
pub mod contract;
pub mod input;
pub mod journal;
pub mod nearest;
pub mod pipeline;
pub mod process;
pub mod results;
pub mod row;
pub mod sandbox;
pub mod schedule;
pub mod terminal;
pub mod text;
