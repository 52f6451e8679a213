//! Decides about the update of a row whose customer is shown: whether it is sent, and with which
//! fields.

use crate::contract::{Countries, FieldSet, Image, SentFields, lay_over};
use crate::row::{Row, RowContent, RowRequest};
use crate::schedule::Ending;

use super::fill::{Fill, Filling};
use super::prepared::{Applied, Prepared};
use super::since::{Asked, Since, SinceDecision};
use super::skip;

/// The use of the customer that is read before an update. The parts can be combined.
#[derive(Debug, Default)]
pub(crate) struct UpdateCare {
    /// Whether its image is kept, to put the customer back (`--undoable`).
    pub is_kept: bool,
    /// Whether its values complete the update (`--complete`).
    pub is_complete: bool,
    /// Whether an update that changes nothing is not sent (`--skip-equal`).
    pub skips_equal: bool,
    /// The fields that are sent only where the customer has none (`--fill`).
    pub fill: Fill,
    /// The changes of this run, if nobody else may have changed a customer since the time in the row
    /// (`--unless-changed-since`).
    pub since: Option<Since>,
}

impl UpdateCare {
    /// Whether a customer is read at all.
    pub(crate) fn reads(&self) -> bool {
        let UpdateCare {
            is_kept,
            is_complete,
            skips_equal,
            fill,
            since,
        } = self;
        *is_kept || *is_complete || *skips_equal || !fill.is_none() || since.is_some()
    }

    /// Makes the update of a row from the row's own request and the customer. `applied` is whether an
    /// earlier attempt may have changed the customer.
    pub(super) fn prepare(
        &mut self,
        row: &mut Row,
        image: &Image,
        applied: Applied,
        countries: &Countries,
    ) -> Prepared {
        self.forget_decision(row, applied);
        if let Some(ending) = self.since(row, image, applied, countries) {
            return Prepared::End(ending);
        }
        if let Some(ending) = self.fill(row, image) {
            return Prepared::End(ending);
        }
        let RowContent::Update { body, fields, .. } = &row.content else {
            unreachable!("only updates are sent");
        };
        // What may be the row's own work is sent again, so that an answer proves it.
        if self.skips_equal
            && applied == Applied::No
            && !self.fill.is_in_doubt(row.position.row)
            && skip::changes_nothing(body, image, countries)
        {
            return Prepared::End(Ending::Unchanged);
        }
        if self.is_complete {
            let sent = SentFields::of_request(body).unwrap_or_default();
            match lay_over(image, &sent, countries) {
                Ok(complete) => {
                    // The row still sets only its own fields.
                    let fields = *fields;
                    row.replace_request(RowRequest {
                        body: complete.body.into(),
                        fields,
                    });
                }
                Err(fields) => {
                    return Prepared::End(Ending::Unsendable {
                        fields,
                        conflicts: FieldSet::EMPTY,
                    });
                }
            }
        }
        self.remember_fills(row);
        Prepared::Write(None)
    }

    /// Takes back the decision about an earlier read of the row's customer.
    fn forget_decision(&mut self, row: &mut Row, applied: Applied) {
        row.restore_request();
        let Some((customer, _)) = row.update() else {
            return;
        };
        let fills = (row.read_first_mut()).map(|read_first| std::mem::take(&mut read_first.fills));
        if applied == Applied::No {
            self.fill.forget(customer, fills.unwrap_or_default());
        }
    }

    /// Returns the row's ending if somebody else has changed the customer since the time in the row.
    fn since(
        &self,
        row: &Row,
        image: &Image,
        applied: Applied,
        countries: &Countries,
    ) -> Option<Ending> {
        let RowContent::Update {
            id,
            body,
            fields,
            read_first,
            ..
        } = &row.content
        else {
            unreachable!("only updates are sent");
        };
        let since = read_first.as_ref().and_then(|read_first| read_first.since);
        let (Some(changes), Some(since)) = (&self.since, since) else {
            return None;
        };
        let asked = Asked {
            customer: *id,
            since,
            body,
            applied,
        };
        match changes.decide(asked, image, countries) {
            SinceDecision::Send => None,
            SinceDecision::Unchanged => Some(Ending::Unchanged),
            SinceDecision::Conflict(sign) => Some(Ending::Conflict {
                fields: *fields,
                sign,
            }),
        }
    }

    /// Notes the time at which the row's update changed its customer.
    pub(super) fn changed_at(&mut self, row: &mut Row, shown: &Image) {
        if let (Some(changes), Some(at)) = (&mut self.since, shown.updated_at())
            && let (Some((customer, _)), Some(read_first)) = (row.update(), row.read_first_mut())
        {
            changes.changed(customer, at);
            read_first.updated_at = Some(at);
        }
    }

    /// Leaves out the fields that the customer has already. Returns the row's ending if none is left.
    fn fill(&self, row: &mut Row, image: &Image) -> Option<Ending> {
        if self.fill.is_none() {
            return None;
        }
        let RowContent::Update {
            id, body, fields, ..
        } = &row.content
        else {
            unreachable!("only updates are sent");
        };
        let own = RowRequest {
            body: body.clone(),
            fields: *fields,
        };
        let Filling { request, fills } = self.fill.of(*id, &own, image);
        let Some(request) = request else {
            return Some(Ending::Unchanged);
        };
        if request.fields != own.fields {
            row.replace_request(request);
        }
        if let Some(read_first) = row.read_first_mut() {
            read_first.fills = fills;
        }
        None
    }

    /// Notes the fields that the row's update fills.
    fn remember_fills(&mut self, row: &mut Row) {
        if let (Some((customer, _)), Some(read_first)) = (row.update(), row.read_first_mut()) {
            self.fill.remember(customer, read_first.fills);
        }
    }

    /// Whether the customer's image has to be durable before the row's update leaves.
    pub(super) fn needs_image(&self, row: &Row) -> bool {
        self.is_kept || row.fills_fields()
    }

    /// Whether there is a file for images.
    pub(super) fn has_images(&self) -> bool {
        self.is_kept || !self.fill.is_none()
    }

    /// Whether an update may leave fields out that the row sets.
    pub(super) fn may_leave_out(&self) -> bool {
        !self.fill.is_none()
    }
}
