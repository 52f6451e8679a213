//! The flags that are settings, with their help. A field's name is the setting's name: that is how its value finds its
//! way, so a test compares them all. Names of files are no text: they may hold any bytes. Defaults are added to the help from the settings themselves.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::words::words;
use crate::config::output::{Color, OutputFormat, Progress};
use crate::input::{FormatChoice, OvertakenRule, Quotes, Ragged};
use crate::journal::Retry;
use crate::pipeline::resume::LeftOut;
use crate::results::failed_rows::FailedFormat;
use crate::row::duplicates::Unique;
use crate::sandbox::{ErrorShape, Reads};

/// The flags of `run`, `check` and `config`.
#[derive(Debug, Args)]
pub struct RunFlags {
    /// Take settings from this TOML file [default: ./custsync.toml where it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    input: InputFlags,
    #[command(flatten)]
    api: ApiFlags,
    #[command(flatten)]
    sending: SendingFlags,
    #[command(flatten)]
    result: ResultFlags,
    #[command(flatten)]
    log: LogFlags,
    #[command(flatten)]
    sandbox: SandboxFlags,
}

/// The flags of `sandbox`. Its help drops the prefix of their names.
#[derive(Debug, Args)]
pub struct SandboxCommandFlags {
    /// Take settings from this TOML file [default: ./custsync.toml where it exists]
    ///
    /// The flags below are keys of it with a prefix, as in sandbox-window = "600/m", and variables likewise.
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
    /// The client's name at the server
    #[arg(long, value_name = "ID", help_heading = "Login")]
    client_id: Option<String>,
    /// What to ask permission for
    #[arg(long, value_name = "SCOPE", help_heading = "Login")]
    scope: Option<String>,
    /// Where a person logs in
    #[arg(long, value_name = "URL", help_heading = "Login")]
    auth_url: Option<String>,
    /// Where tokens are handed out
    #[arg(long, value_name = "URL", help_heading = "Login")]
    token_url: Option<String>,
    /// The port of this machine that the browser comes back to; 0 is any
    #[arg(long, value_name = "N", help_heading = "Login")]
    redirect_port: Option<String>,
    /// Paste the address that the browser was sent to, where the browser is on another machine
    #[arg(long, help_heading = "Login")]
    paste: Option<bool>,
    /// Print the address only
    #[arg(long, help_heading = "Login")]
    no_browser: Option<bool>,
    /// Read the client's secret from this file
    #[arg(long, value_name = "FILE", help_heading = "Login")]
    client_secret_file: Option<OsString>,
    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "FILE", help_heading = "Login")]
    ca_file: Option<OsString>,
    /// Send to another machine without TLS, where everybody on the way can read it
    #[arg(long, help_heading = "Login")]
    allow_http: Option<bool>,
    /// Give up an exchange with the server after this time
    #[arg(long, value_name = "TIME", help_heading = "Login")]
    timeout: Option<String>,
    /// The file, and where settings are.
    #[command(flatten)]
    pub token: TokenFlags,
}

