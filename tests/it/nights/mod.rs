//! Runs with a state: each night sends what has changed since the last one.

mod model;
mod refusals;
mod rules;
mod systemd;
mod worlds;

use crate::harness::{End, Scenario};

/// The state of a scenario's runs.
const STATE: &str = "nightly.state";

/// Runs an input with the state, in a run directory of its own, with these flags.
fn night<'a>(
    scenario: &Scenario,
    input: &str,
    directory: &str,
    flags: impl IntoIterator<Item = &'a str>,
) -> End {
    let url = scenario.url().expect("a sandbox");
    let words = ["run", input, "--run-dir", directory, "--state", STATE];
    let words = words
        .into_iter()
        .chain(["--base-url", &url, "--rate", "unlimited"]);
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.extend(flags.into_iter().map(str::to_owned));
    scenario.start_words(words.iter().map(String::as_str)).end()
}

/// The bytes of the state.
fn state(scenario: &Scenario) -> Vec<u8> {
    scenario.read(STATE).expect("there is a state")
}

/// The updates that the sandbox has applied so far.
fn applied(scenario: &Scenario) -> usize {
    scenario.ledger().0.len()
}
