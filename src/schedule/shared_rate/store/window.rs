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
