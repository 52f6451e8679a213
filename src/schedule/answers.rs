//! What an answer does: to its row, and to what the schedule knows of the API.

use std::time::Duration;

use super::availability::{About, Mark, Weight};
use super::budget::Cost;
use super::cause::Cause;
use super::ended::Ending;
use super::judge::{
    self, AttemptLimit, MaybeApplied, Meaning, Refusal, Stranger, Trouble, Wait, WaitReason,
};
use super::moment::Moment;
use super::order::Part;
use super::pace::Limit;
use super::request::{Departure, Request};
use super::state::{Round, Schedule, Turn};
use super::stop::StopReason;
use super::ticket::Ticket;
use super::token;
use super::trials::Phase;
use crate::contract::{Answer, Attempt, Fault, Response, ServerError};

/// Attempts at a row that is likely to be at fault itself.
const ATTEMPTS_OF_THREE: u32 = 3;
/// A row that was asked to wait so often is at fault itself: each time another row was applied since, or no other row is left.
const WAITS_MAX: u32 = 10;
/// The same of a row that met a 503 so often which may be a limit's: where two of three requests meet one, ten come together.
const UNAVAILABLE_MAX: u32 = 25;
/// The wait after a refusal that names a window of which nothing is left, and no time.
const WINDOW_WAIT: Duration = Duration::from_secs(1);
/// A row leaves again at once so often where its request was not processed. From then on that is trouble.
const NOT_PROCESSED_MAX: u32 = 2;
/// The same where a kept connection was closed without an answer.
const UNANSWERED_MAX: u32 = 1;
/// More requests than this, and than twice the limit of those in flight, that do not reach the API in a row are trouble: no
/// connections that are closed and replaced explain them.
const NOT_REACHED_MAX: usize = 32;

impl<T: Clone> Schedule<T> {
    /// Takes in what came of a request that was sent.
    pub fn finished(&mut self, ticket: Ticket, attempt: Attempt, now: Moment) {
        self.flights.answered(now);
        self.ended_with(ticket, attempt, now);
    }

    /// The timeout of this request is over.
    pub(super) fn timed_out(&mut self, ticket: Ticket, now: Moment) {
        let took = self
            .order
            .get(ticket)
            .departure
            .map_or(Duration::ZERO, |departure| now.since(departure.at));
        self.ended_with(
            ticket,
            Attempt {
                answer: Answer::Fault(Fault::Timeout),
                took,
            },
            now,
        );
    }

    /// The request is no longer in flight.
    pub(super) fn land(&mut self, ticket: Ticket) -> Departure {
        let departure = self
            .order
            .get_mut(ticket)
            .departure
            .take()
            .expect("the request left");
        self.flights.ends(ticket, departure.at);
        self.pace.landed(departure);
        departure
    }

    fn ended_with(&mut self, ticket: Ticket, attempt: Attempt, now: Moment) {
        let departure = self.land(ticket);
        let sent = departure.at;
        if let Answer::Response(response) = &attempt.answer {
            self.pace.learn(response, sent, now, &mut self.random);
            self.course.not_reached = 0;
        }
        if attempt.answer != Answer::Fault(Fault::NoSockets) {
            self.flights.sockets.served();
        }
        let held = self.order.get_mut(ticket);
        held.took = attempt.took;
        match held.part {
            Part::Row => self.row_answered(ticket, attempt.answer, departure, now),
            Part::Control(Request::Read) => {
                self.control_read(ticket, &attempt.answer, departure, now);
            }
            Part::Control(Request::Write) => {
                self.control_written(ticket, &attempt.answer, departure, now);
            }
        }
        self.statistics.learned_rate = self.pace.learned_rate();
        self.statistics.learned_in_flight = self.pace.in_flight_max();
    }

