//! The store of one rate for several processes: who sends when.
//!
//! The rules are a pure function over the store's state. A file holds the state as text; in Redis a
//! script has the same rules and the same text, and a test compares the two.
//!
//! - A *slot* is the permit for one request at one time. The times are those of a rate without a
//!   burst. An ask gets the next one, and those within [`LEASE_US`] after it that it wants.
//!   So a member that dies takes no more with it.
//! - A member that is *silent* for [`LIVE_US`] may send at its *share*, one of as many parts as
//!   there were members. The share is taken off what others get, until [`FORGOTTEN_US`] after its
//!   last sign of life. The shares never add up to more than the rate.
//! - A store that begins empty is *closed* for as long: others may still send at the shares that an
//!   earlier store told them.
//! - What one member hears from the API is for all: a wait, the window, the fall of a learned rate.

mod numbers;
mod share;
pub(crate) mod text;
mod window;

use std::collections::BTreeMap;

use super::exchange::{Ask, Reply, StoreHold, ToStore};
use numbers::{float, part_up, up};
use window::{NextSlot, StoreWindow};

/// The time for which a store that begins empty hands out nothing.
pub(crate) const CLOSED_US: u64 = FORGOTTEN_US;
/// The time after its last sign of life at which a member is forgotten.
pub(crate) const FORGOTTEN_US: u64 = 60_000_000;
/// The time after its last sign of life at which a member is silent.
const LIVE_US: u64 = 1_000_000;
/// The time whose slots a member gets at once.
const LEASE_US: u64 = 100_000;
/// The time by which the next slot may be ahead, beside two slots for each member. More is left of
/// a much lower rate.
const AHEAD_MAX_US: u64 = 10_000_000;
/// The time after which a member asks again if nothing else is known.
const POLL_US: u64 = 50_000;
/// The time for which one request of a new window goes alone. Its answer may never come.
const PROBE_US: u64 = 1_000_000;
/// The time between two requests under `auto`, as long as no window is known.
const AUTO_INTERVAL_US: u64 = 50_000;
/// The most slots of one ask.
const SLOTS_MAX: u64 = 1_000;
/// The part of the rate that counts as nothing.
const NOTHING: f64 = 1e-6;
const SECOND_US: f64 = 1e6;

/// The state of a store. Its times are microseconds of the store's clock.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoreState {
    /// The time of the last exchange.
    last: u64,
    opens_at: u64,
    /// The time of the next free slot.
    next_slot: u64,
    paused_until: u64,
    /// The time until which one request of a new window goes alone.
    probe_until: u64,
    fall_number: u64,
    fall_ppm: u64,
    window: Option<StoreWindow>,
    members: BTreeMap<String, StoreMember>,
}

/// A member, as the store knows it.
#[derive(Debug, Clone, PartialEq)]
struct StoreMember {
    seen: u64,
    share: u64,
    is_at_share: bool,
    interval_us: u64,
    rate_is_auto: bool,
    learned_us: u64,
    outstanding: u64,
}

impl StoreState {
    /// Begins empty.
    pub(crate) fn empty(now: u64) -> StoreState {
        StoreState {
            last: now,
            opens_at: now + CLOSED_US,
            next_slot: now,
            paused_until: 0,
            probe_until: 0,
            fall_number: 0,
            fall_ppm: 0,
            window: None,
            members: BTreeMap::new(),
        }
    }

    /// Takes a message at a time of the store's clock, and returns the answer.
    pub(crate) fn take(&mut self, message: &ToStore, now: u64) -> Reply {
        self.advance(now);
        match message {
            ToStore::Ask(ask) => self.exchange(ask, now),
            ToStore::Leave(member) => {
                self.members.remove(member);
                Reply::empty()
            }
        }
    }

    /// Goes on to a time. If the clock was set back, all known times move with it.
    fn advance(&mut self, now: u64) {
        let back = self.last.saturating_sub(now);
        if back > 0 {
            self.move_back(back);
        }
        self.last = now;
        self.members
            .retain(|_, member| member.seen + FORGOTTEN_US > now);
        self.window = self.window.filter(|window| !window.is_outdated(now));
    }

    /// Moves all times back.
    pub(crate) fn move_back(&mut self, back: u64) {
        for time in [
            &mut self.last,
            &mut self.opens_at,
            &mut self.next_slot,
            &mut self.paused_until,
            &mut self.probe_until,
        ] {
            *time = time.saturating_sub(back);
        }
        for member in self.members.values_mut() {
            member.seen = member.seen.saturating_sub(back);
        }
        if let Some(window) = &mut self.window {
            window.move_back(back);
        }
    }

