//! The number of rounds of random tests: a few by default, many if the environment asks for it.

/// The variable with the number of kills that a run has to survive. A higher number makes all such
/// tests longer.
const VARIABLE: &str = "CUSTSYNC_TEST_KILLS";
const KILLS_BY_DEFAULT: usize = 12;
/// The number of kills above the default from which on tests do all of their rounds.
const ALL_ABOVE_DEFAULT: usize = 188;

/// The number of kills that a run has to survive.
pub(crate) fn kills() -> usize {
    let said = std::env::var(VARIABLE).ok();
    said.map_or(KILLS_BY_DEFAULT, |kills| {
        kills
            .parse()
            .unwrap_or_else(|_| panic!("{VARIABLE}={kills} is a number"))
    })
}

/// The kills above the default, as far as they make tests longer.
fn above_default() -> usize {
    kills()
        .saturating_sub(KILLS_BY_DEFAULT)
        .min(ALL_ABOVE_DEFAULT)
}

/// The number of rounds: `few` by default, `all` with 200 kills, and in proportion between.
pub(crate) fn rounds(few: usize, all: usize) -> usize {
    few + (all - few) * above_default() / ALL_ABOVE_DEFAULT
}

/// The step between the places that a test tries: `most` by default, `least` with 200 kills, and the
/// number of places in proportion between.
pub(crate) fn step(most: usize, least: usize) -> usize {
    let places = least * ALL_ABOVE_DEFAULT + (most - least) * above_default();
    most * least * ALL_ABOVE_DEFAULT / places
}
