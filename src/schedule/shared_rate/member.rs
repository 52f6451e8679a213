//! A member's side of a shared rate: the slots that it holds, when it asks for more, and what it may
//! send without contact.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::moment::Moment;
use super::super::rate::Rate;
use super::exchange::{Ask, COUNT_MAX, DURATION_MAX_US, Reply, SeenWindow, StoreHold};

/// The longest time between two signs of life.
const CONTACT_EVERY: Duration = Duration::from_millis(500);
/// The time after the last contact at which a member no longer waits for slots.
const LOST_AFTER: Duration = Duration::from_secs(2);
/// The time after the last contact from which on it may be at its share before the next answer.
const SOON_LOST_AFTER: Duration = Duration::from_secs(1);
/// The time after the last contact for which a member sends at its share. The store keeps the share
/// for as long after it was asked last, which is later.
const SHARE_FOR: Duration = Duration::from_mins(1);
/// The bounds of the time by which a slot may be used late.
const LATE_MIN: Duration = Duration::from_millis(100);
const LATE_MAX: Duration = Duration::from_secs(1);
/// The time before its last slot at which a member asks for more, beside two round trips.
const ASKS_BEFORE: Duration = Duration::from_millis(20);
/// The time after an answer in which no mere sign of life is sent.
const REQUESTS_FIRST_FOR: Duration = Duration::from_millis(50);
/// The most slots to ask for.
const WANTS_MAX: u64 = 1_000;
/// Ends of a shared wait that are closer than this are the same.
const SAME_PAUSE: Duration = Duration::from_millis(100);

/// A member of a shared rate.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a state of its own, in any combination with the others"
)]
pub(in super::super) struct Member {
    id: String,
    rate: Rate,
    slots: VecDeque<Slot>,
    contact: Option<Contact>,
    /// Whether an ask is under way.
    is_asking: bool,
    /// Whether the last ask failed.
    is_failing: bool,
    /// The time of the next sign of life.
    due: Moment,
    /// The time before which the store has no slot.
    no_slot_before: Moment,
    held_by: Option<StoreHold>,
    /// Whether a request waits for a slot.
    is_hungry: bool,
    /// Whether the others should know something at once.
    has_news: bool,
    wants: u64,
    /// Slots of the last answers that were used and lost since the number to ask for was set.
    used: u64,
    lost: u64,
    last_left: Moment,
    /// The time since which requests have waited for a store without contact.
    waits_since: Option<Moment>,
    /// The end of the last shared wait.
    paused_until: Moment,
    /// The number of the last fall that is known.
    fall_number: Option<u64>,
    members_max: u64,
    /// Whether the last question told a learned rate.
    told_learned: bool,
    /// Whether the last question told a fall.
    told_fall: bool,
}

/// A slot, and the time within which it may be used.
#[derive(Debug, Clone, Copy)]
struct Slot {
    from: Moment,
    until: Moment,
}

/// The last contact with the store.
#[derive(Debug, Clone, Copy)]
struct Contact {
    /// The time at which the question left.
    at: Moment,
    round_trip: Duration,
    members: u64,
    share: u64,
    interval: Duration,
    closed_until: Option<Moment>,
    /// Whether the slots are those of the rate that all members have learned together.
    paces_learned: bool,
}

/// The facts that a member tells beside its needs.
#[derive(Debug, Default)]
pub(in super::super) struct Facts {
    pub(in super::super) in_flight: usize,
    /// The rate a second that was learned.
    pub(in super::super) learned: Option<f64>,
    /// The part to which refusals lowered it since the last answer.
    pub(in super::super) fall: Option<f64>,
    /// The rest of a wait that the API named to this member.
    pub(in super::super) pause: Duration,
    pub(in super::super) window: Option<SeenWindow>,
}

/// The limit that holds the next request of a member back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Hold {
    /// The slot or the share; without a time, an answer of the store.
    Pace(Option<Moment>),
    /// The API's window, until this time.
    Exhausted(Moment),
    /// The store is out of reach, or closed until this time.
    NoStore(Option<Moment>),
}

