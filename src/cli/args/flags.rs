//! The flags that are settings, with their help. A field's name is the name of its setting, by
//! which the value is read from clap's matches; a test compares the two. File names are `OsString`:
//! they may hold any bytes. `help.rs` adds the defaults to the help.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::canary_flags::CanaryFlags;
use super::care_flags::CareFlags;
use super::nightly_flags::NightlyFlags;
use super::notice_flags::NoticeFlags;
use super::output_flags::{EndFlags, LogFlags, ResultFlags};
use super::pace_flags::PaceFlags;
use super::plan_flags::PlanFlags;
use super::sandbox_flags::SandboxFlags;
use super::shard_flags::ShardFlags;
use super::sharing_flags::SharingFlags;
use super::words::words;
use crate::input::{FormatChoice, OvertakenRule, Quotes, Ragged};
use crate::row::duplicates::DuplicatePolicy;
use crate::schedule::ReadWay;

/// The flags of `run`, `check` and `config`.
#[derive(Debug, Args)]
pub struct RunFlags {
    /// Read settings from this TOML file [default: ./custsync.toml if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    input: InputFlags,
    #[command(flatten)]
    api: ApiFlags,
    #[command(flatten)]
    sending: SendingFlags,
    #[command(flatten)]
    sharing: SharingFlags,
    #[command(flatten)]
    nightly: NightlyFlags,
    #[command(flatten)]
    plan: PlanFlags,
    #[command(flatten)]
    shard: ShardFlags,
    #[command(flatten)]
    result: ResultFlags,
    #[command(flatten)]
    log: LogFlags,
    #[command(flatten)]
    notices: NoticeFlags,
    #[command(flatten)]
    sandbox: SandboxFlags,
}

/// The flags of `undo`.
#[derive(Debug, Args)]
pub struct UndoFlags {
    /// Read settings from this TOML file [default: ./custsync.toml if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Put back fields, too, that somebody else has changed since
    #[arg(long)]
    force: Option<bool>,
    /// Leave these fields as they are; repeatable
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    without_field: Vec<String>,
    /// Read customers for --dry-run singly, or as whole pages of 100, or as is fewer requests
    ///
    /// auto: whole pages if there are fewer of them than customers to be read. The first customer of
    /// the first page is also read singly, and has to be the same. Customers who are on no page are
    /// read singly.
    ///
    /// each: each customer singly, as an undo does that puts back.
    ///
    /// list: whole pages, however many there are.
    #[arg(long, value_parser = words::<ReadWay>())]
    read: Option<String>,
    /// Leave the state that the run used as it is
    ///
    /// Without this, an undo marks its customers in the state as unknown, so that the next run with
    /// this state sends them again.
    #[arg(long)]
    without_state: Option<bool>,
    /// The id of a country's name, as in `country_id:Norway=2`; repeatable
    ///
    /// The API shows the name of a customer's country, and a request names its id.
    #[arg(long, value_name = "FIELD:TEXT=VALUE")]
    values: Vec<String>,
    #[command(flatten)]
    api: ApiFlags,
    #[command(flatten)]
    pace: PaceFlags,
    #[command(flatten)]
    sharing: SharingFlags,
    /// Record the undo here [default: undo, in the directory of the run]
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    run_dir: Option<OsString>,
    #[command(flatten)]
    end: EndFlags,
    #[command(flatten)]
    log: LogFlags,
    #[command(flatten)]
    notices: NoticeFlags,
}

/// The flags of `config init`, which reads no file of settings.
#[derive(Debug, Args)]
pub struct InitFlags {
    #[command(flatten)]
    input: InputFlags,
    #[command(flatten)]
    api: ApiFlags,
    #[command(flatten)]
    sending: SendingFlags,
    #[command(flatten)]
    log: LogFlags,
}

/// The flags of `sandbox`. Its help drops the prefix of their names.
#[derive(Debug, Args)]
pub struct SandboxCommandFlags {
    /// Read settings from this TOML file [default: ./custsync.toml if it exists]
    ///
    /// In the file and in variables, the settings below have a prefix, as in sandbox-window =
    /// "600/m".
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Listen on this address and port
    #[arg(long, value_name = "ADDRESS", help_heading = "Sandbox")]
    sandbox_listen: Option<String>,
    #[command(flatten)]
    sandbox: SandboxFlags,
    #[command(flatten)]
    log: LogFlags,
}