    fn row_answered(&mut self, ticket: Ticket, answer: Answer, departure: Departure, now: Moment) {
        let sent = departure.at;
        let cause = Cause::of(&answer);
        let meaning = judge::write(&answer);
        if !matches!(meaning, Meaning::Applied | Meaning::NoSockets) {
            self.order.get_mut(ticket).trials.cause = Some(cause);
        }
        match meaning {
            Meaning::NoSockets => self.row_not_sent(ticket, now),
            Meaning::Applied => self.applied(ticket, &answer, departure, now),
            Meaning::Refused => self.refused(ticket, rejected(answer), departure, now),
            Meaning::RefusedInDoubt(refusal) => {
                self.refused_in_doubt(ticket, refusal, rejected(answer), departure, now);
            }
            Meaning::NotTheApi(stranger) => self.not_the_api(ticket, stranger, answer, sent, now),
            Meaning::Trouble(trouble) => self.in_trouble(ticket, trouble, cause, sent, now),
            Meaning::Unreachable(_) if self.availability.has_answered() => {
                self.in_trouble(ticket, Trouble::usual(MaybeApplied::No), cause, sent, now);
            }
            Meaning::Unreachable(fault) => self.stop(StopReason::Unreachable { fault }),
            Meaning::Wait(wait) => self.asked_to_wait(ticket, cause, wait, departure, now),
            Meaning::SendAgain(applied) => self.not_reached(ticket, applied, cause, sent, now),
            Meaning::TokenRefused => self.token_refused(ticket, now),
        }
    }

    fn applied(&mut self, ticket: Ticket, answer: &Answer, departure: Departure, now: Moment) {
        let sent = departure.at;
        let (status, country) = match answer {
            Answer::Response(response) => (response.status, response.country),
            Answer::Fault(_) => (0, None),
        };
        let held = self.order.get(ticket);
        let (failures, cost, took) = (held.trials.failed, held.trials.cost, held.took);
        if matches!(held.trials.about, Some(About::Refused(_))) {
            self.availability.refusal_was_wrong(now);
        }
        self.token.proven(held.token_generation);
        let told =
            self.availability
                .applied(held.customer, &held.row, country, failures, sent, now);
        self.retries.budget.refund(cost);
        self.let_through(departure, took, now);
        self.end(ticket, Ending::Updated { status });
        self.api_works(sent, now);
        self.settle(told, now);
    }

    fn refused(&mut self, ticket: Ticket, ending: Ending, departure: Departure, now: Moment) {
        self.token.proven(self.order.get(ticket).token_generation);
        self.pace.accepted(departure, now);
        self.availability.refused(departure.at, now);
        self.api_works(departure.at, now);
        self.end(ticket, ending);
    }

    /// The API lets requests through.
    pub(super) fn let_through(&mut self, departure: Departure, took: Duration, now: Moment) {
        self.pace.accepted(departure, now);
        self.flights.concurrency.succeeded(now, took);
        self.course.round = Round::Usual;
        if matches!(self.course.turn, Turn::FreshSince(since) if departure.at >= since) {
            self.course.turn = Turn::Again;
        }
    }

    /// A write that left at `sent` shows that the API works.
    pub(super) fn api_works(&mut self, sent: Moment, now: Moment) {
        if let Some(lasted) = self.availability.alive(sent, now) {
            self.statistics.down += lasted;
            self.flights.concurrency.begin_again(now);
            self.pace.was_down();
        }
    }

