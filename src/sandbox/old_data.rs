//! Old data: values from before the API had its rules, which it shows but would not accept.

use serde_json::{Value, json};

use super::contract::Changes;
use super::random::SplitMix64;

/// The characters of a phone number from before the limit of 20.
const OLD_PHONE_DIGITS: usize = 29;

/// Replaces some values of a customer by old ones, at least one.
pub(super) fn age(values: &mut Changes, id: u64, random: &mut SplitMix64) {
    let flaws = flaws(id);
    let certain = random.below(flaws.len() as u64);
    for (n, flaw) in (0_u64..).zip(flaws) {
        // Drawn in any case, so that a flaw does not depend on the place of the certain one.
        let is_drawn = random.below(4) == 0;
        if is_drawn || n == certain {
            values.extend([flaw]);
        }
    }
}

/// The values that break the contract. Of two for one field, the later wins.
fn flaws(id: u64) -> [(&'static str, Value); 8] {
    [
        ("first_name", Value::Null),
        ("last_name", Value::Null),
        ("phone_number", Value::Null),
        (
            "phone_number",
            json!(format!("+{id:0width$}", width = OLD_PHONE_DIGITS)),
        ),
        ("email", json!(format!("customer{id}.example.com"))),
        ("gender", json!("unknown")),
        // The date that MySQL stores for one that it cannot read.
        ("date_of_birth", json!("0000-00-00")),
        ("job", json!("Clerk ".repeat(50))),
    ]
}