/// The news from the other members.
#[derive(Debug, Default, PartialEq)]
pub(in super::super) struct Heard {
    /// A wait that the API named to another member.
    pub(in super::super) pause: Option<Duration>,
    /// The learned rate a second of the others, in the first answer.
    pub(in super::super) learned: Option<f64>,
    /// The part to which the learned rate of another member fell.
    pub(in super::super) fall: Option<f64>,
}

/// The standing of a member, for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RateStanding {
    /// The store hands out slots.
    InContact,
    /// The store is closed, until this time.
    Closed(Moment),
    /// The store is out of reach.
    Lost,
}

/// The state of a shared rate, for the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateShare {
    pub(crate) standing: RateStanding,
    /// The members at the last contact.
    pub(crate) members: u64,
    /// The part of the rate that the member uses without slots: one of this many.
    pub(crate) share: Option<u64>,
}

impl Member {
    pub(in super::super) fn new(id: String, rate: Rate) -> Member {
        Member {
            id,
            rate,
            slots: VecDeque::new(),
            contact: None,
            is_asking: false,
            is_failing: false,
            due: Moment::START,
            no_slot_before: Moment::START,
            held_by: None,
            is_hungry: false,
            has_news: false,
            wants: 1,
            used: 0,
            lost: 0,
            last_left: Moment::START,
            waits_since: None,
            paused_until: Moment::START,
            fall_number: None,
            members_max: 0,
            told_learned: false,
            told_fall: false,
        }
    }

    pub(in super::super) fn id(&self) -> &str {
        &self.id
    }

    /// The most members that were alive at once.
    pub(in super::super) fn members_max(&self) -> u64 {
        self.members_max
    }

    /// Takes the permit for one request.
    pub(in super::super) fn take(&mut self, now: Moment) -> Result<(), Hold> {
        self.drop_late_slots(now);
        if self.slots.front().is_some_and(|slot| slot.from <= now) {
            self.slots.pop_front();
            self.used += 1;
            self.leaves(now);
            return Ok(());
        }
        self.is_hungry = true;
        let Some(contact) = &self.contact else {
            self.waits_since.get_or_insert(now);
            return Err(Hold::NoStore(None));
        };
        if let Some(share) = self.share(now) {
            let due = self.last_left + contact.interval.saturating_mul(saturating_u32(share));
            if due > now {
                return Err(Hold::Pace(Some(due)));
            }
            self.leaves(now);
            return Ok(());
        }
        if contact.is_lost(now) || contact.closed_until.is_some() {
            self.waits_since.get_or_insert(now);
            return Err(Hold::NoStore(contact.closed_until));
        }
        self.waits_since = None;
        let later = Some(self.no_slot_before).filter(|at| *at > now);
        Err(match (self.slots.front(), self.held_by, later) {
            (Some(slot), _, _) => Hold::Pace(Some(slot.from)),
            (None, Some(StoreHold::Exhausted), Some(at)) => Hold::Exhausted(at),
            (None, _, later) => Hold::Pace(later),
        })
    }

    /// The part of the rate that this member may use without slots: one of this many. `None` if it
    /// may not, or need not.
    pub(in super::super) fn share(&self, now: Moment) -> Option<u64> {
        let contact = self.contact.as_ref()?;
        let is_needed = contact.is_lost(now) || contact.closed_until.is_some();
        (is_needed && contact.share > 0 && now < contact.at + SHARE_FOR).then_some(contact.share)
    }

    /// Whether slots come at the rate that all members have learned together.
    pub(in super::super) fn paces_learned(&self, now: Moment) -> bool {
        let in_contact = self.contact.filter(|contact| !contact.is_lost(now));
        in_contact.is_some_and(|contact| contact.paces_learned && contact.closed_until.is_none())
    }

