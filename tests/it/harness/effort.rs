//! The number of rounds of random tests: a few by default, many if the environment asks for it.

/// The variable with the number of kills that a run has to survive. A high number makes all such
/// tests long.
const VARIABLE: &str = "CUSTSYNC_TEST_KILLS";
const KILLS_BY_DEFAULT: usize = 12;
/// The number of kills from which on tests are long.
const MANY_KILLS: usize = 50;

/// The number of kills that a run has to survive.
pub(crate) fn kills() -> usize {
    let said = std::env::var(VARIABLE).ok();
    said.map_or(KILLS_BY_DEFAULT, |kills| {
        kills
            .parse()
            .unwrap_or_else(|_| panic!("{VARIABLE}={kills} is a number"))
    })
}

/// The number of rounds: `few` by default, `all` if the environment asks for many kills.
pub(crate) fn rounds(few: usize, all: usize) -> usize {
    if kills() < MANY_KILLS { few } else { all }
}
