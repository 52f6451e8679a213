//! The API's window: the number of requests that answers say are left, until the time at which they
//! are renewed.
//!
//! What is left of a short window is spread evenly over it. Requests are not spread if all the rows
//! left fit, or if the window is so long that an even pace would waste time. Every time and number
//! here may be a server's nonsense, so all arithmetic on them saturates.

mod pace;

use std::time::Duration;

pub(crate) use self::pace::WindowPace;
use super::backoff::{Backoff, Jitter};
use super::moment::Moment;
use super::random::Random;
use super::server_clock::ServerClock;
use super::shared_rate::exchange::SeenWindow;
use super::shared_rate::{count, micros_up};
use crate::contract::{RateWindow, Reset};

/// The round trips before the end of a window at which its quota should be spent, so that no
/// request falls into the next window.
const GUARD_ROUND_TRIPS: u32 = 2;
/// The part of a window that the guard takes at most.
const GUARD_PART_OF_WINDOW: u32 = 20;
/// The extra wait at the end of a window after the API refused a request there.
const LATE_STEP: Duration = Duration::from_millis(500);
const LATE_MAX: Duration = Duration::from_secs(2);
/// Two refusals whose named ends are closer than this belong to one window: `Retry-After` is whole
/// seconds.
const LENGTH_MIN: Duration = Duration::from_millis(1500);

/// The longest window over which requests are spread.
const SPREAD_MAX: Duration = Duration::from_mins(10);
/// The first wait before a request checks the window again when nothing is left and no end is
/// named.
const CHECK_FIRST: Duration = Duration::from_secs(1);
/// The longest such wait.
const CHECK_MAX: Duration = Duration::from_mins(1);

/// The state of the API's window.
#[derive(Debug)]
pub(super) struct Window {
    current: Option<Current>,
    /// The end of a window and the length of windows, learned from refusals when answers do not
    /// name the end.
    learned_end: Option<Moment>,
    learned_length: Option<Duration>,
    /// The time by which windows end later than named.
    late: Duration,
    round_trip: Duration,
    /// The time of the next check, while nothing is left and no known end is ahead.
    check_at: Option<Moment>,
    check_backoff: Backoff,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    limit: Option<u64>,
    /// The least that an answer of this window named.
    remaining: u64,
    /// The time at which that answer was received.
    remaining_received: Moment,
    /// The named end, to recognise an answer of the next window.
    reset: Option<Reset>,
    end: WindowEnd,
    /// The time at which the request left that this window's first answer belongs to.
    started: Moment,
}

/// The end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WindowEnd {
    Unknown,
    Between { earliest: Moment, latest: Moment },
}

/// The permission that the window gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowance {
    /// The window holds no request back.
    Open,
    /// The pace over the window let a request leave from this time on.
    OpenSince(Moment),
    /// Not before this time, because of our own pacing.
    NotBefore(Moment),
    /// Not before this time: the window is exhausted, and this is its named end.
    Exhausted(Moment),
    /// Not before an answer says how much is left.
    NotBeforeAnswer,
}

impl Default for Window {
    fn default() -> Window {
        Window {
            current: None,
            learned_end: None,
            learned_length: None,
            late: Duration::ZERO,
            round_trip: Duration::ZERO,
            check_at: None,
            check_backoff: Backoff::new(CHECK_FIRST, CHECK_MAX, Jitter::Late),
        }
    }
}

impl Window {
    /// Learns from an answer that names what is left.
    pub(super) fn learn(
        &mut self,
        seen: RateWindow,
        clock: &ServerClock,
        sent: Moment,
        received: Moment,
        random: &mut Random,
    ) {
        let round_trip = received.since(sent);
        self.round_trip = match self.round_trip {
            Duration::ZERO => round_trip,
            known => known.saturating_mul(7).saturating_add(round_trip) / 8,
        };
        self.see(seen, clock, sent, received);
        self.plan_check(sent, received, random);
    }

