//! The API's window in the store: what is left of it, and how it is spread.

use super::super::exchange::{SeenWindow, StoreHold};
use super::numbers::float;

/// Ends that are closer than this belong to one window: answers name whole seconds.
const SAME_END_US: u64 = 1_500_000;
/// The time after its end at which a window is forgotten, because answers name no other.
const OUTDATED_US: u64 = 10_000_000;
/// The error of a part of what is left.
const ROUNDING: f64 = 1e-6;

/// The API's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoreWindow {
    /// The requests that are left and not handed out.
    pub(super) remaining: u64,
    /// The time at which they should be spent.
    pub(super) spend_until: u64,
    /// The named end.
    pub(super) end: u64,
    /// The time by which it ends later.
    pub(super) late_us: u64,
    /// The time at which the request left whose answer showed it first.
    pub(super) started: u64,
    pub(super) is_spread: bool,
}

/// A slot of a window.
pub(super) enum NextSlot {
    /// It is free, and the next one comes after this time.
    After(u64),
    /// There is none before this time.
    NoneBefore(u64, StoreHold),
}

impl StoreWindow {
    /// The window that a member sees.
    pub(super) fn of(seen: SeenWindow, now: u64) -> StoreWindow {
        StoreWindow {
            remaining: seen.remaining,
            spend_until: now + seen.spend_in_us,
            end: now + seen.ends_in_us,
            late_us: seen.late_us,
            started: now.saturating_sub(seen.age_us),
            is_spread: seen.is_spread,
        }
    }

    fn over_at(&self) -> u64 {
        self.end + self.late_us
    }

    /// Whether the API has renewed its quota since.
    pub(super) fn is_over(&self, now: u64) -> bool {
        self.over_at() <= now
    }

    pub(super) fn is_outdated(&self, now: u64) -> bool {
        self.over_at() + OUTDATED_US <= now
    }

    /// Whether this is a later window than the known one.
    pub(super) fn follows(&self, known: &StoreWindow, now: u64) -> bool {
        self.end > known.end + SAME_END_US
            || (known.is_over(now)
                && self.end > known.end
                && self.started + SAME_END_US >= known.over_at())
    }

    /// Learns from what a member sees of the same window. The API counts a request later than it is
    /// handed out, so the lower number is right.
    pub(super) fn learn(&mut self, seen: &StoreWindow) {
        self.late_us = self.late_us.max(seen.late_us);
        if seen.end + SAME_END_US < self.end {
            return;
        }
        self.remaining = self.remaining.min(seen.remaining);
        (self.spend_until, self.end) = (seen.spend_until, seen.end);
    }

    /// A new window without the requests that it may not have counted yet.
    pub(super) fn without(&self, outstanding: u64, before: Option<&StoreWindow>) -> StoreWindow {
        StoreWindow {
            remaining: self.remaining.saturating_sub(outstanding),
            late_us: before.map_or(0, |before| before.late_us).max(self.late_us),
            ..*self
        }
    }

    /// Takes the slot at this time, if a part of the window allows it.
    pub(super) fn take(&mut self, at: u64, part: f64) -> NextSlot {
        let left = part_down(self.remaining, part);
        if left == 0 {
            return NextSlot::NoneBefore(self.over_at(), StoreHold::Exhausted);
        }
        if at >= self.over_at() {
            return NextSlot::NoneBefore(self.over_at(), StoreHold::WindowEnds);
        }
        self.remaining -= 1;
        NextSlot::After(if self.is_spread {
            self.spend_until.saturating_sub(at) / left
        } else {
            0
        })
    }

    /// Moves all times back, as the clock was.
    pub(super) fn move_back(&mut self, back: u64) {
        for time in [&mut self.spend_until, &mut self.end, &mut self.started] {
            *time = time.saturating_sub(back);
        }
    }
}

