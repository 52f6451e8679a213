//! The API of processes that share a rate.

use std::time::Duration;

use super::super::quota::Quota;
use crate::contract::Response;
use crate::schedule::moment::Moment;

/// The Unix time at which a simulation starts.
const AT_START: Duration = Duration::from_millis(1_800_000_007_300);

/// An API with a limit.
pub(in super::super) struct Api {
    pub(super) quota: Quota,
    /// The times at which requests arrived, and the status of each.
    pub(super) answers: Vec<(Moment, u16)>,
    /// A refusal in the given seconds, with the wait that it names.
    pub(super) pauses: Vec<(Moment, Duration)>,
}

impl Api {
    pub(super) fn of(quota: Quota) -> Api {
        Api {
            quota,
            answers: Vec::new(),
            pauses: Vec::new(),
        }
    }

    pub(super) fn answer(&mut self, now: Moment) -> Response {
        let unix = AT_START + now.since_start();
        let mut response = Response {
            status: 200,
            date_unix_s: Some(unix.as_secs()),
            ..Response::default()
        };
        if self.pauses.first().is_some_and(|(at, _)| *at <= now) {
            let (_, wait) = self.pauses.remove(0);
            response.status = 429;
            response.retry_after = Some(wait);
        } else {
            let admission = self.quota.admit(unix);
            response.window = admission.window;
            response.retry_after = admission.retry_after;
            if !admission.admitted {
                response.status = admission.status;
            }
        }
        self.answers.push((now, response.status));
        response
    }

    /// The share of requests between two times that were refused, and the number let through.
    pub(super) fn refused(&self, from: Duration, until: Duration) -> (f64, usize) {
        let within = |at: &Moment| (from..until).contains(&at.since_start());
        let all: Vec<_> = self.answers.iter().filter(|(at, _)| within(at)).collect();
        let refused = all.iter().filter(|(_, status)| *status != 200).count();
        (
            refused as f64 / all.len().max(1) as f64,
            all.len() - refused,
        )
    }
}