    fn see(&mut self, seen: RateWindow, clock: &ServerClock, sent: Moment, received: Moment) {
        let end = self.end_of(seen.reset, clock, received);
        match &mut self.current {
            Some(current) if !current.is_followed_by(&seen, sent, received) => {
                if seen.remaining < current.remaining {
                    current.remaining = seen.remaining;
                    current.remaining_received = received;
                }
                current.limit = seen.limit.or(current.limit);
                // The bounds of the server's clock get narrower, so the newest end is the best
                // known.
                if end != WindowEnd::Unknown {
                    current.end = end;
                }
            }
            // An answer to a request from before the end of the last window says nothing about this
            // one.
            Some(current) if sent < current.started => {}
            _ => {
                let end = if end == WindowEnd::Unknown {
                    self.learned_end_after(received)
                } else {
                    end
                };
                self.current = Some(Current {
                    limit: seen.limit,
                    remaining: seen.remaining,
                    remaining_received: received,
                    reset: seen.reset,
                    end,
                    started: sent,
                });
            }
        }
    }

    /// Sets the time of the next check if nothing is left and no end is ahead. Only the answer to a
    /// check lengthens the next wait, not answers to others that were in flight with it.
    fn plan_check(&mut self, sent: Moment, received: Moment, random: &mut Random) {
        let Some(current) = &self.current else { return };
        let ends_later = matches!(current.end, WindowEnd::Between { latest, .. } if latest + self.late > received);
        if current.remaining > 0 {
            self.check_backoff.reset();
        }
        if current.remaining > 0 || ends_later {
            self.check_at = None;
        } else if self.check_at.is_none_or(|at| at <= sent) {
            self.check_at = Some(received + self.check_backoff.next(random));
        }
    }

    /// Learns from a refusal that names a wait. The window ends then, or a little earlier if it
    /// names its end itself.
    pub(super) fn refused(&mut self, renewed_at: Moment, sent: Moment) {
        let named_end = match self.current.map(|current| current.end) {
            Some(WindowEnd::Between { latest, .. }) => Some(latest),
            Some(WindowEnd::Unknown) | None => None,
        };
        if named_end.is_some_and(|end| end + self.late <= sent) {
            self.late = (self.late + LATE_STEP).min(LATE_MAX);
        }
        let end = named_end
            .filter(|end| sent < *end && *end < renewed_at)
            .unwrap_or(renewed_at);
        let length = self
            .learned_end
            .map(|before| end.since(before))
            .filter(|length| *length >= LENGTH_MIN);
        self.learned_length = self.learned_length.into_iter().chain(length).min();
        self.learned_end = Some(end);
        self.current = None;
        self.check_at = None;
    }

    /// Whether a request may leave now. Requests in flight count as spent, since the answers so far
    /// may not include them. `rows_left` counts rows that are not in flight, if known. This process
    /// has one of `parts` parts of what is left.
    pub(super) fn allowance(
        &self,
        now: Moment,
        last_sent: Option<Moment>,
        in_flight: usize,
        rows_left: Option<u64>,
        parts: u64,
    ) -> Allowance {
        let Some(current) = &self.current else {
            return Allowance::Open;
        };
        let in_flight_count = u64::try_from(in_flight).unwrap_or(u64::MAX);
        let left = current.remaining.saturating_sub(in_flight_count) / parts.max(1);
        if let Some(at) = self.check_at {
            return match at {
                _ if in_flight > 0 => Allowance::NotBeforeAnswer,
                at if at > now => Allowance::NotBefore(at),
                _ => Allowance::Open,
            };
        }
        match current.end {
            WindowEnd::Between { latest, .. } if latest + self.late <= now => {
                // In a new window one request goes first, and its answer shows what is left.
                if in_flight == 0 {
                    Allowance::Open
                } else {
                    Allowance::NotBeforeAnswer
                }
            }
            WindowEnd::Between { latest, .. } if left == 0 => {
                if in_flight > 0 && current.remaining > 0 {
                    Allowance::NotBeforeAnswer
                } else {
                    Allowance::Exhausted(latest + self.late)
                }
            }
            WindowEnd::Between { .. } if rows_left.is_some_and(|rows| rows <= left) => {
                Allowance::Open
            }
            WindowEnd::Between { earliest, .. } if earliest.since(current.started) > SPREAD_MAX => {
                Allowance::Open
            }
            WindowEnd::Between { earliest, .. } => {
                Self::spread(left, now, last_sent, self.spend_until(current, earliest))
            }
            WindowEnd::Unknown if left > 0 || (in_flight == 0 && current.remaining > 0) => {
                Allowance::Open
            }
            WindowEnd::Unknown => Allowance::NotBeforeAnswer,
        }
    }

