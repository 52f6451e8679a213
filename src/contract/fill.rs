//! Fields that are sent only where a customer has none (`--fill`).

use super::image::Image;
use super::resource::SentFields;
use super::{Field, FieldSet};

/// The fields that are sent only where a customer has none. What a customer had before all rows
/// counts: a later row may set again what an earlier row has filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct FillRule {
    fields: FieldSet,
}

impl FillRule {
    /// The rule for no field.
    #[cfg(test)]
    pub(super) const NONE: FillRule = FillRule {
        fields: FieldSet::EMPTY,
    };

    /// The rule for these fields.
    pub(crate) fn new(fields: FieldSet) -> FillRule {
        FillRule { fields }
    }

    /// Whether there are no such fields.
    pub(crate) fn is_none(self) -> bool {
        self.fields.is_empty()
    }

    /// Returns those of a row's fields that may be sent to the customer with this image. `filled` are
    /// the fields that earlier rows have filled. A field that is not shown may have a value.
    pub(crate) fn sent(self, row: FieldSet, image: &Image, filled: FieldSet) -> FieldSet {
        let may_be_sent = |field: &Field| {
            !self.fields.contains(*field) || image.is_empty(*field) || filled.contains(*field)
        };
        row.iter().filter(may_be_sent).collect()
    }

    /// Returns the fields that are empty in the image and that a request fills.
    pub(crate) fn filled_by(self, request: &SentFields<'_>, image: &Image) -> FieldSet {
        let fields = request.fields().filter(|(field, value)| {
            self.fields.contains(*field) && image.is_empty(*field) && !value.is_empty()
        });
        fields.map(|(field, _)| field).collect()
    }
}
