//! Flags that take one of a few words: clap knows the words, and `config` checks them.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::error::Error;
use clap::{Arg, Command, ValueEnum};

/// Returns the parser of a flag that takes the words of `T`.
pub(super) fn words<T: ValueEnum>() -> Words {
    let words = T::value_variants().iter();
    Words(words.filter_map(ValueEnum::to_possible_value).collect())
}

/// Accepts any text, and names the words for the help and for completions. A wrong word is reported
/// by `config`, together with all other problems; clap would stop at the first.
#[derive(Debug, Clone)]
pub(super) struct Words(Vec<PossibleValue>);

impl TypedValueParser for Words {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().cloned()))
    }
}