    /// The state for the user.
    pub(in super::super) fn shown(&self, now: Moment) -> RateShare {
        let standing = match &self.contact {
            None if self.is_failing => RateStanding::Lost,
            None => RateStanding::InContact,
            Some(contact) if contact.is_lost(now) => RateStanding::Lost,
            Some(contact) => contact
                .closed_until
                .map_or(RateStanding::InContact, RateStanding::Closed),
        };
        RateShare {
            standing,
            members: self.contact.map_or(0, |contact| contact.members),
            share: self.share(now),
        }
    }

    /// The time between two requests of all members, if a limit is in force.
    pub(in super::super) fn interval(&self) -> Option<Duration> {
        let interval = self.contact?.interval;
        (!interval.is_zero()).then_some(interval)
    }

    /// The time since which requests have waited for a store without contact.
    pub(in super::super) fn waits_since(&self) -> Option<Moment> {
        self.waits_since
    }

    /// Tells the others something at once.
    pub(in super::super) fn has_news(&mut self) {
        self.has_news = true;
    }

    /// Whether an ask is due.
    pub(in super::super) fn is_due(&self, now: Moment) -> bool {
        !self.is_asking && (now >= self.due || (!self.is_failing && self.wants_now(now)))
    }

    fn wants_now(&self, now: Moment) -> bool {
        self.has_news || (self.is_hungry && self.asks_at().is_some_and(|at| at <= now))
    }

    /// The time at which a hungry member asks for more slots.
    fn asks_at(&self) -> Option<Moment> {
        let contact = self.contact?;
        let before = ASKS_BEFORE + contact.round_trip.saturating_mul(2);
        let last = self.slots.back().map_or(Moment::START, |slot| slot.from);
        Some((last - before).max(self.no_slot_before))
    }

    /// The time at which an ask is due, if none is under way.
    pub(in super::super) fn wake_at(&self) -> Option<Moment> {
        if self.is_asking {
            return None;
        }
        let asks_at = self
            .asks_at()
            .filter(|_| self.is_hungry && !self.is_failing);
        Some(asks_at.map_or(self.due, |at| at.min(self.due)))
    }

    /// The next question, which is under way from now on.
    pub(in super::super) fn ask(&mut self, facts: &Facts, now: Moment) -> Ask {
        self.drop_late_slots(now);
        if self.lost > 0 {
            self.wants = (self.wants / 2).max(1);
            (self.used, self.lost) = (0, 0);
        } else if self.used >= self.wants {
            self.wants = (2 * self.wants).min(WANTS_MAX);
            self.used = 0;
        }
        self.told_learned = facts.learned.is_some();
        self.told_fall = facts.fall.is_some();
        // A sign of life asks for nothing that is not needed: slots would be handed out ever further
        // ahead.
        let needs_slots = self.contact.is_none() || self.asks_at().is_some_and(|at| at <= now);
        let wants_slots = self.is_hungry && !self.is_failing && needs_slots;
        (self.is_asking, self.has_news) = (true, false);
        self.due = now + CONTACT_EVERY;
        let (interval_us, rate_is_auto) = match self.rate {
            Rate::Limited(rate) => (micros_up(rate.interval()), false),
            Rate::Auto => (0, true),
            Rate::Unlimited => (0, false),
        };
        let soon_lost = |contact: &Contact| {
            contact.closed_until.is_some() || now.since(contact.at) >= SOON_LOST_AFTER
        };
        let known = self.contact.filter(|contact| now < contact.at + SHARE_FOR);
        Ask {
            member: self.id.clone(),
            wants: if wants_slots { self.wants } else { 0 },
            interval_us,
            rate_is_auto,
            learned_us: facts.learned.map_or(0, |rate| {
                micros_up(Duration::try_from_secs_f64(1.0 / rate).unwrap_or(Duration::MAX))
            }),
            fall_ppm: facts.fall.map_or(0, millionths),
            pause_us: micros_up(facts.pause),
            is_at_share: known.as_ref().is_some_and(soon_lost),
            share: known.map_or(0, |contact| contact.share),
            outstanding: (facts.in_flight + self.slots.len()) as u64,
            window: facts.window,
        }
    }

