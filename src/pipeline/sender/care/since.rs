//! Rows whose customer may not have been changed after a time (`--unless-changed-since`).
//!
//! The run's own updates change customers, too. So the time that the answer to each of them shows is
//! remembered, and written to the journal for later processes. A customer who was not changed after
//! that time was changed by the run alone.

use jiff::Timestamp;
use rapidhash::RapidHashMap;

use super::prepared::Applied;
use super::skip;
use crate::contract::{ChangeSince, Countries, CustomerId, Image, change_since};
use crate::journal::Entry;
use crate::schedule::ChangeSign;

/// The customers that this run has changed, with the time of the last change as the API showed it. It
/// takes up to 40 bytes for each.
#[derive(Debug, Default)]
pub(crate) struct Since {
    own: RapidHashMap<CustomerId, Timestamp>,
}

/// The decision about a row whose customer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SinceDecision {
    /// Its update may leave.
    Send,
    /// The customer was changed, and has the row's values.
    Unchanged,
    /// The customer was changed.
    Conflict(ChangeSign),
}

/// A row whose customer is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'r> {
    /// The customer.
    pub(super) customer: CustomerId,
    /// The latest time at which others may have changed it.
    pub(super) since: Timestamp,
    /// The row's own request.
    pub(super) body: &'r [u8],
    /// Whether an earlier attempt may have changed the customer.
    pub(super) applied: Applied,
}

impl Since {
    /// Takes up the entry of a row that an earlier process sent.
    pub(crate) fn recorded(&mut self, entry: &Entry<'_>) {
        let customer = entry.id.and_then(|id| CustomerId::new(id).ok());
        if let (Some(customer), Some(at)) = (customer, entry.updated_at) {
            self.changed(customer, at);
        }
    }

    /// Notes that an update of this run changed a customer at this time.
    pub(super) fn changed(&mut self, customer: CustomerId, at: Timestamp) {
        let own = self.own.entry(customer).or_insert(at);
        *own = at.max(*own);
    }

    /// Decides about a row. A customer that has the row's values already is no conflict: nothing
    /// would be overwritten, and the row may be one that a killed process has sent.
    pub(super) fn decide(
        &self,
        asked: Asked<'_>,
        image: &Image,
        countries: &Countries,
    ) -> SinceDecision {
        let own = self.own.get(&asked.customer).copied();
        match change_since(image, asked.since, own) {
            ChangeSince::No => return SinceDecision::Send,
            ChangeSince::NotShown => return SinceDecision::Conflict(ChangeSign::NotShown),
            ChangeSince::Yes => {}
        }
        match (
            skip::changes_nothing(asked.body, image, countries),
            asked.applied,
        ) {
            (true, Applied::Maybe) => SinceDecision::Send,
            (true, Applied::No) => SinceDecision::Unchanged,
            (false, _) => SinceDecision::Conflict(ChangeSign::Since),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_change_by_the_run_itself_is_none_of_others() {
        let customer = CustomerId::new(7).expect("an id");
        let mut since = Since::default();
        let decide = |since: &Since, updated_at: &str, job: &str, applied| {
            let answer = format!(r#"{{"id":7,"job":"{job}","updated_at":{updated_at}}}"#);
            let image = Image::of_answer(answer.as_bytes(), customer).expect("it is shown");
            let asked = Asked {
                customer,
                since: time("2026-11-23T09:00:00Z"),
                body: br#"{"job":"Nurse"}"#,
                applied,
            };
            since.decide(asked, &image, &Countries::default())
        };
        let (at, later) = (
            r#""2026-11-23T10:00:00+01:00""#,
            r#""2026-11-23T09:00:01Z""#,
        );
        let conflict = SinceDecision::Conflict(ChangeSign::Since);
        let (no, maybe) = (Applied::No, Applied::Maybe);
        assert_eq!(decide(&since, at, "Clerk", no), SinceDecision::Send);
        assert_eq!(decide(&since, later, "Clerk", no), conflict);
        assert_eq!(decide(&since, later, "Nurse", no), SinceDecision::Unchanged);
        assert_eq!(decide(&since, later, "Nurse", maybe), SinceDecision::Send);
        assert_eq!(decide(&since, later, "Clerk", maybe), conflict);
        let unknown = SinceDecision::Conflict(ChangeSign::NotShown);
        assert_eq!(decide(&since, "null", "Clerk", no), unknown);
        since.changed(customer, time("2026-11-23T09:00:01Z"));
        since.changed(customer, time("2026-11-23T08:00:00Z"));
        assert_eq!(decide(&since, later, "Clerk", no), SinceDecision::Send);
        let still_later = r#""2026-11-23T09:00:02Z""#;
        assert_eq!(decide(&since, still_later, "Clerk", no), conflict);
    }
}
