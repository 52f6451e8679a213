//! The retry budget: bounds retries to what an API in trouble can bear. An empty budget delays retries, it fails no row.

use std::time::Duration;

use super::Moment;

const TOKENS_MAX: u32 = 500;
const RETRY_COST: u32 = 5;
/// A retry after an attempt that may have been applied does the API's work twice, so it costs more.
const AMBIGUOUS_RETRY_COST: u32 = 10;
const SUCCESS_GAIN: u32 = 1;
/// With an empty budget one retry goes out this often, so that a run whose last rows are retries comes to an end.
const EMPTY_INTERVAL: Duration = Duration::from_secs(1);

/// What a retry may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    Retry,
    AmbiguousRetry,
}

/// Tokens that successes earn and retries spend.
#[derive(Debug)]
pub(super) struct RetryBudget {
    tokens: u32,
    /// When the last retry went out that was not paid for.
    unpaid_at: Option<Moment>,
}

impl RetryBudget {
    pub(super) fn full() -> RetryBudget {
        RetryBudget { tokens: TOKENS_MAX, unpaid_at: None }
    }

    pub(super) fn earn(&mut self) {
        self.tokens = (self.tokens + SUCCESS_GAIN).min(TOKENS_MAX);
    }

    /// Pays for a retry; the time from which it may go out.
    pub(super) fn pay(&mut self, cost: Cost, now: Moment) -> Moment {
        let tokens = match cost {
            Cost::Retry => RETRY_COST,
            Cost::AmbiguousRetry => AMBIGUOUS_RETRY_COST,
        };
        if let Some(left) = self.tokens.checked_sub(tokens) {
            self.tokens = left;
            return now;
        }
        // Unpaid retries line up behind each other.
        let due = self.unpaid_at.map_or(now, |at| (at + EMPTY_INTERVAL).max(now));
        self.unpaid_at = Some(due);
        due
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tokens < RETRY_COST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_budget_lets_one_retry_a_second_through() {
        let mut budget = RetryBudget::full();
        for _ in 0..TOKENS_MAX / AMBIGUOUS_RETRY_COST {
            assert_eq!(budget.pay(Cost::AmbiguousRetry, Moment::START), Moment::START);
        }
        assert!(budget.is_empty());
        let dues: Vec<_> = (0..3).map(|_| budget.pay(Cost::Retry, Moment::START).since_start().as_secs()).collect();
        assert_eq!(dues, [0, 1, 2]);
        for _ in 0..RETRY_COST {
            budget.earn();
        }
        assert_eq!(budget.pay(Cost::Retry, Moment::START), Moment::START, "what successes earn can be spent");
    }
}