    fn refused_in_doubt(
        &mut self,
        ticket: Ticket,
        refusal: Refusal,
        ending: Ending,
        departure: Departure,
        now: Moment,
    ) {
        if self.availability.believes_refusals() {
            return self.refused(ticket, ending, departure, now);
        }
        let mark = self.availability.mark();
        self.availability.refused_in_doubt();
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        if self.course.stop.is_some() {
            return;
        }
        let is_last_round = self.course.round == Round::Last;
        let is_expected = !self.refusals_may_stop() && !self.availability.has_ever_applied();
        let mark = self.note_failure(ticket, About::Refused(refusal), &ending, mark, now);
        let trials = &self.order.get(ticket).trials;
        let is_certain = match trials.phase {
            Phase::Usual => false,
            Phase::OnceMore => {
                !self.availability.has_been_in_trouble_since(mark, now)
                    && !self.availability.refusals_were_wrong_lately(now)
            }
            // Where the user expects refusals, a gateway has had half a minute to stop speaking like the API.
            Phase::AskedAgain => is_last_round || (is_expected && trials.asked_again > 1),
        };
        if is_certain && trials.phase == Phase::AskedAgain && !self.refusals_may_stop() {
            self.refused(ticket, ending, departure, now);
            return self.believe_refusals();
        }
        if is_certain {
            return self.end(ticket, ending);
        }
        self.doubt(ticket, Some(ending), now);
        self.watch_first_answers();
    }

    fn not_the_api(
        &mut self,
        ticket: Ticket,
        stranger: Stranger,
        answer: Answer,
        sent: Moment,
        now: Moment,
    ) {
        let Answer::Response(Response {
            status,
            location_host: host,
            ..
        }) = answer
        else {
            return;
        };
        self.course.misdirection = Some(match stranger {
            Stranger::Success(what) => StopReason::UnexpectedAnswers { status, what },
            Stranger::Redirect => StopReason::Redirected { status, host },
            Stranger::Refusal => StopReason::EveryRowWouldFail { status },
        });
        let ending = Ending::Rejected {
            status,
            error: unexpected(stranger),
        };
        if self.weight(ticket) == Weight::Evidence {
            self.availability.strange(ticket, sent);
        }
        self.fails(ticket, About::NotTheApi, ending, sent, now);
        if !self.availability.has_answered() && self.availability.has_strange_rows() {
            self.stop_misdirected();
        }
    }

    fn in_trouble(
        &mut self,
        ticket: Ticket,
        trouble: Trouble,
        cause: Cause,
        sent: Moment,
        now: Moment,
    ) {
        let usual = self.retries.policy.attempts_max();
        let trials = &mut self.order.get_mut(ticket).trials;
        trials.limit = match trouble.attempts {
            AttemptLimit::Usual => usual,
            AttemptLimit::Three => usual.min(ATTEMPTS_OF_THREE),
        };
        trials.ambiguous |= trouble.applied == MaybeApplied::Yes;
        trials.cost = Some(match trouble.applied {
            MaybeApplied::Yes => Cost::AmbiguousRetry,
            MaybeApplied::No => Cost::Retry,
        });
        // A 500 is more likely about the row than about the load, and so is what other rows do not meet.
        if trouble.attempts == AttemptLimit::Usual && self.weight(ticket) == Weight::Evidence {
            self.flights.concurrency.pushed_back(sent, now);
        }
        self.fails(
            ticket,
            About::Trouble(trouble.speaker),
            Ending::Failed { cause },
            sent,
            now,
        );
    }

    /// An attempt failed; `ending` is how the row ends if it is at fault.
    fn fails(&mut self, ticket: Ticket, about: About, ending: Ending, sent: Moment, now: Moment) {
        let was_open = self.availability.down_since().is_some();
        let (mark, weight) = (self.availability.mark(), self.weight(ticket));
        self.note_failure(ticket, about, &ending, mark, now);
        let trials = &mut self.order.get_mut(ticket).trials;
        if about == About::NotTheApi {
            trials.limit = ATTEMPTS_OF_THREE;
            trials.cost = Some(Cost::Retry);
        }
        self.course.last_failure = trials.cause;
        self.availability.failed(ticket, weight, sent, now);
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        let opening = self.availability.judge(now, &mut self.random);
        self.count_outage(opening);
        if self.course.stop.is_some() {
            return; // It would be sent again, but nothing is: it stays unsent.
        }
        let trials = &mut self.order.get_mut(ticket).trials;
        let uses_up_none = was_open || trials.phase == Phase::AskedAgain;
        if !uses_up_none {
            trials.counted += 1;
        }
        if trials.counted >= trials.limit {
            return self.doubt(ticket, Some(ending), now);
        }
        if trials.phase == Phase::AskedAgain {
            return self.doubt(ticket, None, now);
        }
        // Three attempts are few, so they are spread over some seconds.
        let failures = if about == About::NotTheApi {
            trials.counted + 2
        } else {
            trials.counted
        };
        let delay = if uses_up_none {
            Duration::ZERO
        } else {
            self.retries.policy.delay(failures, &mut self.random)
        };
        self.order.send_again(ticket, now + delay);
    }

