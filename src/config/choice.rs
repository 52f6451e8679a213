//! Settings that take one of a few words.

use super::value::ValueError;

/// The value that `text` names in `choices`.
pub(super) fn choice<T: Copy>(text: &str, choices: &[(&'static str, T)]) -> Result<T, ValueError> {
    for (name, value) in choices {
        if *name == text {
            return Ok(*value);
        }
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    Err(ValueError::NotAChoice {
        text: text.to_owned(),
        choices: names.join(", "),
    })
}
