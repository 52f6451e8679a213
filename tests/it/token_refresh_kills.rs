//! `kill -9` during the refresh of a login with one-time refresh tokens. Such a kill can lose the
//! login, which no program can prevent. It must never lose a row, and the next start has to explain
//! why the login is gone.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Customers, Reply, Request, Scenario, SplitMix64, kills};

/// The most rows that a process sends between two kills.
const ROWS_PER_KILL: usize = 60;
const RATE: &str = "100/s";
/// In seconds. A process refreshes its login once in this time.
const LIFETIME: f64 = 0.4;
/// The longest time from the token endpoint's answer to the kill.
const AFTER_THE_ANSWER_US: usize = 20_000;

/// The authorization server.
#[derive(Default)]
struct Grants {
    issued: usize,
    refresh: BTreeSet<String>,
    spent: BTreeSet<String>,
    access: BTreeSet<String>,
    /// The number of token requests so far.
    asked: usize,
    /// Customers that an update was applied to.
    applied: BTreeSet<u64>,
}

impl Grants {
    fn issue(&mut self) -> Value {
        self.issued += 1;
        let (access, refresh) = (
            format!("access-{}", self.issued),
            format!("refresh-{}", self.issued),
        );
        self.access.insert(access.clone());
        self.refresh.insert(refresh.clone());
        json!({"access_token": access, "refresh_token": refresh, "expires_in": LIFETIME})
    }

    /// Spends a refresh token. Returns whether it was valid.
    fn spend(&mut self, token: &str) -> bool {
        self.asked += 1;
        self.spent.insert(token.to_owned());
        self.refresh.remove(token)
    }
}

/// A server that spends a refresh token on arrival, and answers after this latency.
fn server(
    grants: &Arc<Mutex<Grants>>,
    latency: Duration,
) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let grants = grants.clone();
    move |request| {
        if request.line.starts_with("POST /oauth/token ") {
            let sent = request
                .text
                .split('&')
                .find_map(|pair| pair.strip_prefix("refresh_token="))
                .unwrap_or_default();
            if !grants.lock().unwrap().spend(sent) {
                return Reply::error(400, "invalid_grant");
            }
            sleep(latency);
            return Reply::json(200, &grants.lock().unwrap().issue());
        }
        let token = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        let mut grants = grants.lock().unwrap();
        if !grants.access.contains(token) {
            return Reply::error(401, "unauthorized");
        }
        grants.applied.insert(request.id());
        Reply::updated()
    }
}

fn log_in(scenario: &Scenario, grants: &Mutex<Grants>) {
    let mut login = grants.lock().unwrap().issue();
    login["token_url"] = scenario
        .url()
        .unwrap()
        .replace("/api", "/oauth/token")
        .into();
    login["expires_at"] = (Timestamp::now() + Duration::from_secs_f64(LIFETIME))
        .to_string()
        .into();
    scenario.write_private("token", login.to_string());
}

/// Whether the refresh token that the next process will send is already spent.
fn is_lost(scenario: &Scenario, grants: &Mutex<Grants>) -> bool {
    let unfinished = scenario.read("token.unfinished").unwrap_or_default();
    let unfinished: Option<Value> = serde_json::from_slice(&unfinished).ok();
    let login = unfinished
        .filter(|login| login["refresh_token"].is_string())
        .unwrap_or_else(|| scenario.login());
    grants
        .lock()
        .unwrap()
        .spent
        .contains(login["refresh_token"].as_str().unwrap())
}

/// Kills this many processes around their refreshes; returns how many kills lost the login.
fn kill_again_and_again(kills: usize, latency: Duration) -> usize {
    let grants: Arc<Mutex<Grants>> = Arc::default();
    let rows = kills * ROWS_PER_KILL;
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(rows as u64, 1, 7))
        .server(server(&grants, latency));
    let scenario = scenario.with_login(&json!({}));
    let asked = || grants.lock().unwrap().asked;
    let mut random = SplitMix64::new(11);
    let mut lost = 0;
    log_in(&scenario, &grants);
    for _ in 0..kills {
        let before = asked();
        let delay = random.below(latency.as_micros() as usize + AFTER_THE_ANSWER_US) as u64;
        let running = scenario
            .start(["--rate", RATE])
            .until("a refresh", |_| asked() > before);
        let clock = Instant::now();
        let running = running.until("the moment to kill", |_| {
            clock.elapsed() >= Duration::from_micros(delay)
        });
        running.signal(Signal::KILL).end().exits(137);
        if !is_lost(&scenario, &grants) {
            continue;
        }
        lost += 1;
        let end = scenario.run(["--rate", RATE]).exits(3).says("log in again");
        let end = end
            .says("and no answer was kept: if the server has spent the refresh token")
            .says("(invalid_grant)");
        let end = end
            .says("a refresh that began at ")
            .says("the server may have spent the refresh token then");
        end.is_nowhere("refresh-");
        log_in(&scenario, &grants);
    }
    let end = scenario
        .run(["--rate", "unlimited"])
        .exits(0)
        .counts([rows as u64, 0, 0, 0, 0]);
    end.results().settle_each_of(rows);
    assert_eq!(
        grants.lock().unwrap().applied.len(),
        rows,
        "every row recorded as updated was applied"
    );
    lost
}

#[test]
fn a_kill_during_a_refresh_loses_no_row_and_the_next_start_reports_a_lost_login() {
    // Each takes a second.
    let (few, slow, quick) = (
        kills().min(40),
        Duration::from_millis(300),
        Duration::from_millis(20),
    );
    let lost = kill_again_and_again(few, slow);
    assert!(
        lost > few / 2,
        "nearly all of these kills came before the answer: {lost} of {few}"
    );
    let lost_quickly = kill_again_and_again(few, quick);
    println!(
        "figures: {few} kills around refreshes of {slow:?} lost the login {lost} times, of {quick:?} {lost_quickly} times; each \
         loss was told, no row was lost or false"
    );
}
