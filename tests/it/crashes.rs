//! A panic on any thread is exit 70, is reported without a value, and leaves a run that can be
//! continued.

use crate::harness::{Customers, Scenario};

const ROWS: u64 = 50;
/// The variable that makes a debug build panic.
const VARIABLE: &str = "PANIC_OF_A_TEST";

#[test]
fn a_panic_of_any_thread_is_exit_70_and_the_same_command_continues() {
    if !cfg!(debug_assertions) {
        println!("did not run: only builds with debug assertions panic on demand");
        return;
    }
    for (place, file) in [
        ("sender", "src/pipeline/sender/mod.rs"),
        ("recorder", "src/pipeline/recorder/mod.rs"),
        ("reader", "src/pipeline/reading/source.rs"),
        ("terminal", "src/terminal/progress.rs"),
    ] {
        let scenario = || {
            Scenario::new()
                .csv(&Customers::in_turn(ROWS, 1, 9))
                .unlimited()
                // So that some outcomes are recorded before the last row is sent.
                .sandbox(|options| options.latency = "20ms".parse().expect("a time"))
        };
        let crashing = scenario().variable(VARIABLE, place);
        let end = crashing
            .run([])
            .exits(70)
            .says(&format!("error: bug in custsync, at {file}:"));
        let end = end.says("please send this line to the maintainers");
        end.is_nowhere("canary of the");
        assert_eq!(
            end.stderr.matches("bug in custsync").count(),
            1,
            "{}",
            end.stderr
        );
        let recorded = end.results().lines.len() as u64;
        assert!(
            place == "recorder" || recorded > 0,
            "{place}: {recorded} rows"
        );

        let again = crashing
            .variable(VARIABLE, "nowhere")
            .run([])
            .exits(0)
            .counts([ROWS, 0, 0, 0, 0]);
        again.results().settle_each_of(ROWS as usize);
        println!("{place}: {recorded} of {ROWS} rows were recorded before the panic");
    }
}

#[test]
fn a_check_that_panics_is_no_good_check() {
    if !cfg!(debug_assertions) {
        println!("did not run: only builds with debug assertions panic on demand");
        return;
    }
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(ROWS, 1, 9))
        .flags(["--log-format", "json"]);
    let end = scenario.variable(VARIABLE, "checker").check([]).exits(70);
    let line = end
        .stderr
        .lines()
        .find(|line| line.contains("bug in custsync"))
        .expect("it is told");
    let line: serde_json::Value = serde_json::from_str(line).expect("a log of JSON stays one");
    assert_eq!(line["level"], "ERROR");
    end.is_nowhere("canary of the");
}
