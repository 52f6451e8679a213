//! Processes that share a rate by a store, in simulated time: their throttles, the store's state,
//! and an API.

mod api;
mod healthy;
mod learned;
mod troubles;

use std::collections::BTreeMap;
use std::time::Duration;

use self::api::Api;
use super::{Seed, ms, s, seeds};
use crate::contract::Response;
use crate::schedule::judge::{Exhausted, Wait, WaitReason};
use crate::schedule::moment::Moment;
use crate::schedule::random::Random;
use crate::schedule::rate::{LimitedRate, Rate, RateUnit};
use crate::schedule::request::Departure;
use crate::schedule::rules::RateSharing;
use crate::schedule::shared_rate::exchange::{Reply, ToStore};
use crate::schedule::shared_rate::store::{CLOSED_US, StoreState};
use crate::schedule::throttle::{Throttle, ThrottledBy};

/// The time after which an exchange is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(1);

/// The world to simulate.
pub(super) struct World {
    pub(super) now: Moment,
    pub(super) random: Random,
    pub(super) api: Api,
    pub(super) members: Vec<Process>,
    pub(super) store: Store,
    /// The times at which requests left, with the process.
    pub(super) departures: Vec<(Moment, usize)>,
    events: BTreeMap<(Moment, u64), Event>,
    events_ever: u64,
    plan: Vec<(Moment, Change)>,
}

/// The store's side: its state, its clock, and the way to it.
pub(super) struct Store {
    state: StoreState,
    /// The time of its clock at the start, in microseconds.
    clock_us: u64,
    pub(super) latency: Duration,
    is_up: bool,
    /// Messages that reached it while it was stopped.
    stopped: Option<Vec<(usize, u64, ToStore)>>,
}

/// A process.
pub(super) struct Process {
    id: String,
    rate: Rate,
    throttle: Throttle,
    pub(super) api_latency: Duration,
    in_flight: usize,
    in_flight_max: usize,
    pub(super) is_alive: bool,
    /// Whether it has rows to send.
    pub(super) has_rows: bool,
    is_cut_off: bool,
    /// The number of the exchange under way, and the time at which it left.
    asking: Option<(u64, Moment)>,
    asks: u64,
    /// A process of the same name begins anew with another number of asks.
    life: u64,
    /// The next time at which it looks, if known.
    wakes: Option<Moment>,
}

/// A change of the world.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Start(usize),
    Kill(usize),
    Leave(usize),
    CutOff(usize),
    Join(usize),
    StoreStops,
    StoreGoesOn,
    StoreDies,
    /// The store begins again without its state.
    StoreBeginsEmpty,
    StoreLatency(Duration),
    /// The store's clock is set by this many seconds.
    StoreClock(i64),
}

enum Event {
    ReachesStore(usize, u64, ToStore),
    StoreAnswers(usize, u64, Reply),
    GiveUp(usize, u64),
    ReachesApi(usize, u64, Departure),
    ApiAnswers(usize, u64, Departure, Response),
    Wake(usize, Moment),
}

impl World {
    pub(super) fn new(members: usize, rate: Rate, api: Api, seed: u64) -> World {
        let mut random = Random::seeded(seed);
        let members = (0..members)
            .map(|index| Process {
                id: format!("{index:x}"),
                rate,
                throttle: Throttle::new(rate, RateSharing::Member(format!("{index:x}"))),
                api_latency: ms(20) + random.up_to(ms(60)),
                in_flight: 0,
                in_flight_max: 32,
                is_alive: true,
                has_rows: true,
                is_cut_off: false,
                asking: None,
                asks: 0,
                life: 0,
                wakes: None,
            })
            .collect();
        let clock_us = 1_800_000_000_000_000 + seed;
        // Most tests are not about its first minute.
        let state = StoreState::empty(clock_us - CLOSED_US);
        World {
            now: Moment::START,
            random,
            api,
            members,
            store: Store {
                state,
                clock_us,
                latency: ms(1),
                is_up: true,
                stopped: None,
            },
            departures: Vec::new(),
            events: BTreeMap::new(),
            events_ever: 0,
            plan: Vec::new(),
        }
    }

    pub(super) fn at(&mut self, at: Duration, change: Change) {
        self.plan.push((Moment::after_start(at), change));
    }

