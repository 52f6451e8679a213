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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::rate::{LimitedRate, RateUnit};

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn ms(ms: u64) -> Moment {
        Moment::after_start(MS(ms))
    }

    fn member() -> Member {
        Member::new("a".to_owned(), Rate::Unlimited)
    }

    /// An answer with slots after these milliseconds.
    fn reply(slots_ms: &[u64]) -> Reply {
        Reply {
            slots_us: slots_ms.iter().map(|ms| ms * 1000).collect(),
            held_by: None,
            again_in_us: 0,
            pause_us: 0,
            members: 2,
            share: 2,
            interval_us: 100_000,
            fall_number: 0,
            fall_ppm: 0,
            learned_us: 0,
        }
    }

    /// A member that has had this answer at once.
    fn after(reply: &Reply, at: u64) -> Member {
        let mut member = member();
        member.ask(&Facts::default(), ms(at));
        member.answered(reply, ms(at), ms(at));
        member
    }

    #[test]
    fn a_slot_is_used_from_its_time_on_and_not_too_late() {
        for (at, want) in [
            (1099, Err(Hold::Pace(Some(ms(1100))))),
            (1100, Ok(())),
            (1200, Ok(())),
            (1201, Err(Hold::Pace(None))),
        ] {
            let mut member = after(&reply(&[100]), 1000);
            assert_eq!(member.take(ms(at)), want, "at {at}");
        }
    }

    #[test]
    fn without_contact_a_request_waits_and_then_leaves_at_the_members_share() {
        let mut member = member();
        assert_eq!(member.take(ms(0)), Err(Hold::NoStore(None)));
        assert_eq!(member.waits_since(), Some(ms(0)));
        let mut member = after(&reply(&[]), 0);
        assert_eq!(member.take(ms(1999)), Err(Hold::Pace(None)));
        assert_eq!(member.share(ms(1999)), None);
        assert_eq!(member.share(ms(2000)), Some(2));
        assert_eq!(member.take(ms(2000)), Ok(()));
        assert_eq!(member.take(ms(2199)), Err(Hold::Pace(Some(ms(2200)))));
        assert_eq!(member.take(ms(2200)), Ok(()));
        // After a minute the share is another's.
        assert_eq!(member.share(ms(59_999)), Some(2));
        assert_eq!(member.share(ms(60_000)), None);
        assert_eq!(member.take(ms(60_000)), Err(Hold::NoStore(None)));
        assert_eq!(member.waits_since(), Some(ms(60_000)));
    }

    #[test]
    fn a_closed_store_is_waited_for_without_a_share() {
        let closed = Reply {
            held_by: Some(StoreHold::Closed),
            again_in_us: 9_000_000,
            share: 0,
            ..reply(&[])
        };
        let mut member = after(&closed, 0);
        assert_eq!(member.take(ms(1)), Err(Hold::NoStore(Some(ms(9000)))));
        let standing = |member: &Member, at: u64| member.shown(ms(at)).standing;
        assert_eq!(standing(&member, 1), RateStanding::Closed(ms(9000)));
        member.answered(&reply(&[]), ms(10), ms(10));
        assert_eq!(member.waits_since(), None);
        assert_eq!(standing(&member, 10), RateStanding::InContact);
        assert_eq!(standing(&member, 2009), RateStanding::InContact);
        assert_eq!(standing(&member, 2010), RateStanding::Lost);
        let mut new = super::tests::member();
        assert_eq!(standing(&new, 0), RateStanding::InContact);
        new.not_answered(ms(0));
        assert_eq!(standing(&new, 0), RateStanding::Lost);
        assert_eq!(new.wake_at(), Some(ms(500)), "it asks again");
    }

    #[test]
    fn a_hold_names_the_end_of_an_exhausted_window() {
        let check = |held_by: StoreHold, want: Hold| {
            let held = Reply {
                held_by: Some(held_by),
                again_in_us: 300_000,
                ..reply(&[])
            };
            assert_eq!(after(&held, 0).take(ms(1)), Err(want), "{held_by:?}");
        };
        check(StoreHold::Exhausted, Hold::Exhausted(ms(300)));
        check(StoreHold::Probe, Hold::Pace(Some(ms(300))));
    }

    #[test]
    fn it_asks_for_twice_as_many_slots_where_all_are_used_and_half_where_some_are_lost() {
        let mut member = after(&reply(&[0]), 0);
        let wants = |member: &mut Member, used: usize, at: u64| {
            for _ in 0..used {
                assert_eq!(member.take(ms(at)), Ok(()));
            }
            assert!(member.take(ms(at)).is_err(), "it is hungry");
            let ask = member.ask(&Facts::default(), ms(at));
            let slots = vec![0; usize::try_from(ask.wants).expect("few")];
            member.answered(&reply(&slots), ms(at), ms(at));
            ask.wants
        };
        assert_eq!(wants(&mut member, 1, 10), 2);
        assert_eq!(wants(&mut member, 2, 20), 4);
        // Four slots are lost, as they come too late.
        assert_eq!(wants(&mut member, 0, 1000), 2);
        assert_eq!(wants(&mut member, 0, 1010 + 1000), 1);
    }

    #[test]
    fn a_question_tells_the_rate_and_what_the_member_has_learned() {
        let asked = |rate: Rate, facts: Facts| Member::new("a".to_owned(), rate).ask(&facts, ms(0));
        let own = LimitedRate::new(20, RateUnit::Second).expect("a good rate");
        let facts = Facts {
            in_flight: 3,
            learned: Some(8.0),
            fall: Some(0.5),
            pause: MS(7),
            window: None,
        };
        let ask = asked(Rate::Limited(own), facts);
        assert_eq!((ask.interval_us, ask.rate_is_auto), (50_000, false));
        assert_eq!((ask.learned_us, ask.fall_ppm), (125_000, 500_000));
        assert_eq!((ask.pause_us, ask.outstanding), (7_000, 3));
        assert_eq!((ask.share, ask.is_at_share, ask.wants), (0, false, 0));
        let ask = asked(Rate::Auto, Facts::default());
        assert_eq!((ask.interval_us, ask.rate_is_auto), (0, true));
        assert_eq!((ask.learned_us, ask.fall_ppm), (0, 0));
        let ask = asked(Rate::Unlimited, Facts::default());
        assert_eq!((ask.interval_us, ask.rate_is_auto), (0, false));
    }

    #[test]
    fn slots_that_are_not_used_count_as_outstanding() {
        let mut member = after(&reply(&[0, 50]), 0);
        let facts = Facts {
            in_flight: 3,
            ..Facts::default()
        };
        assert_eq!(member.ask(&facts, ms(1)).outstanding, 5);
    }

    #[test]
    fn a_member_says_a_second_after_its_last_contact_that_it_may_use_its_share() {
        let asked = |at: u64| {
            let ask = after(&reply(&[]), 0).ask(&Facts::default(), ms(at));
            (ask.share, ask.is_at_share)
        };
        assert_eq!(asked(999), (2, false));
        assert_eq!(asked(1000), (2, true));
        assert_eq!(asked(59_999), (2, true));
        assert_eq!(asked(60_000), (0, false));
    }

    #[test]
    fn the_learned_rate_is_the_stores_once_it_is_told_and_the_others_have_one() {
        let check = |told: bool, members: u64, learned_us: u64, want: bool| {
            let mut member = member();
            let facts = Facts {
                learned: told.then_some(8.0),
                ..Facts::default()
            };
            member.ask(&facts, ms(0));
            let reply = Reply {
                members,
                learned_us,
                ..reply(&[])
            };
            member.answered(&reply, ms(0), ms(0));
            assert_eq!(
                member.paces_learned(ms(0)),
                want,
                "{told} {members} {learned_us}"
            );
            assert!(!member.paces_learned(ms(2000)), "out of contact");
        };
        check(true, 1, 0, true);
        check(true, 2, 1000, true);
        check(true, 2, 0, false);
        check(false, 1, 0, false);
        check(false, 2, 1000, false);
    }

    #[test]
    fn a_new_member_starts_at_the_rate_that_the_others_have_learned() {
        let learned = Reply {
            learned_us: 125_000,
            ..reply(&[])
        };
        let mut member = member();
        assert_eq!(member.answered(&learned, ms(0), ms(0)).learned, Some(8.0));
        assert_eq!(member.answered(&learned, ms(1), ms(1)).learned, None);
        let mut member = super::tests::member();
        assert_eq!(member.answered(&reply(&[]), ms(0), ms(0)).learned, None);
        assert_eq!(member.interval(), Some(MS(100)));
        assert_eq!(member.members_max(), 2);
    }

    #[test]
    fn a_pause_of_others_is_heard_once() {
        let mut member = member();
        let mut heard = |pause_ms: u64, at: u64| {
            let paused = Reply {
                pause_us: pause_ms * 1000,
                ..reply(&[])
            };
            member.answered(&paused, ms(at), ms(at)).pause
        };
        assert_eq!(heard(0, 1000), None);
        assert_eq!(heard(5000, 1000), Some(MS(5000)));
        assert_eq!(heard(4500, 1500), None);
        assert_eq!(heard(5100, 1000), None, "it may be the same");
        assert_eq!(heard(5101, 1000), Some(MS(5101)));
    }

    #[test]
    fn only_the_falls_of_others_are_heard() {
        let mut member = member();
        let mut heard = |fall_number: u64, own: Option<f64>| {
            let facts = Facts {
                fall: own,
                ..Facts::default()
            };
            member.ask(&facts, ms(0));
            let fallen = Reply {
                fall_number,
                fall_ppm: 700_000,
                ..reply(&[])
            };
            member.answered(&fallen, ms(0), ms(0)).fall
        };
        assert_eq!(heard(5, None), None, "it was before this member began");
        assert_eq!(heard(5, None), None);
        assert_eq!(heard(6, None), Some(0.7));
        assert_eq!(heard(7, Some(0.9)), None, "its own");
        assert_eq!(heard(9, Some(0.9)), Some(0.7));
    }
}
