//! The throttle: the user's rate, the API's window, the learned rate, and pauses that hold all
//! requests back.

mod sharing;

use std::num::NonZeroU32;
use std::time::Duration;

use super::judge::{Exhausted, Wait, WaitReason};
use super::learned_rate::{BURST_TIME, FIRST_PER_SECOND, HeldBy, LearnedRate, Refused, RefusedBy};
use super::limiter::Limiter;
use super::moment::Moment;
use super::random::Random;
use super::rate::Rate;
use super::request::Departure;
use super::rules::RateSharing;
use super::server_clock::ServerClock;
use super::shared_rate::Member;
use super::window::{Allowance, Window, WindowPace};
use crate::contract::Response;

/// Requests a second under `--rate auto`, while the API's headers name no limit.
const AUTO_PER_SECOND: u32 = 20;
/// The part of a named wait by which it is lengthened at most, a tenth, so that clients do not all
/// return at once.
const PAUSE_JITTER_PART: u32 = 10;

/// The limits on when the next request may leave.
#[derive(Debug)]
pub(super) struct Throttle {
    rate: Rate,
    /// The processes that share what the API's headers allow, without a store.
    processes: NonZeroU32,
    /// The side of this process of a rate that is shared by a store.
    member: Option<Member>,
    /// The end of a wait that the API named to this process, without jitter.
    named_until: Moment,
    /// The time of the last fall of the learned rate that the store does not know.
    fell: Option<Fall>,
    limiter: Option<Limiter>,
    window: Window,
    /// Whether an answer has named a window.
    has_window: bool,
    learned: LearnedRate,
    clock: ServerClock,
    paused_until: Moment,
    /// The time of the first refusal since the last request that the API let through.
    refused_since: Option<Moment>,
    /// The time of the last request or, if the pace over the API's window made it wait, the time that
    /// it was due.
    last_sent: Option<Moment>,
}

/// A fall of the learned rate that the store does not know.
#[derive(Debug, Clone, Copy)]
struct Fall {
    /// The part that was left.
    part: f64,
    at: Moment,
}

/// The limit that holds the next request back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThrottledBy {
    /// A wait that the API named.
    Pause(Moment),
    /// The API's window, which is exhausted until this time.
    Exhausted(Moment),
    /// Pacing over the API's window. Without a time, an answer has to come first.
    Window(Option<Moment>),
    /// The user's rate.
    Rate(Moment),
    /// The rate of several processes. Without a time, the store's answer has to come first.
    SharedRate(Option<Moment>),
    /// The store of that rate, which is out of reach, or closed until this time.
    NoRateStore(Option<Moment>),
    /// The learned rate.
    LearnedRate(Moment),
    /// An API that refuses everything and names no time. One request at a time checks.
    Shut(Option<Moment>),
}

/// The limit that refused a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitMet {
    /// A window that the API names.
    Window,
    /// A limit that is learned.
    Learned,
    /// A limit that may be learned, or none.
    Undecided,
    /// No limit: the API is in trouble.
    None,
}

impl Throttle {
    /// Creates a throttle with the user's rate.
    pub(super) fn new(rate: Rate, sharing: RateSharing) -> Throttle {
        let (processes, member) = match sharing {
            RateSharing::Alone => (NonZeroU32::MIN, None),
            RateSharing::Processes(processes) => (processes, None),
            RateSharing::Member(id) => (NonZeroU32::MIN, Some(Member::new(id, rate))),
        };
        let (limiter, first_per_second) = match rate {
            Rate::Unlimited => (None, None),
            Rate::Auto => (
                Some(Limiter::new(
                    Duration::from_secs(1) / AUTO_PER_SECOND * processes.get(),
                )),
                Some(FIRST_PER_SECOND / f64::from(processes.get())),
            ),
            Rate::Limited(limited) => (Some(Limiter::new(limited.interval())), None),
        };
        // What a store hands out is paced by it.
        let first_per_second = first_per_second.filter(|_| member.is_none());
        let mut learned = LearnedRate::new(first_per_second);
        learned.shared_by(f64::from(processes.get()), None);
        Throttle {
            rate,
            processes,
            limiter: limiter.filter(|_| member.is_none()),
            member,
            named_until: Moment::START,
            fell: None,
            window: Window::default(),
            has_window: false,
            learned,
            clock: ServerClock::default(),
            paused_until: Moment::START,
            refused_since: None,
            last_sent: None,
        }
    }