/// The flags of `login`.
#[derive(Debug, Args)]
pub struct LoginFlags {
    /// The client id
    #[arg(long, value_name = "ID", help_heading = "Login")]
    client_id: Option<String>,
    /// The scope to ask for
    #[arg(long, value_name = "SCOPE", help_heading = "Login")]
    scope: Option<String>,
    /// The URL of the login page
    #[arg(long, value_name = "URL", help_heading = "Login")]
    auth_url: Option<String>,
    /// The URL that issues tokens
    #[arg(long, value_name = "URL", help_heading = "Login")]
    token_url: Option<String>,
    /// The port on this machine that the browser is redirected to; 0 is any
    #[arg(long, value_name = "N", help_heading = "Login")]
    redirect_port: Option<String>,
    /// Paste the address that the browser is redirected to, for a browser on another machine
    #[arg(long, help_heading = "Login")]
    paste: Option<bool>,
    /// Print the address, and open no browser
    #[arg(long, help_heading = "Login")]
    no_browser: Option<bool>,
    /// Read the client's secret from this file
    #[arg(long, value_name = "FILE", help_heading = "Login")]
    client_secret_file: Option<OsString>,
    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE", help_heading = "Login")]
    ca_file: Option<OsString>,
    /// Allow plain HTTP to other machines, which sends the token unencrypted
    #[arg(long, help_heading = "Login")]
    allow_http: Option<bool>,
    /// Give up a request after this time
    #[arg(long, value_name = "TIME", help_heading = "Login")]
    timeout: Option<String>,
    /// The file, and where settings are.
    #[command(flatten)]
    pub token: TokenFlags,
}

/// The flags of `logout` and `token`.
#[derive(Debug, Args)]
pub struct TokenFlags {
    /// Read settings from this TOML file [default: ./custsync.toml if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The file that holds the login
    #[arg(long, value_name = "FILE")]
    token_file: Option<OsString>,
    #[command(flatten)]
    log: LogFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
struct InputFlags {
    /// Format; auto detects it from name and content
    #[arg(long, value_parser = words::<FormatChoice>())]
    format: Option<String>,
    /// Field delimiter: one character, or the word tab [default: detected, a tab in TSV]
    ///
    /// A comma, semicolon, tab or | is detected from the first record. If two fit equally well,
    /// nothing is sent.
    #[arg(long, value_name = "C", hide_short_help = true)]
    delimiter: Option<String>,
    /// Quotes in CSV: on encloses values in them, off makes them ordinary characters [default: on,
    /// in TSV neither]
    ///
    /// In TSV, Excel and pandas enclose values in quotes, and databases write quotes as parts of
    /// values. Without this flag, quotes in TSV are ordinary characters, and a cell that can be
    /// read both ways makes its row invalid.
    #[arg(long, value_parser = words::<Quotes>(), hide_short_help = true)]
    quotes: Option<String>,
    /// Character that escapes the next one: `\`, as in database exports
    #[arg(long, value_name = "C", hide_short_help = true)]
    escape: Option<String>,
    /// A CSV row with fewer or more cells than the header is an error, or is padded
    ///
    /// error: the row is invalid. pad: fields whose cells are missing at the end are left out,
    /// whatever --empty says, and surplus cells are dropped if all of them are empty.
    #[arg(long, value_parser = words::<Ragged>(), hide_short_help = true)]
    ragged: Option<String>,
    /// Line of the header (in a workbook, row); lines above it are skipped [default: the first
    /// record]
    #[arg(long, value_name = "N", hide_short_help = true)]
    header_row: Option<String>,
    /// Text encoding, as in windows-1252; auto is UTF-8, or what a byte order mark says
    ///
    /// A byte order mark takes precedence. A warning says so if all bytes are valid UTF-8.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    encoding: Option<String>,
    /// The file has no header; --columns names the columns
    #[arg(long, hide_short_help = true)]
    no_header: Option<bool>,
    /// Column names of a file without a header; implies --no-header
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        hide_short_help = true
    )]
    columns: Vec<String>,
    /// Array in a JSON object, by its key, as in data or result.items
    ///
    /// A dot is between the keys of objects within objects. Everything else in the object is
    /// skipped.
    #[arg(long, value_name = "KEY.KEY", hide_short_help = true)]
    json_path: Option<String>,
    /// Sheet of a workbook [default: the first visible table]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    sheet: Option<String>,
    /// Map COLUMN to the API's field FIELD, or to id; repeatable
    #[arg(short, long, value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// Ignore these columns; repeatable
    ///
    /// `column 4` is the fourth column, whatever its name. A text with commas is one name if a
    /// column has that name.
    #[arg(long, value_name = "COLUMN,...")]
    ignore: Vec<String>,
    /// Match header names ignoring case, spaces, underscores and hyphens
    ///
    /// `First Name`, `first-name` and `FIRSTNAME` match `first_name`, also in --map and --ignore.
    /// Invisible characters (zero-width spaces, byte order marks) are ignored too. An exact name
    /// takes precedence. NDJSON keys always match exactly.
    #[arg(long, hide_short_help = true)]
    loose_headers: Option<bool>,
    /// Send no row whose customer was changed after the time in this column
    ///
    /// Each customer is read first. If `updated_at` is later, the row is a conflict. The column holds
    /// RFC 3339 with an offset, or a --date-format with one; a row without a time is invalid. What
    /// this run itself has changed does not count.
    #[arg(long, value_name = "COLUMN", hide_short_help = true)]
    unless_changed_since: Option<String>,
    /// Set FIELD to VALUE in every row; repeatable
    ///
    /// The value is read like a cell. A column or key that fills the same field is an error.
    #[arg(long, value_name = "FIELD=VALUE", hide_short_help = true)]
    set: Vec<String>,
    /// Replace TEXT in FIELD by VALUE; repeatable
    ///
    /// The whole text of the cell is compared (after --trim), and VALUE is then read like a cell.
    /// Numbers, true and false in NDJSON are compared as written. In the configuration file, each
    /// field has a table, as in `[values.gender]` followed by `M = "male"`.
    #[arg(long, value_name = "FIELD:TEXT=VALUE", hide_short_help = true)]
    values: Vec<String>,
    /// Meaning of an empty cell: omit, null or error
    ///
    /// omit: the field is left out of the request; the documentation is inconsistent about whether
    /// the API then keeps or clears it. null: the field is sent as null, which clears it. error:
    /// the row is invalid. FIELD=RULE applies to one field. Repeatable.
    #[arg(long, value_name = "RULE")]
    empty: Vec<String>,
    /// Read a cell with this text as null; repeatable
    ///
    /// FIELD=TEXT applies to one field, if FIELD is exactly the name of a field.
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    null_string: Vec<String>,
    /// Also accept dates in this format, as in %d.%m.%Y; repeatable, tried in order
    #[arg(long, value_name = "FORM", hide_short_help = true)]
    date_format: Vec<String>,
    /// First year of the century of two-digit years (%y): 1930 means 1930 to 2029
    #[arg(long, value_name = "YEAR", hide_short_help = true)]
    two_digit_years: Option<String>,
    /// Accept values that are probably mistakes: damaged, decimals, joined; repeatable
    ///
    /// damaged: text damaged by a spreadsheet or a conversion (`########`, `#N/A`, `8.49E+11`,
    /// U+FFFD, NUL), sent unchanged. decimals: whole numbers written with zero decimals, as in
    /// 101.0. joined: CSV cells that look like rows joined by a missing quote.
    #[arg(
        long,
        value_name = "KIND,...",
        value_delimiter = ',',
        hide_short_help = true
    )]
    allow: Vec<String>,
    /// Remove white space and invisible characters around values
    #[arg(long, hide_short_help = true)]
    trim: Option<bool>,
    /// Fields of a failed row that later rows of its customer have set: leave out or send
    ///
    /// Failed rows name these fields in `custsync_overtaken`. If they are left out, a corrected row
    /// never overwrites a newer value.
    #[arg(long, value_parser = words::<OvertakenRule>(), hide_short_help = true)]
    overtaken: Option<String>,
    /// Skip the first N records
    #[arg(long, value_name = "N", hide_short_help = true)]
    skip_rows: Option<String>,
    /// Read at most N records
    #[arg(long, value_name = "N")]
    max_rows: Option<String>,
    /// Read the token for the servers of https:// inputs from this file
    ///
    /// It is sent as a bearer token to the host that the address names, and to no other host. The
    /// file is read again for each request.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    input_token_file: Option<OsString>,
    /// Show how the first N rows are read: each cell, its field and value, and the request
    ///
    /// For `check` and `run --dry-run`. The values of the rows are printed before the summary, and
    /// nowhere else.
    #[arg(long, value_name = "N", hide_short_help = true)]
    explain: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "API")]
