//! Refusals in doubt, and answers of something else than the API.

use super::availability::{About, Weight};
use super::ended::Ending;
use super::judge::{Refusal, Stranger};
use super::moment::Moment;
use super::request::Departure;
use super::state::{Round, Schedule};
use super::stop::StopReason;
use super::ticket::Ticket;
use super::trials::Phase;
use crate::contract::{Answer, Response, ServerError};

impl<T: Clone> Schedule<T> {
    pub(super) fn refused_in_doubt(
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

    pub(super) fn not_the_api(
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