/// The flags of `logout` and `token`.
#[derive(Debug, Args)]
pub struct TokenFlags {
    /// Take settings from this TOML file [default: ./custsync.toml where it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The file that keeps the login
    #[arg(long, value_name = "FILE")]
    token_file: Option<OsString>,
    #[command(flatten)]
    log: LogFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
struct InputFlags {
    /// Format; auto goes by name and content
    #[arg(long, value_parser = words::<FormatChoice>())]
    format: Option<String>,
    /// Character between two fields; the word tab for a tab [default: found out, in TSV a tab]
    ///
    /// A comma, semicolon, tab or | is found by the first record; where two make as much sense, nothing is sent.
    #[arg(long, value_name = "C", hide_short_help = true)]
    delimiter: Option<String>,
    /// What quotes in CSV are: on, they stand around a value; off, they are characters [default: on, in TSV neither]
    ///
    /// Excel and pandas write quotes around values of TSV, databases as parts of values. As long as nobody says which, quotes of
    /// TSV are characters, and a cell that could be meant both ways makes its row invalid.
    #[arg(long, value_parser = words::<Quotes>(), hide_short_help = true)]
    quotes: Option<String>,
    /// Character that escapes the one behind it: `\`, as in exports of databases
    #[arg(long, value_name = "C", hide_short_help = true)]
    escape: Option<String>,
    /// A row of CSV with fewer or more cells than the header: error or pad
    ///
    /// error: the row is invalid. pad: fields whose cells are missing at the end are left out, whatever --empty says, and cells
    /// too many are dropped where all of them are empty.
    #[arg(long, value_parser = words::<Ragged>(), hide_short_help = true)]
    ragged: Option<String>,
    /// Line of the header, or row of the sheet; what stands above is passed over [default: the first record]
    #[arg(long, value_name = "N", hide_short_help = true)]
    header_row: Option<String>,
    /// Encoding of the text, as in windows-1252; auto is UTF-8, or what a byte order mark says
    ///
    /// A byte order mark wins over the name. Where all bytes are good UTF-8, a warning says so.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    encoding: Option<String>,
    /// The first record is a row, and --columns names the columns
    #[arg(long, hide_short_help = true)]
    no_header: Option<bool>,
    /// Names of the columns of a file without a header; implies --no-header
    #[arg(
        long,
        value_name = "NAME,...",
        value_delimiter = ',',
        hide_short_help = true
    )]
    columns: Vec<String>,
    /// Sheet of a workbook [default: the first table that is not hidden]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    sheet: Option<String>,
    /// The column COLUMN is the API's field FIELD (or id); repeatable
    #[arg(short, long, value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// Leave these columns out; repeatable
    ///
    /// `column 4` is the fourth one, whatever its name. A text with commas is the name of a column where one is named so.
    #[arg(long, value_name = "COLUMN,...")]
    ignore: Vec<String>,
    /// Take a CSV header's names although they differ in case, spaces, underscores and hyphens
    ///
    /// `First Name`, `first-name` and `FIRSTNAME` are `first_name` then; the names of --map and --ignore are matched likewise.
    /// Characters that nobody sees (zero-width spaces, byte order marks) do not count either. An exact name wins. The keys of NDJSON are always taken exactly.
    #[arg(long, hide_short_help = true)]
    loose_headers: Option<bool>,
    /// Give FIELD this value in every row; repeatable
    ///
    /// The value is read as a cell's is. A column or key that fills the same field is an error.
    #[arg(long, value_name = "FIELD=VALUE", hide_short_help = true)]
    set: Vec<String>,
    /// A cell of FIELD with this text has this value; repeatable
    ///
    /// The text is compared as it is (after --trim), and what it becomes is then read as a cell's text is. Numbers, true and
    /// false of NDJSON are compared as they are written. In the configuration file: a table for each field, as in
    /// `[values.gender]` and below it `M = "male"`.
    #[arg(long, value_name = "FIELD:TEXT=VALUE", hide_short_help = true)]
    values: Vec<String>,
    /// What an empty cell means: omit, null or error
    ///
    /// omit: the field is left out of the request, and whether the API then keeps or clears it is not documented in one
    /// voice. null: it is sent as null, which clears it. error: the row is invalid. FIELD=RULE is for one field.
    /// Repeatable.
    #[arg(long, value_name = "RULE")]
    empty: Vec<String>,
    /// A cell of this text is null; repeatable
    ///
    /// FIELD=TEXT, where FIELD is exactly a field's name, is for one field.
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    null_string: Vec<String>,
    /// Also take dates of this form, as in %d.%m.%Y; repeatable, tried in order
    #[arg(long, value_name = "FORM", hide_short_help = true)]
    date_format: Vec<String>,
    /// Years of two digits (%y) are those of the hundred that begins with this year: 1930 is 1930 to 2029
    #[arg(long, value_name = "YEAR", hide_short_help = true)]
    two_digit_years: Option<String>,
    /// Take values that are probably mistakes: damaged, decimals, joined; repeatable
    ///
    /// damaged: text that a spreadsheet or a conversion has damaged (`########`, `#N/A`, `8.49E+11`, U+FFFD, NUL) is sent as it is.
    /// decimals: a whole number may be written with decimals that are all zero, as in 101.0.
    /// joined: a cell of CSV may look like rows that a missing quote has joined.
    #[arg(
        long,
        value_name = "KIND,...",
        value_delimiter = ',',
        hide_short_help = true
    )]
    allow: Vec<String>,
    /// Drop white space and invisible characters around values
    #[arg(long, hide_short_help = true)]
    trim: Option<bool>,
    /// Fields of a failed row that later rows of its customer have set: leave them out, or send them all the same
    ///
    /// Failed rows name these fields in `custsync_overtaken`. Left out, a corrected row never puts an old value over a newer one.
    #[arg(long, value_parser = words::<OvertakenRule>(), hide_short_help = true)]
    overtaken: Option<String>,
    /// Pass over the first N records
    #[arg(long, value_name = "N", hide_short_help = true)]
    skip_rows: Option<String>,
    /// Read at most N records
    #[arg(long, value_name = "N")]
    max_rows: Option<String>,
    /// Show how the first N rows are read: each cell, its field and value, and the request
    ///
    /// For `check` and `run --dry-run`. The rows' values are printed before the summary, and nowhere else.
    #[arg(long, value_name = "N", hide_short_help = true)]
    explain: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "API")]