    /// Notes that a row failed or was refused, how it ends if it is at fault, and the state of the API's counts before its first
    /// failure, which is returned.
    fn note_failure(
        &mut self,
        ticket: Ticket,
        about: About,
        ending: &Ending,
        mark: Mark,
        now: Moment,
    ) -> Mark {
        self.order.fails(ticket);
        let trials = &mut self.order.get_mut(ticket).trials;
        trials.failed_at = Some(now);
        trials.about = Some(about);
        trials.ending = Some(ending.clone());
        *trials.mark.get_or_insert(mark)
    }

    /// The weight of another failure of a row.
    fn weight(&self, ticket: Ticket) -> Weight {
        let trials = &self.order.get(ticket).trials;
        match trials.failed_at {
            _ if trials.let_go > 0 => Weight::Nothing,
            Some(failed) if self.availability.has_lived_since(failed) => Weight::Relapse,
            Some(_) | None => Weight::Evidence,
        }
    }

    /// A limit refused a row, or may have: the API asks to wait, or says 503 without a time.
    fn asked_to_wait(
        &mut self,
        ticket: Ticket,
        cause: Cause,
        wait: Wait,
        departure: Departure,
        now: Moment,
    ) {
        let limit = self.pace.refused(departure, wait, now);
        if limit == Limit::None {
            return self.in_trouble(
                ticket,
                Trouble::usual(MaybeApplied::No),
                cause,
                departure.at,
                now,
            );
        }
        let applied_at = self.availability.applied_at();
        let trials = &mut self.order.get_mut(ticket).trials;
        let waits = &mut trials.waits;
        let is_beside_others = waits
            .last_at
            .is_some_and(|last| applied_at.is_some_and(|applied| applied >= last));
        waits.all += 1;
        waits.beside_others += u32::from(is_beside_others);
        waits.last_at = Some(now);
        let most = match wait.reason {
            WaitReason::Quota | WaitReason::Overload => WAITS_MAX,
            WaitReason::Unavailable => UNAVAILABLE_MAX,
        };
        let (all, is_own_fault) = (waits.all, waits.beside_others >= most);
        self.availability.probe_ended(ticket, now);
        self.everybody_waits(wait, limit, departure, now);
        if self.course.stop.is_some() {
            return;
        }
        let ending = Ending::Failed { cause };
        if is_own_fault {
            self.end(ticket, ending);
        } else if all >= most && self.order.is_alone() && self.flights.is_empty() {
            let trials = &mut self.order.get_mut(ticket).trials;
            (trials.about, trials.ending) = (Some(About::Waits), Some(ending.clone()));
            self.doubt(ticket, Some(ending), now);
        } else if limit == Limit::Undecided {
            self.order.get_mut(ticket).trials.cost = Some(Cost::Retry);
            let delay = self.retries.policy.delay(all, &mut self.random);
            self.order.send_again(ticket, now + delay);
        } else {
            self.order.send_again(ticket, now);
        }
    }

