//! Puts the customers of an earlier run back: from its images, and the customer as it is now.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::contract::{
    ChangeHistory, Countries, CustomerId, Field, FieldFate, FieldSet, Image, LeftOutEffect,
    RestoreRequest, RestoreRules, SentFields, Unsendable, has_cleared_all,
};
use crate::journal::{ImageEntry, ImageIndex, ImagesError, RowEchoes};
use crate::schedule::{ChangeSign, Ending};

/// An undo of an earlier run.
#[derive(Debug)]
pub(crate) struct Undoing {
    /// The images of the run.
    pub run: Arc<ImageIndex>,
    /// The fields that the API has shown with other values than the run had sent.
    pub echoes: RowEchoes,
    /// The images that earlier processes of this undo kept.
    pub own: Option<ImageIndex>,
    /// The user's choices.
    pub rules: RestoreRules,
    /// Whether nothing is sent (`--dry-run`).
    pub is_dry: bool,
}

/// The state of an undo.
#[derive(Debug)]
pub(super) struct Undo {
    undoing: Undoing,
    /// The images that this process kept while it was not known whether PUT clears fields.
    kept: BTreeMap<CustomerId, Vec<ImageEntry>>,
    counts: UndoCounts,
}

/// The findings of an undo, by customers and by fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UndoCounts {
    /// Customers of whom something is put back.
    pub put_back: u64,
    /// Customers who have their values already.
    pub unchanged: u64,
    /// Customers with fields that were changed since.
    pub conflict: u64,
    /// Customers with fields that cannot be put back.
    pub not_restorable: u64,
    /// The fields that are put back, and the customers of each.
    pub fields: BTreeMap<Field, u64>,
    /// The fields that were changed since, and the customers of each.
    pub conflicts: BTreeMap<Field, u64>,
}

impl UndoCounts {
    /// Adds the findings of another shard.
    pub(crate) fn append(&mut self, other: UndoCounts) {
        self.put_back += other.put_back;
        self.unchanged += other.unchanged;
        self.conflict += other.conflict;
        self.not_restorable += other.not_restorable;
        for (field, customers) in other.fields {
            *self.fields.entry(field).or_default() += customers;
        }
        for (field, customers) in other.conflicts {
            *self.conflicts.entry(field).or_default() += customers;
        }
    }
}

/// The decision about a customer, with its reasons.
#[derive(Debug)]
pub(super) struct Decided {
    /// The decision.
    pub(super) next: UndoDecision,
    /// The fields that are put back.
    put_back: Vec<Field>,
    /// The fields that were changed elsewhere since.
    conflicts: FieldSet,
    /// Whether fields cannot be put back.
    is_unsendable: bool,
}

/// The decision about a customer.
#[derive(Debug)]
pub(super) enum UndoDecision {
    /// Nothing is sent.
    End(Ending),
    /// This body is sent. If it is applied, the row has this ending, or is updated without one.
    Write(Vec<u8>, Option<Ending>),
}

impl Undo {
    pub(super) fn new(undoing: Undoing) -> Undo {
        Undo {
            undoing,
            kept: BTreeMap::new(),
            counts: UndoCounts::default(),
        }
    }

    pub(super) fn counts(&self) -> &UndoCounts {
        &self.counts
    }

