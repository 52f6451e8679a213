//! The search for the rate, after the first refusal or from a given rate.

use std::time::Duration;

use super::super::moment::Moment;
use super::super::request::Departure;
use super::round::Round;

/// The time whose requests may leave as a burst, because timers fire a little late.
///
/// It keeps a high rate from falling behind, and any second holds at most half a percent more than
/// the rate. Below 400 a second there is no burst: a limit without one refuses two requests close
/// together.
pub(in super::super) const BURST_TIME: Duration = Duration::from_millis(5);
/// The accepted requests that earn a refusal.
pub(super) const EARNED_BY: f64 = 80.0;
/// The time between a fall and the next step up.
pub(super) const REST: Duration = Duration::from_secs(5);
/// The multiple of a named wait before the next step. Such a wait holds all rows back, so the next
/// one has to be worth it.
pub(super) const NAMED_WAITS: u32 = 20;
/// The time in which all unearned refusals can be earned. More of them are forgotten, so that a
/// limit that rises is found.
const UNEARNED_MAX: Duration = Duration::from_secs(20);
/// The lowest rate a second.
const PER_SECOND_MIN: f64 = 0.02;
/// The first step up, as a part of the rate. Each step is larger than the last by the growth, up to
/// the maximum.
const STEP_FIRST: f64 = 0.01;
const STEP_GROWTH: f64 = 1.5;
const STEP_MAX: f64 = 0.25;
/// The growth if a 503 was taken for a limit's. It may have been trouble that is over.
const STEP_GROWTH_AFTER_503: f64 = 3.0;
/// The part of the refused rate up to which the rate rises by [`STEP_MAX`] a round.
const FAR_BELOW: f64 = 0.8;
/// The part that is kept of a rate that was proven and then refused.
const TOO_HIGH: f64 = 0.97;
/// The fewest accepted requests that show a rate.
const ACCEPTED_MIN: u32 = 10;
/// The wait of the request that checks whether the API is open again.
const CHECK_FIRST: Duration = Duration::from_millis(50);
const CHECK_GROWTH: f64 = 1.5;
const CHECK_MAX: Duration = Duration::from_mins(1);
/// The fewest accepted requests with a meaningful average.
const ACCEPTED_IN_CYCLE_MIN: u32 = 20;

/// The limit that holds the next request back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum HeldBy {
    /// Our own pacing, until this time.
    Rate(Moment),
    /// A shut API: until this time or, without one, until the check is answered.
    Shut(Option<Moment>),
}

/// The search for the rate.
#[derive(Debug)]
pub(super) struct Search {
    per_second: f64,
    per_second_min: f64,
    /// The first refused rate of the last series of falls.
    refused: Option<f64>,
    /// The rate that was accepted for a whole round since the last fall.
    proven: Option<f64>,
    step: f64,
    /// The time before which there is no step up.
    rests_until: Moment,
    /// Unearned refusals, in accepted requests.
    unearned: f64,
    /// Refusals since the last fall that were not earned.
    pressure: f64,
    /// Falls since the last clean round.
    falls: u32,
    /// The time up to which a request left if its answer says nothing new.
    outdated: Option<Moment>,
    since_fall: Accepted,
    /// Accepted requests since a shut limit last opened.
    cycle: Accepted,
    round: Round,
    /// The state of a shut API, from a fall until a check is accepted.
    shut: Option<Shut>,
    paused_until: Moment,
    in_flight_max: Option<usize>,
    /// Whether the learned number in flight was reached.
    in_flight_max_reached: bool,
    /// The time at which the next request is due.
    due: Moment,
}

/// A shut API: one request at a time checks whether it is open again.
#[derive(Debug)]
struct Shut {
    since: Moment,
    /// The time at which the current check left.
    check: Option<Moment>,
    refusals: u32,
    wait: Duration,
}

/// Accepted requests since a time.
#[derive(Debug, Clone, Copy)]
struct Accepted {
    since: Moment,
    count: u32,
}

impl Accepted {
    fn since(since: Moment) -> Accepted {
        Accepted { since, count: 0 }
    }

    fn per_second(self, now: Moment) -> f64 {
        f64::from(self.count) / now.since(self.since).as_secs_f64().max(1e-3)
    }
}

impl Search {
    /// Starts a search at a rate a second.
    pub(super) fn new(per_second: f64, now: Moment) -> Search {
        Search {
            per_second,
            per_second_min: PER_SECOND_MIN,
            refused: None,
            proven: None,
            step: STEP_FIRST,
            rests_until: Moment::START,
            unearned: 0.0,
            pressure: 0.0,
            falls: 0,
            outdated: None,
            since_fall: Accepted::since(now),
            cycle: Accepted::since(now),
            round: Round::new(now),
            shut: None,
            paused_until: Moment::START,
            in_flight_max: None,
            in_flight_max_reached: false,
            due: now,
        }
    }

