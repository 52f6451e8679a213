//! The inputs in a summary: their names and formats.

use super::super::tally::Group;
use crate::input::{KnownInput, ReadAs};
use crate::row::Position;

/// The names of the inputs, which places of rows begin with, and their formats.
#[derive(Debug, Clone, Default)]
pub struct InputNames {
    names: Vec<String>,
    /// The names with the sheets of workbooks.
    places: Vec<String>,
    read_as: Vec<ReadAs>,
}

impl InputNames {
    /// Takes the names and formats of open inputs.
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

    /// Creates inputs with names alone, as a journal has them.
    pub(crate) fn of_names(names: &[String]) -> InputNames {
        InputNames {
            names: names.to_vec(),
            places: names.to_vec(),
            read_as: Vec::new(),
        }
    }

    /// The names with the sheets of workbooks.
    pub(crate) fn place_names(&self) -> &[String] {
        &self.places
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the format of each input.
    pub fn read_as(&self) -> Vec<String> {
        self.read_as.iter().map(ToString::to_string).collect()
    }

    /// Returns a line for each input whose format its name does not show.
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

    /// Returns a row's place as messages show it: input and line.
    pub fn place(&self, position: Position) -> String {
        format!(
            "{}:{}",
            self.places.get(position.input).map_or("?", String::as_str),
            position.line
        )
    }

    /// Returns the places of a group's first rows.
    pub(super) fn places(&self, group: &Group) -> Vec<String> {
        group
            .first
            .iter()
            .map(|position| self.place(*position))
            .collect()
    }
}
