//! The throttle of a process that shares its rate with others.

use std::time::Duration;

use super::super::moment::Moment;
use super::super::shared_rate::exchange::{Ask, Reply, ToStore};
use super::super::shared_rate::{Facts, Hold, Member, RateShare};
use super::{Fall, Throttle, ThrottledBy};

impl ThrottledBy {
    /// Names the limit that holds a member back.
    pub(super) fn of_member(hold: Hold) -> ThrottledBy {
        match hold {
            Hold::Pace(at) => ThrottledBy::SharedRate(at),
            Hold::Exhausted(at) => ThrottledBy::Exhausted(at),
            Hold::NoStore(until) => ThrottledBy::NoRateStore(until),
        }
    }
}

impl Throttle {
    /// The next question to the store, if one is due.
    pub(in super::super) fn ask_store(&mut self, in_flight: usize, now: Moment) -> Option<Ask> {
        let member = self.member.as_mut().filter(|member| member.is_due(now))?;
        // The learned rate is for limits that no header names.
        let is_led = self.window.is_known() && self.learned.per_second().is_none();
        let facts = Facts {
            in_flight,
            learned: self.learned.in_use().filter(|_| !is_led),
            fall: self.fell.map(|fall| fall.part),
            pause: self.named_until.since(now),
            window: self.window.seen(now),
        };
        Some(member.ask(&facts, now))
    }

    /// Takes the store's answer to the question that left at `asked`. Returns a wait that the API
    /// named to another member.
    pub(in super::super) fn store_answered(
        &mut self,
        reply: &Reply,
        asked: Moment,
        now: Moment,
    ) -> Option<Duration> {
        let heard = self.member.as_mut()?.answered(reply, asked, now);
        self.fell = self.fell.filter(|fall| fall.at > asked);
        let part = self.part_per_second();
        self.learned.shared_by(float(reply.members), part);
        if let Some(per_second) = heard.learned {
            self.learned.lower_to(per_second, now);
        }
        if let (Some(part), Some(own)) = (heard.fall, self.learned.in_use()) {
            self.learned.lower_to(part * own, now);
        }
        heard.pause
    }

    /// Notes that the store did not answer.
    pub(in super::super) fn store_lost(&mut self, now: Moment) {
        if let Some(member) = &mut self.member {
            member.not_answered(now);
        }
    }

    /// The last message to the store.
    pub(in super::super) fn leaves_store(&self) -> Option<ToStore> {
        let member = self.member.as_ref()?;
        Some(ToStore::Leave(member.id().to_owned()))
    }

    /// The time of the next question to the store.
    pub(in super::super) fn store_wake_at(&self) -> Option<Moment> {
        self.member.as_ref().and_then(Member::wake_at)
    }

    /// The time since which requests have waited for the store without contact.
    pub(in super::super) fn waits_for_store_since(&self) -> Option<Moment> {
        self.member.as_ref().and_then(Member::waits_since)
    }

    /// The state of the shared rate.
    pub(in super::super) fn rate_share(&self, now: Moment) -> Option<RateShare> {
        self.member.as_ref().map(|member| member.shown(now))
    }

    /// The most members of the shared rate that were alive at once.
    pub(in super::super) fn members_max(&self) -> Option<u64> {
        self.member.as_ref().map(Member::members_max)
    }

    /// The rate a second of all members, if a limit is in force.
    pub(in super::super) fn members_per_second(&self) -> Option<f64> {
        let interval = self.member.as_ref().and_then(Member::interval)?;
        Some(1.0 / interval.as_secs_f64())
    }

    /// The part of the shared rate that this member has, as a limit per second.
    pub(super) fn part_per_second(&self) -> Option<f64> {
        let members = self.member.as_ref()?.shown(Moment::START).members;
        Some(self.members_per_second()? / float(members))
    }

    /// Whether the store spreads the API's window over the members, so that this process need not.
    pub(super) fn store_leads(&self, now: Moment) -> bool {
        let in_contact = |member: &Member| member.share(now).is_none();
        self.member.as_ref().is_some_and(in_contact) && self.window.seen(now).is_some()
    }

    /// Whether the store paces requests at the rate that all processes have learned together.
    pub(super) fn store_paces_learned(&self, now: Moment) -> bool {
        self.member
            .as_ref()
            .is_some_and(|member| member.paces_learned(now))
    }

    /// The number of parts of what the API's headers allow, of which this process has one.
    pub(super) fn parts(&self, now: Moment) -> u64 {
        match &self.member {
            None => u64::from(self.processes.get()),
            Some(member) => {
                let shown = member.shown(now);
                shown.share.unwrap_or(shown.members).max(1)
            }
        }
    }

    /// Notes that refusals lowered the learned rate to this part.
    pub(super) fn note_fall(&mut self, part: f64, now: Moment) {
        let before = self.fell.map_or(1.0, |fall| fall.part);
        self.fell = Some(Fall {
            part: before * part,
            at: now,
        });
        self.tell_store();
    }

    /// Notes a wait that the API named to this process.
    pub(super) fn note_pause(&mut self, named: Duration, now: Moment) {
        self.named_until = self.named_until.max(now + named);
        self.tell_store();
    }

    pub(super) fn tell_store(&mut self) {
        if let Some(member) = &mut self.member {
            member.has_news();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of processes")]
fn float(count: u64) -> f64 {
    count.max(1) as f64
}
