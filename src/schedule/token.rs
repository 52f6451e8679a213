//! The state of the access token: whether it is valid, and whether it is being refreshed.

use std::time::Duration;

use super::backoff::{Backoff, Jitter};
use super::moment::Moment;
use super::random::Random;

/// The time before its expiry at which a token is refreshed, or a tenth of its lifetime if that is
/// shorter.
const REFRESHED_BEFORE_MAX: Duration = Duration::from_mins(1);
const REFRESHED_BEFORE_PART: u32 = 10;
/// A token with a shorter lifetime is treated as expired: it would not survive a round trip.
const LIFETIME_MIN: Duration = Duration::from_millis(50);
/// The first wait before another refresh. It doubles with each try.
const INTERVAL_FIRST: Duration = Duration::from_secs(1);
/// The longest wait before another refresh.
const INTERVAL_MAX: Duration = Duration::from_secs(30);

/// The reason to refresh a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshReason {
    /// The token is refused, has expired, or will soon.
    Needed,
    /// The token's file has changed.
    FileChanged,
}

/// The result of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// A token that was just issued. If the API refuses it, another one is of no use.
    New {
        /// Its lifetime, if known.
        lifetime: Option<Duration>,
    },
    /// A token that another process had obtained.
    Replaced {
        /// Its lifetime, if known.
        lifetime: Option<Duration>,
    },
    /// The token that was used before.
    Unchanged,
    /// No token: the user has to log in.
    LoginNeeded,
    /// No token for now.
    Unavailable,
}

/// The decision about a row whose token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterRefusal {
    /// Send it again with the next token. This uses up no attempt.
    SendAgain,
    /// Stop: a token that was just refreshed is refused, too.
    Stop,
}

/// The token's part of the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Usable,
    /// The driver has to refresh it now.
    Refresh(RefreshReason),
    /// Nothing can be sent before it is refreshed. Without a time the refresh is under way.
    Wait(Option<Moment>),
}

/// The meaning of a refresh for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conclusion {
    GoOn,
    /// The API refuses the token, and there is no way to get another.
    LoginNeeded,
}

/// The state of the token.
///
/// Tokens are numbered by generation, so that late refusals of an old token do not count against
/// the new one.
#[derive(Debug)]
pub(super) struct TokenState {
    generation: u32,
    trust: Trust,
    refresh: RefreshState,
    file_changed: bool,
    refresh_at: Option<Moment>,
    expires_at: Option<Moment>,
    backoff: Backoff,
    /// Whether the last refresh brought no usable token.
    is_backing_off: bool,
    /// The time since which nothing can be sent for lack of a token.
    held_since: Option<Moment>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// It is the first token of the run, another process obtained it, or the API has accepted it.
    #[default]
    Trusted,
    /// It is new, and was not accepted yet.
    Refreshed,
    Refused,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum RefreshState {
    #[default]
    Idle,
    UnderWay(RefreshReason),
    NotBefore(Moment),
}

impl Default for TokenState {
    fn default() -> TokenState {
        TokenState {
            generation: 0,
            trust: Trust::default(),
            refresh: RefreshState::default(),
            file_changed: false,
            refresh_at: None,
            expires_at: None,
            backoff: Backoff::new(INTERVAL_FIRST, INTERVAL_MAX, Jitter::Equal),
            is_backing_off: false,
            held_since: None,
        }
    }
}

impl TokenState {
    /// The generation of the current token.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// Sets how long the token is valid from now on.
    pub(super) fn lasts(&mut self, lifetime: Option<Duration>, now: Moment) {
        let before =
            |lifetime: Duration| (lifetime / REFRESHED_BEFORE_PART).min(REFRESHED_BEFORE_MAX);
        self.refresh_at = lifetime.map(|lifetime| now + lifetime.saturating_sub(before(lifetime)));
        self.expires_at = lifetime.map(|lifetime| now + lifetime);
    }

    /// Notes that the token's file has changed.
    pub(super) fn file_changed(&mut self) {
        self.file_changed = true;
    }

