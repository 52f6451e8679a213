//! Integration tests: the real program against a real server, both on this machine. One file per
//! behaviour; `harness` is what they are written with.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed, which is its purpose"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test's numbers are small"
)]

mod addresses;
mod archives;
mod binary_workbooks;
mod canaries;
mod canary;
mod check;
mod compressed;
mod config_init;
mod crashes;
mod databases;
mod descriptors;
mod dialects;
mod docs;
mod early_ends;
mod echo;
mod encodings;
mod excel;
mod explain;
mod failed_rows;
mod fields;
mod file_names;
mod folders;
mod forget;
mod full;
mod guard;
mod harness;
mod hostile;
mod hours;
mod http2;
mod image;
mod imports;
mod inputs;
mod journal_damage;
mod journal_faults;
mod journal_inputs;
mod journal_kills;
mod journal_lock;
mod journal_memory;
mod journal_signals;
mod journal_versions;
mod journal_whole;
mod journal_writes;
mod json_paths;
mod kept_connections;
mod left_out_probe;
mod libreoffice;
mod login;
mod main_job;
mod many_files;
mod mapping;
mod memory;
mod metrics;
mod next_steps;
mod nginx;
mod nights;
mod notices;
mod objects;
mod odd_inputs;
mod old_workbooks;
mod opendocument;
mod order;
mod overtaken;
mod pages;
mod pairs;
mod plan;
mod preview;
mod printing;
mod processes;
mod proxies;
mod report;
mod samples;
mod schemas;
mod screens;
mod sending;
mod settings;
mod shards;
mod shared_rate;
mod signals;
mod skipping;
mod starts;
mod state_store;
mod stops;
mod terminal;
mod tidy;
mod tls;
mod token_files;
mod token_refresh_kills;
mod tokens;
mod topics;
mod undo;
mod unfinished;
mod unique;
mod verdicts;
mod warnings;
mod windows;
mod workbooks;