    /// Takes the permit for one request, or returns the limit that holds it back. `rows_left`
    /// counts rows that are not in flight, if known.
    pub(super) fn acquire(
        &mut self,
        now: Moment,
        in_flight: usize,
        rows_left: Option<u64>,
    ) -> Result<(), ThrottledBy> {
        if self.paused_until > now {
            return Err(ThrottledBy::Pause(self.paused_until));
        }
        let allowance = if self.store_leads(now) {
            Allowance::Open
        } else {
            let parts = self.parts(now);
            self.window
                .allowance(now, self.last_sent, in_flight, rows_left, parts)
        };
        let due = match allowance {
            Allowance::Open => now,
            Allowance::OpenSince(due) => due,
            Allowance::Exhausted(until) => return Err(ThrottledBy::Exhausted(until)),
            Allowance::NotBefore(at) => return Err(ThrottledBy::Window(Some(at))),
            Allowance::NotBeforeAnswer => return Err(ThrottledBy::Window(None)),
        };
        // The learned rate is for limits that no header names.
        let is_led = self.window.is_known();
        match self
            .learned
            .held_by(now)
            .filter(|_| !is_led || self.learned.per_second().is_some())
        {
            Some(HeldBy::Rate(_)) if self.store_paces_learned(now) => {}
            Some(HeldBy::Rate(at)) if self.learned_rate().is_some() => {
                return Err(ThrottledBy::LearnedRate(at));
            }
            Some(HeldBy::Rate(at)) => return Err(ThrottledBy::Rate(at)),
            Some(HeldBy::Shut(at)) => return Err(ThrottledBy::Shut(at)),
            None => {}
        }
        if let Some(member) = &mut self.member {
            member.take(now).map_err(ThrottledBy::of_member)?;
        }
        // The modest rate of `auto` is for APIs that name no limit.
        let headers_lead = self.rate == Rate::Auto && is_led;
        if let (Some(limiter), false) = (&mut self.limiter, headers_lead) {
            limiter.take(now).map_err(ThrottledBy::Rate)?;
        }
        // Timers are late by up to some milliseconds, as long as the gap between requests of a quick
        // window. The time lost is made up for, and no more than that.
        self.last_sent = Some(due.max(now - BURST_TIME));
        Ok(())
    }

    /// Learns from the headers of an answer.
    pub(super) fn learn(
        &mut self,
        response: &Response,
        sent: Moment,
        received: Moment,
        random: &mut Random,
    ) {
        if let Some(date) = response.date_unix_s {
            self.clock.learn(date, sent, received);
        }
        if let Some(window) = response.window {
            self.has_window = true;
            let started = self.window.started();
            self.window
                .learn(window, &self.clock, sent, received, random);
            if self.window.started() != started {
                self.tell_store();
            }
        }
    }

    /// The user's rate.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// The API's window, if it is known at what pace it is renewed.
    pub(super) fn window_pace(&self, now: Moment) -> Option<WindowPace> {
        self.window.pace(now)
    }

    /// The lower of the limits per second: the user's or that of `auto`, and the learned one. `None`
    /// without a limit. The API's window limits no second: requests that fit are sent at once.
    pub(super) fn per_second(&self) -> Option<f64> {
        let own = self.own_per_second();
        let limits = [own, self.learned_rate(), self.part_per_second()];
        limits.into_iter().flatten().reduce(f64::min)
    }

    /// The limit per second without the learned one: what the user gave, or `auto`.
    fn own_per_second(&self) -> Option<f64> {
        match self.rate {
            Rate::Unlimited => None,
            Rate::Auto if self.window.is_known() => None,
            Rate::Auto => Some(f64::from(AUTO_PER_SECOND) / f64::from(self.processes.get())),
            Rate::Limited(limited) => Some(limited.per_second()),
        }
    }