    /// Returns the token's part of the next step.
    pub(super) fn next(&mut self, now: Moment) -> Next {
        let is_usable = self.is_usable(now);
        self.held_since = if is_usable {
            None
        } else {
            self.held_since.or(Some(now))
        };
        let is_due = !is_usable || self.refresh_at.is_some_and(|at| at <= now);
        let is_free = match self.refresh {
            RefreshState::Idle => true,
            RefreshState::UnderWay(_) => false,
            RefreshState::NotBefore(at) => at <= now || self.file_changed,
        };
        if is_free && (is_due || self.file_changed) {
            let reason = if is_due {
                RefreshReason::Needed
            } else {
                RefreshReason::FileChanged
            };
            self.file_changed = false;
            self.refresh = RefreshState::UnderWay(reason);
            return Next::Refresh(reason);
        }
        match self.refresh {
            _ if is_usable => Next::Usable,
            RefreshState::NotBefore(at) => Next::Wait(Some(at)),
            RefreshState::Idle | RefreshState::UnderWay(_) => Next::Wait(None),
        }
    }

    /// The time of the next step for a token that is still usable.
    pub(super) fn wake_at(&self) -> Option<Moment> {
        match self.refresh {
            RefreshState::Idle => self.refresh_at,
            RefreshState::NotBefore(at) => self.refresh_at.map(|refresh_at| refresh_at.max(at)),
            RefreshState::UnderWay(_) => None,
        }
    }

    /// The time since which rows have waited for a token that is unavailable.
    pub(super) fn unavailable_since(&self) -> Option<Moment> {
        self.held_since.filter(|_| self.is_backing_off)
    }

    /// Notes that the API refused a request with the token of this generation.
    pub(super) fn refused(&mut self, generation: u32, now: Moment) -> AfterRefusal {
        if generation != self.generation {
            return AfterRefusal::SendAgain;
        }
        let has_expired = self.expires_at.is_some_and(|at| at <= now);
        if self.trust == Trust::Refreshed && !has_expired {
            return AfterRefusal::Stop;
        }
        self.trust = Trust::Refused;
        AfterRefusal::SendAgain
    }

    /// Takes the result of a refresh. Returns what it means for the run.
    pub(super) fn refreshed(
        &mut self,
        refreshed: Refreshed,
        now: Moment,
        random: &mut Random,
    ) -> Conclusion {
        let reason = match self.refresh {
            RefreshState::UnderWay(reason) => reason,
            RefreshState::Idle | RefreshState::NotBefore(_) => RefreshReason::Needed,
        };
        self.refresh = RefreshState::Idle;
        match (refreshed, reason) {
            (
                Refreshed::New {
                    lifetime: Some(lifetime),
                },
                _,
            ) if lifetime < LIFETIME_MIN => {
                self.generation += 1;
                self.trust = Trust::Refused;
                self.back_off(now, random);
            }
            (Refreshed::New { lifetime }, _) => self.replaced(Trust::Refreshed, lifetime, now),
            (Refreshed::Replaced { lifetime }, _) => self.replaced(Trust::Trusted, lifetime, now),
            // The next step shows whether a new one is needed.
            (
                Refreshed::Unchanged | Refreshed::LoginNeeded | Refreshed::Unavailable,
                RefreshReason::FileChanged,
            ) => {}
            // Send the same token once more: a server may refuse a valid one for a moment.
            (Refreshed::Unchanged, RefreshReason::Needed) if self.trust == Trust::Refused => {
                self.replaced(Trust::Refreshed, None, now);
            }
            // The API decides whether it is still valid.
            (Refreshed::Unchanged, RefreshReason::Needed) => self.lasts(None, now),
            (Refreshed::LoginNeeded, RefreshReason::Needed) => return Conclusion::LoginNeeded,
            (Refreshed::Unavailable, RefreshReason::Needed) => self.back_off(now, random),
        }
        Conclusion::GoOn
    }

    /// Notes that the API accepted a request with the token of this generation.
    pub(super) fn proven(&mut self, generation: u32) {
        if self.trust == Trust::Refreshed && generation == self.generation {
            self.trust = Trust::Trusted;
        }
    }