    /// Goes on until this time.
    pub(super) fn run_until(&mut self, end: Duration) {
        let end = Moment::after_start(end);
        self.plan.sort_by_key(|(at, _)| *at);
        for index in 0..self.members.len() {
            self.look(index);
        }
        loop {
            let event_at = self.events.keys().next().map(|(at, _)| *at);
            let change_at = self.plan.first().map(|(at, _)| *at);
            let Some(at) = event_at.into_iter().chain(change_at).min() else {
                break;
            };
            if at > end {
                break;
            }
            self.now = at;
            if change_at.is_some_and(|change| change <= at) {
                let (_, change) = self.plan.remove(0);
                self.change(change);
            } else if let Some((_, event)) = self.events.pop_first() {
                self.happen(event);
            }
        }
        self.now = end;
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Start(index) => {
                let process = &mut self.members[index];
                process.is_alive = true;
                process.life += 1;
                (process.in_flight, process.asking) = (0, None);
                process.throttle =
                    Throttle::new(process.rate, RateSharing::Member(process.id.clone()));
                process.wakes = None;
                self.look(index);
            }
            Change::Kill(index) => self.members[index].is_alive = false,
            Change::Leave(index) => {
                self.members[index].is_alive = false;
                let message = self.members[index]
                    .throttle
                    .leaves_store()
                    .expect("a member");
                self.happens(self.store.latency, Event::ReachesStore(index, 0, message));
            }
            Change::CutOff(index) => self.members[index].is_cut_off = true,
            Change::Join(index) => self.members[index].is_cut_off = false,
            Change::StoreStops => self.store.stopped = Some(Vec::new()),
            Change::StoreGoesOn => {
                for (index, number, message) in self.store.stopped.take().unwrap_or_default() {
                    self.store_takes(index, number, &message);
                }
            }
            Change::StoreDies => self.store.is_up = false,
            Change::StoreBeginsEmpty => {
                self.store.is_up = true;
                self.store.state = StoreState::empty(self.store.time(self.now));
            }
            Change::StoreLatency(latency) => self.store.latency = latency,
            Change::StoreClock(by_s) => {
                let by_us = by_s * 1_000_000;
                self.store.clock_us = self.store.clock_us.saturating_add_signed(by_us);
            }
        }
    }

    fn happens(&mut self, after: Duration, event: Event) {
        self.events_ever += 1;
        self.events
            .insert((self.now + after, self.events_ever), event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake(index, due) => {
                // An earlier one may have been set since.
                if self.members[index].wakes == Some(due) {
                    self.members[index].wakes = None;
                    self.look(index);
                }
            }
            Event::ReachesStore(index, number, message) => {
                if !self.store.is_up || self.members[index].is_cut_off {
                    return;
                }
                match &mut self.store.stopped {
                    Some(queue) => queue.push((index, number, message)),
                    None => self.store_takes(index, number, &message),
                }
            }
            Event::StoreAnswers(index, number, reply) => {
                let process = &mut self.members[index];
                if process.is_cut_off || !process.is_alive {
                    return;
                }
                // An answer that comes too late is not heard.
                if let Some((asking, asked)) = process.asking
                    && asking == number
                {
                    process.asking = None;
                    let pause = process.throttle.store_answered(&reply, asked, self.now);
                    if let Some(pause) = pause {
                        process
                            .throttle
                            .pause_heard(pause, self.now, &mut self.random);
                    }
                    self.look(index);
                }
            }
            Event::GiveUp(index, number) => {
                let process = &mut self.members[index];
                if process.asking.is_some_and(|(asking, _)| asking == number) {
                    process.asking = None;
                    process.throttle.store_lost(self.now);
                    self.look(index);
                }
            }
            Event::ReachesApi(index, life, departure) => {
                let response = self.api.answer(self.now);
                let latency = self.members[index].api_latency / 2;
                self.happens(latency, Event::ApiAnswers(index, life, departure, response));
            }
            Event::ApiAnswers(index, life, departure, response) => {
                if self.members[index].life == life && self.members[index].is_alive {
                    self.answered(index, departure, &response);
                    self.look(index);
                }
            }
        }
    }

    fn store_takes(&mut self, index: usize, number: u64, message: &ToStore) {
        let reply = self.store.state.take(message, self.store.time(self.now));
        // What a file or Redis holds is what was written.
        if number.is_multiple_of(16) {
            let text = self.store.state.text();
            assert_eq!(StoreState::read(&text).as_ref(), Ok(&self.store.state));
        }
        let latency = self.store.latency / 2 + self.random.up_to(self.store.latency / 4);
        self.happens(latency, Event::StoreAnswers(index, number, reply));
    }

    fn answered(&mut self, index: usize, departure: Departure, response: &Response) {
        let process = &mut self.members[index];
        process.in_flight -= 1;
        let throttle = &mut process.throttle;
        throttle.landed(departure);
        throttle.learn(response, departure.at, self.now, &mut self.random);
        if response.status == 200 {
            throttle.accepted(departure, self.now);
            return;
        }
        let exhausted = response.window.is_some_and(|window| window.remaining == 0);
        let wait = Wait {
            named: response.retry_after,
            reason: WaitReason::Quota,
            window: if exhausted {
                Exhausted::Yes
            } else {
                Exhausted::No
            },
        };
        throttle.refused(departure, wait, self.now);
        if let Some(named) = response.retry_after {
            throttle.quota_refused(self.now + named, departure.at);
            throttle.pause(named, self.now, &mut self.random);
        }
    }

    /// Sends what may leave, and asks the store.
    fn look(&mut self, index: usize) {
        loop {
            let process = &mut self.members[index];
            if !process.is_alive {
                return;
            }
            if let Some(ask) = process.throttle.ask_store(process.in_flight, self.now) {
                process.asks += 1;
                let number = process.life << 32 | process.asks;
                process.asking = Some((number, self.now));
                let latency = self.store.latency / 2 + self.random.up_to(self.store.latency / 4);
                self.happens(
                    latency,
                    Event::ReachesStore(index, number, ToStore::Ask(ask)),
                );
                self.happens(GIVEN_UP_AFTER, Event::GiveUp(index, number));
                continue;
            }
            let mut wakes = None;
            if process.has_rows && process.in_flight < process.in_flight_max {
                match process.throttle.acquire(self.now, process.in_flight, None) {
                    Ok(()) => {
                        self.leaves(index);
                        continue;
                    }
                    Err(
                        ThrottledBy::SharedRate(None)
                        | ThrottledBy::NoRateStore(None)
                        | ThrottledBy::Window(None)
                        | ThrottledBy::Shut(None),
                    ) => {}
                    Err(
                        ThrottledBy::SharedRate(Some(at))
                        | ThrottledBy::NoRateStore(Some(at))
                        | ThrottledBy::Window(Some(at))
                        | ThrottledBy::Shut(Some(at))
                        | ThrottledBy::Pause(at)
                        | ThrottledBy::Exhausted(at)
                        | ThrottledBy::Rate(at)
                        | ThrottledBy::LearnedRate(at),
                    ) => wakes = Some(at),
                }
            }
            // A request that waits may have made an ask due.
            let asks_at = self.members[index].throttle.store_wake_at();
            if asks_at.is_none_or(|at| at > self.now) {
                return self.wake(index, wakes.into_iter().chain(asks_at).min());
            }
        }
    }

    fn wake(&mut self, index: usize, wakes: Option<Moment>) {
        // Timers are late by up to a millisecond.
        let late = self.random.up_to(ms(1)) + Duration::from_micros(1);
        let process = &mut self.members[index];
        if let Some(at) = wakes
            && process.wakes.is_none_or(|known| at < known)
        {
            process.wakes = Some(at);
            let after = at.since(self.now) + late;
            self.happens(after, Event::Wake(index, at));
        }
    }

    fn leaves(&mut self, index: usize) {
        let process = &mut self.members[index];
        process.in_flight += 1;
        let departure = Departure {
            at: self.now,
            in_flight: process.in_flight,
            nth: 1,
            refused_beside_others: 0,
        };
        process.throttle.leaves(departure);
        self.departures.push((self.now, index));
        let (life, latency) = (process.life, process.api_latency / 2);
        self.happens(latency, Event::ReachesApi(index, life, departure));
    }

    /// The requests that left between two times.
    pub(super) fn sent(&self, from: Duration, until: Duration) -> usize {
        let within = |at: &Moment| (from..until).contains(&at.since_start());
        self.departures.iter().filter(|(at, _)| within(at)).count()
    }

    /// The requests of one process that left between two times.
    pub(super) fn sent_by(&self, index: usize, from: Duration, until: Duration) -> usize {
        let within = |at: &Moment| (from..until).contains(&at.since_start());
        self.departures
            .iter()
            .filter(|(at, by)| *by == index && within(at))
            .count()
    }

    /// The most requests that left within any time of this length.
    pub(super) fn most_within(&self, length: Duration) -> usize {
        let times: Vec<Moment> = self.departures.iter().map(|(at, _)| *at).collect();
        let (mut first, mut most) = (0, 0);
        for (index, at) in times.iter().enumerate() {
            while at.since(times[first]) >= length {
                first += 1;
            }
            most = most.max(index + 1 - first);
        }
        most
    }
}

impl Process {
    /// Lets it hear that the API refuses some of its requests, and lowers its learned rate.
    pub(super) fn refuse(&mut self, now: Moment) {
        let before = self.throttle.learned_rate();
        let wait = Wait {
            named: None,
            reason: WaitReason::Quota,
            window: Exhausted::No,
        };
        for _ in 0..10 {
            let departure = Departure {
                at: now,
                in_flight: 1,
                nth: 1,
                refused_beside_others: 0,
            };
            self.throttle.refused(departure, wait, now);
        }
        assert!(self.throttle.learned_rate() < before);
    }
}

impl Store {
    fn time(&self, now: Moment) -> u64 {
        let since = u64::try_from(now.since_start().as_micros()).expect("a short time");
        self.clock_us + since
    }
}

/// A rate of so many requests a second.
fn per_second(requests: u32) -> Rate {
    Rate::Limited(LimitedRate::new(requests, RateUnit::Second).expect("a good rate"))
}
