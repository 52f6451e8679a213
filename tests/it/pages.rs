//! Completions and pages of the manual, read by the shells and programs that they are for.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::harness::Program;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];
const PAGES: [&str; 10] = [
    "run",
    "check",
    "sandbox",
    "login",
    "logout",
    "token",
    "config",
    "config-init",
    "completions",
    "man",
];

/// The output of a command in a folder whose settings cannot be used: it needs none.
fn printed(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("custsync.toml"), "not even TOML").unwrap();
    let program = Program {
        arguments: arguments.iter().map(Into::into).collect(),
        variables: vec![("CUSTSYNC_RATE".to_owned(), "wrong".into())],
        stdin: Vec::new(),
        through: None,
    };
    let finished = program.start(folder.path()).finish();
    let stderr = String::from_utf8(finished.stderr).unwrap();
    assert_eq!((finished.status.code(), stderr.as_str()), (Some(0), ""));
    let text = String::from_utf8(finished.stdout).unwrap();
    assert!(!text.contains(folder.path().to_str().unwrap()));
    assert!(!text.contains(env!("CARGO_MANIFEST_DIR")), "{arguments:?}");
    text
}

/// Runs another program, if it is installed.
fn tool(program: &str, arguments: &[&str], folder: &Path) -> Option<Output> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output();
    match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        output => Some(output.unwrap()),
    }
}

fn folder_with(name: &str, text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    folder
}

#[test]
fn bash_completes_flags_words_verbs_and_files() {
    let folder = folder_with("c.bash", &printed(&["completions", "bash"]));
    let check = |words: &[&str], want: &[&str]| {
        let (last, before) = words.split_last().expect("a word is typed");
        let previous = before.last().expect("the program is named");
        let script = format!(
            "set -u; source ./c.bash; COMP_WORDS=('{}'); COMP_CWORD={}; \
             _custsync custsync '{last}' '{previous}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            words.join("' '"),
            before.len(),
        );
        let output = tool("bash", &["--norc", "-c", &script], folder.path());
        let output = output.expect("bash is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        let found = String::from_utf8(output.stdout).unwrap();
        let found: Vec<_> = found.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(found, want, "{words:?}");
    };
    check(&["custsync", "con"], &["config"]);
    check(&["custsync", "check", "--max-r"], &["--max-rows"]);
    check(
        &["custsync", "run", "--format", ""],
        &["auto", "csv", "tsv", "ndjson"],
    );
    check(&["custsync", "config", "init", "--head"], &["--header-row"]);
    check(&["custsync", "completions", "z"], &["zsh"]);
    // Nothing of ours fits, so bash goes on with the names of files (`complete -o default`).
    check(&["custsync", "check", "cust"], &[]);
    let script = "source ./c.bash; complete -p custsync";
    let output = tool("bash", &["--norc", "-c", script], folder.path()).unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("-o default") && said.contains("-F _custsync"),
        "{said}"
    );
}

#[test]
fn each_shell_can_read_its_completions() {
    for shell in SHELLS {
        let script = printed(&["completions", shell]);
        // The scripts for the others complete flags and verbs alone.
        let words = match shell {
            "bash" | "fish" | "zsh" => "ndjson",
            _ => "config",
        };
        for part in ["max-in-flight", "sandbox", words] {
            assert!(script.contains(part), "{shell}: {part}");
        }
        let folder = folder_with("script", &script);
        let output = match shell {
            "powershell" | "elvish" => None,
            shell => tool(shell, &["-n", "script"], folder.path()),
        };
        if let Some(output) = output {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && said.is_empty(),
                "{shell}: {said}"
            );
        }
    }
}

#[test]
fn the_pages_of_the_manual_are_typeset_without_a_warning() {
    let pages = PAGES.map(|page| vec!["man", page]);
    for arguments in [vec!["man"]].into_iter().chain(pages) {
        let page = printed(&arguments);
        let name = arguments.last().expect("a verb");
        let title = if arguments.len() == 1 {
            ".TH custsync 1".to_owned()
        } else {
            format!(".TH custsync-{name} 1")
        };
        assert!(page.contains(&title), "{page}");
        for part in [
            ".SH NAME",
            ".SH SYNOPSIS",
            ".SH EXAMPLES",
            ".SH \"SEE ALSO\"",
        ] {
            assert!(page.contains(part), "{arguments:?}: {part}");
        }
        let folder = folder_with("page.1", &page);
        let typeset = ["-man", "-Tutf8", "-ww", "-rLL=100n", "page.1"];
        let Some(output) = tool("groff", &typeset, folder.path()) else {
            continue;
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("custsync"), "{text}");
    }
}

#[test]
fn every_flag_of_a_page_is_explained() {
    let page = printed(&["man", "run"]);
    let entries: Vec<_> = page.split("\n.TP\n").skip(1).collect();
    assert!(entries.len() > 60, "{}", entries.len());
    for entry in entries {
        let lines = entry.lines().take_while(|line| !line.starts_with(".SH"));
        assert!(lines.count() > 1, "{entry}");
    }
}

#[test]
fn the_long_version_says_what_the_program_is_built_from() {
    let short = format!("custsync {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(printed(&["-V"]), short);
    let long = printed(&["--version"]);
    let facts = long.strip_prefix(&short).expect("the version comes first");
    let facts: Vec<_> = facts
        .lines()
        .map(|line| line.split_once(':').expect("a name and a value"))
        .map(|(name, value)| (name, value.trim()))
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let revision = tool("git", &["rev-parse", "--short=12", "HEAD"], root)
        .filter(|output| output.status.success() && root.join(".git").exists())
        .map_or("unknown revision".to_owned(), |output| {
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        });
    let names: Vec<_> = facts.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["revision", "features", "target", "allocator"]);
    assert_eq!(facts[0].1, revision);
    assert!(facts[2].1.starts_with(std::env::consts::ARCH), "{long}");
    assert!(facts.iter().all(|(_, value)| !value.is_empty()), "{long}");
}