    /// The time of the last exchange.
    #[cfg(test)]
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    fn exchange(&mut self, ask: &Ask, now: u64) -> Reply {
        let share = self.meet(ask, now);
        if ask.pause_us > 0 {
            self.paused_until = self.paused_until.max(now + ask.pause_us);
        }
        if ask.fall_ppm > 0 {
            self.fall_number += 1;
            self.fall_ppm = ask.fall_ppm;
        }
        if let Some(seen) = ask.window
            && self.takes_window(&StoreWindow::of(seen, now), now)
        {
            self.probe_until = 0;
        }
        let interval_us = self.interval_us(now);
        let mut reply = Reply {
            pause_us: self.paused_until.saturating_sub(now),
            members: self.live(now).count() as u64,
            share,
            interval_us,
            fall_number: self.fall_number,
            fall_ppm: self.fall_ppm,
            learned_us: self.learned_by_others(&ask.member, now),
            ..Reply::empty()
        };
        self.grant(ask, interval_us, now, &mut reply);
        if let Some(member) = self.members.get_mut(&ask.member) {
            member.outstanding += reply.slots_us.len() as u64;
        }
        reply
    }

    /// Takes the window that a member sees. Returns whether it is a new one.
    fn takes_window(&mut self, seen: &StoreWindow, now: u64) -> bool {
        match &mut self.window {
            Some(window) if !seen.follows(window, now) => {
                window.learn(seen);
                false
            }
            _ if seen.is_over(now) => false,
            known => {
                // These requests may have been counted after that answer.
                let outstanding = self.members.values().map(|member| member.outstanding).sum();
                *known = Some(seen.without(outstanding, known.as_ref()));
                true
            }
        }
    }

    /// Hands out slots, or says why there are none.
    fn grant(&mut self, ask: &Ask, interval_us: u64, now: u64, reply: &mut Reply) {
        let free = 1.0 - self.reserved(&ask.member, now);
        let held = if self.opens_at > now {
            Some((StoreHold::Closed, self.opens_at - now))
        } else if self.paused_until > now {
            Some((StoreHold::Pause, self.paused_until - now))
        } else if free < NOTHING {
            Some((StoreHold::Reserved, LIVE_US / 2))
        } else {
            None
        };
        if let Some(held) = held {
            return reply.hold(held);
        }
        if ask.wants == 0 {
            return;
        }
        let interval_us = part_up(interval_us, free);
        let ahead_max = AHEAD_MAX_US + 2 * self.members.len() as u64 * interval_us;
        let mut at = self.next_slot.clamp(now, now + ahead_max);
        if self.window.is_some_and(|window| window.is_over(now)) {
            if self.probe_until > now {
                return reply.hold((StoreHold::Probe, POLL_US));
            }
            reply.slots_us.push(at - now);
            self.probe_until = at + PROBE_US;
            self.next_slot = at + interval_us;
            return;
        }
        let first = at;
        for nth in 0..ask.wants.min(SLOTS_MAX) {
            if nth > 0 && at >= first + LEASE_US {
                break;
            }
            let gap_us = match self.window.as_mut().map(|window| window.take(at, free)) {
                None => 0,
                Some(NextSlot::After(gap_us)) => gap_us,
                Some(NextSlot::NoneBefore(end, why)) => {
                    reply.hold((why, end - now));
                    break;
                }
            };
            reply.slots_us.push(at - now);
            at += interval_us.max(gap_us);
        }
        self.next_slot = at;
    }

    /// The members that are not silent.
    fn live(&self, now: u64) -> impl Iterator<Item = (&String, &StoreMember)> {
        self.members
            .iter()
            .filter(move |(_, member)| !member.is_silent(now))
    }

    /// The time between two requests at the rate in force: the lowest of the rates that users gave,
    /// and what the members have learned together.
    fn interval_us(&self, now: u64) -> u64 {
        let given = self.live(now).map(|(_, member)| match &self.window {
            Some(_) if member.rate_is_auto => 0,
            None if member.rate_is_auto => AUTO_INTERVAL_US,
            Some(_) | None => member.interval_us,
        });
        given.max().unwrap_or(0).max(self.learned_us(now))
    }

    /// The time between two requests at the rate that all members have learned together; zero
    /// unless each has learned one.
    fn learned_us(&self, now: u64) -> u64 {
        let mut per_second = 0.0;
        for (_, member) in self.live(now) {
            if member.learned_us == 0 {
                return 0;
            }
            per_second += SECOND_US / float(member.learned_us);
        }
        if per_second > 0.0 {
            up(SECOND_US / per_second)
        } else {
            0
        }
    }

    fn learned_by_others(&self, asking: &str, now: u64) -> u64 {
        let mut slowest = 0;
        for (_, member) in self.live(now).filter(|(id, _)| *id != asking) {
            if member.learned_us == 0 {
                return 0;
            }
            slowest = slowest.max(member.learned_us);
        }
        slowest
    }
}

impl StoreMember {
    fn is_silent(&self, now: u64) -> bool {
        self.seen + LIVE_US < now
    }
}

impl Reply {
    fn hold(&mut self, (why, again_in_us): (StoreHold, u64)) {
        self.held_by = Some(why);
        self.again_in_us = again_in_us;
    }
}

#[cfg(test)]
mod tests;