    /// Decides about a customer who is shown now.
    pub(super) fn decide(
        &mut self,
        customer: CustomerId,
        now: &Image,
        left_out: LeftOutEffect,
        countries: &Countries,
    ) -> Result<Decided, ImagesError> {
        let history = self.history(customer, left_out, countries)?;
        let restoration = history.restore(now, self.undoing.rules, countries);
        let of_fate = |wanted: fn(FieldFate) -> bool| {
            let fates = restoration.fates.iter();
            fates
                .filter(move |(_, fate)| wanted(*fate))
                .map(|(field, _)| *field)
        };
        let mut unsendable: Vec<(Field, Unsendable)> = (restoration.fates.iter())
            .filter_map(|(field, fate)| match fate {
                FieldFate::NotRestorable(reason) => Some((*field, *reason)),
                _ => None,
            })
            .collect();
        let conflicts: FieldSet = of_fate(|fate| fate == FieldFate::Conflict).collect();
        let body = match restoration.request {
            RestoreRequest::Nothing => None,
            RestoreRequest::Put(ref body) => Some(body.clone()),
            RestoreRequest::Blocked(ref fields) => {
                unsendable.extend(fields);
                None
            }
        };
        let put_back: Vec<_> = of_fate(|fate| fate == FieldFate::PutBack)
            .filter(|_| body.is_some())
            .collect();
        let is_unsendable = !unsendable.is_empty();
        let ending = if !unsendable.is_empty() {
            Some(Ending::Unsendable {
                fields: unsendable,
                conflicts,
            })
        } else if conflicts.is_empty() {
            None
        } else {
            Some(Ending::Conflict {
                fields: conflicts,
                sign: ChangeSign::Values,
            })
        };
        let next = match body.filter(|_| !self.undoing.is_dry) {
            Some(body) => UndoDecision::Write(body, ending),
            None => UndoDecision::End(ending.unwrap_or(Ending::Unchanged)),
        };
        Ok(Decided {
            next,
            put_back,
            conflicts,
            is_unsendable,
        })
    }

    /// Whether a customer who is shown now proves that an update clears what it leaves out: an update
    /// of the run left out several filled fields, and all of them are empty now, or an update of this
    /// undo left out any.
    pub(super) fn shows_loss(
        &self,
        customer: CustomerId,
        now: &Image,
    ) -> Result<bool, ImagesError> {
        if let Some(own) = &self.undoing.own {
            for entry in own.images(customer) {
                let entry = entry?;
                let set: FieldSet = sent_of(&entry).fields().map(|(field, _)| field).collect();
                let lost = entry.image.filled_but_lost(now, FieldSet::ALL.without(set));
                if !lost.is_empty() {
                    return Ok(true);
                }
            }
        }
        let last = self.undoing.run.images(customer).last().transpose()?;
        Ok(last.is_some_and(|last| has_cleared_all(&last.image, &sent_of(&last), now)))
    }

    /// Keeps the image of an update that may clear fields.
    pub(super) fn keep(&mut self, entry: ImageEntry) {
        self.kept.entry(entry.id).or_default().push(entry);
    }

    fn history(
        &self,
        customer: CustomerId,
        left_out: LeftOutEffect,
        countries: &Countries,
    ) -> Result<ChangeHistory, ImagesError> {
        let mut history = ChangeHistory::new(left_out);
        for entry in self.undoing.run.images(customer) {
            let entry = entry?;
            let sent = SentFields::of_request(entry.sent.get().as_bytes());
            history.add(&entry.image, sent.as_ref(), countries);
            history.shows_otherwise(self.undoing.echoes.of(entry.row));
        }
        let mut add_own = |entry: &ImageEntry| {
            history.add_own(&entry.image, &sent_of(entry), countries);
        };
        if let Some(own) = &self.undoing.own {
            for entry in own.images(customer) {
                add_own(&entry?);
            }
        }
        let kept = self.kept.get(&customer);
        kept.into_iter().flatten().for_each(add_own);
        Ok(history)
    }

    /// Counts a decision about a customer, who may be read and decided about again.
    pub(super) fn count(&mut self, decided: &Decided) {
        let Decided {
            put_back,
            conflicts,
            is_unsendable,
            ..
        } = decided;
        let counts = &mut self.counts;
        counts.put_back += u64::from(!put_back.is_empty());
        counts.conflict += u64::from(!conflicts.is_empty());
        counts.not_restorable += u64::from(*is_unsendable);
        let is_unchanged = put_back.is_empty() && conflicts.is_empty() && !*is_unsendable;
        counts.unchanged += u64::from(is_unchanged);
        for field in put_back {
            *counts.fields.entry(*field).or_default() += 1;
        }
        for field in conflicts.iter() {
            *counts.conflicts.entry(field).or_default() += 1;
        }
    }
}

/// The fields that an update sent.
fn sent_of(update: &ImageEntry) -> SentFields<'_> {
    SentFields::of_request(update.sent.get().as_bytes()).unwrap_or_default()
}
