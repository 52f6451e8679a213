//! Answers that may be everybody's fault: a wrong base URL, a login page, a missing permission.
//!
//! Such an answer ends its row only once it is clear that the others fare better; until then its outcome is withheld. Where
//! all fare the same the run stops, and the withheld rows stay unsent.

use super::stop::StopReason;

/// What a rejection may really mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suspicion {
    /// 2xx that is not the API's: a login page or a proxy.
    UnexpectedAnswer,
    /// 3xx: another host.
    Redirect,
    /// 404: another base URL or tenant. Only suspicious as long as nothing else was ever answered.
    NotFound,
    /// 403: a token without the permission.
    Forbidden,
}

/// Unexpected answers or redirects in a row that stop the run; the run's very first answer does alone.
const MISDIRECTED_MAX: usize = 3;
/// Answers 403 in a row, or first answers 404, that stop the run.
const REFUSED_MAX: usize = 20;

/// Whether answers 403 and 404 may stop the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusals {
    /// They may.
    StopTheRun,
    /// The user knows that those customers are gone (`--max-errors none`).
    AreExpected,
}

/// What to do with outcomes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement<S> {
    /// These have ended, oldest first.
    Ended(Vec<S>),
    /// Nothing is decided yet.
    Withheld,
    /// All fare the same; the withheld rows stay unsent.
    Stop(StopReason),
}

/// The streak of suspicious answers at the end of all answers so far.
#[derive(Debug)]
pub(super) struct Streak<S> {
    refusals: Refusals,
    /// Whether the run directory has answers from before the streak.
    answered_before: bool,
    suspicion: Option<Suspicion>,
    withheld: Vec<S>,
}

impl<S> Streak<S> {
    pub(super) fn new(refusals: Refusals, answered_before: bool) -> Streak<S> {
        Streak { refusals, answered_before, suspicion: None, withheld: Vec::new() }
    }

    /// An answer that is nobody else's matter: those before it were their rows' fault.
    pub(super) fn unsuspicious(&mut self, outcome: S) -> Vec<S> {
        let mut ended = self.release();
        self.answered_before = true;
        ended.push(outcome);
        ended
    }

    /// An answer that may be everybody's fault.
    pub(super) fn suspicious(
        &mut self,
        suspicion: Suspicion,
        outcome: S,
        status: u16,
        location_host: Option<&str>,
    ) -> Judgement<S> {
        if !self.is_suspicious_now(suspicion) {
            return Judgement::Ended(self.unsuspicious(outcome));
        }
        let before = if self.suspicion == Some(suspicion) { Vec::new() } else { self.release() };
        self.suspicion = Some(suspicion);
        self.withheld.push(outcome);
        let answers = self.withheld.len();
        if answers >= self.limit(suspicion) {
            self.withheld.clear();
            return Judgement::Stop(match suspicion {
                Suspicion::UnexpectedAnswer => StopReason::UnexpectedAnswers { status },
                Suspicion::Redirect => StopReason::Redirected { status, host: location_host.map(str::to_owned) },
                Suspicion::NotFound => StopReason::AllNotFound { answers },
                Suspicion::Forbidden => StopReason::Forbidden { answers },
            });
        }
        if before.is_empty() { Judgement::Withheld } else { Judgement::Ended(before) }
    }

    /// Gives up the suspicion: the withheld rows have ended.
    pub(super) fn release(&mut self) -> Vec<S> {
        if self.suspicion.take().is_some() {
            self.answered_before = true;
        }
        std::mem::take(&mut self.withheld)
    }

    pub(super) fn has_withheld(&self) -> bool {
        !self.withheld.is_empty()
    }

    fn is_suspicious_now(&self, suspicion: Suspicion) -> bool {
        match suspicion {
            Suspicion::UnexpectedAnswer | Suspicion::Redirect => true,
            Suspicion::Forbidden => self.refusals == Refusals::StopTheRun,
            Suspicion::NotFound => {
                let only_404_so_far =
                    matches!(self.suspicion, None | Some(Suspicion::NotFound)) && !self.answered_before;
                self.refusals == Refusals::StopTheRun && only_404_so_far
            }
        }
    }

    fn limit(&self, suspicion: Suspicion) -> usize {
        match suspicion {
            Suspicion::UnexpectedAnswer | Suspicion::Redirect | Suspicion::Forbidden if !self.answered_before => 1,
            Suspicion::UnexpectedAnswer | Suspicion::Redirect => MISDIRECTED_MAX,
            Suspicion::NotFound | Suspicion::Forbidden => REFUSED_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds answers, `.` an unsuspicious one; the rows that ended, and the stop.
    fn feed(refusals: Refusals, answered_before: bool, answers: &str) -> (usize, Option<StopReason>) {
        let mut streak = Streak::new(refusals, answered_before);
        let mut ended = 0;
        for letter in answers.chars() {
            let suspicion = match letter {
                'u' => Suspicion::UnexpectedAnswer,
                'r' => Suspicion::Redirect,
                'n' => Suspicion::NotFound,
                'f' => Suspicion::Forbidden,
                _ => {
                    ended += streak.unsuspicious(()).len();
                    continue;
                }
            };
            match streak.suspicious(suspicion, (), 200, None) {
                Judgement::Ended(rows) => ended += rows.len(),
                Judgement::Withheld => {}
                Judgement::Stop(reason) => return (ended, Some(reason)),
            }
        }
        (ended, None)
    }

    #[test]
    fn the_first_answer_stops_alone() {
        let (stop, rows) = (Refusals::StopTheRun, 0);
        assert_eq!(feed(stop, false, "u"), (rows, Some(StopReason::UnexpectedAnswers { status: 200 })));
        assert_eq!(feed(stop, false, "r"), (rows, Some(StopReason::Redirected { status: 200, host: None })));
        assert_eq!(feed(stop, false, "f"), (rows, Some(StopReason::Forbidden { answers: 1 })));
        assert_eq!(feed(stop, true, "u"), (0, None), "not the first one of the run directory");
    }

    #[test]
    fn later_only_in_a_row() {
        let stop = Refusals::StopTheRun;
        assert_eq!(feed(stop, false, ".uu.uu."), (7, None));
        assert_eq!(feed(stop, false, ".uuu"), (1, Some(StopReason::UnexpectedAnswers { status: 200 })));
        assert_eq!(feed(stop, false, ".uur"), (3, None), "another suspicion ends the streak before it");
        assert_eq!(feed(stop, false, &format!(".{}", "f".repeat(19))), (1, None));
        assert_eq!(
            feed(stop, false, &format!(".{}", "f".repeat(20))),
            (1, Some(StopReason::Forbidden { answers: 20 }))
        );
    }

    #[test]
    fn only_first_answers_404_are_suspicious() {
        let all = "n".repeat(20);
        assert_eq!(feed(Refusals::StopTheRun, false, &all), (0, Some(StopReason::AllNotFound { answers: 20 })));
        assert_eq!(feed(Refusals::StopTheRun, false, &format!(".{all}")), (21, None));
        assert_eq!(feed(Refusals::StopTheRun, false, &format!("{}.{all}", "n".repeat(19))), (40, None));
        assert_eq!(feed(Refusals::AreExpected, false, &all), (20, None));
        assert_eq!(feed(Refusals::AreExpected, false, &"f".repeat(30)), (30, None));
    }
}
