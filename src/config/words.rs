//! Settings that take one of a few words. The words are clap's [`ValueEnum`]s, so that the help,
//! the errors and the values themselves have one source. Enums below this layer get theirs here,
//! since nothing there knows clap.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::groups::notices::{NotifyFormat, NotifyOn, PingOn};
use super::resolver::Resolver;
use super::setting::Setting;
use super::value::ValueError;
use crate::contract::{EchoCheck, Leniency};
use crate::input::{EmptyRule, FormatChoice, OvertakenRule, Quotes, Ragged};
use crate::journal::Retry;
use crate::pipeline::resume::LeftOut;
use crate::results::failed_rows::FailedFormat;
use crate::row::duplicates::DuplicatePolicy;
use crate::sandbox::{ErrorShape, PageTotal, Pages, Put, Reads, SuccessShape};
use crate::schedule::{CanaryThen, ReadWay};

/// Gives an enum its words. Variants that no word names come last.
macro_rules! words {
    ($enum:ty: $($variant:ident = $word:literal),+ $(; no word: $($other:ident),+)?) => {
        impl ValueEnum for $enum {
            fn value_variants<'a>() -> &'a [Self] {
                &[$(Self::$variant),+]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                match self {
                    $(Self::$variant => Some(PossibleValue::new($word)),)+
                    $($(Self::$other => None,)+)?
                }
            }
        }
    };
}

words!(NotifyFormat: Json = "json", Slack = "slack");
words!(NotifyOn: Always = "always", Bad = "bad", Stopped = "stopped");
words!(PingOn: Finished = "finished", Every = "every");
words!(Leniency: Damaged = "damaged", Decimals = "decimals", Joined = "joined");
words!(CanaryThen: Stop = "stop", Go = "go");
words!(EchoCheck: Warn = "warn", Reject = "reject", Off = "off");
words!(EmptyRule: Omit = "omit", Null = "null", Error = "error");
words!(ErrorShape: Documented = "documented", Laravel = "laravel", Both = "both");
words!(FailedFormat: Auto = "auto", ExcelCsv = "excel-csv", Xlsx = "xlsx", Ndjson = "ndjson");
words!(FormatChoice: Auto = "auto", Csv = "csv", Tsv = "tsv", Ndjson = "ndjson");
words!(LeftOut: Unknown = "probe", Kept = "trust");
words!(OvertakenRule: LeaveOut = "leave-out", Send = "send");
words!(PageTotal: Meta = "meta", Top = "top");
words!(Pages: Still = "still", Moving = "moving");
words!(Put: Merge = "merge", Replace = "replace");
words!(Quotes: On = "on", Off = "off"; no word: InDoubt);
words!(Ragged: Error = "error", Pad = "pad");
words!(ReadWay: Auto = "auto", Each = "each", List = "list");
words!(Reads: Allowed = "allowed", Forbidden = "forbidden", Missing = "missing", Stale = "stale");
words!(Retry: Failed = "failed", Rejected = "rejected", Conflict = "conflict");
words!(SuccessShape: Resource = "resource", Bare = "bare", Empty = "empty", NoData = "no-data");
words!(DuplicatePolicy: All = "all", Reject = "reject", Last = "last");

/// Returns the value that `text` names.
pub(super) fn choice<T: ValueEnum>(text: &str) -> Result<T, ValueError> {
    let words = || T::value_variants().iter().filter_map(word);
    let named = T::value_variants()
        .iter()
        .find(|value| word(*value).as_deref() == Some(text));
    named.cloned().ok_or_else(|| ValueError::NotAChoice {
        text: text.to_owned(),
        choices: words().collect::<Vec<_>>().join(", "),
    })
}

fn word(value: &impl ValueEnum) -> Option<String> {
    Some(value.to_possible_value()?.get_name().to_owned())
}

impl Resolver {
    /// Reads a setting that takes one of a few words.
    pub(super) fn choice<T: ValueEnum>(&mut self, setting: Setting, default: &T) -> T {
        let default = word(default).expect("a default has a word");
        self.one(setting, &default, choice)
    }
}
