//! The driver of a process that shares its rate with others.

use super::Driver;
use crate::schedule::Moment;
use crate::schedule::shared_rate::exchange::Reply;

impl Driver {
    /// Takes the answer of the rate's store to the question that left at `asked`.
    pub(super) fn rate_answered(&mut self, asked: Moment, reply: Option<&Reply>) {
        let now = self.now();
        let schedule = &mut self.sending.schedule;
        match reply {
            Some(reply) => schedule.rate_answered(reply, asked, now),
            None => schedule.rate_store_lost(now),
        }
    }

    /// Logs changes of the contact with the rate's store.
    pub(super) fn log_rate_share(&mut self, now: Moment) {
        if let Some(share) = self.sending.schedule.rate_share(now) {
            self.rate.log(share, now);
        }
    }
}
