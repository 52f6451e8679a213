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
First map the customer's id in n.toml, as every row needs it and none of the columns is known to hold it: \"COLUMN\" = \"id\"
After that: custsync check 'my export.csv' --config n.toml
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
    for row in ["7,Tilda,Holm", "Tilda,jane@example.com", "Tilda,1985-04-12"] {
        let folder = Folder::new().with("row.csv", format!("{row}\n"));
        folder.is_refused(&["config", "init", "row.csv"], "is not a header");
        assert!(!folder.0.path().join("custsync.toml").exists());
    }
    // One known name makes a header, but two values among the others make it a row.
    let folder = Folder::new().with("row.csv", "id,Tilda,jane@example.com,1985-04-12\n");
    let said = folder.types(&["config", "init", "row.csv"], "");
    let toml = folder.file("custsync.toml");
    assert_eq!(said.exit, 0, "{}", said.stderr);
    assert!(said.stdout.contains("column 2, column 3, column 4\n"));
    assert!(!toml.contains("Tilda") && !said.stdout.contains("Tilda"));
    let (exit, said) = folder.checks("row.csv");
    assert_eq!(exit, 2);
    assert!(
        said.contains("column 2 (its name is not shown, because other names look like values)")
            && !said.contains("Tilda"),
        "{said}"
    );

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
    let said = folder.types(&["config", "init", "a.ndjson"], "");
    let toml = folder.file("custsync.toml");
    assert!(!toml.contains("Tilda"), "{toml}");
    // A key that has no line is not among those to decide about.
    assert!(
        said.stdout.contains(
            "Map or ignore the other 1 there (\"which field?\"): `cost_centre`\n\
             One key has no line there, because it may be a customer's value: write it there to map or ignore it\n"
        ),
        "{}",
        said.stdout
    );
    assert!(toml.contains(
        "# One key has no line, because it may be a customer's value: write it here or above to map or ignore it.\n"
    ));
    assert!(toml.contains("# \"cost_centre\" = \"FIELD\"  # which field?\n"));
    assert!(toml.contains("\n\"E-Mail\" = \"email\"\n"), "{toml}");
}

#[test]
fn a_header_without_a_known_name_is_written_with_all_columns_open() {
    let export = "Kundennummer;Vorname;Mail;Ort\n7;Zoe;z@example.com;Bern\n";
    let folder = Folder::new().with("k.csv", export);
    let init = "custsync config init k.csv";
    let (exit, said) = folder.checks("k.csv");
    assert_eq!(exit, 2);
    assert!(
        said.trim_end().ends_with(init),
        "the way out is said: {said}"
    );
    let said = folder.types(&["config", "init", "k.csv"], "");
    assert_eq!(
        (said.exit, said.stdout.as_str()),
        (
            0,
            "\
custsync.toml is written for the 4 columns of k.csv: 0 need no line, 0 are mapped, 0 are ignored
None of the columns has a known name. Is the header missing? Then delete custsync.toml, and name the columns: --no-header --columns id,first_name,...
Map or ignore the other 4 there (\"which field?\")
First map the customer's id in custsync.toml, as every row needs it and none of the columns is known to hold it: \"COLUMN\" = \"id\"
After that: custsync check k.csv
"
        ),
        "{}",
        said.stderr
    );
    let toml = folder.file("custsync.toml");
    assert!(
        toml.contains("# None of the columns has a known name. Is the header missing?"),
        "{toml}"
    );
    assert_eq!(in_force(&toml), ["ignore = [", "]", "[map]"]);
    // What comes next is to complete this file, and not to begin another.
    let (exit, said) = folder.checks("k.csv");
    assert_eq!(exit, 2);
    assert!(
        said.contains("complete `[map]` and `ignore` in custsync.toml") && !said.contains(init),
        "{said}"
    );
    let mut decided = toml;
    for (column, field) in [
        ("Kundennummer", "id"),
        ("Vorname", "first_name"),
        ("Mail", "email"),
        ("Ort", "address"),
    ] {
        let offered = decided
            .lines()
            .find(|line| line.starts_with(&format!("# \"{column}\" = ")))
            .expect("a line for each column")
            .to_owned();
        decided = decided.replace(&offered, &format!("\"{column}\" = \"{field}\""));
    }
    let folder = folder.with("custsync.toml", decided);
    assert_eq!(folder.checks("k.csv").0, 0);

    // A header that the user names is in no doubt; a wrong delimiter is no header.
    let folder = Folder::new().with("a.csv", "Kundennummer;Vorname\n7;Zoe\n");
    let toml = folder.begins(&["a.csv", "--header-row=1"]);
    assert!(!toml.contains("Is the header missing?"), "{toml}");
    let folder = Folder::new().with("b.csv", "Kundennummer\n7\n");
    folder.is_refused(
        &["config", "init", "b.csv"],
        "b.csv:1: the header has one column",
    );
}

#[test]
fn a_file_of_settings_in_force_is_the_one_to_complete() {
    let folder = Folder::with_sample("shop-export.csv");
    folder.begins(&["shop-export.csv"]);
    let (exit, said) = folder.checks("shop-export.csv");
    assert_eq!(exit, 2);
    let remedy = "to map or ignore the 8 columns: complete `[map]` and `ignore` in custsync.toml\n";
    assert!(
        said.ends_with(remedy) && !said.contains("config init"),
        "{said}"
    );
    // A flag would replace all lines of the file, so a few columns are added there, too.
    let folder = Folder::new()
        .with("a.csv", "id,Beruf,Mail\n7,x,z@example.com\n")
        .with("custsync.toml", "[map]\nMail = \"email\"\n");
    let (_, said) = folder.checks("a.csv");
    assert!(
        said.contains(
            "to map the column, write below `[map]` in custsync.toml:\n  \"Beruf\" = \"FIELD\"\n"
        ),
        "{said}"
    );
}

#[test]
fn a_fault_of_a_rule_names_the_place_of_the_rule() {
    let folder = Folder::new().with("ok.csv", "id,email\n7,z@example.com\n");
    for (toml, why) in [
        (
            "[map]\nFoo = \"job\"\n",
            "ok.csv:1: custsync.toml: map: there is no column `Foo`",
        ),
        (
            "ignore = \"Foo\"\n",
            "custsync.toml: ignore: no input has a column `Foo`",
        ),
        (
            "columns = [\"id\", \"Foo\"]\n",
            "custsync.toml: columns: column 2 `Foo` is not a field",
        ),
    ] {
        let folder = Folder::new()
            .with("ok.csv", folder.file("ok.csv"))
            .with("custsync.toml", toml);
        folder.is_refused(&["check", "ok.csv"], why);
    }
    folder.is_refused(
        &["check", "ok.csv", "--map", "Foo=job"],
        "ok.csv:1: --map: there is no column `Foo`",
    );
}

#[test]
fn a_folder_is_told_to_name_one_file() {
    let folder = Folder::new();
    fs::create_dir(folder.0.path().join("exports")).unwrap();
    folder.is_refused(
        &["config", "init", "exports"],
        "exports: is a directory: `config init` takes one file",
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