    /// Starts a search after a refusal, when nothing but the API's answers held requests back. The
    /// rate was not refused, and one request leaves alone first.
    pub(super) fn after_refusal(per_second: f64, per_second_min: f64, now: Moment) -> Search {
        let search = Search::new(per_second, now);
        Search {
            per_second_min: per_second_min.max(PER_SECOND_MIN),
            outdated: Some(now),
            shut: Some(Shut::new(now)),
            paused_until: now + search.interval(),
            ..search
        }
    }

    /// The rate a second.
    pub(super) fn per_second(&self) -> f64 {
        self.per_second
    }

    /// The rate a second, once a faster one was refused.
    pub(super) fn learned(&self) -> Option<f64> {
        self.refused.map(|_| self.per_second)
    }

    /// The learned limit of requests in flight.
    pub(super) fn in_flight_max(&self) -> Option<usize> {
        self.in_flight_max
    }

    /// The time since which one request at a time checks whether the API is open again.
    pub(super) fn shut_since(&self) -> Option<Moment> {
        self.shut.as_ref().map(|shut| shut.since)
    }

    /// The limit that holds the next request back, if any.
    pub(super) fn held_by(&self, now: Moment) -> Option<HeldBy> {
        let later = |at: Moment| (at > now).then_some(at);
        if let Some(shut) = &self.shut {
            return if shut.check.is_some() {
                Some(HeldBy::Shut(None))
            } else {
                later(self.paused_until).map(|at| HeldBy::Shut(Some(at)))
            };
        }
        later(self.due - BURST_TIME.saturating_sub(self.interval())).map(HeldBy::Rate)
    }

    /// Notes a request that leaves.
    pub(super) fn leaves(&mut self, departure: Departure) {
        // Requests that left while the rate did not hold them back are not made up for.
        self.due = self.due.clamp(departure.at, departure.at + BURST_TIME) + self.interval();
        if let Some(shut) = &mut self.shut {
            shut.check = Some(departure.at);
        }
        self.in_flight_max_reached |= self
            .in_flight_max
            .is_some_and(|max| departure.in_flight >= max);
    }

    /// Notes that a request is no longer in flight.
    pub(super) fn landed(&mut self, departure: Departure) {
        if let Some(shut) = &mut self.shut
            && shut.check == Some(departure.at)
        {
            shut.check = None;
        }
    }

    /// Notes an accepted request, which earns `gain` of the [`EARNED_BY`] that a refusal costs.
    pub(super) fn accepted(&mut self, departure: Departure, gain: f64, now: Moment) {
        self.since_fall.count += 1;
        self.cycle.count += 1;
        if self.is_outdated(departure) {
            return;
        }
        self.round.accepted(departure);
        self.pressure = (self.pressure - gain / EARNED_BY).max(0.0);
        self.unearned = (self.unearned - gain).max(0.0);
        if let Some(shut) = self.shut.take() {
            self.opens(&shut, now);
        }
        self.end_round(departure, now);
    }

    /// Notes a refusal. The rate does not fall below `per_second_min`.
    pub(super) fn refused(
        &mut self,
        departure: Departure,
        named: Option<Duration>,
        per_second_min: f64,
        now: Moment,
    ) {
        if self.is_outdated(departure) {
            return;
        }
        self.per_second_min = per_second_min.max(PER_SECOND_MIN);
        self.round.refused(departure);
        self.pressure += 1.0;
        self.unearned =
            (self.unearned + EARNED_BY).min(UNEARNED_MAX.as_secs_f64() * self.per_second);
        if let Some(wait) = named {
            self.rests_until = self.rests_until.max(now + wait.saturating_mul(NAMED_WAITS));
        }
        if let Some(shut) = &mut self.shut {
            let wait = shut.refused(
                Duration::from_secs_f64(2.0 / self.per_second).max(now.since(departure.at)),
            );
            self.pressure = 0.0;
            self.outdated = Some(now);
            self.pause(now + wait);
        } else if named.is_some() || self.pressure >= self.pressure_max() {
            self.limited(departure, named, now);
        } else {
            self.end_round(departure, now);
        }
    }

