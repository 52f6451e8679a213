//! The inputs as a summary speaks of them: their names, and what each was found to be.

use super::super::tally::Group;
use crate::input::{KnownInput, ReadAs};
use crate::row::Position;

/// The names of the inputs, to say where rows stand, and what each of them was found to be.
#[derive(Debug, Clone, Default)]
pub struct InputNames {
    names: Vec<String>,
    /// The names with the sheets of workbooks.
    places: Vec<String>,
    read_as: Vec<ReadAs>,
}

impl InputNames {
    /// Of open inputs.
    pub fn of(inputs: &[KnownInput]) -> InputNames {
        InputNames {
            names: inputs
                .iter()
                .map(|input| input.name().to_string())
                .collect(),
            places: inputs.iter().map(KnownInput::place_name).collect(),
            read_as: inputs.iter().map(KnownInput::read_as).cloned().collect(),
        }
    }

    /// Inputs of which no more is known, for tests.
    #[cfg(test)]
    pub(super) fn of_names(names: &[&str]) -> InputNames {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        InputNames {
            names: names.clone(),
            places: names,
            read_as: Vec::new(),
        }
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What each was found to be.
    pub fn read_as(&self) -> Vec<String> {
        self.read_as.iter().map(ToString::to_string).collect()
    }

    /// A line for each input of which there is more to tell than its name says.
    pub fn notes(&self) -> Vec<String> {
        let inputs = self
            .names
            .iter()
            .zip(&self.read_as)
            .filter(|(_, read_as)| !read_as.is_plain());
        inputs
            .map(|(name, read_as)| format!("{name} read as {read_as}"))
            .collect()
    }

    /// Input and line, as messages name a row's place.
    pub fn place(&self, position: Position) -> String {
        format!(
            "{}:{}",
            self.places.get(position.input).map_or("?", String::as_str),
            position.line
        )
    }

    /// Where the first rows of a group stand.
    pub(super) fn places(&self, group: &Group) -> Vec<String> {
        group
            .first
            .iter()
            .map(|position| self.place(*position))
            .collect()
    }
}
