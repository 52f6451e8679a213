//! Rates, attempts, limits and waits.

use std::num::{NonZeroU16, NonZeroU32};
use std::ops::RangeInclusive;
use std::time::Duration;

pub(crate) use crate::config::hours::Hours;
use crate::config::names::{CANARY, CANARY_THEN, FILL};
use crate::config::resolver::Resolver;
use crate::config::setting::{of_process, of_run};
use crate::config::value::{ValueError, number_in, parsed};
use crate::contract::{EchoCheck, Field, FieldSet};
use crate::journal::{CANARY_MAX, Retry};
use crate::pipeline::resume::LeftOut;
use crate::row::duplicates::DuplicatePolicy;
use crate::schedule::error_limit::ErrorLimit;
use crate::schedule::rate::Rate;
use crate::schedule::{ATTEMPTS_LIMIT, CanaryThen, ReadWay};

const IN_FLIGHT: RangeInclusive<NonZeroU16> =
    NonZeroU16::MIN..=NonZeroU16::new(1024).expect("not zero");
const ATTEMPTS: RangeInclusive<NonZeroU32> =
    NonZeroU32::MIN..=NonZeroU32::new(ATTEMPTS_LIMIT).expect("not zero");
/// The range of `canary`. The customers are kept in memory.
const CANARIES: RangeInclusive<NonZeroU16> =
    NonZeroU16::MIN..=NonZeroU16::new(CANARY_MAX).expect("not zero");
const HOUR: Duration = Duration::from_hours(1);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(1)..=HOUR;
const GRACES: RangeInclusive<Duration> = Duration::ZERO..=HOUR;
/// The range of `max-wait`. A longer wait is probably a mistake.
const WAITS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(7 * 24);

/// Rates, attempts, limits and waits.
#[derive(Debug, Clone)]
pub struct SendingSettings {
    /// The limit that custsync itself keeps to.
    pub rate: Rate,
    /// The most requests in flight: at most 1,024.
    pub max_in_flight: NonZeroU16,
    /// The limit of one whole attempt: 1 ms to 1 h.
    pub timeout: Duration,
    /// The attempts for one row, the first included: at most 100.
    pub attempts: NonZeroU32,
    /// The limit of failed rows. The default is a tenth for a run, and none for a check, which is
    /// to list them all.
    pub max_errors: ErrorLimit,
    /// The first customers, who are sent to before all others.
    pub canary: Option<CanarySettings>,
    /// The hours in which requests may leave; at any time without them.
    pub hours: Option<Hours>,
    /// The use of the echo check.
    pub echo: EchoCheck,
    /// The rows of one customer that are sent.
    pub unique: DuplicatePolicy,
    /// The rows of an earlier run that are sent again.
    pub retry: Retry,
    /// The effect of a request on the fields that it leaves out, as far as known.
    pub left_out: LeftOut,
    /// Whether updates are completed with the customer's own values.
    pub complete: bool,
    /// The treatment of rows whose customer has their values already.
    pub equal: EqualRows,
    /// The fields that are sent only where the API has none.
    pub fill: FieldSet,
    /// Whether customers are read before their updates, to put them back.
    pub undoable: bool,
    /// Whether an undo puts back fields that somebody has changed since.
    pub force: bool,
    /// The fields that an undo does not put back.
    pub without_fields: FieldSet,
    /// The way in which customers are read for whom nothing is sent.
    pub read: ReadWay,
    /// The longest wait for an API that is down or asks for a wait: at most a week.
    pub max_wait: Duration,
    /// The treatment of a wait that the API asked an earlier process for.
    pub named_wait: NamedWait,
    /// The time for requests in flight after a signal: at most 1 h.
    pub grace: Duration,
}

/// The first customers of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanarySettings {
    /// Their number: at most 10,000.
    pub customers: NonZeroU16,
    /// The run's way on after them.
    pub then: CanaryThen,
}

/// The treatment of rows whose customer has their values already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EqualRows {
    /// They are sent, and no customer is read for it.
    Sent,
    /// They are unchanged (`--skip-equal`).
    Skipped,
}

/// The treatment of a wait that the API asked an earlier process of the run for, and that is not
/// over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedWait {
    /// Nothing is sent before its end.
    Kept,
    /// The API is asked at once (`--ignore-until`).
    Ignored,
}

fn field(text: &str) -> Result<Field, ValueError> {
    Field::from_name(text).ok_or_else(|| ValueError::NotAChoice {
        text: text.to_owned(),
        choices: FieldSet::ALL.names().collect::<Vec<_>>().join(", "),
    })
}

impl SendingSettings {
    /// Returns the rows of an earlier process that are sent again. An undo that puts back what was
    /// changed since takes up its conflicts.
    pub(crate) fn retry(&self) -> Retry {
        if self.force {
            Retry::Conflict
        } else {
            self.retry
        }
    }

    fn read_canary(resolver: &mut Resolver) -> Option<CanarySettings> {
        let customers = resolver.optional(of_process(CANARY), number_in(CANARIES));
        let then = resolver.choice(of_process(CANARY_THEN), &CanaryThen::Stop);
        customers.map(|customers| CanarySettings { customers, then })
    }

    pub(in crate::config) fn read(resolver: &mut Resolver) -> Self {
        let max_errors = resolver.verb().default_max_errors();
        Self {
            rate: resolver.one(of_process("rate"), "auto", parsed),
            max_in_flight: resolver.number(of_process("max-in-flight"), "32", IN_FLIGHT),
            timeout: resolver.duration(of_process("timeout"), "30s", &TIMEOUTS),
            attempts: resolver.number(of_process("attempts"), "5", ATTEMPTS),
            max_errors: resolver.one(of_process("max-errors"), max_errors, parsed),
            canary: Self::read_canary(resolver),
            hours: resolver.optional(of_process("hours"), parsed),
            echo: resolver.choice(of_process("echo"), &EchoCheck::Warn),
            unique: resolver.choice(of_run("unique"), &DuplicatePolicy::All),
            retry: resolver.choice(of_process("retry"), &Retry::Failed),
            left_out: resolver.choice(of_process("left-out"), &LeftOut::Unknown),
            complete: resolver.boolean(of_run("complete")),
            equal: if resolver.boolean(of_run("skip-equal")) {
                EqualRows::Skipped
            } else {
                EqualRows::Sent
            },
            fill: (resolver.list(of_run(FILL), field)).into_iter().collect(),
            undoable: resolver.boolean(of_run("undoable")),
            force: resolver.boolean(of_process("force")),
            without_fields: (resolver.list(of_process("without-field"), field))
                .into_iter()
                .collect(),
            read: resolver.choice(of_process("read"), &ReadWay::Auto),
            max_wait: resolver.duration(of_process("max-wait"), "15m", &WAITS),
            named_wait: if resolver.boolean(of_process("ignore-until")) {
                NamedWait::Ignored
            } else {
                NamedWait::Kept
            },
            grace: resolver.duration(of_process("grace"), "25s", &GRACES),
        }
    }
}