    /// Falls to a rate a second that another process has learned. Its refusals show what they
    /// show, so no request has to check first.
    pub(super) fn lower_to(&mut self, per_second: f64, now: Moment) {
        if per_second >= self.per_second {
            self.refused.get_or_insert(self.per_second);
            return;
        }
        self.refused = Some(self.per_second);
        self.per_second = per_second.max(self.per_second_min);
        self.proven = None;
        self.step = STEP_FIRST;
        self.pressure = 0.0;
        self.rests_until = self.rests_until.max(now + REST);
        self.since_fall = Accepted::since(now);
        self.outdated = Some(now);
        self.round.next(now);
    }

    /// Climbs again from the current rate: what was refused was no limit.
    pub(super) fn forget(&mut self) {
        (self.refused, self.unearned, self.pressure) = (None, 0.0, 0.0);
    }

    fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.per_second)
    }

    fn is_outdated(&self, departure: Departure) -> bool {
        self.outdated
            .is_some_and(|outdated| departure.at <= outdated)
    }

    /// Whether the rate was never accepted for a whole round.
    fn is_climbing(&self) -> bool {
        self.refused.is_none() || self.proven.is_some_and(|proven| self.per_second > proven)
    }

    /// The unearned refusals that count as a limit. A higher rate gets more of them together, and a
    /// proven rate is given up less easily.
    fn pressure_max(&self) -> f64 {
        let together = (self.per_second.sqrt() / 5.0).max(1.0);
        if self.is_climbing() {
            together
        } else {
            together + 1.0
        }
    }

    fn pause(&mut self, until: Moment) {
        self.paused_until = self.paused_until.max(until);
    }

    fn limited(&mut self, departure: Departure, named: Option<Duration>, now: Moment) {
        self.rests_until = self.rests_until.max(now + REST);
        if self.refused.is_none() {
            self.unearned = 0.0;
        }
        match self.round.accepted_in_flight() {
            Some(in_flight) if self.falls == 0 => {
                self.in_flight_max = Some(in_flight);
                self.refused.get_or_insert(2.0 * self.per_second);
            }
            Some(_) | None => self.fall(departure, named, now),
        }
        self.falls += 1;
        self.outdated = Some(now);
        self.pressure = 0.0;
        self.round.next(now);
    }

    fn fall(&mut self, departure: Departure, named: Option<Duration>, now: Moment) {
        let per_second = self
            .proven
            .filter(|_| self.is_climbing())
            .unwrap_or_else(|| self.halfway_down(now));
        if self.falls == 0 || self.refused.is_none() {
            self.refused = Some(self.per_second);
        }
        self.per_second = per_second.max(self.per_second_min);
        self.proven = None;
        self.step = STEP_FIRST;
        self.since_fall = Accepted::since(now + named.unwrap_or_default());
        self.shut = Some(Shut::new(now));
        let round_trip = if self.falls > 0 {
            now.since(departure.at)
        } else {
            Duration::ZERO
        };
        self.pause(now + self.interval().max(round_trip));
    }

    /// The rate halfway from the refused one, which was proven or is new, to what was accepted
    /// since the last fall.
    fn halfway_down(&self, now: Moment) -> f64 {
        let upper = self.per_second * if self.proven.is_some() { TOO_HIGH } else { 1.0 };
        let half = self.per_second / 2.0;
        let is_known = self.since_fall.count >= ACCEPTED_MIN;
        let lower = if is_known {
            self.since_fall.per_second(now).clamp(half, upper)
        } else {
            half
        };
        (lower * upper).sqrt()
    }

    /// Opens after an accepted check. If the API was shut for long, its limit is what it let
    /// through between two openings.
    fn opens(&mut self, shut: &Shut, now: Moment) {
        if shut.refusals < 2 {
            return;
        }
        let was_shut_for_long = now.since(shut.since) > now.since(self.cycle.since) / 5;
        if self.cycle.count >= ACCEPTED_IN_CYCLE_MIN && was_shut_for_long {
            let lowest = (self.per_second / 10.0)
                .max(self.per_second_min)
                .min(self.per_second);
            self.per_second = self.cycle.per_second(now).clamp(lowest, self.per_second);
        }
        self.cycle = Accepted::since(now);
    }

    fn end_round(&mut self, departure: Departure, now: Moment) {
        if !self.round.is_over(departure.at) {
            return;
        }
        let is_full = self.round.is_full(self.per_second, departure.at);
        let may_rise = now >= self.rests_until && self.unearned <= 0.0;
        self.falls = 0;
        if self.refused.is_none() {
            self.since_fall = Accepted::since(now);
        }
        if let Some(max) = self
            .in_flight_max
            .as_mut()
            .filter(|_| self.in_flight_max_reached && may_rise)
        {
            *max += 1;
            self.rests_until = now + REST;
        }
        self.in_flight_max_reached = false;
        self.round.next(now);
        if is_full {
            self.proven = Some(self.per_second);
            self.rise(may_rise);
        }
    }

    fn rise(&mut self, may_rise: bool) {
        match self.refused {
            None => self.per_second *= 2.0,
            Some(refused) if self.per_second < FAR_BELOW * refused => {
                self.per_second = ((1.0 + STEP_MAX) * self.per_second).min(FAR_BELOW * refused);
                self.step = STEP_FIRST;
            }
            Some(_) if may_rise => {
                self.per_second *= 1.0 + self.step;
                let is_after_503 = self.per_second_min > PER_SECOND_MIN;
                let growth = if is_after_503 {
                    STEP_GROWTH_AFTER_503
                } else {
                    STEP_GROWTH
                };
                self.step = (growth * self.step).min(STEP_MAX);
            }
            Some(_) => {}
        }
    }
}

