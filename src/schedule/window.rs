//! The API's own window: as many requests as it says are left, until the time that it says they are renewed.
//!
//! What is left of a short window is spread evenly over it. What fits is not spread: neither where all rows that are left fit,
//! nor in a window so long that an even pace would be an idle one. Every time and number here may be a server's nonsense, so
//! all arithmetic on them saturates.

use std::time::Duration;

use super::backoff::{Backoff, Jitter};
use super::moment::Moment;
use super::random::Random;
use super::server_clock::ServerClock;
use crate::contract::{RateWindow, Reset};

/// The quota is to be spent this many round trips before the window can end, so that no request falls into the next.
const GUARD_ROUND_TRIPS: u32 = 2;
/// The guard takes at most this part of a window.
const GUARD_PART_OF_WINDOW: u32 = 20;
/// How much longer to wait at a window's end after the API refused a request there.
const LATE_STEP: Duration = Duration::from_millis(500);
const LATE_MAX: Duration = Duration::from_secs(2);
/// Two refusals whose named ends are closer than this belong to one window: `Retry-After` is whole seconds.
const LENGTH_MIN: Duration = Duration::from_millis(1500);

/// The longest window over which requests are spread.
const SPREAD_MAX: Duration = Duration::from_mins(10);
/// The first wait before the API is asked again that says that nothing is left, and not until when.
const ASK_FIRST: Duration = Duration::from_secs(1);
/// The longest such wait.
const ASK_MAX: Duration = Duration::from_mins(1);

/// What is known of the API's window.
#[derive(Debug)]
pub(super) struct Window {
    current: Option<Current>,
    /// The length of a window and when the last one started, learnt from a refusal where answers do not name the end.
    learnt_end: Option<Moment>,
    learnt_length: Option<Duration>,
    /// How much later than named the API's windows really end.
    late: Duration,
    round_trip: Duration,
    /// When to ask again, while nothing is left and no end is known that lies ahead.
    ask_at: Option<Moment>,
    asking: Backoff,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    limit: Option<u64>,
    /// The least that an answer of this window said is left.
    remaining: u64,
    /// When the answer that said so was received.
    remaining_received: Moment,
    /// The named end, to know an answer of the next window.
    reset: Option<Reset>,
    end: End,
    /// When the first answer of this window was sent for.
    started: Moment,
}

/// When a window ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Unknown,
    Between { earliest: Moment, latest: Moment },
}

/// What the window allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowance {
    /// The window holds no request back.
    Open,
    /// Not before this time, by our own pacing.
    NotBefore(Moment),
    /// Not before this time, the named end of a window in which nothing is left: the API lets nothing through.
    Exhausted(Moment),
    /// Not before an answer says how much is left.
    NotBeforeAnswer,
}

