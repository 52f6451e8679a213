//! Reads the names of members as values of an enum, without a copy of their text.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Visitor};

/// Reads the name of a member, and returns the value that `of` gives it.
pub(crate) fn read_name<'de, D: Deserializer<'de>, K>(
    deserializer: D,
    of: impl FnOnce(&str) -> K,
) -> Result<K, D::Error> {
    struct NameVisitor<F, K>(F, PhantomData<K>);
    impl<F: FnOnce(&str) -> K, K> Visitor<'_> for NameVisitor<F, K> {
        type Value = K;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a name")
        }

        fn visit_str<E>(self, name: &str) -> Result<K, E> {
            Ok((self.0)(name))
        }
    }
    deserializer.deserialize_str(NameVisitor(of, PhantomData))
}
