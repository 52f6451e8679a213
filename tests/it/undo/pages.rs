//! A dry run of an undo reads whole pages of customers if that is fewer requests, and finds what
//! single reads find.

use std::fmt::Write as _;
use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use custsync::testing::sandbox::{PageTotal, Pages, Put, Reads, SandboxOptions};
use serde_json::json;

use super::world::Plan;
use crate::harness::{End, Front, FrontAnswer, Scenario, SplitMix64, rounds};

/// The customers of the API: three pages.
const CUSTOMERS: u64 = 250;
/// The customers of the run: every eighth.
const CHANGED: u64 = 32;
/// The requests of a dry run that reads pages: three, and the first customer singly.
const LISTED: u64 = 4;
/// The end of warnings after which customers are read singly.
const SINGLY: &str = "customers whom no page has shown are read singly";

/// A scenario with rows for `count` customers, the first of every eight.
fn scene(count: u64, change: impl FnOnce(&mut SandboxOptions)) -> Scenario {
    let mut rows = "id,job,email\n".to_owned();
    for id in (1..).step_by(8).take(count as usize) {
        writeln!(rows, "{id},Surgeon,surgeon{id}@example.com").expect("text grows");
    }
    let scenario = Scenario::new().file("customers.csv", rows).unlimited();
    scenario.sandbox(|options| {
        options.customers = CUSTOMERS;
        change(options);
    })
}

/// Runs it. After that, the job of customer 9 is changed, and customer 17 is as before the run.
fn run(scenario: Scenario) -> Scenario {
    let sandbox = scenario.sandbox_thread();
    let before = sandbox.customer(17);
    scenario.run(["--undoable"]).exits(0);
    let edit = |customer, field, value| sandbox.edit(customer, field, value);
    edit(9, "job", json!("Pilot")).expect("it is there");
    for field in ["job", "email"] {
        edit(17, field, before[field].clone()).expect("it is there");
    }
    scenario
}

/// A dry run that reads customers in this way, and the number of its requests.
fn dry_run(scenario: &Scenario, way: &str) -> (End, u64) {
    let before = scenario.counts();
    let flags = ["--dry-run", "--read", way, "--max-wait", "1s"];
    let end = scenario.undo(flags);
    let after = scenario.counts();
    assert_eq!(after.applied, before.applied, "nothing is sent");
    (end, after.requests - before.requests)
}

/// Checks that dry runs print the same, whichever way customers are read. Returns the one with
/// pages, and the number of its requests.
fn finds_the_same(scenario: &Scenario) -> (End, u64) {
    let (each, _) = dry_run(scenario, "each");
    let (list, requests) = dry_run(scenario, "list");
    assert!(each.stdout.contains("put back"), "{}", each.stdout);
    assert_eq!((&each.stdout, each.code()), (&list.stdout, list.code()));
    (list, requests)
}

#[test]
fn pages_are_read_if_they_are_fewer_than_the_customers() {
    let scenario = run(scene(CHANGED, |_| {}));
    let (end, requests) = dry_run(&scenario, "auto");
    let end = end.says("reading whole pages of 100 (requests: 3 instead of 32)");
    assert_eq!((requests, end.code()), (LISTED, 1));
    let (end, requests) = dry_run(&scenario, "each");
    assert_eq!((requests, end.lines_with("pages")), (CHANGED, 0));
    for line in [
        "put back       31 customers: email 31, job 30\n",
        "unchanged      1 customer\n",
        "conflict       1 customer: job 1\n",
    ] {
        assert!(end.stdout.contains(line), "{}", end.stdout);
    }
    assert_eq!(finds_the_same(&scenario).1, LISTED);
}

#[test]
fn for_few_customers_each_is_read_singly() {
    let scenario = run(scene(3, |_| {}));
    let (end, requests) = dry_run(&scenario, "auto");
    assert_eq!(requests, 1 + 3, "the first page tells the number of pages");
    assert_eq!(end.lines_with("pages"), 0, "{}", end.stderr);
    assert_eq!(finds_the_same(&scenario).1, LISTED);
    let scenario = scene(1, |_| {});
    scenario.run(["--undoable"]).exits(0);
    assert_eq!(dry_run(&scenario, "auto").1, 1);
}

