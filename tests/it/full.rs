//! Values of what the program writes in which no key is left out: a table or schema of keys is
//! compared with them.

use std::fmt;

use custsync::testing::contract::{Field, FieldSet};
use custsync::testing::journal::{
    AnswerTimes, Entry, EntryError, Fact, Figures, Header, InputIdentity, Outcome, Purpose,
    SentFigures, Shard,
};
use custsync::testing::preview::{FieldFindings, Findings};
use custsync::testing::results::TimelinePoint;
use custsync::testing::results::notice::{Notice, NoticeCounts};
use custsync::testing::results::summary::{
    EchoField, EchoSummary, ErrorGroup, LatencySummary, ProcessSummary, SendingSummary,
    SettingSummary, StepSummary, Summary, Tone, Totals,
};
use custsync::testing::results::tally::MessageCount;
use jiff::Timestamp;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

/// The keys of an entry's line, in their order.
pub(crate) fn keys_of_entry() -> Vec<String> {
    struct Keys;

    impl<'de> Visitor<'de> for Keys {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Vec<String>, A::Error> {
            let mut keys = Vec::new();
            while let Some((key, IgnoredAny)) = members.next_entry()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }

    let mut line = Vec::new();
    full_entry().encode(&mut line);
    let mut parser = serde_json::Deserializer::from_slice(&line);
    parser.deserialize_map(Keys).expect("a JSON object")
}

/// An entry in which no key is left out.
pub(crate) fn full_entry() -> Entry<'static> {
    Entry {
        row: 1,
        line: 2,
        file: Some(1),
        id: Some(7),
        outcome: Outcome::Failed,
        status: Some(503),
        cause: Some("http_503".into()),
        ambiguous: true,
        attempts: Some(5),
        ms: Some(20),
        error: Some("error".into()),
        message: Some("message".into()),
        errors: vec![EntryError {
            field: "email".into(),
            code: None,
            message: "message".into(),
        }],
        fields: FieldSet::ALL,
        overtaken: FieldSet::ALL,
        echo: FieldSet::ALL,
        echo_spelling: FieldSet::ALL,
        echo_next_day: true,
        updated_at: Some("2026-11-23T09:18:04.123456Z".parse().unwrap()),
        at: "2026-11-23T09:18:04.113Z".parse().unwrap(),
        hash: 1,
        request: Some(1),
    }
}

/// An entry of the summary's errors in which no key is left out.
pub(crate) fn full_error_group() -> ErrorGroup {
    ErrorGroup {
        outcome: Some(Outcome::Invalid),
        field: None,
        code: String::new(),
        status: Some(422),
        rows: 1,
        share: 0.1,
        first: Vec::new(),
        messages: vec![MessageCount {
            message: String::new(),
            rows: 1,
        }],
    }
}

/// An echo check in which no key is left out.
pub(crate) fn full_echo() -> EchoSummary {
    EchoSummary {
        rows: 0,
        rejected: true,
        fields: vec![full_echo_field()],
    }
}

/// A field of an echo check in which no key is left out.
pub(crate) fn full_echo_field() -> EchoField {
    EchoField {
        field: String::new(),
        differs: 0,
        next_day: 0,
        spelling: 0,
        share: 0.0,
        first: Vec::new(),
        first_spelling: Vec::new(),
    }
}

/// Numbers of sending in which no key is left out.
pub(crate) fn full_sending() -> SendingSummary {
    SendingSummary {
        requests: 0,
        requests_per_second: 0.0,
        retries: std::collections::BTreeMap::new(),
        pauses: 0,
        paused_s: 0.0,
        outages: 0,
        down_s: 0.0,
        controls: 0,
        token_renewals: 0,
        learned_rate_per_second: Some(48.2),
        learned_in_flight: Some(5),
        in_flight_max: 0,
        held_back_by: Some(std::collections::BTreeMap::new()),
        latency_ms: None,
    }
}

/// A summary in which no key is left out.
pub(crate) fn full_summary() -> Summary {
    Summary {
        version: "1".to_owned(),
        command: Purpose::Run,
        verdict: String::new(),
        reasons: Vec::new(),
        tone: Tone::Good,
        next_steps: vec![full_step()],
        inputs: Vec::new(),
        read_as: Vec::new(),
        run_dir: Some(String::new()),
        started: String::new(),
        ended: String::new(),
        seconds: 0.0,
        records: 0,
        read_to_end: true,
        total: Some(0),
        valid: Some(0),
        updated: Some(0),
        invalid: 0,
        rejected: Some(0),
        failed: Some(0),
        superseded: Some(0),
        unchanged: Some(1),
        conflict: Some(1),
        elsewhere: Some(1),
        other: Some(1),
        preview: Some(Findings {
            fields: vec![FieldFindings::default()],
            ..Findings::default()
        }),
        unsent: Some(0),
        unrecorded: Some(0),
        errors: Vec::new(),
        warnings: Vec::new(),
        echo: Some(full_echo()),
        dates_normalised: 0,
        fields_left_out: 0,
        left_out_is_kept: Some(true),
        fields_overtaken: 0,
        blank_rows: 0,
        sending: Some(full_sending()),
        processes: Some(vec![full_process()]),
        totals: Some(full_totals()),
        stopped: None,
        continue_with: Some(String::new()),
        error_message: Some(String::new()),
        exit_code: 0,
        files: Vec::new(),
        failed_files: Vec::new(),
        settings: vec![full_setting()],
    }
}

