//! Requests as they leave, and as they are given up.

use tracing::{error, warn};

use super::super::in_flight::Landed;
use super::meter::{CUT_OFF, TIMEOUT};
use super::{BeforeFirstUpdate, Driver};
use crate::api::Update;
use crate::process::crash;
use crate::row::RowContent;
use crate::schedule::{Request, StopReason, Ticket};

impl Driver {
    /// Sends a request of a row.
    pub(super) fn send(&mut self, ticket: Ticket, request: Request) {
        let row = self.sending.schedule.row(ticket);
        let RowContent::Update {
            id,
            body,
            read_first,
            ..
        } = &row.content
        else {
            unreachable!("only updates are offered");
        };
        let image = self.carer.keeps_image(request, row);
        let (customer, body) = (*id, body.clone());
        let if_match = read_first.as_ref().and_then(|read| read.tag.clone());
        if request == Request::Write
            && let Some(BeforeFirstUpdate(act)) = self.before_first_update.take()
            && let Err(error) = act()
        {
            error!("{error:#}");
            self.sending.schedule.withdraw(ticket);
            return self.sending.schedule.stop(StopReason::JournalUnwritable);
        }
        if request == Request::Write {
            crash::kill_at("put-leaves");
        }
        let (api, token) = (self.sending.api.clone(), self.token_refresh.token());
        match request {
            Request::Write => self.in_flight.add(ticket, request, async move {
                let update = Update {
                    customer,
                    body,
                    if_match,
                };
                Landed::Row(api.update(update, &token, image).await)
            }),
            Request::Read => self.in_flight.add(ticket, request, async move {
                Landed::Row(api.read(customer, &body, &token, image).await)
            }),
        }
    }

    /// Gives up the request of a row that is in flight.
    pub(super) fn give_up(&mut self, ticket: Ticket) {
        let request = self.in_flight.give_up(ticket);
        let is_stopped = self.sending.schedule.stopped().is_some();
        if let (Some(meter), Some(request)) = (&mut self.meter, request) {
            let cause = if is_stopped { CUT_OFF } else { TIMEOUT };
            meter.given_up(request, cause);
        }
        if is_stopped {
            self.given_up += 1;
            warn!("a request in flight is given up");
        }
    }
}
