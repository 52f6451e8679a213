//! The test harness: scenarios that read as the sentence that they prove.
//!
//! Apart from the sandbox, nothing here uses the program's own code. Checksums, the model of each
//! row's result and the readers of output files are written a second time, so that a mistake in the
//! program does not confirm itself.

mod archive;
mod asking;
mod binary_workbook;
mod countries;
mod crc;
mod customers;
mod effort;
mod end;
mod failed;
mod file_server;
mod flaws;
mod front;
mod jobs;
mod ledger;
mod listener;
mod objects;
mod opendocument;
mod program;
mod proxy;
mod random;
mod receiver;
mod results;
mod scenario;
mod server;
mod tls;
mod workbook;
mod writing;
pub(crate) mod xls;

pub(crate) use self::archive::{Archive, Stated};
pub(crate) use self::binary_workbook::{BinaryWorkbook, cell, record, row_head, styles, wide};
pub(crate) use self::countries::{COUNTRIES, countries_known};
pub(crate) use self::crc::{crc32c, sealed};
pub(crate) use self::customers::{CustomerRow, Customers, FIELDS};
pub(crate) use self::effort::{kills, rounds, step};
pub(crate) use self::end::End;
pub(crate) use self::failed::{FailedRow, parse as failed_rows};
pub(crate) use self::file_server::{FileReply, FileRequest, FileServer, SIGNATURE, ServedFile};
pub(crate) use self::front::{Front, FrontAnswer};
pub(crate) use self::jobs::{jobs, long_jobs};
pub(crate) use self::ledger::{Applied, Ledger};
pub(crate) use self::objects::{Broken, KEY, KEY_ID, ObjectRequest, ObjectServer, Store};
pub(crate) use self::opendocument::{MEDIA_TYPE, Spreadsheet};
pub(crate) use self::program::{Finished, Process, Program};
pub(crate) use self::proxy::{ProxyReply, ScriptedProxy};
pub(crate) use self::random::SplitMix64;
pub(crate) use self::receiver::{Reaction, Received, Receiver};
pub(crate) use self::results::Results;
pub(crate) use self::scenario::{Running, Scenario};
pub(crate) use self::server::{Reply, Request, ScriptedServer};
pub(crate) use self::tls::{
    Authority, EXPIRED, NOT_YET_VALID, Presents, TlsFront, VALID, self_signed,
};
pub(crate) use self::workbook::{SheetCell, Workbook, part_of, with_part, zip_of};
pub(crate) use self::writing::Form;
