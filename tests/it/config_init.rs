//! `custsync config init` writes a file of settings for the columns of a file, which a person
//! completes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::Program;

/// A folder in which commands are typed.
struct Folder(TempDir);

/// The output of a command.
struct Said {
    exit: i32,
    stdout: String,
    stderr: String,
}

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// A folder with a copy of a sample.
    fn with_sample(name: &str) -> Folder {
        let folder = Folder::new();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        fs::copy(samples.join(name), folder.0.path().join(name)).unwrap();
        folder
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Folder {
        fs::write(self.0.path().join(name), content).unwrap();
        self
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn types(&self, arguments: &[&str], stdin: &str) -> Said {
        let program = Program {
            arguments: arguments.iter().map(Into::into).collect(),
            variables: Vec::new(),
            stdin: stdin.into(),
            through: None,
        };
        let finished = program.start(self.0.path()).finish();
        Said {
            exit: finished.status.code().expect("the command ends by itself"),
            stdout: String::from_utf8(finished.stdout).unwrap(),
            stderr: String::from_utf8(finished.stderr).unwrap(),
        }
    }

    /// Begins a file of settings, and returns its text.
    fn begins(&self, arguments: &[&str]) -> String {
        let said = self.types(&[&["config", "init"], arguments].concat(), "");
        assert_eq!(said.exit, 0, "{arguments:?}: {}", said.stderr);
        self.file("custsync.toml")
    }

    /// Checks the file, and returns the exit code and the messages.
    fn checks(&self, file: &str) -> (i32, String) {
        let said = self.types(&["check", file], "");
        (said.exit, said.stderr)
    }

    fn is_refused(&self, arguments: &[&str], why: &str) {
        let said = self.types(arguments, "");
        assert_eq!((said.exit, said.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(said.stderr.contains(why), "`{why}`: {}", said.stderr);
    }
}

/// The lines that are in force.
fn in_force(toml: &str) -> Vec<&str> {
    let lines = toml.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

#[test]
fn a_file_whose_columns_are_known_is_accepted_with_it() {
    for (sample, exit) in [
        ("semicolons.csv", 0),
        ("workbook.xlsx", 0),
        ("utf16.csv", 0),
        ("gzip.csv", 0),
        ("array.json", 0),
        ("customers.csv", 1),
        ("customers.ndjson", 1),
    ] {
        let folder = Folder::with_sample(sample);
        let toml = folder.begins(&[sample]);
        assert_eq!(in_force(&toml), ["[map]"], "{sample}");
        assert_eq!(folder.checks(sample).0, exit, "{sample}");
    }
}

#[test]
fn other_spellings_are_mapped_and_all_else_is_left_to_the_person() {
    let folder = Folder::with_sample("shop-export.csv");
    let toml = folder.begins(&["shop-export.csv"]);
    assert_eq!(
        in_force(&toml),
        [
            "ignore = [",
            "]",
            "[map]",
            "\"First Name\" = \"first_name\"",
            "\"LAST-NAME\" = \"last_name\"",
            "\"E-Mail\" = \"email\"",
        ]
    );
    // What may be a field is not left out in silence: the header is refused until it is decided.
    let (exit, said) = folder.checks("shop-export.csv");
    assert_eq!(exit, 2);
    assert!(
        said.contains("`Remarks`") && !said.contains("First Name"),
        "{said}"
    );
    let mut decided = toml;
    for (column, field) in [
        ("Customer No", "id"),
        ("Mobile", "phone_number"),
        ("Birthday", "date_of_birth"),
        ("Sex", "gender"),
        ("Country", "country_id"),
        ("Street", "address"),
    ] {
        let offered = format!("# \"{column}\" = \"FIELD\"  # which field?");
        assert!(decided.contains(&offered), "{decided}");
        decided = decided.replace(&offered, &format!("\"{column}\" = \"{field}\""));
    }
    for column in ["Loyalty Points", "Remarks"] {
        let offered = format!("# \"{column}\",\n");
        assert!(decided.contains(&offered), "{decided}");
        decided = decided.replace(&offered, &format!("\"{column}\",\n"));
    }
    let folder = folder.with("custsync.toml", decided);
    // The values need rules of their own; the header is accepted.
    assert_eq!(folder.checks("shop-export.csv").0, 1);
}

#[test]
fn a_header_of_strange_columns_is_answered_by_the_command_once() {
    let folder = Folder::with_sample("shop-export.csv");
    let (exit, said) = folder.checks("shop-export.csv");
    assert_eq!(exit, 2);
    let command = "custsync config init shop-export.csv";
    assert_eq!(said.matches(command).count(), 1, "{said}");
    assert_eq!(said.matches("--loose-headers").count(), 1, "{said}");
    assert_eq!(said.matches("(--").count(), 1, "only the id's: {said}");
    let line = said.lines().last().expect("a message");
    assert!(line.ends_with(command), "it can be pasted: {line}");
    let words: Vec<_> = command.split(' ').skip(1).collect();
    assert_eq!(folder.types(&words, "").exit, 0);
}

#[test]
fn the_message_says_what_is_left_to_do() {
    let folder = Folder::new().with(
        "my export.csv",
        "uid,E-Mail,created_at,jbo,Notes\n7,a@example.com,1,Nurse,x\n",
    );
    let said = folder.types(
        &["config", "init", "my export.csv", "--output", "n.toml"],
        "",
    );
    assert_eq!(
        said.stdout,
        "\
n.toml is written for the 5 columns of my export.csv: 0 need no line, 1 are mapped, 1 are ignored
Map or ignore the other 3 there (\"which field?\"): `uid`, `jbo`, `Notes`
None of the columns is known to hold the customer's id, which every row needs
Then: custsync check 'my export.csv' --config n.toml
"
    );
    let toml = folder.file("n.toml");
    for line in [
        "# \"uid\" = \"id\"  # which field?\n",
        "# \"jbo\" = \"job\"  # which field?\n",
        "    \"created_at\",  # the API only returns it\n",
        "    # \"Notes\",\n",
    ] {
        assert!(toml.contains(line), "{line}{toml}");
    }
}

#[test]
fn a_similar_name_is_not_in_force() {
    let header = "id,last_name_old,phone_number_2,email\n1,Alt,0049,a@example.com\n";
    let folder = Folder::new().with("g.csv", header);
    let toml = folder.begins(&["g.csv"]);
    assert_eq!(in_force(&toml), ["ignore = [", "]", "[map]"]);
    for line in [
        "# \"last_name_old\" = \"last_name\"  # which field?\n",
        "# \"phone_number_2\" = \"phone_number\"  # which field?\n",
    ] {
        assert!(toml.contains(line), "{line}{toml}");
    }
    assert_eq!(folder.checks("g.csv").0, 2, "nothing is guessed");
}

#[test]
fn the_flags_that_read_the_file_are_honoured_and_kept() {
    let export = b"Export of the shop\n\nid|E-Mail|Stra\xdfe\n7|a@example.com|x\n";
    let folder = Folder::new().with("a.txt", export);
    let flags = [
        "a.txt",
        "--header-row=3",
        "--encoding=windows-1252",
        "--delimiter=|",
        "--map=Stra\u{df}e=address",
        "--set=job=Nurse",
        "--trim",
        "--color=never",
    ];
    let toml = folder.begins(&flags);
    assert_eq!(
        in_force(&toml),
        [
            "delimiter = \"|\"",
            "encoding = \"windows-1252\"",
            "header-row = 3",
            "trim = true",
            "set = \"job=Nurse\"",
            "[map]",
            "\"Stra\u{df}e\" = \"address\"",
            "\"E-Mail\" = \"email\"",
        ]
    );
    let (exit, said) = folder.checks("a.txt");
    assert_eq!(exit, 0, "{said}");
}

#[test]
fn every_line_that_is_offered_can_be_in_force() {
    let folder = Folder::new();
    let toml = folder.begins(&[]);
    assert_eq!(in_force(&toml), ["[map]"]);
    let is_setting = |line: &str| {
        line.split_once(" = ")
            .is_some_and(|(name, _)| !name.contains(' ') && !name.is_empty())
    };
    let mut offered = Vec::new();
    let uncommented: Vec<_> = toml
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if is_setting(setting) => {
                offered.push(setting.to_owned());
                setting
            }
            _ => line,
        })
        .collect();
    assert!(offered.len() > 15, "{offered:?}");
    let before = folder.types(&["config", "--output-format", "json"], "");
    let folder = folder.with("custsync.toml", uncommented.join("\n"));
    let after = folder.types(&["config", "--output-format", "json"], "");
    assert_eq!(after.exit, 0, "{}", after.stderr);
    let [before, after] =
        [before, after].map(|said| serde_json::from_str::<Vec<Value>>(&said.stdout).unwrap());
    for (before, after) in before.iter().zip(&after) {
        let name = before["name"].as_str().unwrap();
        let line = offered
            .iter()
            .find(|line| line.starts_with(&format!("{name} = ")));
        let Some(line) = line else {
            continue;
        };
        assert_eq!(after["origin"], "custsync.toml", "{name}");
        if !line.ends_with("# an example") {
            assert_eq!(before["value"], after["value"], "{name}");
        }
    }
}

#[test]
fn no_value_of_a_customer_is_written() {
    // The first line is a row, so the file has no header; nothing is written at all.
    let folder = Folder::new().with("rows.csv", "Tilda,Holm,Bristol\nNoa,Castellane,Lyon\n");
    folder.is_refused(
        &["config", "init", "rows.csv"],
        "none of the 3 columns is known",
    );
    let folder = folder.with("row.csv", "7,Tilda,jane@example.com\n");
    folder.is_refused(&["config", "init", "row.csv"], "is not a header");
    assert!(!folder.0.path().join("custsync.toml").exists());

    let folder = Folder::new().with("a.csv", "id,jane@example.com,+44 7700 900123,job,job\n");
    let toml = folder.begins(&["a.csv"]);
    assert!(!toml.contains("jane") && !toml.contains("7700"), "{toml}");
    for line in [
        "    # \"column 2\",  # its name is not shown, because it may be a customer's value\n",
        "    # \"column 3\",  # its name is not shown, because it may be a customer's value\n",
        "    # \"column 5\",  # an earlier column has the same name\n",
    ] {
        assert!(toml.contains(line), "{line}{toml}");
    }

    let rows = "{\"id\":7,\"Tilda Holm\":1,\"cost_centre\":2}\n{\"id\":8,\"E-Mail\":\"a\"}\n";
    let folder = Folder::new().with("a.ndjson", rows);
    let toml = folder.begins(&["a.ndjson"]);
    assert!(!toml.contains("Tilda"), "{toml}");
    assert!(toml.contains("# Keys that are not shown, because they may be values: 1.\n"));
    assert!(toml.contains("# \"cost_centre\" = \"FIELD\"  # which field?\n"));
    assert!(toml.contains("\n\"E-Mail\" = \"email\"\n"), "{toml}");
}

#[test]
fn a_header_without_a_known_name_has_to_be_named() {
    let folder = Folder::new().with("a.csv", "Kundennummer;Vorname\n7;Zoe\n");
    folder.is_refused(
        &["config", "init", "a.csv"],
        "none of the 2 columns is known",
    );
    let toml = folder.begins(&["a.csv", "--header-row=1"]);
    assert!(
        toml.contains("# \"Vorname\" = \"FIELD\"  # which field?\n"),
        "{toml}"
    );
}

#[test]
fn a_file_that_exists_is_not_overwritten() {
    let folder = Folder::with_sample("semicolons.csv").with("custsync.toml", "not even TOML");
    for arguments in [
        &["config", "init"][..],
        &["config", "init", "semicolons.csv"],
    ] {
        folder.is_refused(
            arguments,
            "custsync.toml exists, and is not overwritten: move it away, or name another file with --output FILE",
        );
    }
    assert_eq!(folder.file("custsync.toml"), "not even TOML");
    // Neither does it follow a link to a file that does not exist.
    symlink("elsewhere", folder.0.path().join("link.toml")).unwrap();
    folder.is_refused(&["config", "init", "--output", "link.toml"], "exists");
    assert!(!folder.0.path().join("elsewhere").exists());
    // The other file is complete without the one that is there.
    let said = folder.types(&["config", "init", "--output", "other.toml"], "");
    assert_eq!(said.exit, 0, "{}", said.stderr);
}

#[test]
fn what_comes_by_a_pipe_is_read_too() {
    let folder = Folder::new();
    let said = folder.types(&["config", "init", "-"], "id\tE-Mail\n7\ta@example.com\n");
    assert_eq!(said.exit, 0, "{}", said.stderr);
    assert!(
        said.stdout.ends_with("\nThen: custsync check -\n"),
        "{}",
        said.stdout
    );
    assert!(
        folder
            .file("custsync.toml")
            .contains("\"E-Mail\" = \"email\"")
    );
    Folder::new().is_refused(
        &["config", "init", "missing.csv"],
        "missing.csv: no such file",
    );
}
