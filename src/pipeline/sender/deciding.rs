//! Decisions about rows whose customer was read.

use jiff::Timestamp;
use tracing::{error, info, warn};

use super::super::image_writer::Durable;
use super::Driver;
use super::care::{Applied, Carer, Decided, Seen, Undecided, Verdict};
use crate::contract::Image;
use crate::journal::Fact;
use crate::row::RowContent;
use crate::schedule::{AfterCanary, CanaryVerdict, StopReason, Ticket};
use crate::text::with_causes;

impl Driver {
    /// Decides about a row whose read was answered, or whose update was applied while it went alone.
    pub(super) fn decide(&mut self, ticket: Ticket, seen: Seen<'_>) {
        let schedule = &mut self.sending.schedule;
        let decided = if schedule.is_updated(ticket) {
            self.carer.applied(ticket, seen.image())
        } else {
            // Nothing is sent for a row whose customer is known from a page.
            let is_alone = schedule.is_alone(ticket) || schedule.is_known(ticket);
            let applied = if schedule.may_be_applied(ticket) {
                Applied::Maybe
            } else {
                Applied::No
            };
            let about = Undecided {
                ticket,
                is_alone,
                applied,
            };
            match self.carer.read(about, schedule.row_mut(ticket), seen) {
                Ok(decided) => decided,
                Err(error) => {
                    error!("{}", with_causes(&error));
                    return schedule.stop(error.stop());
                }
            }
        };
        let Decided { decision, verdict } = decided;
        if let Some(verdict) = verdict {
            self.left_out_is_known(verdict);
        }
        if let Some(decision) = decision {
            self.sending.schedule.decided(ticket, decision);
        }
    }

    /// Decides about a row whose update was refused because its customer was changed after the read.
    pub(super) fn decide_changed(&mut self, ticket: Ticket) {
        let schedule = &mut self.sending.schedule;
        let decision = Carer::changed(schedule.row_mut(ticket));
        schedule.decided(ticket, decision);
    }

    /// Lets updates leave whose images are durable.
    pub(super) fn images_are_durable(&mut self, durable: Durable) {
        match durable {
            Durable::Images(images) => {
                for (ticket, decision) in self.carer.durable(images) {
                    self.sending.schedule.decided(ticket, decision);
                }
            }
            Durable::Failed => {
                self.carer.give_up();
                self.sending.schedule.stop(StopReason::ImagesUnwritable);
            }
        }
    }

    /// Learns from the customer in the answer to an update.
    pub(super) fn updated_customer_is_shown(&mut self, ticket: Ticket, image: &Image) {
        let row = self.sending.schedule.row_mut(ticket);
        self.carer.changed_at(row, image);
        let RowContent::Update { body, fields, .. } = &row.content else {
            return;
        };
        self.carer.learn(body, image);
        if let Err(error) = self.carer.updated(row, image) {
            error!("{}", with_causes(&error));
            return self.sending.schedule.stop(error.stop());
        }
        if let Some(verdict) = self.carer.shown(*fields, image) {
            self.left_out_is_known(verdict);
        }
    }

    /// Records the verdict on the canary.
    pub(super) fn canary_is_judged(&mut self, verdict: CanaryVerdict, after: AfterCanary) {
        // A stop is told by its message.
        if after == AfterCanary::GoesOn {
            info!("the canary is {verdict}; the run goes on (--canary-then go)");
        }
        self.outbox.push_fact(Fact::Canary {
            at: Timestamp::now(),
            customers: verdict.customers,
            updated: verdict.rows.updated,
            bad: verdict.rows.bad,
            echo: verdict.rows.echoes.into_keys().collect(),
            goes_on: after == AfterCanary::GoesOn,
        });
    }

    /// Acts on a verdict about the fields that updates leave out.
    fn left_out_is_known(&mut self, verdict: Verdict) {
        let schedule = &mut self.sending.schedule;
        let kept = match verdict {
            Verdict::Kept => {
                info!("the API keeps the fields that an update leaves out");
                Some(true)
            }
            Verdict::Unknown => {
                warn!(
                    "it is not known whether the API keeps or clears the fields that an update leaves out (custsync help fields-left-out)"
                );
                None
            }
            Verdict::Lost if self.carer.is_undo() => {
                warn!(
                    "the API clears the fields that an update leaves out: all fields are put back from now on"
                );
                Some(false)
            }
            Verdict::Lost => {
                schedule.stop(StopReason::LeftOutIsLost);
                Some(false)
            }
        };
        schedule.go_together(self.carer.care_without_probe());
        if let Some(kept) = kept {
            let at = Timestamp::now();
            self.outbox.push_fact(Fact::LeftOut { at, kept });
        }
    }
}
