//! The state of nightly runs in processes of its own: killed at random moments, and with millions of
//! customers in little memory.

#![expect(
    clippy::print_stdout,
    reason = "a process of its own reports its steps and figures there"
)]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use custsync::testing::journal::RunKey;
use custsync::testing::state::{Known, Night, RequestHash, State, StateIdentity, StateLock};

use crate::harness::{SplitMix64, rounds};

/// The variable that makes a test of this file the process that is watched.
const PLACE: &str = "STATE_OF_A_TEST";
const CUSTOMERS: u64 = 20_000;
/// The batches of marks after each edit. A batch is of the customers whose id has this remainder.
const BATCHES: u64 = 7;
const REMAINDERS: u64 = 50;
/// The most steps that a process makes before its last moments, and the longest of these.
const STEPS_MAX: usize = 3;
const LAST_MOMENTS_MAX_MS: usize = 250;
/// The time after which a process counts as stuck.
const STUCK: Duration = Duration::from_mins(1);

/// The customers of the test of memory, by default and if there is time.
const MANY_FEW: usize = 300_000;
const MANY_ALL: usize = 3_000_000;
const CHUNK: usize = 8_192;
const MEMORY_MAX_KIB: u64 = 64 << 10;

fn identity() -> StateIdentity {
    StateIdentity {
        base_url: "https://api.example.com/".to_owned(),
        tenant: None,
        shard: None,
        contract: 1,
    }
}

/// Opens the state, or creates it.
fn state(path: &Path) -> State {
    let lock = || StateLock::try_take(path).unwrap();
    match State::open(lock(), &identity()).unwrap() {
        Some(state) => state,
        None => State::create(lock(), &identity(), RunKey::of([7; 16])).unwrap(),
    }
}

/// The request of a customer in a night.
fn known(id: u64, night: u64) -> Known {
    Known::Request(RequestHash::from((id << 20) + (night << 1)))
}

fn night(number: u64) -> Night {
    Night {
        run: number.to_string(),
        directory: "/runs".to_owned(),
        at: "2026-11-29T02:00:00Z".parse().unwrap(),
        is_folded: false,
    }
}

/// The number of the last night that changed a state.
fn last_night(state: &State) -> u64 {
    let night = state.info().night.as_ref();
    night.map_or(0, |night| night.run.parse().unwrap())
}

/// Runs a test of this file in a process of its own.
fn process(test: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let test = format!("state_store::{test}");
    command
        .args(["--exact", &test, "--nocapture", "--test-threads", "1"])
        .env(PLACE, path)
        .stdout(Stdio::piped());
    command
}

fn place_of_this_process() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// The last step that a process reported.
#[derive(Debug, Default, Clone, Copy)]
struct Reported {
    night: u64,
    batches: u64,
}

/// Edits and marks for ever, and reports each step.
fn edit_for_ever(path: &Path) {
    let mut state = state(path);
    loop {
        let number = last_night(&state) + 1;
        let all: Vec<_> = (0..CUSTOMERS).map(|id| (id, known(id, number))).collect();
        let mut edit = state.edit().unwrap();
        edit.set(&all).unwrap();
        edit.set_night(night(number));
        edit.commit().unwrap();
        println!("step {number} 0");
        for batch in 0..BATCHES {
            let ids: Vec<_> = (batch..CUSTOMERS).step_by(REMAINDERS as usize).collect();
            state.mark_at_once(&night(number), &ids).unwrap();
            println!("step {number} {}", batch + 1);
        }
    }
}

/// Reads this many steps, however long they take on a busy machine.
fn steps(count: usize, lines: &Receiver<String>, last: &mut Reported) {
    let mut left = count;
    while left > 0 {
        let line = lines.recv_timeout(STUCK).expect("the process goes on");
        left -= usize::from(note(&line, last));
    }
}

/// Reads the steps that a process reports until this time.
fn steps_until(end: Instant, lines: &Receiver<String>, last: &mut Reported) {
    while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
        note(&line, last);
    }
}

/// Notes a step. Returns whether the line is one.
fn note(line: &str, last: &mut Reported) -> bool {
    // The first step stands behind the words of the test's runner.
    let Some((_, step)) = line.split_once("step ") else {
        return false;
    };
    let (night, batches) = step.split_once(' ').unwrap();
    *last = Reported {
        night: night.parse().unwrap(),
        batches: batches.parse().unwrap(),
    };
    true
}

/// Checks that a state is that of one night, with at least the marks that were reported.
fn check(state: &State, reported: Reported) {
    let number = last_night(state);
    assert!(
        number == reported.night || number == reported.night + 1,
        "night {number} after {reported:?}"
    );
    let mut unknown = [0; REMAINDERS as usize];
    state
        .for_each(|id, entry| match entry.known {
            Known::Unknown => unknown[(id % REMAINDERS) as usize] += 1,
            Known::Request(_) => assert_eq!(entry.known, known(id, number), "customer {id}"),
        })
        .unwrap();
    let whole = CUSTOMERS / REMAINDERS;
    let batches = unknown.iter().take_while(|count| **count == whole).count() as u64;
    assert_eq!(
        unknown.iter().sum::<u64>(),
        batches * whole,
        "no batch is half marked: {unknown:?}"
    );
    assert_eq!(state.info().unknown, batches * whole);
    assert_eq!(
        state.info().customers,
        if number == 0 { 0 } else { CUSTOMERS }
    );
    if number == reported.night {
        assert!(
            batches == reported.batches || batches == reported.batches + 1,
            "{batches} batches after {reported:?}"
        );
    }
}

