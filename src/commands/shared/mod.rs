//! The parts that several verbs use.

pub(crate) mod command_line;
pub(super) mod comparison;
pub(super) mod continuing;
pub(super) mod descriptors;
pub(crate) mod early_end;
pub(super) mod files;
pub(super) mod first_rows;
pub(super) mod fresh;
pub(super) mod identity;
pub(super) mod input_identity;
pub(super) mod inputs;
pub(super) mod left_out;
pub(super) mod login_file;
pub(super) mod lost_journal;
pub(super) mod next_steps;
pub(super) mod pattern;
pub(super) mod private_folder;
pub(super) mod reading;
pub(super) mod report;
pub(super) mod row_range;
pub(super) mod server;
pub(super) mod start;
pub(super) mod summary_file;
pub(super) mod unfinished;
pub(super) mod unique;
