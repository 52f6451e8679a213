//! The flags of the sandbox's settings, with their help. A field's name is the name of its setting,
//! as in `flags.rs`.

use std::ffi::OsString;

use clap::Args;

use super::words::words;
use crate::sandbox::{ErrorShape, PageTotal, Pages, Put, Reads, SuccessShape};

/// The heading of the flags that choose one of an API's ways. The short help leaves them out.
pub(super) const WAYS_HEADING: &str = "Sandbox: ways of the API";

/// All flags of the sandbox but its address.
#[derive(Debug, Args)]
pub(super) struct SandboxFlags {
    #[command(flatten)]
    server: ServerFlags,
    #[command(flatten)]
    ways: WaysFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Sandbox")]
#[expect(
    clippy::struct_field_names,
    reason = "the prefix is part of the settings' names"
)]
struct ServerFlags {
    /// The customers 1 to N exist
    #[arg(long, value_name = "N", hide_short_help = true)]
    sandbox_customers: Option<String>,
    /// Requests allowed in a time window, as in 600/m
    ///
    /// The unit is s, m, h or d. 95/10000/d is a daily window with 95 requests left at the start.
    #[arg(long, value_name = "RATE|none", hide_short_help = true)]
    sandbox_window: Option<String>,
    /// Answer after this time, or after a random time between two
    #[arg(long, value_name = "TIME[..TIME]", hide_short_help = true)]
    sandbox_latency: Option<String>,
    /// Faults to inject: which, how often and when
    ///
    /// KIND=SHARE, KIND@FROM..TO or KIND=SHARE@FROM..TO, as in
    /// 503=2%,outage@5s..20s,502=60%@0s..5m,blackhole@1s..: a share of the requests, a span of time
    /// after the first request, or a share in a span. Faults with a span come first; those without
    /// hit their share of the requests that are left. The kinds are a status from 400 to 599, also
    /// with -text, -html, -gateway, -retry-after or -no-retry-after behind it (404-text), reset,
    /// timeout, truncate, blackhole, outage, maintenance, login-page, contradiction, success-false,
    /// other-customer and readonly.
    #[arg(long, value_name = "SPEC", hide_short_help = true)]
    sandbox_fault: Option<String>,
    /// Always answer updates of customer ID with this fault; repeatable
    ///
    /// The kinds are those of the faults above, as in 7=406-html.
    #[arg(long, value_name = "ID=KIND", hide_short_help = true)]
    sandbox_answer: Vec<String>,
    /// Close an HTTP/2 connection after N requests, with GOAWAY
    ///
    /// As servers do: nginx after 1000. Requests in flight are still answered.
    #[arg(long, value_name = "N|none", hide_short_help = true)]
    sandbox_goaway_after: Option<String>,
    /// Seed of the random faults and latencies
    #[arg(long, value_name = "N", hide_short_help = true)]
    sandbox_seed: Option<String>,
    /// Append each applied update to this file as a line of JSON
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    sandbox_ledger: Option<OsString>,
    /// Issued access tokens expire after this time
    ///
    /// A run with --sandbox then logs in, and refreshes its tokens as it would with the API.
    #[arg(long, value_name = "TIME|none", hide_short_help = true)]
    sandbox_token_lifetime: Option<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = WAYS_HEADING)]
#[expect(
    clippy::struct_field_names,
    reason = "the prefix is part of the settings' names"
)]
struct WaysFlags {
    /// Answers to reads of customers
    ///
    /// allowed: the customer. forbidden: 403. missing: 404 in plain text. stale: the customer as it
    /// was at the start.
    #[arg(long, value_parser = words::<Reads>(), hide_short_help = true)]
    sandbox_reads: Option<String>,
    /// The first N reads of customers are allowed in any case
    #[arg(long, value_name = "N", hide_short_help = true)]
    sandbox_reads_after: Option<String>,
    /// Place of the totals on pages of customers
    ///
    /// meta: in the member meta. top: beside data.
    #[arg(long, value_parser = words::<PageTotal>(), hide_short_help = true)]
    sandbox_total: Option<String>,
    /// Whether customers come and go between two pages
    ///
    /// still: no. moving: after each page a further customer comes first, or goes, so that one is
    /// on two pages and another on none.
    #[arg(long, value_parser = words::<Pages>(), hide_short_help = true)]
    sandbox_pages: Option<String>,
    /// Effect of a PUT on the fields that it leaves out
    ///
    /// merge: they keep their values. replace: they become null.
    #[arg(long, value_parser = words::<Put>(), hide_short_help = true)]
    sandbox_put: Option<String>,
    /// Fields whose values are not stored as they are sent
    ///
    /// FIELD=KIND, with commas between fields, as in job=ignore,date_of_birth=next-day. ignore: the
    /// field keeps its value. squeeze: runs of white space become one space. lower-case: a text
    /// loses its capitals. next-day: a date is a day later.
    #[arg(long, value_name = "SPEC|none", hide_short_help = true)]
    sandbox_echo: Option<String>,
    /// Answer with an entity tag, and refuse a PUT whose If-Match names another
    #[arg(long, hide_short_help = true)]
    sandbox_etags: Option<bool>,
    /// This share of the customers has values that may not be sent
    ///
    /// Null where the API takes no null, a phone number of 30 characters, and the like, as from
    /// before it had rules.
    #[arg(long, value_name = "SHARE", hide_short_help = true)]
    sandbox_old_data: Option<String>,
    /// A third party edits a customer after this share of its reads
    ///
    /// A text field, such as the job, gets a new value right after the answer was made, so the
    /// client knows an old state.
    #[arg(long, value_name = "SHARE", hide_short_help = true)]
    sandbox_edits: Option<String>,
    /// Format of error bodies
    #[arg(long, value_parser = words::<ErrorShape>(), hide_short_help = true)]
    sandbox_errors: Option<String>,
    /// Format of the answers to updates
    ///
    /// resource: the customer as data, as the API's pages have it. bare: the customer itself, also
    /// when it is read. empty: 204 without a body. no-data: a word of success only.
    #[arg(long, value_parser = words::<SuccessShape>(), hide_short_help = true)]
    sandbox_success: Option<String>,
}
