//! The causes that hold a run back, over the last seconds and over the whole process.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::schedule::Moment;

/// The time over which the main cause is found.
const RECENT: Duration = Duration::from_secs(10);

/// A cause that holds a run back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Brake {
    /// A wait that the API named.
    Pause,
    /// An outage of the API.
    Outage,
    /// An API that does not answer.
    NoAnswer,
    /// Doubts about all rows that are left.
    Doubts,
    /// The API's window.
    Window,
    /// The user's rate.
    Rate,
    /// The rate that several processes share.
    SharedRate,
    /// The store of that rate, which is out of reach or closed.
    RateStore,
    /// The modest rate for an API that names no limit.
    NoNamedLimit,
    /// The rate learned from the API's refusals.
    LearnedRate,
    /// The user's limit of requests in flight.
    MaxInFlight,
    /// The limit of requests in flight, which is still being raised.
    SlowStart,
    /// The requests in flight that the API answers without getting slower.
    Answers,
    /// The requests in flight that the API accepts at once.
    Refusals,
    /// The descriptors and ports of this machine.
    Sockets,
    /// Too many retries for too few successes.
    Retries,
    /// A refresh of the token.
    TokenRefresh,
    /// The canary, whose verdict all other rows wait for.
    Canary,
    /// The user's hours, which have not begun.
    Hours,
    /// Rows that wait for another row of their customer.
    Order,
    /// The reading of the input.
    Input,
}

/// A cause with its description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldBack {
    /// The cause.
    pub brake: Brake,
    /// The description, with the flag that changes it.
    pub text: String,
    /// A description of a few words.
    pub short: String,
}

/// The time for which each cause held a process back.
#[derive(Debug, Clone, Default)]
pub(crate) struct BrakeTimes {
    all: BTreeMap<Option<Brake>, Duration>,
    recent: VecDeque<Stretch>,
    seen: Moment,
}

/// A stretch of time with one cause.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    ended: Moment,
    took: Duration,
    brake: Option<Brake>,
}

/// Returns the name for people of a cause with this name in JSON; `None` if only a later version
/// knows it.
pub(crate) fn label_of(name: &str) -> Option<&'static str> {
    Brake::of_name(name).map(Brake::label)
}

impl Brake {
    /// Every cause.
    pub(crate) const ALL: [Brake; 21] = [
        Brake::Pause,
        Brake::Outage,
        Brake::NoAnswer,
        Brake::Doubts,
        Brake::Window,
        Brake::Rate,
        Brake::SharedRate,
        Brake::RateStore,
        Brake::NoNamedLimit,
        Brake::LearnedRate,
        Brake::MaxInFlight,
        Brake::SlowStart,
        Brake::Answers,
        Brake::Refusals,
        Brake::Sockets,
        Brake::Retries,
        Brake::TokenRefresh,
        Brake::Canary,
        Brake::Hours,
        Brake::Order,
        Brake::Input,
    ];

    fn of_name(name: &str) -> Option<Brake> {
        Brake::ALL.into_iter().find(|brake| brake.name() == name)
    }

    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Brake::Pause => "pause",
            Brake::Outage => "outage",
            Brake::NoAnswer => "no_answer",
            Brake::Doubts => "doubts",
            Brake::Window => "window",
            Brake::Rate => "rate",
            Brake::SharedRate => "shared_rate",
            Brake::RateStore => "rate_store",
            Brake::NoNamedLimit => "no_named_limit",
            Brake::LearnedRate => "learned_rate",
            Brake::MaxInFlight => "max_in_flight",
            Brake::SlowStart => "slow_start",
            Brake::Answers => "answer_times",
            Brake::Refusals => "accepted_in_flight",
            Brake::Sockets => "sockets",
            Brake::Retries => "retries",
            Brake::TokenRefresh => "token_refresh",
            Brake::Canary => "canary",
            Brake::Hours => "hours",
            Brake::Order => "order",
            Brake::Input => "input",
        }
    }

    /// The name for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Brake::Pause => "waits that the API asked for",
            Brake::Outage => "an API that is down",
            Brake::NoAnswer => "an API that does not answer",
            Brake::Doubts => "rows in doubt",
            Brake::Window => "the API's window",
            Brake::Rate => "--rate",
            Brake::SharedRate => "the rate shared with other processes",
            Brake::RateStore => "a rate store that is out of reach or closed",
            Brake::NoNamedLimit => "an API that names no limit (--rate)",
            Brake::LearnedRate => "the rate that the API accepts",
            Brake::MaxInFlight => "--max-in-flight",
            Brake::SlowStart => "slow start",
            Brake::Answers => "answers that get slower",
            Brake::Refusals => "the requests that the API accepts at once",
            Brake::Sockets => "the descriptors of this machine (ulimit -n)",
            Brake::Retries => "retries",
            Brake::TokenRefresh => "the refresh of the token",
            Brake::Canary => "--canary",
            Brake::Hours => "--hours",
            Brake::Order => "the order of a customer's rows",
            Brake::Input => "the reading of the input",
        }
    }
}

