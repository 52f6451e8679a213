//! The values that a customer may have when a row of the plan is sent, as hashes: the value that was
//! seen, and the values that the plan itself sends.

use std::collections::BTreeMap;

use crate::contract::{
    Countries, CustomerId, Field, FieldSet, Image, MemberValue, SentFields, write_canonical,
    write_shown,
};
use crate::journal::RunKey;

/// The most values of a customer's field that are told apart. A customer with more may have any value
/// in it.
pub(crate) const VALUES_MAX: usize = 1_000;
/// The number of hashes that stands for any value.
const ANY: u16 = u16::MAX;

/// The treatment of a country whose id is not known, in a customer to whom the plan sends one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CountryDoubt {
    /// It is accepted: an earlier process may have sent it.
    Accepted,
    /// Nothing was sent before, so another country than the one that was seen is another's change.
    Refused,
}

/// The values of a field that are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Accepted {
    /// Any: what was seen is not known, or what the plan sends cannot be recognised.
    Any,
    /// Those with these hashes.
    Hashes(Vec<u64>),
}

/// The values of a customer's fields that are accepted, for the fields that rows of the plan send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct AcceptedValues(BTreeMap<usize, Accepted>);

/// Makes the hashes of one customer's values.
pub(super) struct ValueHasher {
    key: RunKey,
    customer: CustomerId,
    buffer: Vec<u8>,
}

impl ValueHasher {
    pub(super) fn new(key: RunKey, customer: CustomerId) -> ValueHasher {
        ValueHasher {
            key,
            customer,
            buffer: Vec::new(),
        }
    }

    /// Returns the hash of what the image shows for a field; `None` if it shows nothing.
    fn shown(&mut self, field: Field, image: &Image) -> Option<u64> {
        self.hash(field, "", |form| write_shown(image, field, form))
    }

    /// Returns the hash of a value that is sent. The id of a country has another one than any name.
    fn sent(&mut self, field: Field, value: &MemberValue<'_>) -> Option<u64> {
        match (field, value.as_integer()) {
            (Field::CountryId, Some(id)) => self.country(id),
            _ => self.hash(field, "", |form| write_canonical(field, value, form)),
        }
    }

    fn country(&mut self, id: i64) -> Option<u64> {
        self.hash(Field::CountryId, "id", |form| {
            form.extend_from_slice(id.to_string().as_bytes());
            Some(())
        })
    }

    fn hash(
        &mut self,
        field: Field,
        kind: &str,
        write: impl FnOnce(&mut Vec<u8>) -> Option<()>,
    ) -> Option<u64> {
        self.buffer.clear();
        // The customer's id keeps equal values of two customers apart, so that hashes do not tell
        // who shares a value.
        let subject = format!("plan\n{}\n{field}\n{kind}\n", self.customer.get());
        self.buffer.extend_from_slice(subject.as_bytes());
        write(&mut self.buffer)?;
        Some(self.key.record_hash(&self.buffer))
    }
}

impl Accepted {
    fn add(&mut self, hash: Option<u64>) {
        match (&mut *self, hash) {
            (Accepted::Any, _) => {}
            (Accepted::Hashes(hashes), Some(hash)) if hashes.contains(&hash) => {}
            (Accepted::Hashes(hashes), Some(hash)) if hashes.len() < VALUES_MAX => {
                hashes.push(hash);
            }
            (Accepted::Hashes(_), _) => *self = Accepted::Any,
        }
    }

    fn accepts(&self, hash: Option<u64>) -> bool {
        match self {
            Accepted::Any => true,
            Accepted::Hashes(hashes) => hash.is_some_and(|hash| hashes.contains(&hash)),
        }
    }
}

