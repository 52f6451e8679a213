//! `--explain` shows how rows are read and what is sent, to the user only.

use serde_json::Value;

use crate::harness::{End, Reply, Scenario};

/// The explained rows: number and place.
fn explained(end: &End) -> Vec<&str> {
    end.stdout
        .lines()
        .filter_map(|line| line.strip_prefix("row "))
        .filter(|line| line.contains(", "))
        .collect()
}

/// The request of the first explained row: method and path, headers with names in lower case, body.
fn shown_request(end: &End) -> (String, Vec<(String, String)>, Value) {
    let mut lines = end
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("  PUT "));
    let first = lines.next().expect("a request is shown").trim();
    let headers = lines.by_ref().take_while(|line| !line.is_empty());
    let headers = headers.filter_map(|line| line.trim().split_once(": "));
    let headers = headers
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let body = lines.next().expect("a body is shown").trim();
    (
        first.to_owned(),
        headers,
        serde_json::from_str(body).expect("the body is JSON"),
    )
}

#[test]
fn every_cell_is_shown_with_its_field_and_value() {
    let file = "Nr,E-Mail,Sex,job,address,Born,Notes\n\
        007, a@example.com ,M,,\"say \"\"hi\"\"\",31.12.1999,x\n\
        8,nope,?,,-,,y\n\
        9,b@example.com\n";
    let scenario = Scenario::new()
        .file("a.csv", file)
        .variable("CUSTSYNC_BASE_URL", "https://a.example/x/");
    let scenario = scenario.flags([
        "-m",
        "Nr=id",
        "-m",
        "E-Mail=email",
        "-m",
        "Sex=gender",
        "-m",
        "Born=date_of_birth",
    ]);
    let scenario = scenario.flags([
        "--ignore",
        "Notes",
        "--values",
        "gender:M=male",
        "--set",
        "country_id=084",
    ]);
    let scenario = scenario.flags([
        "--date-format",
        "%d.%m.%Y",
        "--null-string",
        "-",
        "--trim",
        "--tenant",
        "5",
    ]);
    let end = scenario.check(["--explain", "5"]).exits(1);
    let want = r#"row 1, a.csv:2
  Nr       "007" → id 7
  E-Mail   " a@example.com " → email "a@example.com"
  Sex      "M" → gender "male"
  job      "" → job, left out
  address  "say \"hi\"" → address, as it is
  Born     "31.12.1999" → date_of_birth "1999-12-31T00:00:00Z"
  Notes    "x" is ignored
  --set    "084" → country_id 84
  left out, because nothing fills them: first_name, last_name, phone_number,
    identity_number, default_channel_id, user_id

  PUT /x/v1/customers/7
  Host: a.example
  Authorization: Bearer ***
  Accept: application/json
  Content-Type: application/json
  X-Tenant: 5

  {"email":"a@example.com","date_of_birth":"1999-12-31T00:00:00Z","gender":"male","country_id":84,"address":"say \"hi\""}

row 2, a.csv:3
  Nr       "8" → id 8
  E-Mail   "nope" → email, invalid (format)
  Sex      "?" → gender, invalid (enum)
  job      "" → job, left out
  address  "-" → address null
  Born     "" → date_of_birth, left out
  Notes    "y" is ignored
  --set    "084" → country_id 84

  not sent, because the row is invalid:
    email is not an e-mail address (format)
    gender is not one of male, female, other (enum)

row 3, a.csv:4
  not sent, because the row is invalid:
    row has 2 columns where the header has 7 (--ragged pad if the missing ones are empty) (columns)

1 of 3 rows can be sent; 2 cannot.
"#;
    assert!(end.stdout.starts_with(want), "{}", end.stdout);
}

#[test]
fn members_are_shown_as_they_are_written() {
    let rows = "{\"id\":1,\"gender\":2,\"job\":\"\\u00e9\",\"user_id\":7,\"note\":[1],\"custsync\":{}}\n\
        {\"id\":2,\"job\":\"x\",\"job\":\"y\",\"email\":null,\"user_id\":1,\"jbo\":true}\n\
        {\"id\":3,\n";
    let scenario = Scenario::new().file("a.ndjson", rows).flags([
        "--values",
        "gender:2=female",
        "--ignore",
        "note",
    ]);
    let end = scenario
        .check(["--explain", "3", "--set", "address=x"])
        .exits(1);
    let want = r#"row 1, a.ndjson:1
  id        1 → id 1
  gender    2 → gender "female"
  job       "\u00e9" → job "é"
  user_id   7 → user_id, as it is
  note      [1] is ignored
  custsync  {} is ignored
  --set     "x" → address, as it is
"#;
    assert!(end.stdout.starts_with(want), "{}", end.stdout);
    let end = end.prints(
        "  job      \"y\" → job, invalid (duplicate_key)\n  email    null → email, as it is\n",
    );
    let end = end.prints("  jbo      true has no field\n");
    end.prints(
        "row 3, a.ndjson:3\n  not sent, because the row is invalid:\n    row is not one JSON object: the line ends",
    );
}