    pub(super) fn everybody_waits(
        &mut self,
        wait: Wait,
        limit: Limit,
        departure: Departure,
        now: Moment,
    ) {
        if limit == Limit::Window || (limit == Limit::Undecided && departure.is_first()) {
            self.flights.concurrency.pushed_back(departure.at, now);
        }
        if limit == Limit::Undecided {
            return;
        }
        self.course.turn = Turn::FreshSince(now);
        let Wait { named, reason, .. } = wait;
        match (reason, named) {
            (WaitReason::Quota, Some(named)) => self.pace.quota_refused(now + named, departure.at),
            (WaitReason::Quota, None) | (WaitReason::Overload, _) => {}
            (WaitReason::Unavailable, _) => return,
        }
        let in_vain = self.pace.wait_in_vain(named.unwrap_or_default(), now);
        if in_vain > self.limits.wait_max {
            self.course.too_long_until = named.map(|named| now + named);
            return self.stop(StopReason::WaitTooLong { wait: in_vain });
        }
        let wait_of_window = (limit == Limit::Window).then_some(WINDOW_WAIT);
        let Some(named) = named.filter(|wait| !wait.is_zero()).or(wait_of_window) else {
            return;
        };
        self.pause_everybody(named, now);
    }

    /// Holds every request back for a wait that the API named.
    pub(super) fn pause_everybody(&mut self, named: Duration, now: Moment) {
        let is_new = !self.pace.is_paused(now);
        let longer = self.pace.pause(named, now, &mut self.random);
        if !longer.is_zero() {
            // Each of the answers that arrive together may make the one pause a little longer.
            self.statistics.pauses += u64::from(is_new);
            self.statistics.paused = self.statistics.paused.saturating_add(longer);
            self.flights.concurrency.begin_again(now);
        }
    }

    /// The request did not reach the API, or most likely did not. The row leaves again as soon as a permit allows, which uses up
    /// no attempt and tells nothing of the API. How often is counted over all of the row's attempts, so that the bound holds
    /// whatever happens in between.
    fn not_reached(
        &mut self,
        ticket: Ticket,
        applied: MaybeApplied,
        cause: Cause,
        sent: Moment,
        now: Moment,
    ) {
        let trials = &mut self.order.get_mut(ticket).trials;
        let (times, times_max) = match applied {
            MaybeApplied::No => (&mut trials.not_reached.not_processed, NOT_PROCESSED_MAX),
            MaybeApplied::Yes => (&mut trials.not_reached.unanswered, UNANSWERED_MAX),
        };
        *times += 1;
        self.course.not_reached += 1;
        let is_explained =
            self.course.not_reached <= NOT_REACHED_MAX.max(2 * self.flights.concurrency.limit());
        if *times > times_max || !is_explained {
            return self.in_trouble(ticket, Trouble::usual(applied), cause, sent, now);
        }
        trials.ambiguous |= applied == MaybeApplied::Yes;
        trials.cost = None;
        // It tells nothing, but where each probe ends like this the next one must not leave at once.
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        if self.course.stop.is_none() {
            self.order.send_again(ticket, now);
        }
    }

    fn token_refused(&mut self, ticket: Ticket, now: Moment) {
        self.availability.probe_ended(ticket, now);
        match self
            .token
            .refused(self.order.get(ticket).token_generation, now)
        {
            token::Refusal::SendAgain => self.order.send_again(ticket, now),
            token::Refusal::Final => self.stop(StopReason::TokenRefused),
        }
    }
}

/// How a row ends that the API refuses like this.
fn rejected(answer: Answer) -> Ending {
    match answer {
        Answer::Response(Response { status, error, .. }) => Ending::Rejected {
            status,
            error: error.unwrap_or_default(),
        },
        Answer::Fault(fault) => Ending::Failed {
            cause: Cause::Fault(fault),
        },
    }
}

/// The code in results for an answer that is not the API's.
fn unexpected(stranger: Stranger) -> ServerError {
    let code = match stranger {
        Stranger::Success(_) => Some("unexpected_answer"),
        Stranger::Redirect => Some("redirect"),
        Stranger::Refusal => None,
    };
    ServerError {
        code: code.map(str::to_owned),
        ..ServerError::default()
    }
}