#[test]
fn a_state_whose_process_is_killed_is_the_old_one_or_the_new_with_all_reported_marks() {
    if let Some(path) = place_of_this_process() {
        edit_for_ever(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nightly.state");
    drop(state(&path));
    let name = "a_state_whose_process_is_killed_is_the_old_one_or_the_new_with_all_reported_marks";
    let mut random = SplitMix64::new(20);
    let mut last = Reported::default();
    for _ in 0..rounds(12, 100) {
        let mut child = process(name, &path).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        let reader = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                sender.send(line).unwrap();
            }
        });
        steps(random.below(STEPS_MAX + 1), &lines, &mut last);
        let moments = Duration::from_millis(random.below(LAST_MOMENTS_MAX_MS) as u64);
        steps_until(Instant::now() + moments, &lines, &mut last);
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        // Steps that were reported in the last moment.
        for line in lines.try_iter() {
            note(&line, &mut last);
        }
        let state = state(&path);
        check(&state, last);
        // The state goes on from where it is.
        last.night = last_night(&state);
        last.batches = state.info().unknown / (CUSTOMERS / REMAINDERS);
    }
    assert!(last.night > 1, "edits were made: {last:?}");
    println!("figures: {last:?} after the kills");
}

/// The id of a customer by its number in the order of ids.
fn id(number: u64) -> u64 {
    number * 97
}

fn many_customers() -> u64 {
    rounds(MANY_FEW, MANY_ALL) as u64
}

/// The ids in another order, each once.
fn shuffled() -> impl Iterator<Item = u64> {
    let customers = many_customers();
    // The factor and the number of customers have no common divisor.
    (0..customers).map(move |number| id(number * 1_851_559 % customers))
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.unwrap().split_whitespace().nth(1);
    kib.unwrap().parse().unwrap()
}

/// Measures the steps of a night, and prints them with the peak of the memory.
fn use_many_customers(path: &Path) {
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let began = Instant::now();
        work();
        let seconds = began.elapsed().as_secs_f64();
        println!("figures: {what}: {seconds:.2} s, peak {} KiB", peak_kib());
    };
    let mut state_of_night = state(path);
    timed("new customers, shuffled", &mut || {
        edit_many(&mut state_of_night, 1, 1);
    });
    timed("changed customers, shuffled", &mut || {
        edit_many(&mut state_of_night, 2, 1);
    });
    timed("a tenth changed, shuffled", &mut || {
        edit_many(&mut state_of_night, 3, 10);
    });
    let hundredths = state_of_night.info().bytes * 100 / many_customers();
    println!(
        "figures: {}.{:02} bytes for each customer",
        hundredths / 100,
        hundredths % 100
    );
    drop(state_of_night);
    let mut opened = None;
    timed("open", &mut || opened = Some(state(path)));
    let state_of_night = opened.unwrap();
    timed("look up all, shuffled", &mut || {
        look_up(&state_of_night, shuffled());
    });
    timed("look up all, sorted", &mut || {
        look_up(&state_of_night, (0..many_customers()).map(id));
    });
    println!("peak {}", peak_kib());
}

#[test]
fn millions_of_customers_are_edited_and_looked_up_in_little_memory() {
    if let Some(path) = place_of_this_process() {
        return use_many_customers(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nightly.state");
    let name = "millions_of_customers_are_edited_and_looked_up_in_little_memory";
    let output = process(name, &path).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    println!("{output}");
    let (_, peak) = output.rsplit_once("peak ").unwrap();
    let peak_kib: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    assert!(peak_kib < MEMORY_MAX_KIB, "{peak_kib} KiB");
}

fn edit_many(state: &mut State, night_number: u64, every: usize) {
    let mut edit = state.edit().unwrap();
    let mut chunk = Vec::with_capacity(CHUNK);
    for id in shuffled().step_by(every) {
        chunk.push((id, known(id, night_number)));
        if chunk.len() == CHUNK {
            edit.set(&chunk).unwrap();
            chunk.clear();
        }
    }
    edit.set(&chunk).unwrap();
    edit.set_night(night(night_number));
    edit.commit().unwrap();
}

fn look_up(state: &State, ids: impl Iterator<Item = u64>) {
    let mut ids = ids.peekable();
    while ids.peek().is_some() {
        let chunk: Vec<_> = ids.by_ref().take(CHUNK).collect();
        let found = state.look_up(&chunk).unwrap();
        assert!(found.iter().all(Option::is_some));
    }
}
