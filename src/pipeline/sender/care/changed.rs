//! Customers who were changed elsewhere between the read and the update, which the API has refused
//! for that (`If-Match`).

use crate::row::Row;
use crate::schedule::{ChangeSign, Decision, Ending};

/// The number of times that a customer may be changed between the read and the update of one row.
/// After that the row is a conflict: it would be read again for ever where each request changes the
/// customer's tag.
const CHANGES_MAX: u32 = 5;

/// Decides about a row whose update was refused because its customer was changed.
pub(super) fn decide(row: &mut Row) -> Decision {
    let fields = row.update().map(|(_, fields)| fields).unwrap_or_default();
    let Some(read_first) = row.read_first_mut() else {
        unreachable!("only updates are sent");
    };
    read_first.changes += 1;
    if read_first.changes <= CHANGES_MAX {
        return Decision::Again;
    }
    Decision::End(Ending::Conflict {
        fields,
        sign: ChangeSign::EachTime,
    })
}
