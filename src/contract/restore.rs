//! Decides how an undo puts a customer back: field by field, from the images that the run kept and
//! the customer as it is shown now.
//!
//! A field's target is the value that it would have without the run. It is the oldest image's
//! value. If a later image shows a value that is neither the target nor one that the run had sent
//! by then, somebody else has changed the field in between, and that value is the target from then
//! on.
//!
//! | the field is now | then |
//! |---|---|
//! | the target, character by character | it is unchanged |
//! | a value that the run sent, character by character | the target is put back |
//! | the target in another spelling | it is unchanged |
//! | a value that the run sent, in another spelling | the target is put back |
//! | anything else | conflict: somebody has changed it since |
//!
//! Values in another spelling count as equal, because APIs normalise what they are sent: they trim
//! text and turn addresses into lower case. Equal characters count first, because a run may have
//! changed the spelling and nothing else. A date that has moved by one day is another value.
//!
//! A country is shown by its name and sent by its id. If the name of an id that the run sent is not
//! known, the name shown may be the run's or another's. In an image it counts as the run's, so that
//! the run's own value never becomes the target. In the customer as it is now it counts as
//! another's, so that nothing of another's is overwritten: that is a conflict.

use std::collections::BTreeMap;

use super::as_shown::compare_sent;
use super::compare::{ValueComparison, compare_values};
use super::country::Countries;
use super::image::Image;
use super::lay_over::lay_values_over;
use super::resource::{MemberValue, SentFields, is_null};
use super::sendable::{Unsendable, body_of, sendable};
use super::{ErrorCode, FIELDS, Field, FieldSet};

/// The effect of a PUT on the fields that it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOutEffect {
    /// They keep their values.
    Kept,
    /// They are cleared, so each counts as sent null.
    Cleared,
}

/// The effect of an undo on fields that somebody has changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflicts {
    /// They keep their values.
    Keep,
    /// They are put back, too (`--force`).
    Overwrite,
}

/// The user's choices of an undo.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RestoreRules {
    /// The fields that somebody has changed since.
    pub(crate) conflicts: Conflicts,
    /// The fields that are not put back (`--without-field`).
    pub(crate) without: FieldSet,
}

/// The run's changes of one customer. It holds each distinct value once, however many rows the
/// customer had.
#[derive(Debug)]
pub(crate) struct ChangeHistory {
    left_out: LeftOutEffect,
    /// The fields that the run may have changed.
    fields_of_run: FieldSet,
    /// Those, and the fields that the undo's own updates may have changed.
    fields: FieldSet,
    /// The fields that the API has shown with another value right after the last update.
    shown_otherwise: FieldSet,
    /// The fields' histories in the contract's order.
    of_fields: [FieldHistory; FIELDS.len()],
}

/// The run's changes of one field.
#[derive(Debug, Default)]
struct FieldHistory {
    /// The value without the run; none as long as no image shows one. For `country_id` it is the
    /// country's name.
    target: Option<MemberValue<'static>>,
    /// The distinct values that the run sent and that may have been applied.
    sent: Vec<MemberValue<'static>>,
    /// The value that the undo's own update may have cleared.
    cleared: Option<MemberValue<'static>>,
    /// The value of somebody else that the undo has seen.
    of_others: Option<MemberValue<'static>>,
}

/// The fate of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldFate {
    /// It has the value already.
    Unchanged,
    /// It is put back.
    PutBack,
    /// Somebody has changed it since, and it keeps that value.
    Conflict,
    /// It would be put back, and cannot be.
    NotRestorable(Unsendable),
}

/// The decision about one customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restoration {
    /// The fate of each field that the run may have changed, in the contract's order, without the
    /// fields that the user excludes. Behind them are those of the excluded fields that the undo's
    /// own update has cleared and that cannot be put back.
    pub(crate) fates: Vec<(Field, FieldFate)>,
    /// The request.
    pub(crate) request: RestoreRequest,
}

/// The request that puts a customer back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RestoreRequest {
    /// Nothing is to be put back.
    Nothing,
    /// A PUT with this body.
    Put(Vec<u8>),
    /// PUT clears what it leaves out, and these fields, which should keep their values, cannot be
    /// sent.
    Blocked(Vec<(Field, Unsendable)>),
}

impl ChangeHistory {
    /// Creates the history of a customer that the run has not touched.
    pub(crate) fn new(left_out: LeftOutEffect) -> ChangeHistory {
        ChangeHistory {
            left_out,
            fields_of_run: FieldSet::EMPTY,
            fields: FieldSet::EMPTY,
            shown_otherwise: FieldSet::EMPTY,
            of_fields: Default::default(),
        }
    }