/// A next step in which no key is left out.
pub(crate) fn full_step() -> StepSummary {
    StepSummary {
        advice: String::new(),
        command: Some(String::new()),
    }
}

/// A setting in which no key is left out.
pub(crate) fn full_setting() -> SettingSummary {
    SettingSummary {
        name: String::new(),
        value: Some(String::new()),
        origin: String::new(),
    }
}

/// A process in which no key is left out.
pub(crate) fn full_process() -> ProcessSummary {
    ProcessSummary {
        version: String::new(),
        started: String::new(),
        ended: None,
        exit_code: None,
        seconds: None,
        rows: 0,
        sending: None,
    }
}

/// The sums over processes.
pub(crate) fn full_totals() -> Totals {
    Totals {
        processes: 1,
        processes_unknown: 0,
        rows: 0,
        seconds: 0.0,
        sending: full_sending(),
    }
}

/// A line of the timeline.
pub(crate) fn full_point() -> TimelinePoint {
    TimelinePoint {
        at: Timestamp::UNIX_EPOCH,
        ms: 0,
        rows: 0,
        bad: 0,
        requests: 0,
        in_flight: 0.0,
        in_flight_max: 0,
        rate_per_second: None,
        held_back_ms: std::collections::BTreeMap::new(),
    }
}

/// Percentiles.
pub(crate) fn full_latency() -> LatencySummary {
    LatencySummary {
        p50: 0.0,
        p95: 0.0,
        p99: 0.0,
    }
}

/// A header in which no key is left out.
pub(crate) fn full_header() -> Header {
    Header {
        custsync_journal: 2,
        run: String::new(),
        version: String::new(),
        purpose: Purpose::Run,
        started: Timestamp::UNIX_EPOCH,
        rules: 1,
        request_hash: 1,
        key: Some(String::new()),
        shard: Some(Shard::new(1, 2).expect("a shard")),
        state_after: Some(String::new()),
        inputs: vec![full_input()],
        settings: std::collections::BTreeMap::new(),
    }
}

/// An input in which no key is left out.
pub(crate) fn full_input() -> InputIdentity {
    let digest = || Some(String::new());
    InputIdentity {
        name: String::new(),
        bytes: Some(0),
        head: digest(),
        tail: digest(),
        columns: digest(),
    }
}

/// A fact of each kind, in which no key is left out.
pub(crate) fn full_facts() -> Vec<Fact> {
    let at = Timestamp::UNIX_EPOCH;
    vec![
        Fact::Continued {
            at,
            version: String::new(),
        },
        Fact::Ended {
            at,
            exit: 0,
            until: Some(at),
            opens: Some(at),
            figures: Some(Box::new(full_figures())),
        },
        Fact::LeftOut { at, kept: true },
        Fact::Canary {
            at,
            customers: 1,
            updated: 1,
            bad: 1,
            echo: [Field::Email].into_iter().collect(),
            goes_on: true,
        },
        Fact::Undone { at },
        Fact::Synced { bytes: 0 },
    ]
}

/// Figures in which no key is left out.
pub(crate) fn full_figures() -> Figures {
    let mut answers = AnswerTimes::default();
    answers.add(1, 1);
    Figures {
        started: Timestamp::UNIX_EPOCH,
        ms: 1,
        latency_us: Some([1; 3]),
        sent: SentFigures {
            requests: 1,
            retries: [("timeout".to_owned(), 1)].into(),
            pauses: 1,
            paused_ms: 1,
            outages: 1,
            down_ms: 1,
            controls: 1,
            token_refreshes: 1,
            in_flight_max: 1,
            answers,
        },
    }
}

/// A notice in which no key is left out.
pub(crate) fn full_notice() -> Notice {
    Notice {
        version: "",
        command: "run",
        verdict: String::new(),
        exit_code: 0,
        inputs: Vec::new(),
        run_dir: Some(String::new()),
        counts: Some(NoticeCounts::default()),
        reasons: Vec::new(),
        next_steps: vec![full_step()],
        started: Some(String::new()),
        ended: String::new(),
    }
}
