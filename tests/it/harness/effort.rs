//! How often the tests try what goes wrong at random: a little by default, at length where the environment says so.

/// The variable that says how many kills a run has to survive. With many of them all such tests are done at length.
const VARIABLE: &str = "CUSTSYNC_TEST_KILLS";
const KILLS_BY_DEFAULT: usize = 12;
/// From so many kills on.
const MANY_KILLS: usize = 50;

/// How many kills a run has to survive.
pub(crate) fn kills() -> usize {
    let said = std::env::var(VARIABLE).ok();
    said.map_or(KILLS_BY_DEFAULT, |kills| {
        kills
            .parse()
            .unwrap_or_else(|_| panic!("{VARIABLE}={kills} is a number"))
    })
}

/// How many rounds are tried: a few by default, all where the environment asks for many kills.
pub(crate) fn rounds(few: usize, all: usize) -> usize {
    if kills() < MANY_KILLS { few } else { all }
}