    /// Adds the next image, in the order in which they were kept, and the fields that were sent
    /// behind it; `None` if an answer proves that they were not applied.
    pub(crate) fn add(
        &mut self,
        image: &Image,
        sent: Option<&SentFields<'_>>,
        countries: &Countries,
    ) {
        for (rule, history) in FIELDS.iter().zip(&mut self.of_fields) {
            let Some(shown) = image.shown(rule.field) else {
                continue;
            };
            if self.shown_otherwise.contains(rule.field)
                && history.is_of_others(rule.field, shown, countries)
            {
                history.sent.push(shown.clone());
            } else {
                history.see(rule.field, shown, countries);
            }
        }
        if let Some(sent) = sent {
            self.add_update(sent);
        }
        self.fields_of_run = self.fields;
        self.shown_otherwise = FieldSet::EMPTY;
    }

    /// Notes that the API has shown these fields with other values right after the last update that
    /// was added (its echo). So what the next image shows in them is the API's form of what the run
    /// sent, and no value of somebody else.
    pub(crate) fn shows_otherwise(&mut self, fields: FieldSet) {
        self.shown_otherwise = fields;
    }

    fn add_update(&mut self, sent: &SentFields<'_>) {
        let mut left_out = FieldSet::ALL;
        for (field, value) in sent.fields() {
            self.add_sent(field, value.to_owned());
            left_out = left_out.without(FieldSet::from_iter([field]));
        }
        match self.left_out {
            LeftOutEffect::Kept => {}
            LeftOutEffect::Cleared => left_out
                .iter()
                .for_each(|field| self.add_sent(field, MemberValue::Null)),
        }
    }

    /// Adds an image that the undo itself kept, and the fields that it sent behind it. A value of
    /// somebody else in it is a conflict, and no target. If that update cleared fields, they get
    /// their values back, even if the user excludes them.
    pub(crate) fn add_own(&mut self, image: &Image, sent: &SentFields<'_>, countries: &Countries) {
        let set: FieldSet = sent.fields().map(|(field, _)| field).collect();
        for (rule, history) in FIELDS.iter().zip(&mut self.of_fields) {
            let field = rule.field;
            let Some(shown) = image.shown(field) else {
                continue;
            };
            if !self.fields_of_run.contains(field) {
                history.see(field, shown, countries);
            } else if history.is_of_others(field, shown, countries) {
                history.of_others = Some(shown.clone());
            }
            if history.cleared.is_none() && image.is_filled(field) && !set.contains(field) {
                history.cleared = Some(shown.clone());
            }
        }
        self.add_update(sent);
    }

    fn add_sent(&mut self, field: Field, value: MemberValue<'static>) {
        self.fields.insert(field);
        let sent = &mut self
            .of_fields
            .get_mut(field.index())
            .expect("there is a place for each field")
            .sent;
        if !sent.contains(&value) {
            sent.push(value);
        }
    }

    /// The fields that the run may have changed and the user wants to be put back.
    fn fields(&self, without: FieldSet) -> impl Iterator<Item = (Field, &FieldHistory)> {
        let fields = self.fields.without(without);
        let histories = FIELDS.iter().map(|rule| rule.field).zip(&self.of_fields);
        histories.filter(move |(field, _)| fields.contains(*field))
    }

    /// Returns the fields that the run may have changed and that cannot be put back, whatever the
    /// customer is now.
    pub(crate) fn not_restorable(
        &self,
        without: FieldSet,
        countries: &Countries,
    ) -> Vec<(Field, Unsendable)> {
        let changed = self
            .fields(without)
            .filter(|(field, history)| history.may_differ(*field, countries));
        changed
            .filter_map(|(field, history)| {
                let refused = sendable(field, history.target.as_ref(), countries).err()?;
                Some((field, refused))
            })
            .collect()
    }

    /// Decides how the customer is put back.
    pub(crate) fn restore(
        &self,
        now: &Image,
        rules: RestoreRules,
        countries: &Countries,
    ) -> Restoration {
        let (mut fates, mut values) = (Vec::new(), BTreeMap::new());
        for (field, history) in self.fields(rules.without) {
            let fate = history.fate(field, now.shown(field), rules.conflicts, countries);
            if fate != FieldFate::PutBack {
                fates.push((field, fate));
                continue;
            }
            // The undo's own update has cleared what somebody else had written.
            let of_others = history.of_others.as_ref();
            let (value, fate) = match (rules.conflicts, of_others) {
                (Conflicts::Keep, Some(value)) => (Some(value), FieldFate::Conflict),
                (Conflicts::Keep, None) | (Conflicts::Overwrite, _) => {
                    (history.target.as_ref(), FieldFate::PutBack)
                }
            };
            match sendable(field, value, countries) {
                Ok(value) => {
                    values.insert(field, value);
                    fates.push((field, fate));
                }
                Err(reason) => fates.push((field, FieldFate::NotRestorable(reason))),
            }
        }
        for (field, cleared) in self.cleared_and_excluded(now, rules.without) {
            match sendable(field, Some(cleared), countries) {
                Ok(value) => {
                    values.insert(field, value);
                }
                Err(reason) => fates.push((field, FieldFate::NotRestorable(reason))),
            }
        }
        let request = self.request(now, values, countries);
        Restoration { fates, request }
    }

