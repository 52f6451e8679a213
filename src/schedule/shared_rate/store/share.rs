//! Shares: what a member may send while it is out of contact, and what is kept for it.

use super::super::exchange::Ask;
use super::numbers::float;
use super::{StoreMember, StoreState};

/// The error of a sum of shares.
const ROUNDING: f64 = 1e-9;

impl StoreState {
    /// Takes in the sign of life of a member, and returns the share that it is told.
    ///
    /// The answer may get lost, so the larger of the share that the member names and the one that it
    /// is told counts until it names the latter.
    pub(super) fn meet(&mut self, ask: &Ask, now: u64) -> u64 {
        let is_new = !self.members.contains_key(&ask.member);
        let members = self.members.len() as u64 + u64::from(is_new);
        // A share gets smaller at once, and larger only if those of the others leave room. A closed
        // store changes none: a member that comes from an earlier store may use its share.
        let is_smaller = ask.share > 0 && ask.share < members;
        let others = self.shares_of_others(&ask.member, |_| true);
        let fits = others + 1.0 / float(members) <= 1.0 + ROUNDING;
        let told = if self.opens_at <= now && (is_smaller || fits) {
            members
        } else {
            ask.share
        };
        let share = [ask.share, told].into_iter().filter(|share| *share > 0);
        self.members.insert(
            ask.member.clone(),
            StoreMember {
                seen: now,
                share: share.min().unwrap_or(0),
                is_at_share: ask.is_at_share,
                interval_us: ask.interval_us,
                rate_is_auto: ask.rate_is_auto,
                learned_us: ask.learned_us,
                outstanding: ask.outstanding,
            },
        );
        told
    }

    /// The part of the rate that is kept for members that may be out of contact. The asking one
    /// uses what it gets now instead of its share.
    pub(super) fn reserved(&self, asking: &str, now: u64) -> f64 {
        self.shares_of_others(asking, |member| member.is_silent(now) || member.is_at_share)
    }

    fn shares_of_others(&self, asking: &str, counts: impl Fn(&StoreMember) -> bool) -> f64 {
        let mut sum = 0.0;
        for (id, member) in &self.members {
            if id != asking && member.share > 0 && counts(member) {
                sum += 1.0 / float(member.share);
            }
        }
        sum
    }
}