impl AcceptedValues {
    /// Accepts what the image shows, and what the rows send, in the fields that the rows send.
    pub(super) fn of<'s, 'b: 's>(
        hasher: &mut ValueHasher,
        image: &Image,
        rows: impl IntoIterator<Item = &'s SentFields<'b>>,
    ) -> AcceptedValues {
        let mut values = AcceptedValues::default();
        let mut countries_sent = 0;
        for row in rows {
            for (field, value) in row.fields() {
                let accepted = values.0.entry(field.index()).or_insert_with(|| {
                    let seen = hasher.shown(field, image);
                    seen.map_or(Accepted::Any, |hash| Accepted::Hashes(vec![hash]))
                });
                accepted.add(hasher.sent(field, value));
                countries_sent += u32::from(field == Field::CountryId);
            }
        }
        // The API shows the name of a country, whose id is often unknown.
        if countries_sent > 1 {
            values.0.insert(Field::CountryId.index(), Accepted::Any);
        }
        values
    }

    /// Returns the fields of `sent` in which the customer has another value now than one that is
    /// accepted, or the one that is sent. A field that is not shown is no conflict.
    pub(super) fn conflicts(
        &self,
        hasher: &mut ValueHasher,
        sent: &SentFields<'_>,
        now: &Image,
        names: &CountryNamesNow<'_>,
    ) -> FieldSet {
        let mut conflicts = FieldSet::EMPTY;
        for (field, value) in sent.fields() {
            let shown = hasher.shown(field, now);
            if shown.is_none() {
                continue;
            }
            let is_wanted = match (field, value.as_integer()) {
                (Field::CountryId, Some(id)) => names.are_of(id),
                _ => hasher.sent(field, value) == shown,
            };
            let accepted = self.0.get(&field.index());
            let is_accepted = accepted.is_some_and(|accepted| {
                accepted.accepts(shown)
                    || field == Field::CountryId
                        && match names.id() {
                            Some(id) => accepted.accepts(hasher.country(id)),
                            None => names.may_be_own(),
                        }
            });
            if !is_wanted && !is_accepted {
                conflicts.insert(field);
            }
        }
        conflicts
    }

    /// Appends the values as bytes: for each field its number, the number of its hashes (2 bytes),
    /// and the hashes (8 bytes each). [`ANY`] hashes mean any value.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        for (field, accepted) in &self.0 {
            let hashes: &[u64] = match accepted {
                Accepted::Any => &[],
                Accepted::Hashes(hashes) => hashes,
            };
            let number = match accepted {
                Accepted::Any => ANY,
                Accepted::Hashes(_) => {
                    u16::try_from(hashes.len()).expect("there are at most 1,000")
                }
            };
            bytes.push(u8::try_from(*field).expect("there are few fields"));
            bytes.extend(number.to_le_bytes());
            for hash in hashes {
                bytes.extend(hash.to_le_bytes());
            }
        }
    }

    /// Reads the values; `None` if the bytes are none.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<AcceptedValues> {
        let mut values = AcceptedValues::default();
        while let Some((field, rest)) = bytes.split_first() {
            let (number, mut rest) = rest.split_first_chunk()?;
            let accepted = match u16::from_le_bytes(*number) {
                ANY => Accepted::Any,
                number => {
                    let mut hashes = Vec::with_capacity(usize::from(number));
                    for _ in 0..number {
                        let (hash, behind) = rest.split_first_chunk()?;
                        hashes.push(u64::from_le_bytes(*hash));
                        rest = behind;
                    }
                    Accepted::Hashes(hashes)
                }
            };
            values.0.insert(usize::from(*field), accepted);
            bytes = rest;
        }
        Some(values)
    }
}

/// The country that a customer shows now, and the ids that are known by name.
pub(super) struct CountryNamesNow<'c> {
    name: Option<&'c str>,
    countries: &'c Countries,
    doubt: CountryDoubt,
}

impl<'c> CountryNamesNow<'c> {
    pub(super) fn of(
        now: &'c Image,
        countries: &'c Countries,
        doubt: CountryDoubt,
    ) -> CountryNamesNow<'c> {
        CountryNamesNow {
            name: now.country_text(),
            countries,
            doubt,
        }
    }

    /// Whether the country that is shown has this id.
    fn are_of(&self, id: i64) -> bool {
        self.name
            .is_some_and(|name| self.countries.has_name(id, name) == Some(true))
    }

    /// The id of the country that is shown, if it is known.
    fn id(&self) -> Option<i64> {
        self.countries.id(self.name?)
    }

    /// Whether a country without a known id may be one that the plan has sent.
    fn may_be_own(&self) -> bool {
        self.name.is_some() && self.doubt == CountryDoubt::Accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written_and_no_part_of_them() {
        let values = AcceptedValues(BTreeMap::from([
            (0, Accepted::Hashes(vec![1, u64::MAX])),
            (3, Accepted::Any),
            (11, Accepted::Hashes(vec![7])),
        ]));
        let mut bytes = Vec::new();
        values.encode(&mut bytes);
        assert_eq!(AcceptedValues::decode(&bytes), Some(values.clone()));
        for end in 0..bytes.len() {
            assert_ne!(
                AcceptedValues::decode(&bytes[..end]),
                Some(values.clone()),
                "cut at {end}"
            );
        }
    }

    #[test]
    fn a_field_with_too_many_values_may_have_any() {
        let mut accepted = Accepted::Hashes(Vec::new());
        for hash in 0..1_000 {
            accepted.add(Some(hash));
        }
        assert!(accepted.accepts(Some(999)) && !accepted.accepts(Some(1_000)));
        accepted.add(Some(0));
        assert!(!accepted.accepts(Some(1_000)), "one of them again");
        accepted.add(Some(1_000));
        assert!(accepted.accepts(Some(1_001)));
    }
}
