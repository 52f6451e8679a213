//! Reports a bug in the program: a panic on any thread. It is reported once, without the panic's
//! message, since most messages quote the data at hand, which may be a customer's value.
//!
//! Tests can provoke a panic, or kill the process, at places that the code names.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, Location};
use std::sync::OnceLock;
#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(debug_assertions)]
use std::thread;

#[cfg(debug_assertions)]
use rustix::process::{Signal, getpid, kill_process};

use crate::text;

/// The report of the first panic.
static FIRST: OnceLock<String> = OnceLock::new();

/// Installs a panic hook that passes whole lines about the first panic to `print`, and a backtrace
/// if the environment asks for one.
pub(crate) fn report_panics(print: fn(&str)) {
    panic::set_hook(Box::new(move |panic| {
        let backtrace = Backtrace::capture();
        let message = described(panic.payload(), panic.location());
        if FIRST.set(message.clone()).is_ok() {
            print(&message);
            // A backtrace has names of functions and files, and no values.
            if backtrace.status() == BacktraceStatus::Captured {
                print(&backtrace.to_string());
            }
        }
    }));
}

/// Returns the report of the first panic, if there was one.
pub(crate) fn message() -> Option<&'static str> {
    FIRST.get().map(String::as_str)
}

/// Formats the report of a panic. A literal payload comes from the source and holds no customer's
/// value; a formatted one may.
fn described(payload: &(dyn Any + Send), location: Option<&Location<'_>>) -> String {
    let literal = payload
        .downcast_ref::<&'static str>()
        .map(|literal| format!(" ({})", text::safe(literal)));
    let place = location.map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!(
        "bug in custsync, at {place}{}: please send this line to the maintainers (custsync {}); what was recorded is intact, and the same command continues",
        literal.unwrap_or_default(),
        env!("CARGO_PKG_VERSION")
    )
}

/// Panics if a test asks for it, by a variable that names the place. Only test builds read the
/// variable.
#[cfg(debug_assertions)]
#[track_caller]
pub(crate) fn provoke(place: &str) {
    static WANTED: OnceLock<Option<String>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| std::env::var("PANIC_OF_A_TEST").ok());
    assert!(
        wanted.as_deref() != Some(place),
        "a value that nobody may see: canary of the {place}"
    );
}

/// Does nothing outside test builds.
#[cfg(not(debug_assertions))]
pub(crate) fn provoke(_: &str) {}

/// Kills the process if a test asks for it, by a variable such as `image-synced@3`, which means the
/// third time that any thread comes to this place. Only test builds read the variable.
#[cfg(debug_assertions)]
pub(crate) fn kill_at(place: &str) {
    static WANTED: OnceLock<Option<(String, AtomicU64)>> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("KILL_OF_A_TEST").ok()?;
        let (place, times) = text.split_once('@')?;
        Some((place.to_owned(), AtomicU64::new(times.parse().ok()?)))
    });
    if let Some((wanted, times_left)) = wanted
        && wanted == place
        && times_left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
        // Nothing after this place happens, even if the signal takes a moment.
        loop {
            thread::park();
        }
    }
}

/// Does nothing outside test builds.
#[cfg(not(debug_assertions))]
pub(crate) fn kill_at(_: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn described_panic(work: fn()) -> String {
        let payload = panic::catch_unwind(work).expect_err("it panics");
        described(payload.as_ref(), Some(Location::caller()))
    }

    #[test]
    fn a_literal_message_is_reported_and_a_formatted_one_is_not() {
        let report = described_panic(|| panic!("the books do not close"));
        assert!(
            report.starts_with("bug in custsync, at src/process/crash.rs:"),
            "{report}"
        );
        assert!(
            report.contains(" (the books do not close): please send"),
            "{report}"
        );
        for report in [
            described_panic(|| panic!("{} is wrong", std::hint::black_box("canary"))),
            described_panic(|| {
                assert!(
                    std::hint::black_box("é canary").is_char_boundary(1),
                    "{}",
                    "canary".to_owned()
                );
            }),
            described_panic(|| drop(std::hint::black_box("é canary")[1..].to_owned())),
            described_panic(|| {
                std::hint::black_box(Err::<(), _>("canary".to_owned())).expect("a good value");
            }),
        ] {
            assert!(
                !report.contains("canary") && report.contains("at src/process/crash.rs:"),
                "{report}"
            );
        }
        assert!(described(&"x", None).contains("at an unknown place (x)"));
    }
}
