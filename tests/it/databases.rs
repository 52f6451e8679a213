//! The recipes of `docs/input.md` for databases, each with the real programs. `PostgreSQL`, `MariaDB`
//! and `DuckDB` are not part of the CI's tools: the packages of the first two set up servers, and the
//! third has none.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Signal, geteuid, kill_process};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::harness::Scenario;

const PAGE: &str = include_str!("../../docs/input.md");

/// The user without rights, for servers that refuse to be started by root.
const NOBODY: u32 = 65_534;

/// The table and its rows. `characters` is a text with a line break, a tab and a backslash, as the
/// dialect writes it.
fn statements(characters: &str) -> String {
    let rows = [
        "(1, 'Tilda', 'Nurse')",
        &format!("(2, 'O\"Neil', {characters})"),
        "(3, '', NULL)",
        "(4, 'Zoë', '\"q\"')",
        "(5, 'NULLA', 'NULL and void')",
    ];
    format!(
        "CREATE TABLE customers (id INTEGER, first_name VARCHAR(99), job VARCHAR(99)); INSERT INTO customers VALUES {};",
        rows.join(", ")
    )
}

/// The updates that the rows mean: an empty text is left out, null is sent.
fn updates() -> Vec<(u64, Map<String, Value>)> {
    let update = |fields: Value| fields.as_object().expect("an object").clone();
    vec![
        (1, update(json!({"first_name": "Tilda", "job": "Nurse"}))),
        (
            2,
            update(json!({"first_name": "O\"Neil", "job": "a,b\nc\td\\e"})),
        ),
        (3, update(json!({"job": null}))),
        (4, update(json!({"first_name": "Zoë", "job": "\"q\""}))),
        (
            5,
            update(json!({"first_name": "NULLA", "job": "NULL and void"})),
        ),
    ]
}

/// The recipe on the page that begins with this program.
fn recipe(program: &str) -> &'static str {
    let mut recipes = PAGE.split('`').filter(|code| {
        code.starts_with(&format!("{program} ")) && code.contains("| custsync run -")
    });
    let recipe = recipes.next().expect("the page has the recipe");
    assert_eq!(recipes.next(), None, "it is there once");
    recipe
}

/// Whether a program is installed.
fn is_installed(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    if !found {
        say_missing(program);
    }
    found
}

#[expect(
    clippy::print_stderr,
    reason = "a test that tests nothing has to say so"
)]
fn say_missing(program: &str) {
    eprintln!("{program} is not installed: not tested");
}

/// Runs a command that has to succeed.
fn succeed(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs the recipe with these variables, and checks what the API has then.
fn check(scenario: &Scenario, program: &str, variables: &[(&str, &str)]) {
    let url = scenario.url().expect("a sandbox");
    let path = env::var("PATH").expect("a path");
    let variables: Vec<_> = [("CUSTSYNC_BASE_URL", url.as_str()), ("LC_ALL", "C.UTF-8")]
        .iter()
        .chain(variables)
        .map(|(name, value)| format!("{name}='{value}'"))
        .collect();
    let line = format!(
        "export PATH=\"$PATH:{path}\" {}\n{} --run-dir run",
        variables.join(" "),
        recipe(program)
    );
    scenario.shell(&line).exits(0).counts([5, 0, 0, 0, 0]);
    scenario.holds_updates(updates().into_iter());
}

#[test]
fn sqlite() {
    if !is_installed("sqlite3") {
        return;
    }
    let scenario = Scenario::new().sandbox(|_| {});
    let characters = "'a,b' || char(10) || 'c' || char(9) || 'd\\e'";
    succeed(
        Command::new("sqlite3")
            .arg(scenario.path("customers.db"))
            .arg(statements(characters)),
    );
    check(&scenario, "sqlite3", &[]);
}

#[test]
fn duckdb() {
    if !is_installed("duckdb") {
        return;
    }
    let scenario = Scenario::new().sandbox(|_| {});
    let characters = "'a,b' || chr(10) || 'c' || chr(9) || 'd\\e'";
    succeed(
        Command::new("duckdb")
            .arg(scenario.path("customers.duckdb"))
            .arg(statements(characters)),
    );
    check(&scenario, "duckdb", &[]);
}

/// A folder that a server may use.
fn folder_of_a_server() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("our own folder");
    if geteuid().is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
    }
    folder
}

/// The command of a server that root may not start.
fn as_nobody(program: &Path) -> Command {
    if !geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={NOBODY}"));
    command.arg(format!("--regid={NOBODY}"));
    command.arg("--clear-groups").arg(program);
    command
}

/// A `PostgreSQL` server, until it is dropped.
struct Postgres {
    folder: TempDir,
    programs: PathBuf,
}

