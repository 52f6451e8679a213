//! A token bucket for retries: bounds what retries add to an API in trouble. An empty one delays retries, and fails no row.

use std::time::Duration;

use super::moment::Moment;

const TOKENS_MAX: u32 = 500;
const RETRY_COST: u32 = 5;
/// A retry after an attempt that may have been applied does the API's work twice, so it costs more.
const AMBIGUOUS_RETRY_COST: u32 = 10;
const SUCCESS_GAIN: u32 = 1;
/// With an empty bucket one retry leaves this often, so that a run whose last rows are retries comes to an end.
const EMPTY_INTERVAL: Duration = Duration::from_secs(1);

/// The price of a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    Retry,
    AmbiguousRetry,
}

/// Tokens that retries take as they leave and successes give back, after the AWS SDKs' standard retry mode.
#[derive(Debug)]
pub(super) struct RetryTokenBucket {
    tokens: u32,
    /// When the last retry left that was not paid for.
    unpaid_at: Option<Moment>,
}

impl RetryTokenBucket {
    pub(super) fn full() -> RetryTokenBucket {
        RetryTokenBucket {
            tokens: TOKENS_MAX,
            unpaid_at: None,
        }
    }

    /// A row was applied: gives back what its last retry cost, and a little.
    pub(super) fn refill(&mut self, cost: Option<Cost>) {
        self.tokens = (self.tokens + SUCCESS_GAIN + cost.map_or(0, Cost::tokens)).min(TOKENS_MAX);
    }

    /// A retry of this cost, which had been paid for, did not leave after all.
    pub(super) fn give_back(&mut self, cost: Cost) {
        self.tokens = (self.tokens + cost.tokens()).min(TOKENS_MAX);
    }

    /// From when on a retry of this cost may leave; at once where there are tokens for it.
    pub(super) fn due_at(&self, cost: Cost, now: Moment) -> Moment {
        if self.tokens >= cost.tokens() {
            return now;
        }
        self.unpaid_at
            .map_or(now, |at| (at + EMPTY_INTERVAL).max(now))
    }

    /// A retry of this cost leaves.
    pub(super) fn acquire(&mut self, cost: Cost, now: Moment) {
        match self.tokens.checked_sub(cost.tokens()) {
            Some(left) => self.tokens = left,
            None => self.unpaid_at = Some(now),
        }
    }
}

impl Cost {
    fn tokens(self) -> u32 {
        match self {
            Cost::Retry => RETRY_COST,
            Cost::AmbiguousRetry => AMBIGUOUS_RETRY_COST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_bucket_lets_one_retry_a_second_through() {
        let mut bucket = RetryTokenBucket::full();
        let mut now = Moment::START;
        for _ in 0..TOKENS_MAX / AMBIGUOUS_RETRY_COST {
            assert_eq!(bucket.due_at(Cost::AmbiguousRetry, now), now);
            bucket.acquire(Cost::AmbiguousRetry, now);
        }
        let mut dues = Vec::new();
        for _ in 0..3 {
            now = bucket.due_at(Cost::Retry, now);
            bucket.acquire(Cost::Retry, now);
            dues.push(now.since_start().as_secs());
        }
        assert_eq!(dues, [0, 1, 2]);
    }

    #[test]
    fn a_retry_that_succeeds_gives_back_what_it_cost() {
        let mut bucket = RetryTokenBucket {
            tokens: 0,
            unpaid_at: Some(Moment::START),
        };
        let now = Moment::START;
        assert_eq!(bucket.due_at(Cost::Retry, now), now + EMPTY_INTERVAL);
        bucket.refill(Some(Cost::Retry));
        assert_eq!(
            bucket.due_at(Cost::Retry, now),
            now,
            "tokens that came in are of use at once"
        );
        bucket.acquire(Cost::Retry, now);
        assert_eq!(bucket.tokens, SUCCESS_GAIN);
    }
}
