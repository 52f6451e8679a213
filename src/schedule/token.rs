//! What the schedule knows of the access token: whether it is refused, and whether a new one is on its way.

/// What reading the token again brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Another token than before.
    Fresh,
    /// The one that was refused.
    Unchanged,
}

/// What to do with a row whose token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Send it again with the next token; no attempt is used.
    SendAgain,
    /// A token that was just renewed is refused too.
    Final,
}

/// What sending has to do about the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Usable,
    /// Somebody has to renew it now.
    Renew,
    /// Somebody is renewing it.
    Wait,
}

/// The token's state. Tokens are counted, so that late refusals of an old one do not count against the new one.
#[derive(Debug, Default)]
pub(super) struct TokenState {
    generation: u32,
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first token of the run, or one that the API has accepted.
    #[default]
    Trusted,
    /// Renewed, and not accepted yet.
    Renewed,
    Refused,
    Renewing,
}

impl TokenState {
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn next(&mut self) -> Next {
        match self.state {
            State::Trusted | State::Renewed => Next::Usable,
            State::Renewing => Next::Wait,
            State::Refused => {
                self.state = State::Renewing;
                Next::Renew
            }
        }
    }

    /// A request that was sent with the token of this generation was refused.
    pub(super) fn refused(&mut self, generation: u32) -> Refusal {
        match self.state {
            State::Renewed if generation == self.generation => Refusal::Final,
            State::Trusted if generation == self.generation => {
                self.state = State::Refused;
                Refusal::SendAgain
            }
            State::Trusted | State::Renewed | State::Refused | State::Renewing => Refusal::SendAgain,
        }
    }

    pub(super) fn renewed(&mut self) {
        self.generation += 1;
        self.state = State::Renewed;
    }

    /// The API accepted a request.
    pub(super) fn proven(&mut self, generation: u32) {
        if self.state == State::Renewed && generation == self.generation {
            self.state = State::Trusted;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_renewal_for_all_rows_and_a_second_refusal_is_final() {
        let mut token = TokenState::default();
        assert_eq!(token.refused(0), Refusal::SendAgain);
        assert_eq!(token.next(), Next::Renew);
        assert_eq!((token.refused(0), token.next()), (Refusal::SendAgain, Next::Wait));
        token.renewed();
        assert_eq!(
            (token.refused(0), token.next()),
            (Refusal::SendAgain, Next::Usable),
            "a late refusal of the old one"
        );
        assert_eq!(token.refused(1), Refusal::Final);
    }

    #[test]
    fn a_token_that_was_accepted_can_expire_again() {
        let mut token = TokenState::default();
        token.refused(0);
        token.next();
        token.renewed();
        token.proven(1);
        assert_eq!((token.refused(1), token.next()), (Refusal::SendAgain, Next::Renew));
    }
}