impl Postgres {
    fn start() -> Option<Postgres> {
        // Debian has the server's programs beside the path.
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
        let programs = versions
            .flatten()
            .map(|version| version.path().join("bin"))
            .find(|programs| programs.join("initdb").exists());
        if programs.is_none() {
            say_missing("the server of PostgreSQL");
        }
        let (folder, programs) = (folder_of_a_server(), programs?);
        let postgres = Postgres { folder, programs };
        let data = postgres.folder.path().join("data");
        let mut init = as_nobody(&postgres.programs.join("initdb"));
        let words = ["-A", "trust", "-U", "custsync", "--no-sync", "-E", "UTF8"];
        succeed(init.args(words).arg("-D").arg(&data));
        let options = format!(
            "-c listen_addresses='' -F -k {}",
            postgres.folder.path().display()
        );
        let mut start = postgres.control();
        start.args(["-w", "-o", &options, "-l"]);
        start.arg(postgres.folder.path().join("log")).arg("start");
        // The server keeps what it inherits, so there must be no pipe.
        let status = start.stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.expect("it starts").success(), "the server starts");
        Some(postgres)
    }

    fn control(&self) -> Command {
        let mut command = as_nobody(&self.programs.join("pg_ctl"));
        command.arg("-D").arg(self.folder.path().join("data"));
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.control()
            .args(["-m", "immediate", "stop"])
            .stdout(Stdio::null())
            .status()
            .ok();
    }
}

#[test]
fn postgresql() {
    if !is_installed("psql") {
        return;
    }
    let Some(postgres) = Postgres::start() else {
        return;
    };
    let scenario = Scenario::new().sandbox(|_| {});
    let host = postgres.folder.path().to_str().expect("UTF-8");
    let variables = [
        ("PGHOST", host),
        ("PGUSER", "custsync"),
        ("PGDATABASE", "postgres"),
        ("HOME", host),
    ];
    let characters = "'a,b' || chr(10) || 'c' || chr(9) || 'd\\e'";
    succeed(
        Command::new("psql")
            .args(["-X", "-q", "-c", &statements(characters)])
            .envs(variables),
    );
    check(&scenario, "psql", &variables);
}

/// A `MariaDB` server, until it is dropped.
struct MariaDb {
    folder: TempDir,
    process: Child,
}

impl MariaDb {
    fn start() -> Option<MariaDb> {
        let server = Path::new("/usr/sbin/mariadbd");
        if !is_installed("mariadb-install-db") {
            return None;
        }
        if !server.exists() {
            say_missing("the server of MariaDB");
            return None;
        }
        let folder = folder_of_a_server();
        let of_folder = |flag: &str, name: &str| {
            let path = folder.path().join(name);
            format!("--{flag}={}", path.display())
        };
        let mut install = as_nobody(Path::new("mariadb-install-db"));
        install.args(["--no-defaults", "--skip-test-db"]);
        succeed(install.arg(of_folder("datadir", "data")));
        let mut start = as_nobody(server);
        start.args(["--no-defaults", "--skip-networking", "--skip-grant-tables"]);
        start.args([
            of_folder("datadir", "data"),
            of_folder("socket", "socket"),
            of_folder("pid-file", "pid"),
        ]);
        let process = start.stderr(Stdio::null()).spawn().expect("it starts");
        let (socket, began) = (folder.path().join("socket"), Instant::now());
        while !socket.exists() {
            assert!(began.elapsed() < Duration::from_mins(1), "it listens");
            std::thread::yield_now();
        }
        Some(MariaDb { folder, process })
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.process);
        kill_process(pid, Signal::KILL).ok();
        self.process.wait().ok();
    }
}

#[test]
fn mysql() {
    if !is_installed("mysql") {
        return;
    }
    let Some(mariadb) = MariaDb::start() else {
        return;
    };
    let scenario = Scenario::new().sandbox(|_| {});
    let home = mariadb.folder.path();
    let socket = home.join("socket");
    // The system's own settings may name another socket than the variable for it.
    let settings = format!("[client]\nsocket={}\n", socket.display());
    fs::write(home.join(".my.cnf"), settings).expect("the folder can be written");
    let variables = [("HOME", home.to_str().expect("UTF-8"))];
    let create = format!(
        "CREATE DATABASE crm CHARACTER SET utf8mb4; USE crm; {}",
        statements("CONCAT('a,b', CHAR(10), 'c', CHAR(9), 'd', CHAR(92), 'e')")
    );
    succeed(
        Command::new("mysql")
            .args(["--default-character-set=utf8mb4", "--execute", &create])
            .envs(variables),
    );
    check(&scenario, "mysql", &variables);
}