impl Default for Window {
    fn default() -> Window {
        Window {
            current: None,
            learnt_end: None,
            learnt_length: None,
            late: Duration::ZERO,
            round_trip: Duration::ZERO,
            ask_at: None,
            asking: Backoff::new(ASK_FIRST, ASK_MAX, Jitter::Late),
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
        self.plan_to_ask(sent, received, random);
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
                // The bounds of the server's clock get narrower, so the newest end is the best known.
                if end != End::Unknown {
                    current.end = end;
                }
            }
            // An answer that left before the window ended says nothing of the next one.
            Some(current) if sent < current.started => {}
            _ => {
                let end = if end == End::Unknown {
                    self.learnt_end_after(received)
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

    /// Sets the time to ask again where nothing is left and no end lies ahead. Only the answer to such a request makes the
    /// next wait longer, not those of others that were in flight with it.
    fn plan_to_ask(&mut self, sent: Moment, received: Moment, random: &mut Random) {
        let Some(current) = &self.current else { return };
        let ends_later =
            matches!(current.end, End::Between { latest, .. } if latest + self.late > received);
        if current.remaining > 0 {
            self.asking.reset();
        }
        if current.remaining > 0 || ends_later {
            self.ask_at = None;
        } else if self.ask_at.is_none_or(|at| at <= sent) {
            self.ask_at = Some(received + self.asking.next(random));
        }
    }

    /// Learns from a refusal that names a wait: the window ends then, or a little earlier, where it names the end itself.
    pub(super) fn refused(&mut self, renewed_at: Moment, sent: Moment) {
        let named_end = match self.current.map(|current| current.end) {
            Some(End::Between { latest, .. }) => Some(latest),
            Some(End::Unknown) | None => None,
        };
        if named_end.is_some_and(|end| end + self.late <= sent) {
            self.late = (self.late + LATE_STEP).min(LATE_MAX);
        }
        let end = named_end
            .filter(|end| sent < *end && *end < renewed_at)
            .unwrap_or(renewed_at);
        let length = self
            .learnt_end
            .map(|before| end.since(before))
            .filter(|length| *length >= LENGTH_MIN);
        self.learnt_length = self.learnt_length.into_iter().chain(length).min();
        self.learnt_end = Some(end);
        self.current = None;
        self.ask_at = None;
    }

    /// Whether a request may leave now. Requests in flight count as spent: the answers seen so far may not have counted them.
    /// `rows_left` are those that are not in flight, if their number is known.
    pub(super) fn allowance(
        &self,
        now: Moment,
        last_sent: Option<Moment>,
        in_flight: usize,
        rows_left: Option<u64>,
    ) -> Allowance {
        let Some(current) = &self.current else {
            return Allowance::Open;
        };
        let in_flight_count = u64::try_from(in_flight).unwrap_or(u64::MAX);
        let left = current.remaining.saturating_sub(in_flight_count);
        if let Some(at) = self.ask_at {
            return match at {
                _ if in_flight > 0 => Allowance::NotBeforeAnswer,
                at if at > now => Allowance::NotBefore(at),
                _ => Allowance::Open,
            };
        }
        match current.end {
            End::Between { latest, .. } if latest + self.late <= now => {
                // A new window: one request goes ahead and brings back what is left in it.
                if in_flight == 0 {
                    Allowance::Open
                } else {
                    Allowance::NotBeforeAnswer
                }
            }
            End::Between { latest, .. } if left == 0 => {
                if in_flight > 0 && current.remaining > 0 {
                    Allowance::NotBeforeAnswer
                } else {
                    Allowance::Exhausted(latest + self.late)
                }
            }
            End::Between { .. } if rows_left.is_some_and(|rows| rows <= left) => Allowance::Open,
            End::Between { earliest, .. } if earliest.since(current.started) > SPREAD_MAX => {
                Allowance::Open
            }
            End::Between { earliest, .. } => {
                Self::spread(left, now, last_sent, self.spend_until(current, earliest))
            }
            End::Unknown if left > 0 => Allowance::Open,
            End::Unknown => Allowance::NotBeforeAnswer,
        }
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

    /// Spreads what is `left`, at least one, over the time until then.
    fn spread(left: u64, now: Moment, last_sent: Option<Moment>, until: Moment) -> Allowance {
        let Some(last) = last_sent else {
            return Allowance::Open;
        };
        let gap = until.since(last) / u32::try_from(left).unwrap_or(u32::MAX).max(1);
        if last + gap <= now {
            Allowance::Open
        } else {
            Allowance::NotBefore(last + gap)
        }
    }

    /// The end of a window whose first answer has come, where none is named. Windows follow each other, or start with the
    /// first request, as Laravel's do: it is to be used up by the earlier end, and over at the later one.
    fn learnt_end_after(&self, received: Moment) -> End {
        let (Some(end), Some(length)) = (self.learnt_end, self.learnt_length) else {
            return End::Unknown;
        };
        let whole = u32::try_from(received.since(end).as_nanos() / length.as_nanos().max(1))
            .unwrap_or(u32::MAX);
        End::Between {
            earliest: end + length.saturating_mul(whole.saturating_add(1)),
            latest: received + length,
        }
    }

    fn end_of(&self, reset: Option<Reset>, clock: &ServerClock, received: Moment) -> End {
        match reset {
            None => match self.learnt_end.filter(|end| *end > received) {
                Some(end) => End::Between {
                    earliest: end,
                    latest: end,
                },
                None => End::Unknown,
            },
            Some(Reset::After(wait)) => End::Between {
                earliest: received + wait,
                latest: received + wait,
            },
            Some(Reset::AtUnix(unix_s)) => match clock.moments_of(unix_s) {
                Some((earliest, latest)) => End::Between { earliest, latest },
                None => End::Unknown,
            },
        }
    }
}

impl Current {
    /// Whether an answer belongs to a later window than this one.
    fn is_followed_by(&self, seen: &RateWindow, sent: Moment, received: Moment) -> bool {
        // Answers overtake each other, so a rising remainder says something only where the request left after the least one
        // was known.
        let rises = seen.remaining > self.remaining;
        let was_sent_later = sent >= self.remaining_received;
        if let (Some(Reset::AtUnix(known)), Some(Reset::AtUnix(new))) = (self.reset, seen.reset) {
            return new != known || (rises && was_sent_later);
        }
        let is_over = matches!(self.end, End::Between { earliest, .. } if earliest <= received);
        rises && (is_over || (self.end == End::Unknown && was_sent_later))
    }
}

#[cfg(test)]
mod tests;