/// A part of what is left.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a whole number"
)]
fn part_down(remaining: u64, part: f64) -> u64 {
    (float(remaining) * part + ROUNDING).floor() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    /// A window of a minute from this second on, in which this many are left.
    fn window(started_s: u64, remaining: u64) -> StoreWindow {
        StoreWindow {
            remaining,
            spend_until: (started_s + 60) * S,
            end: (started_s + 60) * S,
            late_us: 2 * S,
            started: started_s * S,
            is_spread: true,
        }
    }

    #[test]
    fn a_window_is_over_late_and_outdated_ten_seconds_after_that() {
        let known = window(0, 5);
        for (now, over, outdated) in [
            (62 * S - 1, false, false),
            (62 * S, true, false),
            (72 * S - 1, true, false),
            (72 * S, true, true),
        ] {
            assert_eq!(
                (known.is_over(now), known.is_outdated(now)),
                (over, outdated),
                "at {now}"
            );
        }
    }

    #[test]
    fn a_window_follows_if_it_ends_clearly_later_or_began_after_the_known_one_is_over() {
        let known = window(0, 5);
        let check = |end: u64, started: u64, now: u64, want: bool| {
            let seen = StoreWindow {
                end,
                started,
                ..known
            };
            assert_eq!(seen.follows(&known, now), want, "{end} {started} {now}");
        };
        check(61_500_001, 0, 0, true);
        check(61_500_000, 0, 0, false);
        // The known one is over at 62 s, and this one may have begun a moment before that.
        check(60_000_001, 60_500_000, 62 * S, true);
        check(60_000_001, 60_499_999, 62 * S, false);
        check(60_000_001, 60_500_000, 62 * S - 1, false);
        check(60_000_000, 60_500_000, 62 * S, false);
    }

    #[test]
    fn the_lower_number_is_right_and_an_earlier_end_is_old() {
        let learned = |remaining: u64, end: u64, late_us: u64| {
            let mut known = window(0, 5);
            known.learn(&StoreWindow {
                remaining,
                end,
                late_us,
                spend_until: 50 * S,
                ..known
            });
            (known.remaining, known.end, known.spend_until, known.late_us)
        };
        assert_eq!(learned(4, 59 * S, 0), (4, 59 * S, 50 * S, 2 * S));
        assert_eq!(learned(6, 61 * S, 3 * S), (5, 61 * S, 50 * S, 3 * S));
        assert_eq!(
            learned(4, 58_500_000, 0),
            (4, 58_500_000, 50 * S, 2 * S),
            "answers name whole seconds"
        );
        assert_eq!(learned(4, 58_499_999, 3 * S), (5, 60 * S, 60 * S, 3 * S));
    }

    #[test]
    fn slots_are_spread_over_a_part_of_what_is_left() {
        let take = |remaining: u64, at_s: u64, part: f64| {
            let mut window = window(0, remaining);
            let slot = window.take(at_s * S, part);
            let after = match slot {
                NextSlot::After(us) => Ok(us),
                NextSlot::NoneBefore(until, StoreHold::Exhausted) => Err((until, "exhausted")),
                NextSlot::NoneBefore(until, _) => Err((until, "ends")),
            };
            (after, window.remaining)
        };
        assert_eq!(take(10, 0, 1.0), (Ok(6 * S), 9));
        assert_eq!(take(10, 30, 0.5), (Ok(6 * S), 9));
        assert_eq!(take(1, 0, 0.5), (Err((62 * S, "exhausted")), 1));
        assert_eq!(take(0, 0, 1.0), (Err((62 * S, "exhausted")), 0));
        assert_eq!(take(10, 62, 1.0), (Err((62 * S, "ends")), 10));
        assert_eq!(take(10, 61, 1.0), (Ok(0), 9));
    }

    #[test]
    fn all_times_move_back_with_the_clock() {
        let mut moved = window(100, 5);
        moved.move_back(40 * S);
        assert_eq!(moved, window(60, 5));
    }
}
