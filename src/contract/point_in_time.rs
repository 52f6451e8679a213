//! Points in time as the API shows them.

use jiff::Timestamp;
use jiff::civil;

/// Returns the point in time that a text shows; a text without a zone is taken as UTC.
pub(super) fn point_in_time(text: &str) -> Option<Timestamp> {
    PointInTime::of(text).map(|point| point.at)
}

/// A point in time, and the day in its text.
pub(super) struct PointInTime {
    pub(super) at: Timestamp,
    pub(super) day: civil::Date,
    /// Whether the text names a zone, or is a plain date.
    pub(super) has_zone: bool,
}

impl PointInTime {
    /// Reads a text; one without a zone is taken as UTC.
    pub(super) fn of(text: &str) -> Option<PointInTime> {
        let utc = jiff::tz::TimeZone::UTC;
        // All forms begin with `YYYY-MM-DD`.
        let day: civil::Date = text.get(..10)?.parse().ok()?;
        if let Ok(at) = text.parse() {
            return Some(PointInTime {
                at,
                day,
                has_zone: true,
            });
        }
        let local: civil::DateTime = text.parse().ok()?;
        Some(PointInTime {
            at: utc.to_timestamp(local).ok()?,
            day,
            has_zone: text.len() == 10,
        })
    }
}