#[test]
fn the_request_is_the_one_that_is_sent() {
    let file =
        "id,first_name,email,date_of_birth,user_id\n42,Zo\u{eb} \"Z\",a@example.com,1985-04-12,7\n";
    let scenario = Scenario::new()
        .file("a.csv", file)
        .server(|_| Reply::updated())
        .flags(["--tenant", "12"]);
    let (line, headers, body) =
        shown_request(&scenario.run(["--dry-run", "--explain", "1"]).exits(0));
    assert!(scenario.requests().is_empty());
    // A run cannot use the run directory of a check.
    std::fs::remove_dir_all(scenario.path("run")).unwrap();
    scenario.run([]).exits(0);
    let [sent] = &scenario.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(
        (format!("{line} HTTP/1.1"), body),
        (sent.line.clone(), sent.body.clone())
    );
    assert_eq!(headers.len(), 5, "{headers:?}");
    for (name, value) in headers {
        let sent = sent
            .header(&name)
            .unwrap_or_else(|| panic!("{name} is sent"));
        let secret = scenario.secret().expect("the server takes a token");
        assert_eq!(value, sent.replace(&secret, "***"), "{name}");
    }
}

#[test]
fn the_first_rows_that_take_part_are_explained() {
    let csv = "id,job\n1,a\n\n2,b\n3,c\n";
    let scenario = || {
        Scenario::new()
            .file("a.csv", csv)
            .stdin("{\"id\":4,\"job\":\"d\"}\n{\"id\":5,\"job\":\"e\"}\n")
    };
    let check = |flags: [&str; 6], want: &[&str]| {
        let end = scenario().check(flags).exits(0);
        assert_eq!(explained(&end), want, "{flags:?}");
    };
    let [all, last] = ["1000000", "1"];
    check(
        ["--explain", "2", "--skip-rows", "0", "--max-rows", all],
        &["1, a.csv:2", "2, a.csv:4"],
    );
    check(
        ["--explain", "2", "--skip-rows", "2", "--max-rows", all],
        &["3, a.csv:5", "4, standard input:1"],
    );
    check(
        ["--explain", all, "--skip-rows", "3", "--max-rows", all],
        &["4, standard input:1", "5, standard input:2"],
    );
    check(
        ["--explain", all, "--skip-rows", "1", "--max-rows", last],
        &["2, a.csv:4"],
    );
    check(
        ["--explain", "0", "--skip-rows", "0", "--max-rows", all],
        &[],
    );
}

#[test]
fn a_first_block_without_rows_hides_none() {
    // The rest of the first block, after the skipped row, is blank.
    let blank = "\n".repeat(300 << 10);
    let scenario = Scenario::new().file("a.csv", format!("id,job\n1,a\n{blank}2,b\n3,c\n"));
    let end = scenario
        .check(["--skip-rows", "1", "--explain", "1"])
        .exits(0);
    assert_eq!(explained(&end), ["2, a.csv:307203"]);
}

#[test]
fn the_values_are_on_stdout_and_nowhere_else() {
    const CANARY: &str = "canary-0d17";
    let file = format!("id,job,email\n1,{CANARY},a@example.com\n2,{CANARY},{CANARY}\n");
    let scenario = Scenario::new()
        .file("a.csv", file)
        .variable("CUSTSYNC_TOKEN", "token-0d18")
        .flags(["-vv"]);
    let end = scenario
        .check(["--explain", "2", "--log-format", "json"])
        .exits(1);
    assert_eq!(end.stdout.matches(CANARY).count(), 4, "{}", end.stdout);
    assert!(!end.stderr.contains(CANARY), "{}", end.stderr);
    for (name, content) in &end.files {
        let is_there = String::from_utf8_lossy(content).contains(CANARY);
        assert_eq!(is_there, name == "failed.csv", "{name}");
    }
    end.is_nowhere("token-0d18");
    let asked_for_json = scenario
        .check(["--explain", "2", "--output-format", "json"])
        .exits(2);
    asked_for_json
        .says("--explain and --output-format json contradict each other: keep one")
        .is_not_shown(CANARY);
    let scenario = scenario.server(|_| Reply::updated());
    scenario
        .run(["--explain", "2"])
        .exits(2)
        .says("add --dry-run, or use `custsync check`")
        .is_not_shown(CANARY);
}
