//! Reports: what people look at after a run. A report is a fold over the files of run directories;
//! it changes and locks none of them.
//!
//! - `history`: what the journal of a run tells; `course`: its course in columns of time
//! - `part`: one run directory; `collect`: directories that belong together
//! - `model`: the content of a report
//! - `text`: the report in words; `page`, drawn by `svg`: `report.html`

mod collect;
mod course;
mod history;
mod model;
mod page;
mod part;
mod shards;
mod svg;
mod text;

pub(crate) use self::collect::collect;
pub(crate) use self::model::{Report, RunReport};
pub(crate) use self::page::Links;
pub(crate) use self::part::ReportError;

/// The file name of a report in its run directory.
pub(crate) const REPORT_NAME: &str = "report.html";