struct ApiFlags {
    /// The API's base URL
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Tenant number, sent as X-Tenant
    #[arg(long, value_name = "N")]
    tenant: Option<String>,
    /// Read the access token from this file (or set `CUSTSYNC_TOKEN`)
    ///
    /// The file holds only a token, or the JSON of a login. The token of a login is refreshed
    /// before it expires, and the new token is written to the same file.
    #[arg(long, value_name = "FILE")]
    token_file: Option<OsString>,
    /// Read the client's secret from this file, if the token file does not hold it
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    client_secret_file: Option<OsString>,
    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    ca_file: Option<OsString>,
    /// Allow plain HTTP to other machines, which sends the token unencrypted
    #[arg(long, hide_short_help = true)]
    allow_http: Option<bool>,
    /// Use HTTP/2 if the server supports it: many requests share a connection
    ///
    /// Over plain HTTP the server must support it, since it cannot be negotiated.
    #[arg(long, hide_short_help = true)]
    http2: Option<bool>,
    /// Start a sandbox in this process and send to it
    #[arg(long)]
    sandbox: Option<bool>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Sending")]
struct SendingFlags {
    #[command(flatten)]
    pace: PaceFlags,
    #[command(flatten)]
    canary: CanaryFlags,
    /// Rows to send for one customer: all in order, only one, or the last
    ///
    /// reject: a row is invalid if an earlier valid row names the same customer. last: only a
    /// customer's last valid row is sent, and the others are superseded; the input is read twice,
    /// so it must be a file. Both keep all ids in memory: up to 5 bytes each, or up to 51 for ids
    /// above 32 bits.
    #[arg(long, value_parser = words::<DuplicatePolicy>(), hide_short_help = true)]
    unique: Option<String>,
    #[command(flatten)]
    care: CareFlags,
}
