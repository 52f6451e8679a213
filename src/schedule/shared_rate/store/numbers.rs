//! Whole numbers and parts of them, as doubles: the script in Redis has no others.

/// A time between requests at a part of the rate.
pub(super) fn part_up(interval_us: u64, part: f64) -> u64 {
    up(float(interval_us) / part)
}

/// A number for parts.
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
pub(super) fn float(number: u64) -> f64 {
    number as f64
}

/// A number rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and below 2^63"
)]
pub(super) fn up(number: f64) -> u64 {
    number.ceil() as u64
}