    /// Returns the pace of windows, if answers name a limit and an end. The first window may have
    /// begun before this run, so it may seem shorter than it is.
    pub(super) fn pace(&self, now: Moment) -> Option<WindowPace> {
        let Current {
            limit,
            remaining,
            end,
            started,
            ..
        } = self.current?;
        let (WindowEnd::Between { latest: end, .. }, Some(requests)) = (end, limit) else {
            return None;
        };
        let length = self.learned_length.unwrap_or_else(|| end.since(started));
        (requests > 0 && !length.is_zero()).then(|| WindowPace {
            requests,
            length,
            left: if end > now { remaining } else { requests },
            renewed_in: end.since(now),
        })
    }

    /// The window as the other processes are told of it, if its end is known.
    pub(super) fn seen(&self, now: Moment) -> Option<SeenWindow> {
        let current = self.current.as_ref().filter(|_| self.check_at.is_none())?;
        let WindowEnd::Between { earliest, latest } = current.end else {
            return None;
        };
        (latest > now).then(|| SeenWindow {
            remaining: count(current.remaining),
            spend_in_us: micros_up(self.spend_until(current, earliest).since(now)),
            ends_in_us: micros_up(latest.since(now)),
            late_us: micros_up(self.late),
            age_us: micros_up(now.since(current.started)),
            is_spread: earliest.since(current.started) <= SPREAD_MAX,
        })
    }

    /// The time at which the request left that this window's first answer belongs to.
    pub(super) fn started(&self) -> Option<Moment> {
        self.current.map(|current| current.started)
    }

    /// Whether answers name what is left.
    pub(super) fn is_known(&self) -> bool {
        self.current.is_some()
    }

    fn spend_until(&self, current: &Current, earliest: Moment) -> Moment {
        let window = earliest.since(current.started);
        earliest
            - self
                .round_trip
                .saturating_mul(GUARD_ROUND_TRIPS)
                .min(window / GUARD_PART_OF_WINDOW)
    }

    /// Spreads `left` requests, at least one, over the time until `until`.
    fn spread(left: u64, now: Moment, last_sent: Option<Moment>, until: Moment) -> Allowance {
        let Some(last) = last_sent else {
            return Allowance::Open;
        };
        let gap = until.since(last) / u32::try_from(left).unwrap_or(u32::MAX).max(1);
        let due = last + gap;
        if due <= now {
            Allowance::OpenSince(due)
        } else {
            Allowance::NotBefore(due)
        }
    }

    /// The end of a window whose first answer names none. Windows either follow each other, or
    /// start with the first request as Laravel's do. The quota should be spent by the earlier end,
    /// and is renewed at the later one.
    fn learned_end_after(&self, received: Moment) -> WindowEnd {
        let (Some(end), Some(length)) = (self.learned_end, self.learned_length) else {
            return WindowEnd::Unknown;
        };
        let whole = u32::try_from(received.since(end).as_nanos() / length.as_nanos().max(1))
            .unwrap_or(u32::MAX);
        WindowEnd::Between {
            earliest: end + length.saturating_mul(whole.saturating_add(1)),
            latest: received + length,
        }
    }

    fn end_of(&self, reset: Option<Reset>, clock: &ServerClock, received: Moment) -> WindowEnd {
        match reset {
            None => match self.learned_end.filter(|end| *end > received) {
                Some(end) => WindowEnd::Between {
                    earliest: end,
                    latest: end,
                },
                None => WindowEnd::Unknown,
            },
            Some(Reset::After(wait)) => WindowEnd::Between {
                earliest: received + wait,
                latest: received + wait,
            },
            Some(Reset::AtUnix(unix_s)) => match clock.moments_of(unix_s) {
                Some((earliest, latest)) => WindowEnd::Between { earliest, latest },
                None => WindowEnd::Unknown,
            },
        }
    }
}

impl Current {
    /// Whether an answer belongs to a later window than this one.
    fn is_followed_by(&self, seen: &RateWindow, sent: Moment, received: Moment) -> bool {
        // Answers overtake each other. A higher remainder only counts if its request left after the
        // lowest one was known.
        let rises = seen.remaining > self.remaining;
        let was_sent_later = sent >= self.remaining_received;
        if let (Some(Reset::AtUnix(known)), Some(Reset::AtUnix(new))) = (self.reset, seen.reset) {
            return new != known || (rises && was_sent_later);
        }
        let is_over =
            matches!(self.end, WindowEnd::Between { earliest, .. } if earliest <= received);
        rises && (is_over || (self.end == WindowEnd::Unknown && was_sent_later))
    }
}

#[cfg(test)]
mod tests;
