//! After all processes, every field is as if all valid rows had been applied in order, or the row
//! is reported. Random files with partly filled rows and several rows per customer are sent through
//! faults, kills and changed ranges, and their failed rows are corrected.
//!
//! `SEED=7` tries one seed and prints every event, `SEED=1..2000` tries many.

mod api;
mod failed;
mod layout;
mod model;
mod scene;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use self::api::Api;
use self::failed::FailedFile;
use self::model::{Found, Told, last_entries};
use self::scene::{Process, Scene};
use crate::harness::{Results, Scenario, kills};

/// Seeds per kill.
const SEEDS_PER_KILL: u64 = 3;
/// The most rounds of correcting failed rows and running them again. In the first round some rows
/// stay uncorrected.
const CORRECTIONS_MAX: usize = 6;
/// The exit codes of a process that meets trouble: all rows applied, some invalid or failed, an
/// outage, a signal.
const TROUBLED: [i32; 5] = [0, 1, 4, 130, 143];
const RUN_DIR: &str = "run";

/// A scene during its test.
struct Trial {
    scene: Scene,
    api: Api,
    scenario: Scenario,
    processes: usize,
    says: Vec<String>,
}

#[test]
fn every_field_is_as_if_all_good_rows_had_been_applied_in_order_or_its_row_is_reported() {
    let seeds = match std::env::var("SEED").ok() {
        None => 1..=kills() as u64 * SEEDS_PER_KILL,
        Some(seed) => {
            let (first, last) = seed.split_once("..").unwrap_or((&seed, &seed));
            first.parse().expect("SEED is a number")..=last.parse().expect("SEED is a number")
        }
    };
    let (began, count) = (Instant::now(), seeds.clone().count());
    let mut failed = Vec::new();
    for seed in seeds {
        let (trial, found) = try_out(seed);
        if count == 1 {
            println!("{:#?}\n{}", trial.scene, trial.says.join("\n"));
        }
        let size = trial.scene.rows().count() + trial.processes;
        if let Err(fault) = found {
            println!("SEED={seed} (size {size}): {fault}");
            failed.push(seed);
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "figures: {count} seeds in {seconds:.1} s, of which {} failed",
        failed.len()
    );
    assert!(
        failed.is_empty(),
        "SEED={failed:?}: what is wrong is printed above"
    );
}

/// Tests a seed; the error says what is wrong.
fn try_out(seed: u64) -> (Trial, Found) {
    let mut trial = Trial::of(Scene::draw(seed));
    let found = catch_unwind(AssertUnwindSafe(|| trial.run())).unwrap_or_else(|panic| {
        Err(panic
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| "it panics".to_owned()))
    });
    (trial, found)
}

impl Trial {
    fn of(scene: Scene) -> Trial {
        let api = Api::of(&scene);
        let answering = api.clone();
        let scenario = Scenario::new().server(move |request| answering.reply(request));
        let records = scene.rows().last().map_or(0, |row| row.number);
        scenario.write(
            "custsync.toml",
            scene.layout.settings(&scene.columns, records),
        );
        for input in 0..scene.inputs.len() {
            scenario.write(&scene.input_name(input), scene.input(input));
        }
        Trial {
            scene,
            api,
            scenario,
            processes: 0,
            says: Vec::new(),
        }
    }

    fn run(&mut self) -> Found {
        let inputs: Vec<_> = (0..self.scene.inputs.len())
            .map(|input| self.scene.input_name(input))
            .collect();
        for process in self.scene.troubled.clone() {
            let code = self.process(&inputs, RUN_DIR, &process);
            self.expect(code, &TROUBLED)?;
        }
        let code = self.process(&inputs, RUN_DIR, &self.scene.last.clone());
        let journal = self
            .scenario
            .read("run/results.ndjson")
            .expect("the run has a journal");
        let said = last_entries(&Results::parse(&journal));
        let files = failed::files(&self.scenario, RUN_DIR);
        let told = self.told(&files);
        self.says.push(format!("{said:#?}\n{told:?}"));
        self.scene.is_applied_or_told(&said, &told, &self.api)?;
        self.expect(code, if told.is_empty() { &[0] } else { &[1] })?;

        self.correct(files)?;
        self.scene.holds_all(&self.api)
    }

    /// Corrects failed rows and runs their files, until none is left.
    fn correct(&mut self, mut files: Vec<FailedFile>) -> Found {
        let mut troubled = self.scene.troubled_again.clone().into_iter();
        for correction in 1..=CORRECTIONS_MAX {
            if files.is_empty() {
                return Ok(());
            }
            let mut inputs = Vec::new();
            for file in &files {
                let name = format!("corrected-{correction}-{}", file.name());
                let is_corrected = |row: u64| correction > 1 || !row.is_multiple_of(3);
                self.scenario
                    .write(&name, file.corrected(&self.scene, is_corrected));
                inputs.push(name);
            }
            let run_dir = format!("again-{correction}");
            for process in troubled.by_ref().take(1 + correction % 2) {
                let code = self.process(&inputs, &run_dir, &process);
                self.expect(code, &TROUBLED)?;
            }
            let code = self.process(&inputs, &run_dir, &self.scene.last.clone());
            files = failed::files(&self.scenario, &run_dir);
            self.says.push(format!("{:?}", self.told(&files)));
            self.expect(code, if files.is_empty() { &[0] } else { &[1] })?;
        }
        Err("rows fail again and again without a fault".to_owned())
    }

    fn told(&self, files: &[FailedFile]) -> Vec<Told> {
        files
            .iter()
            .flat_map(|file| file.told(&self.scene))
            .collect()
    }

    /// Runs a process to its end; its exit code, or `None` if it was killed.
    fn process(&mut self, inputs: &[String], run_dir: &str, process: &Process) -> Option<i32> {
        self.processes += 1;
        let token = format!("token-of-process-{}-1c9d", self.processes);
        self.scenario.write_private("token", &token);
        let url = self.scenario.url().expect("a server has a URL");
        let mut words: Vec<String> = [&["run".to_owned()], inputs].concat();
        let flags = [
            "--run-dir",
            run_dir,
            "--base-url",
            &url,
            "--token-file",
            "token",
            "--rate",
            "unlimited",
            "--max-errors",
            "none",
            "--max-wait",
            "100ms",
        ];
        words.extend(flags.map(str::to_owned));
        words.extend(process.flags.iter().map(|flag| (*flag).to_owned()));
        words.extend(
            process
                .skip
                .iter()
                .flat_map(|skip| ["--skip-rows".to_owned(), skip.to_string()]),
        );
        words.extend(
            process
                .max
                .iter()
                .flat_map(|max| ["--max-rows".to_owned(), max.to_string()]),
        );
        self.says.push(words.join(" "));
        self.api.answer(&token, process);
        let running = self.scenario.start_words(words.iter().map(String::as_str));
        self.api.know(running.pid());
        let finished = running.finish();
        let code = finished.status.code();
        self.says.extend(self.api.says());
        self.says.push(format!(
            "exit {code:?}\n{}",
            String::from_utf8_lossy(&finished.stderr)
        ));
        code
    }

    fn expect(&self, code: Option<i32>, codes: &[i32]) -> Found {
        let said = || self.says.last().map(String::as_str).unwrap_or_default();
        match code {
            Some(code) if !codes.contains(&code) => {
                Err(format!("{}, not one of {codes:?}", said()))
            }
            Some(_) | None => Ok(()),
        }
    }
}