#[test]
fn random_customers_are_found_alike() {
    let mut listed = 0;
    for seed in (7_000..).take(rounds(4, 40)) {
        let mut random = SplitMix64::new(seed);
        let mut plan = Plan::new(seed);
        (plan.customers, plan.rows) = (230, 60);
        plan.page_total = random.pick(&[PageTotal::Meta, PageTotal::Top]);
        plan.pages = random.pick(&[Pages::Still, Pages::Moving]);
        plan.put = random.pick(&[Put::Merge, Put::Replace]);
        plan.latency = "0ms";
        let mut world = plan.world();
        world.run(&[]);
        for _ in 0..3 {
            world.edit(&mut random, "Between");
        }
        for way in ["trust", "probe"] {
            world.scenario.set_variable("CUSTSYNC_LEFT_OUT", way);
            let (end, _) = finds_the_same(&world.scenario);
            listed += end.lines_with("reading whole pages");
        }
    }
    assert!(listed > 0, "no world was read in pages");
}

/// A scenario whose run has ended, behind a front that changes answers.
fn behind(
    change: impl Fn(&str, FrontAnswer) -> FrontAnswer + Send + Sync + 'static,
) -> (Scenario, Front) {
    let scenario = scene(CHANGED, |_| {});
    let front = Front::start(scenario.sandbox_thread().address(), change);
    (run(scenario.reached_at(&front.url())), front)
}

/// Whether a request asks for this page.
fn is_page(request: &str, page: u64) -> bool {
    request.ends_with(&format!("/v1/customers?page={page}&per_page=100"))
}

#[test]
fn a_customer_on_no_page_is_read_singly() {
    let (scenario, front) = behind(|request, answer| {
        let is_read = request == "GET /api/v1/customers/25";
        if is_read && answer.json()["data"]["job"] == "Surgeon" {
            return FrontAnswer::error(404, "");
        }
        if !request.contains("?page=") {
            return answer;
        }
        let mut page = answer.json();
        let customers = page["data"].as_array_mut().expect("a page");
        // The first was deleted since, and the second only moved.
        customers.retain(|customer| customer["id"] != 25 && customer["id"] != 33);
        answer.with_json(&page)
    });
    let (end, _) = finds_the_same(&scenario);
    end.says("reading whole pages");
    let requests = front.requests();
    let after_pages = requests.iter().rposition(|request| is_page(request, 3));
    let singly = &requests[after_pages.expect("the pages were read")..];
    for (customer, is_known) in [(25, false), (33, false), (41, true)] {
        let read = format!("GET /api/v1/customers/{customer}");
        assert_eq!(singly.contains(&read), !is_known, "{singly:?}");
    }
}

#[test]
fn a_list_without_a_total_is_read_on_demand() {
    let (scenario, _front) = behind(|request, answer| {
        if request.contains("?page=") {
            let customers = answer.json()["data"].clone();
            return answer.with_json(&customers);
        }
        answer
    });
    let (end, requests) = dry_run(&scenario, "auto");
    assert_eq!((requests, end.lines_with("pages")), (1 + CHANGED, 0));
    let (end, requests) = finds_the_same(&scenario);
    end.says("reading whole pages of 100 (instead of 32 single reads)");
    assert_eq!(requests, LISTED);
}

#[test]
fn an_answer_that_is_no_page_ends_the_reading_of_pages() {
    let check = |page: u64, answer: FrontAnswer, text: &str, singly: u64| {
        let (scenario, front) = behind(move |request, passed| {
            if is_page(request, page) {
                answer.clone()
            } else {
                passed
            }
        });
        let (end, _) = finds_the_same(&scenario);
        assert_eq!(end.lines_with("WARN"), 1, "{}", end.stderr);
        end.says(text).says(SINGLY);
        let requests = front.requests();
        let last = requests.iter().rposition(|request| is_page(request, page));
        let singly_read = requests.len() - 1 - last.expect("the page was asked for");
        assert_eq!(singly_read as u64, singly, "{requests:?}");
    };
    let html = FrontAnswer {
        status: 200,
        headers: "content-type: text/html\r\n".to_owned(),
        body: "<html>Sign in".to_owned(),
    };
    let text = "page 2 of the customers cannot be read (it is no list of customers)";
    // The first page has 13 of the customers.
    check(2, html, text, CHANGED - 13);
    let text = "page 1 of the customers cannot be read (";
    check(1, FrontAnswer::error(403, ""), text, CHANGED);
}

