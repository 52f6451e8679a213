//! Refusals in doubt, and answers that are not the API's.

use super::availability::{DoubtReason, Evidence};
use super::ended::Ending;
use super::judge::{ForeignAnswer, Refusal};
use super::moment::Moment;
use super::request::{Departure, Request};
use super::row_failures::AttemptKind;
use super::state::{DoubtRound, Schedule};
use super::stop::StopReason;
use super::ticket::Ticket;
use crate::contract::{Answer, Response, ServerError};

impl<T: Clone> Schedule<T> {
    /// Handles a refusal that may be a gateway's.
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
        self.run.refused = self.order.get(ticket).request;
        let counts = self.availability.counts();
        self.availability.refused_in_doubt();
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        if self.run.stop.is_some() {
            return;
        }
        let is_last_round = self.run.doubt_round == DoubtRound::Last;
        let is_expected = !self.refusals_may_stop() && !self.availability.has_ever_applied();
        let counts = self.note_failure(ticket, DoubtReason::Refused(refusal), &ending, counts, now);
        let failures = &self.order.get(ticket).failures;
        let is_certain = match failures.next_attempt {
            AttemptKind::Counted => false,
            AttemptKind::SecondChance => {
                !self.availability.has_been_in_trouble_since(counts, now)
                    && !self.availability.refusals_were_wrong_lately(now)
            }
            // If the user expects refusals, two rechecks are enough: they give a gateway half a
            // minute to stop answering like the API.
            AttemptKind::Recheck => is_last_round || (is_expected && failures.rechecks > 1),
        };
        if is_certain && failures.next_attempt == AttemptKind::Recheck && !self.refusals_may_stop()
        {
            self.refused(ticket, ending, departure, now);
            return self.believe_refusals();
        }
        if is_certain {
            return self.end(ticket, ending);
        }
        self.doubt(ticket, Some(ending), now);
        self.check_first_answers();
    }

    /// Handles an answer that is not the API's.
    pub(super) fn not_the_api(
        &mut self,
        ticket: Ticket,
        foreign: ForeignAnswer,
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
        let request = self.order.get(ticket).request;
        self.run.misdirection = Some(match foreign {
            _ if request == Request::Read => StopReason::NoReads { status },
            ForeignAnswer::Success(what) => StopReason::UnexpectedAnswers { status, what },
            ForeignAnswer::Redirect => StopReason::Redirected { status, host },
            ForeignAnswer::Refusal => StopReason::EveryRowWouldFail { status },
        });
        let ending = Ending::Rejected {
            status,
            error: unexpected(foreign),
        };
        if self.evidence(ticket) == Evidence::New {
            self.availability.foreign_answer(ticket, sent);
        }
        self.fails(ticket, DoubtReason::NotTheApi, ending, sent, now);
        if !self.availability.has_answered() && self.availability.has_foreign_rows() {
            self.stop_misdirected();
        }
    }
}

/// The error code in results for an answer that is not the API's.
fn unexpected(foreign: ForeignAnswer) -> ServerError {
    let code = match foreign {
        ForeignAnswer::Success(_) => Some("unexpected_answer"),
        ForeignAnswer::Redirect => Some("redirect"),
        ForeignAnswer::Refusal => None,
    };
    ServerError {
        code: code.map(str::to_owned),
        ..ServerError::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::stop::Unexpected;

    #[test]
    fn an_answer_that_is_not_the_apis_has_a_code_unless_it_is_a_refusal() {
        for (foreign, want) in [
            (
                ForeignAnswer::Success(Unexpected::AnotherBody),
                Some("unexpected_answer"),
            ),
            (ForeignAnswer::Redirect, Some("redirect")),
            (ForeignAnswer::Refusal, None),
        ] {
            assert_eq!(unexpected(foreign).code.as_deref(), want);
        }
    }
}