    /// Schedules another refresh.
    fn back_off(&mut self, now: Moment, random: &mut Random) {
        self.is_backing_off = true;
        self.refresh = RefreshState::NotBefore(now + self.backoff.next(random));
    }

    fn replaced(&mut self, trust: Trust, lifetime: Option<Duration>, now: Moment) {
        self.generation += 1;
        self.trust = trust;
        self.backoff.reset();
        self.is_backing_off = false;
        self.held_since = None;
        self.lasts(lifetime, now);
    }

    fn is_usable(&self, now: Moment) -> bool {
        self.trust != Trust::Refused && self.expires_at.is_none_or(|at| now < at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: Next = Next::Refresh(RefreshReason::Needed);
    const NEW: Refreshed = Refreshed::New { lifetime: None };

    fn at(milliseconds: u64) -> Moment {
        Moment::after_start(Duration::from_millis(milliseconds))
    }

    fn lasting(milliseconds: u64) -> Refreshed {
        Refreshed::New {
            lifetime: Some(Duration::from_millis(milliseconds)),
        }
    }

    impl TokenState {
        fn refreshed_at(&mut self, refreshed: Refreshed, milliseconds: u64) -> Conclusion {
            self.refreshed(refreshed, at(milliseconds), &mut Random::seeded(1))
        }
    }

    #[test]
    fn one_refresh_for_all_rows_and_a_second_refusal_is_final() {
        let mut token = TokenState::default();
        assert_eq!(token.refused(0, at(0)), AfterRefusal::SendAgain);
        assert_eq!(token.next(at(0)), NEEDED);
        assert_eq!(
            (token.refused(0, at(0)), token.next(at(0))),
            (AfterRefusal::SendAgain, Next::Wait(None))
        );
        assert_eq!(token.refreshed_at(NEW, 0), Conclusion::GoOn);
        let late = (token.refused(0, at(0)), token.next(at(0)));
        assert_eq!(
            late,
            (AfterRefusal::SendAgain, Next::Usable),
            "a late refusal of the old one"
        );
        assert_eq!(token.refused(1, at(0)), AfterRefusal::Stop);
    }

    #[test]
    fn a_token_that_was_accepted_or_has_expired_or_came_from_others_can_be_refused() {
        let check = |refreshed: Refreshed, refused_at: u64, is_proven: bool, want: AfterRefusal| {
            let mut token = TokenState::default();
            token.refused(0, at(0));
            token.next(at(0));
            token.refreshed_at(refreshed, 0);
            if is_proven {
                token.proven(1);
            }
            assert_eq!(
                token.refused(1, at(refused_at)),
                want,
                "{refreshed:?} {refused_at} {is_proven}"
            );
        };
        check(NEW, 1, false, AfterRefusal::Stop);
        check(NEW, 1, true, AfterRefusal::SendAgain);
        check(lasting(1_000), 999, false, AfterRefusal::Stop);
        check(lasting(1_000), 1_000, false, AfterRefusal::SendAgain);
        check(
            Refreshed::Replaced { lifetime: None },
            1,
            false,
            AfterRefusal::SendAgain,
        );
    }

    #[test]
    fn a_token_is_refreshed_before_it_expires_while_rows_are_sent_on() {
        let mut token = TokenState::default();
        token.lasts(Some(Duration::from_secs(10)), at(0));
        assert_eq!(
            (token.next(at(8_999)), token.wake_at()),
            (Next::Usable, Some(at(9_000)))
        );
        assert_eq!(
            (token.next(at(9_000)), token.next(at(9_000))),
            (NEEDED, Next::Usable)
        );
        assert_eq!(token.next(at(10_000)), Next::Wait(None), "it has expired");
        token.refreshed_at(lasting(3_600_000), 10_000);
        assert_eq!(
            (token.next(at(10_000)), token.wake_at()),
            (Next::Usable, Some(at(3_550_000)))
        );
    }

    #[test]
    fn a_lifetime_of_nothing_is_no_reason_to_hurry() {
        let mut token = TokenState::default();
        token.lasts(Some(Duration::ZERO), at(0));
        assert_eq!(token.next(at(0)), NEEDED);
        assert_eq!(token.refreshed_at(lasting(0), 0), Conclusion::GoOn);
        let Next::Wait(Some(again)) = token.next(at(0)) else {
            panic!("it is tried again")
        };
        assert!(again >= at(500) && token.next(again) == NEEDED);
        assert_eq!(token.unavailable_since(), Some(Moment::START));
    }

    #[test]
    fn an_endpoint_that_is_down_is_asked_again_after_longer_and_longer_waits() {
        let mut token = TokenState::default();
        token.refused(0, at(0));
        let mut now = at(0);
        for longest_s in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(token.next(now), NEEDED);
            token.refreshed(Refreshed::Unavailable, now, &mut Random::seeded(longest_s));
            let Next::Wait(Some(again)) = token.next(now) else {
                panic!("it is tried again")
            };
            let longest = Duration::from_secs(longest_s);
            assert!(
                (longest / 2..=longest).contains(&again.since(now)),
                "{longest:?}: {:?}",
                again.since(now)
            );
            now = again;
        }
        assert_eq!(token.unavailable_since(), Some(Moment::START));
        token.refreshed_at(NEW, 99_000);
        assert_eq!(
            (token.next(at(99_000)), token.unavailable_since()),
            (Next::Usable, None)
        );
    }

    #[test]
    fn what_is_usable_is_sent_while_the_endpoint_is_down() {
        let mut token = TokenState::default();
        token.lasts(Some(Duration::from_secs(100)), at(0));
        assert_eq!(token.next(at(90_000)), NEEDED);
        token.refreshed_at(Refreshed::Unavailable, 90_000);
        assert_eq!(
            (token.next(at(90_000)), token.unavailable_since()),
            (Next::Usable, None)
        );
    }

    #[test]
    fn a_token_that_cannot_be_replaced_is_sent_once_more() {
        let mut token = TokenState::default();
        assert_eq!(
            (token.refused(0, at(0)), token.next(at(0))),
            (AfterRefusal::SendAgain, NEEDED)
        );
        assert_eq!(
            token.refreshed_at(Refreshed::Unchanged, 0),
            Conclusion::GoOn
        );
        assert_eq!(
            token.refused(0, at(0)),
            AfterRefusal::SendAgain,
            "a late refusal of the first time"
        );
        assert_eq!(token.refused(1, at(0)), AfterRefusal::Stop);
        token.proven(1);
        assert_eq!(
            token.refused(1, at(0)),
            AfterRefusal::SendAgain,
            "it was good in between"
        );
    }

    #[test]
    fn what_a_refresh_means() {
        let check = |is_refused: bool, refreshed: Refreshed, want: Conclusion| {
            let mut token = TokenState::default();
            token.lasts(Some(Duration::ZERO), at(0));
            if is_refused {
                token.refused(0, at(0));
            }
            assert_eq!(token.next(at(0)), NEEDED);
            assert_eq!(
                token.refreshed_at(refreshed, 0),
                want,
                "{is_refused} {refreshed:?}"
            );
        };
        check(true, Refreshed::Unchanged, Conclusion::GoOn);
        check(false, Refreshed::Unchanged, Conclusion::GoOn);
        check(true, Refreshed::LoginNeeded, Conclusion::LoginNeeded);
        check(false, Refreshed::LoginNeeded, Conclusion::LoginNeeded);
        check(true, Refreshed::Unavailable, Conclusion::GoOn);
    }

    #[test]
    fn a_changed_file_is_read_and_stops_nothing() {
        let mut token = TokenState::default();
        token.file_changed();
        assert_eq!(token.next(at(0)), Next::Refresh(RefreshReason::FileChanged));
        assert_eq!(
            (token.refused(0, at(0)), token.next(at(0))),
            (AfterRefusal::SendAgain, Next::Wait(None))
        );
        assert_eq!(
            token.refreshed_at(Refreshed::Unchanged, 0),
            Conclusion::GoOn,
            "it was refused after it was read"
        );
        assert_eq!(token.next(at(0)), NEEDED);
        token.refreshed_at(Refreshed::Replaced { lifetime: None }, 0);
        assert_eq!((token.generation(), token.next(at(0))), (1, Next::Usable));
    }
}