#[test]
fn pages_that_differ_from_a_single_read_are_not_believed() {
    let (scenario, _front) = behind(|request, answer| {
        if !is_page(request, 1) {
            return answer;
        }
        let mut page = answer.json();
        page["data"][0]["address"] = json!("Elsewhere 7");
        answer.with_json(&page)
    });
    let (end, requests) = finds_the_same(&scenario);
    end.says("customer 1 is shown otherwise on a page than when read singly: each customer is read singly");
    assert_eq!(requests, 2 + CHANGED);
}

#[test]
fn an_api_that_shows_one_page_for_all_is_not_believed() {
    let first = OnceLock::new();
    let (scenario, _front) = behind(move |request, answer| {
        if request.contains("?page=") {
            return first.get_or_init(|| answer).clone();
        }
        answer
    });
    let (end, requests) = finds_the_same(&scenario);
    end.says("page 2 of the customers shows the page before again")
        .says(SINGLY);
    assert_eq!(requests, 3 + CHANGED - 13);
}

#[test]
fn a_limit_in_the_middle_is_waited_for() {
    let is_refused = AtomicBool::new(false);
    let (scenario, front) = behind(move |request, answer| {
        if is_page(request, 2) && !is_refused.swap(true, Ordering::SeqCst) {
            return FrontAnswer::error(429, "retry-after: 1\r\n");
        }
        answer
    });
    let end = scenario.undo(["--dry-run", "--read", "list"]).exits(1);
    end.says("reading whole pages");
    let requests = front.requests();
    let pages = requests.iter().filter(|request| request.contains("?page="));
    let pages: Vec<_> = pages
        .map(|request| request.split(['=', '&']).nth(1))
        .collect();
    assert_eq!(pages, [Some("1"), Some("2"), Some("2"), Some("3")]);
    finds_the_same(&scenario);
}

#[test]
fn pages_keep_to_the_window_of_the_api() {
    let scenario = scene(3, |options| {
        options.window = Some("3/s".parse().expect("a window"));
    });
    let scenario = run(scenario);
    let refused = || scenario.counts().by_status.get(&429).copied().unwrap_or(0);
    let before = refused();
    let (_, requests) = dry_run(&scenario, "list");
    // The first request does not know what the run before has used of the window.
    let refused = refused() - before;
    assert!(refused <= 1, "{refused} are refused");
    assert_eq!(requests, LISTED + refused);
}

#[test]
fn reads_that_the_api_refuses_stop_a_dry_run() {
    let scenario = scene(CHANGED, |options| {
        options.reads = Reads::Forbidden;
        options.reads_after = CHANGED;
    });
    scenario.run(["--undoable"]).exits(0);
    let (end, _) = dry_run(&scenario, "auto");
    end.exits(3).says(SINGLY);
}

#[test]
fn an_undo_that_puts_back_reads_no_pages() {
    let scenario = run(scene(CHANGED, |_| {}));
    let requests = scenario.counts().requests;
    let end = scenario.undo(["--read", "list"]).exits(2);
    end.says(
        "--read list is for --dry-run: an undo reads each customer immediately before its update",
    );
    assert_eq!(scenario.counts().requests, requests, "nothing is sent");
    assert!(scenario.read("run/undo/results.ndjson").is_none());
    // A file of settings is also written for dry runs.
    scenario.write("custsync.toml", "read = \"list\"\n");
    assert_eq!(scenario.undo(["--dry-run"]).lines_with("whole pages"), 1);
    let end = scenario.undo([]).exits(1);
    assert_eq!(end.lines_with("pages"), 0, "{}", end.stderr);
}

#[test]
fn the_values_of_pages_are_nowhere_after_a_dry_run() {
    let mut scenario = run(scene(CHANGED, |_| {}));
    fs::create_dir(scenario.path("temporary")).expect("the directory can be made");
    let temporary = scenario.path("temporary");
    scenario.set_variable("TMPDIR", temporary.to_str().expect("UTF-8"));
    let end = scenario
        .undo(["--dry-run", "--read", "list", "-vv"])
        .exits(1);
    end.says("page 3 of the customers");
    let left = fs::read_dir(temporary).expect("it is there").count();
    assert_eq!(left, 0, "the folder is removed");
    let end = scenario
        .undo(["--dry-run", "--read", "list", "-vv"])
        .exits(1);
    end.is_not_shown("surgeon25@example.com");
    end.is_not_shown("customer26@example.com");
}
