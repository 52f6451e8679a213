//! A token bucket for retries, which bounds the load that retries add to an API in trouble. An
//! empty bucket delays retries; it fails no row.

use std::time::Duration;

use super::moment::Moment;

const TOKENS_MAX: u32 = 500;
const RETRY_COST: u32 = 5;
/// The price of a retry after an attempt that may have been applied, which makes the API do the
/// work twice.
const AMBIGUOUS_RETRY_COST: u32 = 10;
const SUCCESS_GAIN: u32 = 1;
/// The time between retries with an empty bucket. Retries never stop, so a run whose last rows are
/// retries ends.
const EMPTY_INTERVAL: Duration = Duration::from_secs(1);

/// The kind of a retry, which sets its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    Retry,
    AmbiguousRetry,
}

/// The tokens that retries take when they leave and successes return, as in the AWS SDKs' standard
/// retry mode.
#[derive(Debug)]
pub(super) struct RetryTokenBucket {
    tokens: u32,
    /// The time at which the last retry left without tokens.
    unpaid_at: Option<Moment>,
}

impl RetryTokenBucket {
    /// Creates a full bucket.
    pub(super) fn full() -> RetryTokenBucket {
        RetryTokenBucket {
            tokens: TOKENS_MAX,
            unpaid_at: None,
        }
    }

    /// Adds the price of an applied row's last retry, and the gain for its success.
    pub(super) fn refill(&mut self, cost: Option<Cost>) {
        self.tokens = (self.tokens + SUCCESS_GAIN + cost.map_or(0, Cost::tokens)).min(TOKENS_MAX);
    }

    /// Returns the tokens of a retry that was not sent after all.
    pub(super) fn give_back(&mut self, cost: Cost) {
        self.tokens = (self.tokens + cost.tokens()).min(TOKENS_MAX);
    }

    /// The time from which a retry may leave: `now` if there are tokens for it.
    pub(super) fn due_at(&self, cost: Cost, now: Moment) -> Moment {
        if self.tokens >= cost.tokens() {
            return now;
        }
        self.unpaid_at
            .map_or(now, |at| (at + EMPTY_INTERVAL).max(now))
    }

    /// Takes the tokens for a retry that leaves.
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