    /// The fields that the undo's own update has cleared, although the user excludes them, and their
    /// values before.
    fn cleared_and_excluded(
        &self,
        now: &Image,
        without: FieldSet,
    ) -> impl Iterator<Item = (Field, &MemberValue<'static>)> {
        let fields = without.iter().filter(|field| {
            let shown = now.shown(*field);
            shown.is_some_and(is_null)
        });
        fields.filter_map(|field| {
            let history = self.of_fields.get(field.index())?;
            Some((field, history.cleared.as_ref()?))
        })
    }

    fn request(
        &self,
        now: &Image,
        values: BTreeMap<Field, MemberValue<'static>>,
        countries: &Countries,
    ) -> RestoreRequest {
        if values.is_empty() {
            return RestoreRequest::Nothing;
        }
        match self.left_out {
            LeftOutEffect::Kept => {
                RestoreRequest::Put(body_of(values.iter().map(|(field, value)| (*field, value))))
            }
            LeftOutEffect::Cleared => match lay_values_over(now, values, countries) {
                Ok(complete) => RestoreRequest::Put(complete.body),
                Err(lost) => RestoreRequest::Blocked(lost),
            },
        }
    }
}

impl FieldHistory {
    /// Takes in the value of the next image.
    fn see(&mut self, field: Field, shown: &MemberValue<'static>, countries: &Countries) {
        if self.is_of_others(field, shown, countries) {
            self.target = Some(shown.clone());
        }
    }

    /// Whether the value of an image is neither the target nor one that was sent.
    fn is_of_others(
        &self,
        field: Field,
        shown: &MemberValue<'static>,
        countries: &Countries,
    ) -> bool {
        let is_target = self
            .target
            .as_ref()
            .is_some_and(|target| is_equal(compare_values(field, target, shown)));
        let may_be_sent = self
            .sent
            .iter()
            .rev()
            .map(|sent| compare_sent(field, sent, shown, countries))
            .any(|sent| is_equal(sent) || sent == ValueComparison::NotComparable);
        !is_target && !may_be_sent
    }

    /// Whether a value that the run sent may differ from the target.
    fn may_differ(&self, field: Field, countries: &Countries) -> bool {
        self.target.as_ref().is_none_or(|target| {
            self.sent
                .iter()
                .any(|sent| compare_sent(field, sent, target, countries) != ValueComparison::Same)
        })
    }

    /// The fate of a field that can be put back.
    fn fate(
        &self,
        field: Field,
        now: Option<&MemberValue<'static>>,
        conflicts: Conflicts,
        countries: &Countries,
    ) -> FieldFate {
        let (Some(target), Some(now)) = (&self.target, now) else {
            return FieldFate::NotRestorable(Unsendable::NotShown);
        };
        for equal in [ValueComparison::Same, ValueComparison::Spelling] {
            if compare_values(field, target, now) == equal {
                return FieldFate::Unchanged;
            }
            let mut sent = self.sent.iter();
            if sent.any(|sent| compare_sent(field, sent, now, countries) == equal) {
                return FieldFate::PutBack;
            }
        }
        match conflicts {
            Conflicts::Keep => FieldFate::Conflict,
            Conflicts::Overwrite => FieldFate::PutBack,
        }
    }
}

/// Whether a customer could be put back as a whole after an update that clears what it leaves out:
/// all values may be sent again. The country may not, if the update sets another one.
pub(crate) fn can_be_put_back(image: &Image, sent: &SentFields<'_>, countries: &Countries) -> bool {
    let set: FieldSet = sent.fields().map(|(field, _)| field).collect();
    FieldSet::ALL.iter().all(|field| {
        match sendable(field, image.shown(field), countries) {
            Ok(_) | Err(Unsendable::NotShown) => true,
            Err(Unsendable::UnknownCountry) => set.contains(field),
            // It stays empty.
            Err(Unsendable::Forbidden(ErrorCode::Null)) => !set.contains(field),
            Err(Unsendable::Forbidden(_)) => false,
        }
    })
}

/// Whether a later image of a customer proves that an update has cleared the fields that it left
/// out: all of them are empty that were filled before, and they are several. A single one may be
/// somebody else's work.
pub(crate) fn has_cleared_all(before: &Image, sent: &SentFields<'_>, later: &Image) -> bool {
    let set: FieldSet = sent.fields().map(|(field, _)| field).collect();
    let left_out = before.fields_filled().without(set);
    let lost = before.filled_but_lost(later, left_out);
    lost == left_out && lost.iter().nth(1).is_some()
}

fn is_equal(comparison: ValueComparison) -> bool {
    match comparison {
        ValueComparison::Same | ValueComparison::Spelling => true,
        ValueComparison::NextDay
        | ValueComparison::Different
        | ValueComparison::NotComparable
        | ValueComparison::NotShown => false,
    }
}