    /// Counts a request that leaves with a permit.
    pub(super) fn leaves(&mut self, departure: Departure) {
        self.learned.leaves(departure);
    }

    /// Notes that a request is no longer in flight.
    pub(super) fn landed(&mut self, departure: Departure) {
        self.learned.landed(departure);
    }

    /// Notes that the API let a request through.
    pub(super) fn accepted(&mut self, departure: Departure, now: Moment) {
        self.refused_since = None;
        self.learned.accepted(departure, now);
    }

    /// Notes a refusal that asks to wait, or may mean it. Returns the limit that the request met.
    pub(super) fn refused(&mut self, departure: Departure, wait: Wait, now: Moment) -> LimitMet {
        // A wait of zero is no wait.
        let named = wait.named.filter(|wait| !wait.is_zero());
        let how = match wait.reason {
            WaitReason::Unavailable => Refused::Unavailable,
            _ if wait.window == Exhausted::Yes => return LimitMet::Window,
            WaitReason::Quota if self.has_window && wait.named.is_some() => {
                return LimitMet::Window;
            }
            WaitReason::Quota => Refused::TooMany(named),
            WaitReason::Overload => Refused::Overloaded(named),
        };
        let before = self.learned.in_use();
        let refused_by = self.learned.refused(departure, how, now);
        // The rate at the first refusal is a guess.
        if let (Some(before), Some(after)) = (before, self.learned.in_use())
            && after < before
        {
            self.note_fall(after / before, now);
        }
        match refused_by {
            RefusedBy::Limit => LimitMet::Learned,
            RefusedBy::Undecided => LimitMet::Undecided,
            RefusedBy::Trouble => LimitMet::None,
        }
    }

    /// Notes the end of an outage.
    pub(super) fn was_down(&mut self) {
        self.learned.was_down();
    }

    /// The learned rate a second, if it limits the run.
    pub(super) fn learned_rate(&self) -> Option<f64> {
        let own = self.own_per_second().unwrap_or(f64::INFINITY);
        self.learned
            .per_second()
            .filter(|per_second| *per_second < own)
    }

    /// The learned limit of requests in flight.
    pub(super) fn in_flight_max(&self) -> Option<usize> {
        self.learned.in_flight_max()
    }

    /// Excludes time in which our own pace held all requests back.
    pub(super) fn postpone(&mut self, time: Duration) {
        self.refused_since = self.refused_since.map(|since| since + time);
    }

    /// Time from the first refusal since the last success to the end of this wait.
    pub(super) fn refused_for(&mut self, wait: Duration, now: Moment) -> Duration {
        let since = *self.refused_since.get_or_insert(now);
        (now + wait).since(since)
    }

    /// Holds all requests back for a wait that the API named to this process. Returns by how much the
    /// pause got longer.
    pub(super) fn pause(&mut self, named: Duration, now: Moment, random: &mut Random) -> Duration {
        self.note_pause(named, now);
        self.pause_heard(named, now, random)
    }

    /// Holds all requests back for a wait that the API named to any process. Returns by how much the
    /// pause got longer.
    pub(super) fn pause_heard(
        &mut self,
        named: Duration,
        now: Moment,
        random: &mut Random,
    ) -> Duration {
        let wait = named.saturating_add(random.up_to(named / PAUSE_JITTER_PART));
        let until = (now + wait).max(self.paused_until);
        let longer = until.since(self.paused_until.max(now));
        self.paused_until = until;
        longer
    }

    /// Whether all requests are held back for a named wait.
    pub(super) fn is_paused(&self, now: Moment) -> bool {
        self.paused_until > now
    }

    /// The end of the last pause.
    pub(super) fn paused_until(&self) -> Moment {
        self.paused_until
    }

    /// Notes a refusal for the quota (429), which is renewed at `renewed_at`.
    pub(super) fn quota_refused(&mut self, renewed_at: Moment, sent: Moment) {
        self.window.refused(renewed_at, sent);
    }
}

#[cfg(test)]
mod tests;
