//! After several processes, a run directory has the outcome of every row, whichever process sent it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::harness::{FailedRow, Form, Reply, Scenario};

/// A server that answers the rows of `Ann` with a status that the test changes, and all others with
/// 200.
struct Server {
    scenario: Scenario,
    status_of_ann: Arc<AtomicU16>,
    status_of_others: Arc<AtomicU16>,
}

/// A scenario that sends these lines to it, with one attempt per row.
fn server(lines: &str) -> Server {
    let (status_of_ann, status_of_others) =
        (Arc::new(AtomicU16::new(500)), Arc::new(AtomicU16::new(200)));
    let (ann, others) = (Arc::clone(&status_of_ann), Arc::clone(&status_of_others));
    let scenario = Scenario::new()
        .file("customers.csv", format!("id,first_name,email\n{lines}"))
        .unlimited();
    let scenario = scenario.flags(["--attempts", "1"]).server(move |request| {
        let status = if request.body["first_name"] == "Ann" {
            &ann
        } else {
            &others
        };
        match status.load(Ordering::SeqCst) {
            200 => Reply::updated(),
            status => Reply::error(status, "as_scripted"),
        }
    });
    Server {
        scenario,
        status_of_ann,
        status_of_others,
    }
}

impl Server {
    fn answers(&self, ann: u16, others: u16) {
        self.status_of_ann.store(ann, Ordering::SeqCst);
        self.status_of_others.store(others, Ordering::SeqCst);
    }

    fn requests(&self) -> usize {
        self.scenario.requests().len()
    }
}

#[test]
fn a_failed_row_stays_failed_while_it_has_no_other_outcome() {
    let server = server("1,Bea,\n2,Ann,\n3,Eva,nobody\n4,Ida,\n");
    let end = server
        .scenario
        .run(["--max-rows", "3"])
        .exits(1)
        .counts([1, 1, 0, 1, 0]);
    let failed = end.failed_rows(Form::Csv);
    assert_eq!(
        failed.iter().map(FailedRow::line).collect::<Vec<_>>(),
        [3, 4]
    );

    // The next process is stopped before the row ends again, so the earlier outcome still holds.
    server.answers(401, 401);
    let end = server.scenario.run([]).exits(3).counts([1, 1, 0, 1, 1]);
    assert_eq!(end.failed_rows(Form::Csv), failed);
    assert!(end.summary()["stopped"].is_string());

    server.answers(200, 200);
    let end = server.scenario.run([]).exits(1).counts([3, 1, 0, 0, 0]);
    assert_eq!(
        end.failed_rows(Form::Csv)
            .iter()
            .map(FailedRow::line)
            .collect::<Vec<_>>(),
        [4]
    );
}

#[test]
fn a_failed_row_is_superseded_by_a_later_row_of_its_customer() {
    let server = server("7,Ann,\n8,Eva,\n7,Bea,\n");
    server.scenario.run([]).exits(1).counts([2, 0, 0, 1, 0]);
    server.answers(200, 200);
    let requests = server.requests();
    for _ in 0..2 {
        let end = server
            .scenario
            .run([])
            .exits(0)
            .counts([2, 0, 0, 0, 0])
            .prints("superseded");
        assert_eq!(
            server.requests(),
            requests,
            "sending it would undo the later row"
        );
        assert_eq!(end.summary()["superseded"], 1);
        assert_eq!(end.results().by_row()[&1]["outcome"], "superseded");
        assert!(!end.files.contains_key("failed.csv"));
    }
}

#[test]
fn a_failed_row_goes_before_the_rows_of_its_customer_that_were_never_sent() {
    let server = server("7,Ann,\n7,Bea,\n");
    // Nothing was ever applied, so only the longest wait shows that the row is at fault.
    server
        .scenario
        .run(["--max-rows", "1", "--max-wait", "1s"])
        .exits(1)
        .counts([0, 0, 0, 1, 0]);
    server.answers(200, 200);
    server.scenario.run([]).exits(0).counts([2, 0, 0, 0, 0]);
    let mut names: Vec<_> = server
        .scenario
        .requests()
        .iter()
        .map(|request| request.body["first_name"].clone())
        .collect();
    names.dedup();
    assert_eq!(names, ["Ann", "Bea"]);
}

#[test]
fn rejected_rows_are_sent_again_on_request() {
    let server = server("1,Bea,\n2,Ann,\n7,Ann,\n7,Bea,\n");
    server.answers(422, 200);
    server.scenario.run([]).exits(1).counts([2, 0, 2, 0, 0]);
    let requests = server.requests();
    server.scenario.run([]).exits(1).counts([2, 0, 2, 0, 0]);
    assert_eq!(
        server.requests(),
        requests,
        "a refused row is not sent again by itself"
    );
    server.answers(200, 200);
    let end = server
        .scenario
        .run(["--retry", "rejected"])
        .exits(0)
        .counts([3, 0, 0, 0, 0]);
    assert_eq!(
        server.requests(),
        requests + 1,
        "of two refused rows one is superseded"
    );
    assert_eq!(end.summary()["superseded"], 1);
    assert!(!end.files.contains_key("failed.csv"));
}
