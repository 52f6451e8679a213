//! Services that do not answer as they should. The exit code is the run's.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{bad, good};
use crate::harness::{End, Reaction, Received, Receiver, Scenario};

/// Runs with a monitor that takes the start and reacts to the end in this way.
fn run(react: impl Fn(&Received) -> Reaction + Send + Sync + 'static) -> (End, Vec<String>) {
    let monitor = Receiver::start(move |received| {
        if received.what == "GET /start" {
            Reaction::status(200)
        } else {
            react(received)
        }
    });
    let scenario = bad().variable("CUSTSYNC_PING_URL", &monitor.url());
    let end = scenario.run([]).exits(1);
    end.is_nowhere(Receiver::secret());
    end.is_nowhere(&monitor.host());
    (end, monitor.heard())
}

#[test]
fn a_service_in_trouble_gets_three_tries() {
    let (end, heard) =
        run(|received| Reaction::status(if received.number < 4 { 500 } else { 200 }));
    assert_eq!(end.lines_with("warning"), 0, "{}", end.stderr);
    assert_eq!(heard, ["GET /start", "GET /1", "GET /1", "GET /1"]);
    let (end, heard) = run(|_| Reaction::HangUp);
    end.says("warning: the ping of the end failed (CUSTSYNC_PING_URL): the connection was closed without an answer (3 tries)");
    assert_eq!(heard.len(), 4);
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Receiver::good();
    let url = target.url();
    let (end, heard) = run(move |_| Reaction::redirect(&url));
    end.says("warning: the ping of the end failed (CUSTSYNC_PING_URL): HTTP 307, a redirect, which is not followed");
    assert_eq!(heard, ["GET /start", "GET /1"]);
    let chat = {
        let url = target.url();
        Receiver::start(move |_| Reaction::redirect(&url))
    };
    let scenario = bad().variable("CUSTSYNC_NOTIFY_URL", &chat.url());
    scenario.run([]).exits(1).says(
        "warning: the message about the end was not delivered (CUSTSYNC_NOTIFY_URL): HTTP 307",
    );
    assert_eq!(target.heard(), [""; 0]);
}

#[test]
fn a_service_that_is_not_there_is_named_by_its_setting() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = nobody.local_addr().unwrap().port();
    drop(nobody);
    let url = format!("http://127.0.0.1:{port}/{}", Receiver::secret());
    let scenario = bad();
    scenario.write("notify", &url);
    scenario.write("ping", &url);
    let end = scenario
        .run(["--notify-url-file", "notify", "--ping-url-file", "ping"])
        .exits(1)
        .says("the ping of the start failed (--ping-url-file): connection refused")
        .says("warning: the ping of the end failed (--ping-url-file): connection refused (3 tries)")
        .says("warning: the message about the end was not delivered (--notify-url-file): connection refused (3 tries)");
    end.is_nowhere(Receiver::secret());
    end.is_nowhere(&format!("127.0.0.1:{port}"));
}

#[test]
fn the_start_is_waited_for_at_the_end_alone() {
    let monitor = Receiver::start(|received| match received.what.as_str() {
        "GET /start" => Reaction::Silence,
        _ => Reaction::status(200),
    });
    let scenario = good().variable("CUSTSYNC_PING_URL", &monitor.url());
    let began = Instant::now();
    let end = scenario.run([]).exits(0);
    let took = began.elapsed();
    assert!(
        (Duration::from_secs(10)..Duration::from_secs(30)).contains(&took),
        "{took:?}"
    );
    let seconds = end.summary()["seconds"].as_f64().unwrap();
    assert!(seconds < 9.0, "the run itself took {seconds} s");
    end.says("the ping of the start failed (CUSTSYNC_PING_URL): no answer in time");
    assert_eq!(monitor.heard(), ["GET /start", "GET /0"]);
}

#[test]
fn a_signal_ends_the_wait() {
    let chat = Receiver::start(|_| Reaction::Silence);
    let scenario: Scenario = bad().variable("CUSTSYNC_NOTIFY_URL", &chat.url());
    let began = Instant::now();
    let running = scenario
        .start(["--on-finish", "echo be\"\"gun"])
        .until("a message", |_| !chat.heard().is_empty());
    let end = running.signal(Signal::TERM).end().exits(1);
    assert!(began.elapsed() < Duration::from_secs(9));
    end.says(
        "warning: the message about the end was not delivered (CUSTSYNC_NOTIFY_URL): a signal came",
    )
    .is_not_shown("begun");
}