/// Serialises to the name.
impl Serialize for Brake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Reads numbers by cause. Causes that only a later version knows are left out.
pub(crate) fn by_known_brake<'de, T, D>(deserializer: D) -> Result<BTreeMap<Brake, T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let by_name = BTreeMap::<String, T>::deserialize(deserializer)?;
    let known = by_name
        .into_iter()
        .filter_map(|(name, number)| Some((Brake::of_name(&name)?, number)));
    Ok(known.collect())
}

impl BrakeTimes {
    /// Adds the time since the last call to a cause; `None` if nothing held the run back.
    pub(crate) fn add(&mut self, now: Moment, brake: Option<Brake>) {
        let took = now.since(self.seen);
        self.seen = now;
        *self.all.entry(brake).or_default() += took;
        self.recent.push_back(Stretch {
            ended: now,
            took,
            brake,
        });
        while self
            .recent
            .front()
            .is_some_and(|stretch| now.since(stretch.ended) >= RECENT)
        {
            self.recent.pop_front();
        }
    }

    /// Returns the whole time that each cause took; `None` is the time in which nothing held the
    /// run back.
    pub(crate) fn all(&self) -> &BTreeMap<Option<Brake>, Duration> {
        &self.all
    }

    /// Returns the cause that took most of the last ten seconds.
    pub(crate) fn recent(&self) -> Option<Brake> {
        let mut times = BTreeMap::<_, Duration>::new();
        for stretch in &self.recent {
            *times.entry(stretch.brake).or_default() += stretch.took;
        }
        times.into_iter().max_by_key(|(_, time)| *time)?.0
    }

    /// Returns the part of the whole time that each cause took, the largest first.
    pub(crate) fn shares(&self) -> Vec<(Brake, f64)> {
        let whole: Duration = self.all.values().sum();
        let part =
            |time: &Duration| time.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE);
        let named = self
            .all
            .iter()
            .filter_map(|(brake, time)| Some(((*brake)?, part(time))));
        let mut shares: Vec<_> = named.collect();
        shares.sort_by(|one, other| other.1.total_cmp(&one.1));
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_found_by_its_name() {
        assert_eq!(Brake::ALL.len(), Brake::Input as usize + 1, "the last one");
        for brake in Brake::ALL {
            assert_eq!(label_of(brake.name()), Some(brake.label()), "{brake:?}");
        }
        assert_eq!(label_of("weather"), None);
    }

    /// Returns the times after these seconds of each cause.
    fn after(stretches: &[(u64, Option<Brake>)]) -> BrakeTimes {
        let (mut times, mut now) = (BrakeTimes::default(), Moment::START);
        for &(seconds, brake) in stretches {
            for _ in 0..10 * seconds {
                now = now + Duration::from_millis(100);
                times.add(now, brake);
            }
        }
        times
    }

    #[test]
    fn the_main_cause_is_that_of_the_last_ten_seconds() {
        let (window, max) = (Some(Brake::Window), Some(Brake::MaxInFlight));
        assert_eq!(after(&[]).recent(), None);
        assert_eq!(after(&[(60, window), (4, max)]).recent(), window);
        assert_eq!(after(&[(60, window), (6, max)]).recent(), max);
        assert_eq!(after(&[(60, window), (6, None)]).recent(), None);
    }

    #[test]
    fn shares_are_those_of_the_whole_time() {
        let (window, max) = (Some(Brake::Window), Some(Brake::MaxInFlight));
        let shares = after(&[(12, window), (80, max), (8, None)]).shares();
        let percent = shares
            .iter()
            .map(|(brake, share)| (*brake, (share * 100.0).round()));
        let want = [(Brake::MaxInFlight, 80.0), (Brake::Window, 12.0)];
        assert!(percent.eq(want), "{shares:?}");
        assert_eq!(after(&[]).shares(), []);
    }
}
