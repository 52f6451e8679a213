//! Runs that send what a plan holds, and checks that write one.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::duration::duration_in;
use crate::config::names::{PLAN, PLAN_MAX_AGE, WRITE_PLAN};
use crate::config::resolver::Resolver;
use crate::config::setting::{of_process, of_run};
use crate::config::value::or_none;

const AGES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(366 * 24);

/// Runs that send what a plan holds, and checks that write one.
#[derive(Debug, Clone)]
pub struct PlanSettings {
    /// The run directory of the check or preview that is the plan.
    pub directory: Option<PathBuf>,
    /// The age from which a plan is refused: 1 s to 366 days; `None` allows any.
    pub max_age: Option<Duration>,
    /// Whether a check writes a plan.
    pub is_written: bool,
}

impl PlanSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver) -> Self {
        let age = |text: &str| Ok(duration_in(&AGES, text)?);
        Self {
            directory: resolver.path(of_run(PLAN)),
            max_age: resolver.one(of_process(PLAN_MAX_AGE), "24h", or_none(age)),
            is_written: resolver.boolean(of_process(WRITE_PLAN)),
        }
    }
}