struct ApiFlags {
    /// Where the API is
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The tenant's number, sent as X-Tenant
    #[arg(long, value_name = "N")]
    tenant: Option<String>,
    /// Read the access token from this file (or set `CUSTSYNC_TOKEN`)
    ///
    /// It holds a token alone, or the JSON of a login. A login's token is renewed before it expires, and the new one is kept
    /// in the same file.
    #[arg(long, value_name = "FILE")]
    token_file: Option<OsString>,
    /// Read the client's secret from this file, where the token file does not hold it
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    client_secret_file: Option<OsString>,
    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    ca_file: Option<OsString>,
    /// Send to another machine without TLS, where everybody on the way can read it
    #[arg(long, hide_short_help = true)]
    allow_http: Option<bool>,
    /// Use HTTP/2 where the server has it: many requests share a connection
    ///
    /// Over plain HTTP the server has to speak it, since there is no way to ask.
    #[arg(long, hide_short_help = true)]
    http2: Option<bool>,
    /// Start a sandbox inside this process and send to it
    #[arg(long)]
    sandbox: Option<bool>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Sending")]
struct SendingFlags {
    /// Pace: auto, unlimited, or as in 50/s, 600/m, 1000/h
    ///
    /// auto follows the API's own headers, and keeps to 20/s where it sends none. unlimited lifts only this limit: what
    /// the API says about its own still holds.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// At most N requests at once
    #[arg(long, value_name = "N")]
    max_in_flight: Option<String>,
    /// Give up an attempt after this time
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    timeout: Option<String>,
    /// Try a row at most N times
    #[arg(long, value_name = "N", hide_short_help = true)]
    attempts: Option<String>,
    /// Stop where more rows than this end badly
    ///
    /// A share counts once 100 rows have ended. All settled rows of the run directory count, at a start too; those that it sends
    /// again do not.
    #[arg(long, value_name = "N|P%|none")]
    max_errors: Option<String>,
    /// Which rows of one customer are sent: all in order, one and no second, or the last
    ///
    /// reject: a row whose customer an earlier valid row names too is invalid. last: only a customer's last valid row is sent,
    /// the others are superseded; this reads the input twice, so it has to be a file. Both keep all ids in memory: up to 5
    /// bytes each, those above 32 bits up to 51.
    #[arg(long, value_parser = words::<Unique>(), hide_short_help = true)]
    unique: Option<String>,
    /// Which rows of an earlier run are sent again: those that failed, or rejected ones too
    #[arg(long, value_parser = words::<Retry>(), hide_short_help = true)]
    retry: Option<String>,
    /// trust: a PUT keeps the fields that it leaves out, so what a row still owes can be sent in part
    ///
    /// Where later rows of a customer were updated, a row that comes to be sent after them is sent with the fields alone that
    /// they do not set. Without this it is not sent, and stands among the failed rows as overtaken.
    #[arg(long, value_parser = words::<LeftOut>(), hide_short_help = true)]
    left_out: Option<String>,
    /// Stop rather than wait longer than this for the API
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    max_wait: Option<String>,
    /// Send before the end of a wait that the API named to an earlier process of the run
    #[arg(long, hide_short_help = true)]
    ignore_until: Option<bool>,
    /// Time for requests in flight to finish after a signal
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    grace: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct ResultFlags {
    /// Record the run here, or continue the one recorded here
    ///
    /// Without it, the newest unfinished run in custsync-runs is continued that has the same input and settings; where there is
    /// none, a new directory is made there.
    #[arg(long, value_name = "DIR")]
    run_dir: Option<OsString>,
    /// Begin a new run, whatever is unfinished in custsync-runs
    #[arg(long, hide_short_help = true)]
    fresh: Option<bool>,
    /// Wait for another process to end that is at work in the run directory
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    lock_wait: Option<String>,
    /// Form of failed.csv: auto is that of the input, excel-csv is for Excel
    ///
    /// excel-csv: a byte order mark in front, and CRLF at the end of each line. The delimiter stays the input's. NDJSON stays as
    /// it is.
    #[arg(long, value_parser = words::<FailedFormat>(), hide_short_help = true)]
    failed_format: Option<String>,
    /// Form of the summary on stdout
    #[arg(long, value_parser = words::<OutputFormat>())]
    output_format: Option<String>,
    /// Write the summary as JSON to this file too, at every end, whatever the exit code
    ///
    /// Where the run could not begin, it has the message and the exit code. That it cannot be written is said, and changes no
    /// exit code.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    summary_file: Option<OsString>,
    /// Exit code of a run or check that is finished with bad rows; 0 for engines that read 1 as broken
    #[arg(long, value_name = "CODE", hide_short_help = true)]
    bad_rows_exit: Option<String>,
    /// Draw a progress bar where stderr is a terminal, or never
    #[arg(long, value_parser = words::<Progress>(), hide_short_help = true)]
    progress: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct LogFlags {
    /// Form of the log on stderr
    #[arg(long, value_parser = words::<OutputFormat>(), hide_short_help = true)]
    log_format: Option<String>,
    /// Use colours
    #[arg(long, value_parser = words::<Color>(), hide_short_help = true)]
    color: Option<String>,
    /// Say less
    #[arg(short, long, action = clap::ArgAction::Count)]
    quiet: u8,
    /// Say more; repeatable
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Sandbox")]
#[expect(
    clippy::struct_field_names,
    reason = "the prefix is part of the settings' names"
)]
struct SandboxFlags {
    /// Customers 1 to N exist
    #[arg(long, value_name = "N", hide_short_help = true)]
    sandbox_customers: Option<String>,
    /// Requests allowed in a window of time, as in 600/m
    ///
    /// The time is s, m, h or d. 95/10000/d is a daily window of which 95 requests are left at the start.
    #[arg(long, value_name = "RATE|none", hide_short_help = true)]
    sandbox_window: Option<String>,
    /// Answer after this time, or after any between two
    #[arg(long, value_name = "TIME[..TIME]", hide_short_help = true)]
    sandbox_latency: Option<String>,
    /// What goes wrong, how often and when
    ///
    /// KIND=SHARE, KIND@FROM..TO or KIND=SHARE@FROM..TO, as in 503=2%,outage@5s..20s,502=60%@0s..5m,blackhole@1s..: a
    /// share of the requests, a span of time after the start, or a share in a span. Faults with a span come first; those
    /// without hit their share of the requests that are left. The kinds are a status from 400 to 599, also with -text,
    /// -html, -gateway, -retry-after or -no-retry-after behind it (404-text), reset, timeout, truncate, blackhole,
    /// outage, maintenance, login-page, contradiction, success-false, other-customer and readonly.
    #[arg(long, value_name = "SPEC", hide_short_help = true)]
    sandbox_fault: Option<String>,
    /// A fault that updates of customer ID always meet; repeatable
    ///
    /// The kinds are those of the faults above, as in 7=406-html.
    #[arg(long, value_name = "ID=KIND", hide_short_help = true)]
    sandbox_answer: Vec<String>,
    /// Close an HTTP/2 connection after N requests, with GOAWAY
    ///
    /// As servers do: nginx after 1000. What is under way is answered.
    #[arg(long, value_name = "N|none", hide_short_help = true)]
    sandbox_goaway_after: Option<String>,
    /// What reads get: allowed, forbidden, missing or stale
    ///
    /// forbidden: 403. missing: 404 in plain text. stale: customers as they were at the start.
    #[arg(long, value_parser = words::<Reads>(), hide_short_help = true)]
    sandbox_reads: Option<String>,
    /// The same seed draws the same faults and latencies
    #[arg(long, value_name = "N", hide_short_help = true)]
    sandbox_seed: Option<String>,
    /// Append each applied update to this file, as a line of JSON
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    sandbox_ledger: Option<OsString>,
    /// Access tokens that are handed out expire after this time
    ///
    /// A run with --sandbox then logs in, and renews its tokens as it would with the API.
    #[arg(long, value_name = "TIME|none", hide_short_help = true)]
    sandbox_token_lifetime: Option<String>,
    /// Form of error bodies: documented, laravel or both
    #[arg(long, value_parser = words::<ErrorShape>(), hide_short_help = true)]
    sandbox_errors: Option<String>,
}