    /// Takes the answer to the question that left at `asked`.
    pub(in super::super) fn answered(
        &mut self,
        reply: &Reply,
        asked: Moment,
        now: Moment,
    ) -> Heard {
        let round_trip = now.since(asked);
        let late = round_trip.saturating_mul(2).clamp(LATE_MIN, LATE_MAX);
        // No slot is used early, whenever the store counted from, nor later than it may be.
        let slots = reply.slots_us.iter().map(|offset| Slot {
            from: now + micros(*offset),
            until: asked + micros(*offset) + late,
        });
        self.slots.extend(slots);
        self.is_hungry &= reply.slots_us.is_empty();
        let heard = Heard {
            pause: self.hear_pause(micros(reply.pause_us), now),
            learned: (self.contact.is_none() && reply.learned_us > 0)
                .then(|| 1.0 / micros(reply.learned_us).as_secs_f64()),
            fall: self.hear_fall(reply),
        };
        (self.is_asking, self.is_failing) = (false, false);
        // The requests that wait say first what they need.
        self.due = self.due.max(now + REQUESTS_FIRST_FOR);
        self.held_by = reply.held_by;
        self.no_slot_before = now + micros(reply.again_in_us);
        self.members_max = self.members_max.max(reply.members);
        let is_closed = reply.held_by == Some(StoreHold::Closed);
        if !is_closed {
            self.waits_since = None;
        }
        self.contact = Some(Contact {
            at: asked,
            round_trip,
            members: reply.members,
            share: reply.share,
            interval: micros(reply.interval_us),
            closed_until: is_closed.then_some(self.no_slot_before),
            paces_learned: self.told_learned && (reply.members == 1 || reply.learned_us > 0),
        });
        heard
    }

    /// Notes that a question got no answer.
    pub(in super::super) fn not_answered(&mut self, now: Moment) {
        (self.is_asking, self.is_failing) = (false, true);
        self.due = now + CONTACT_EVERY;
    }

    fn hear_pause(&mut self, pause: Duration, now: Moment) -> Option<Duration> {
        let until = now + pause;
        let is_new = until > self.paused_until + SAME_PAUSE && until > now;
        if is_new {
            self.paused_until = until;
        }
        is_new.then_some(pause)
    }

    /// The part that was left by a fall of another member's rate.
    fn hear_fall(&mut self, reply: &Reply) -> Option<f64> {
        let known = self.fall_number.replace(reply.fall_number);
        let own = u64::from(std::mem::take(&mut self.told_fall));
        let is_new = known.is_some_and(|known| known + own < reply.fall_number);
        #[expect(clippy::cast_precision_loss, reason = "a part in millionths")]
        let part = reply.fall_ppm as f64 / 1e6;
        is_new.then_some(part)
    }

    fn leaves(&mut self, now: Moment) {
        (self.last_left, self.waits_since, self.is_hungry) = (now, None, false);
    }

    fn drop_late_slots(&mut self, now: Moment) {
        while self.slots.front().is_some_and(|slot| slot.until < now) {
            self.slots.pop_front();
            self.lost += 1;
        }
    }
}

impl Contact {
    fn is_lost(&self, now: Moment) -> bool {
        now.since(self.at) >= LOST_AFTER
    }
}

/// Whole microseconds, rounded up.
pub(in super::super) fn micros_up(time: Duration) -> u64 {
    let micros = time.as_nanos().div_ceil(1_000);
    u64::try_from(micros).map_or(DURATION_MAX_US, |micros| micros.min(DURATION_MAX_US))
}

/// A part in whole millionths, at least one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 1 and a million"
)]
fn millionths(part: f64) -> u64 {
    (part * 1e6).clamp(1.0, 1e6) as u64
}

fn micros(us: u64) -> Duration {
    Duration::from_micros(us)
}

fn saturating_u32(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A count of the API's, which may be nonsense.
pub(in super::super) fn count(number: u64) -> u64 {
    number.min(COUNT_MAX)
}