impl Shut {
    fn new(since: Moment) -> Shut {
        Shut {
            since,
            check: None,
            refusals: 0,
            wait: Duration::ZERO,
        }
    }

    /// Notes a refused check. Returns the wait before the next one.
    fn refused(&mut self, first: Duration) -> Duration {
        self.check = None;
        self.refusals += 1;
        self.wait = match self.wait {
            Duration::ZERO => first.clamp(CHECK_FIRST, CHECK_MAX),
            wait => wait.mul_f64(CHECK_GROWTH).min(CHECK_MAX),
        };
        self.wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::START;

    fn ms(ms: u64) -> Moment {
        Moment::after_start(Duration::from_millis(ms))
    }

    fn with(in_flight: usize, at: Moment) -> Departure {
        Departure {
            at,
            in_flight,
            nth: 1,
            refused_beside_others: 0,
        }
    }

    fn search(per_second: f64, refused: Option<f64>, proven: Option<f64>) -> Search {
        Search {
            refused,
            proven,
            ..Search::new(per_second, START)
        }
    }

    #[track_caller]
    fn is_about(found: f64, want: f64) {
        assert!((found - want).abs() < 1e-9, "{found}, not {want}");
    }

    #[test]
    fn the_rate_doubles_before_a_refusal_and_then_rises_to_near_the_refused_one() {
        for (per_second, refused, want) in [
            (50.0, None, 100.0),
            (40.0, Some(100.0), 50.0),
            (70.0, Some(100.0), 80.0),
            (80.0, Some(100.0), 80.0),
        ] {
            let mut search = search(per_second, refused, None);
            search.step = 0.1;
            search.rise(false);
            is_about(search.per_second, want);
            let is_far = refused.is_some() && per_second < 80.0;
            is_about(search.step, if is_far { STEP_FIRST } else { 0.1 });
        }
    }

    #[test]
    fn near_the_refused_rate_steps_grow_by_half_and_threefold_after_a_503() {
        for (per_second_min, want) in [(PER_SECOND_MIN, 0.015), (1.0, 0.03)] {
            let mut search = search(90.0, Some(100.0), None);
            search.per_second_min = per_second_min;
            search.rise(true);
            is_about(search.per_second, 90.9);
            is_about(search.step, want);
            search.rise(true);
            is_about(search.per_second, 90.9 * (1.0 + want));
            search.step = 0.2;
            search.rise(true);
            is_about(search.step, STEP_MAX);
        }
    }

    #[test]
    fn a_rate_that_was_never_accepted_for_a_whole_round_is_given_up_more_easily() {
        let check = |per_second: f64, refused, proven, want: f64| {
            is_about(search(per_second, refused, proven).pressure_max(), want);
        };
        check(100.0, None, Some(100.0), 2.0);
        check(100.0, Some(200.0), Some(90.0), 2.0);
        check(100.0, Some(200.0), Some(100.0), 3.0);
        check(100.0, Some(200.0), Some(110.0), 3.0);
        check(100.0, Some(200.0), None, 3.0);
        check(4.0, None, None, 1.0);
    }

    #[test]
    fn it_falls_halfway_to_what_was_accepted_since_the_last_fall() {
        let check = |count: u32, ms_later: u64, proven: Option<f64>, want: f64| {
            let mut search = search(20.0, Some(20.0), proven);
            search.since_fall.count = count;
            is_about(search.halfway_down(ms(ms_later)), want);
        };
        check(15, 1000, None, f64::sqrt(15.0 * 20.0));
        check(30, 2000, None, f64::sqrt(15.0 * 20.0));
        // Fewer than ten show no rate, so half of the refused one counts.
        check(10, 500, None, 20.0);
        check(9, 500, None, f64::sqrt(10.0 * 20.0));
        check(10, 5000, None, f64::sqrt(10.0 * 20.0));
        // A rate that was proven is a little too high.
        check(15, 1000, Some(20.0), f64::sqrt(15.0 * 19.4));
        check(100, 1000, Some(20.0), 19.4);
    }

    #[test]
    fn the_first_rate_of_a_series_of_falls_is_the_refused_one() {
        let mut search = search(100.0, None, None);
        search.fall(with(1, START), None, ms(0));
        assert_eq!(search.refused, Some(100.0));
        search.falls = 1;
        search.fall(with(1, START), None, ms(0));
        assert_eq!(search.refused, Some(100.0));
        search.falls = 0;
        let per_second = search.per_second;
        search.fall(with(1, START), None, ms(0));
        assert_eq!(search.refused, Some(per_second));
    }

    #[test]
    fn a_fall_waits_for_the_next_request_and_a_later_one_for_a_round_trip_too() {
        let paused = |falls: u32, sent: u64| {
            let mut search = search(100.0, Some(100.0), None);
            search.falls = falls;
            search.fall(with(1, ms(sent)), None, ms(5000));
            search.paused_until.since(ms(5000))
        };
        let interval = Duration::from_secs_f64(1.0 / f64::sqrt(50.0 * 100.0));
        assert_eq!(paused(0, 4000), interval);
        assert_eq!(paused(1, 4000), Duration::from_secs(1));
        assert_eq!(paused(1, 4999), interval);
    }

    #[test]
    fn a_named_wait_is_no_time_in_which_nothing_was_accepted() {
        let mut search = search(100.0, Some(100.0), None);
        search.fall(with(1, START), Some(Duration::from_secs(7)), ms(1000));
        assert_eq!(search.since_fall.since, ms(8000));
    }

    /// A round in which only requests with more than two in flight were refused.
    fn limited_in_flight() -> Search {
        let mut search = search(100.0, None, None);
        for _ in 0..4 {
            search.round.accepted(with(2, START));
        }
        (0..3).for_each(|_| search.round.refused(with(3, START)));
        search
    }

    #[test]
    fn requests_at_once_are_limited_instead_of_the_rate_unless_it_has_just_fallen() {
        let mut search = limited_in_flight();
        search.limited(with(3, START), None, ms(1000));
        assert_eq!((search.in_flight_max, search.falls), (Some(2), 1));
        is_about(search.per_second, 100.0);
        assert_eq!(search.refused, Some(200.0));
        assert_eq!(search.rests_until, ms(1000) + REST);
        assert!(search.shut.is_none());
        let mut search = limited_in_flight();
        search.falls = 1;
        search.limited(with(3, START), None, ms(1000));
        assert_eq!((search.in_flight_max, search.falls), (None, 2));
        assert!(search.per_second < 100.0 && search.shut.is_some());
    }

    #[test]
    fn a_learned_number_in_flight_grows_by_one_where_it_is_reached() {
        let next = |most: usize, now: u64| {
            let mut search = limited_in_flight();
            search.limited(with(3, START), None, ms(1000));
            for nth in 0..6 {
                let at = ms(now - 5 + nth);
                let departure = with(if nth == 2 || nth == 3 { most } else { 1 }, at);
                search.leaves(departure);
                search.accepted(departure, 1000.0, at);
            }
            assert!(!search.in_flight_max_reached, "the next round is new");
            assert_eq!(search.since_fall.count, 6);
            (search.in_flight_max, search.rests_until)
        };
        assert_eq!(next(2, 6000), (Some(3), ms(6000) + REST));
        assert_eq!(next(3, 7000), (Some(3), ms(7000) + REST));
        assert_eq!(next(1, 7000), (Some(2), ms(6000)), "it is not reached");
        assert_eq!(next(2, 5999), (Some(2), ms(6000)), "it rests");
    }

    #[test]
    fn a_rate_of_others_is_taken_if_it_is_lower() {
        let lowered = |per_second: f64| {
            let mut search = search(100.0, None, Some(100.0));
            search.lower_to(per_second, ms(1000));
            (search.learned(), search.proven, search.rests_until)
        };
        let rests = ms(1000) + REST;
        assert_eq!(lowered(50.0), (Some(50.0), None, rests));
        assert_eq!(lowered(100.0), (Some(100.0), Some(100.0), START));
        assert_eq!(lowered(101.0), (Some(100.0), Some(100.0), START));
        assert_eq!(lowered(0.0), (Some(PER_SECOND_MIN), None, rests));
    }
}
