//! The cost of each stage of a row by itself: `cargo bench`. Throughput is in bytes of input if
//! there are any, and in rows otherwise.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Cursor;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use custsync::testing::contract::{
    Answer, Attempt, Body, CustomerId, EchoCheck, Field, Response, UpdateBuilder, ValueRules,
};
use custsync::testing::input::{Block, BlockSize, Input, InputName, InputRules, RowRules};
use custsync::testing::journal::{Entry, Outcome};
use custsync::testing::schedule::error_limit::ErrorLimit;
use custsync::testing::schedule::rate::Rate;
use custsync::testing::schedule::{
    Care, History, Moment, RateSharing, ReadNeed, RetryPolicy, Rules, Schedule, Step,
};

/// About a megabyte of rows.
const ROWS: u64 = 6_000;

fn csv() -> String {
    let mut text = String::from(
        "id,first_name,last_name,phone_number,email,date_of_birth,gender,country_id,job,address\n",
    );
    for id in 1..=ROWS {
        let row = format_args!(
            "{id},José,\"Smith, Jr.\",+1{id:010},user{id}@example.com,1985-04-12T00:00:00Z,other,150,Engineer,\"{id} Main Street, Springfield, IL 56838\"\n"
        );
        text.write_fmt(row).expect("a String can be written");
    }
    text
}

fn ndjson() -> String {
    let mut text = String::new();
    for id in 1..=ROWS {
        let row = format_args!(
            "{{\"id\": {id}, \"first_name\": \"José\", \"last_name\": \"Smith, Jr.\", \"phone_number\": \"+1{id:010}\", \"email\": \"user{id}@example.com\", \"date_of_birth\": \"1985-04-12T00:00:00Z\", \"gender\": \"other\", \"country_id\": 150, \"job\": \"Engineer\", \"address\": \"{id} Main Street, Springfield, IL 56838\"}}\n"
        );
        text.write_fmt(row).expect("a String can be written");
    }
    text
}

fn open(name: &str, text: &str) -> Input {
    let reader = Box::new(Cursor::new(text.as_bytes().to_vec()));
    let name = InputName::from_argument(name.into());
    Input::of_reader(name, reader, &InputRules::default(), BlockSize::default())
        .expect("a good input")
}

fn blocks(input: &mut Input) -> Vec<Block> {
    std::iter::from_fn(|| input.next_block().expect("whole records")).collect()
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reading");
    for (name, text) in [("a.csv", csv()), ("a.ndjson", ndjson())] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("cut into blocks, {name}"), |bencher| {
            bencher.iter_batched(
                || open(name, &text),
                |mut input| blocks(&mut input),
                criterion::BatchSize::LargeInput,
            );
        });
        let mut input = open(name, &text);
        let (blocks, rules) = (blocks(&mut input), RowRules::default());
        group.bench_function(format!("parse and check, {name}"), |bencher| {
            bencher.iter(|| {
                let mut valid = 0_u64;
                for block in &blocks {
                    input.layout().parse(block, &rules, 0, &mut |record| {
                        valid += u64::from(record.checked.is_ok());
                    });
                }
                assert_eq!(valid, ROWS);
            });
        });
    }
    group.finish();
}

const VALUES: [(Field, &str); 7] = [
    (Field::FirstName, "José"),
    (Field::PhoneNumber, "+10207388624"),
    (Field::Email, "jsmith@example.com"),
    (Field::DateOfBirth, "1985-04-12T00:00:00Z"),
    (Field::Gender, "other"),
    (Field::CountryId, "150"),
    (Field::Address, "1409 Main Street, Springfield, IL 56838"),
];

fn checking(criterion: &mut Criterion) {
    let rules = ValueRules::default();
    let mut group = criterion.benchmark_group("a row");
    group.throughput(Throughput::Elements(1));
    let fill = |builder: &mut UpdateBuilder<'_>| {
        builder.clear();
        assert!(builder.set_usual_id("1042"), "an id");
        for (field, text) in VALUES {
            assert!(builder.set_usual_text(field, text), "a usual value");
        }
    };
    let mut builder = UpdateBuilder::new(&rules);
    group.bench_function("check", |bencher| {
        bencher.iter(|| {
            fill(&mut builder);
            black_box(builder.finish().is_ok())
        });
    });
    fill(&mut builder);
    let update = builder.finish().expect("a good row");
    let mut body = Vec::new();
    group.bench_function("serialise", |bencher| {
        bencher.iter(|| {
            body.clear();
            update.write_body(&mut body);
            black_box(body.len())
        });
    });
    let at = "2026-11-23T09:18:04.113Z".parse().expect("a time");
    let entry = Entry::new(17, 18, Outcome::Updated, at, 0x9f3c);
    let entry = Entry {
        id: Some(1042),
        status: Some(200),
        attempts: Some(1),
        ms: Some(41),
        ..entry
    };
    let mut line = Vec::new();
    group.bench_function("journal entry", |bencher| {
        bencher.iter(|| {
            line.clear();
            entry.encode(&mut line);
            black_box(line.len())
        });
    });
    group.finish();
}

/// One row through the schedule: offered, sent, answered, recorded.
fn scheduling(criterion: &mut Criterion) {
    let rules = Rules {
        rate: Rate::Unlimited,
        sharing: RateSharing::Alone,
        in_flight_max: 64,
        retry: RetryPolicy::new(5).expect("a good number of attempts"),
        error_limit: ErrorLimit::None,
        echo: EchoCheck::Warn,
        wait_max: Duration::from_mins(15),
        timeout: Duration::from_secs(30),
        grace: Duration::from_secs(25),
        reads: ReadNeed::Required,
    };
    let mut schedule = Schedule::new(rules, History::default(), 7);
    let answer = |took| Attempt {
        answer: Answer::Response(Response {
            status: 200,
            body: Body::APPLIED,
            ..Response::default()
        }),
        took,
    };
    let (mut id, mut passed) = (0, Duration::ZERO);
    let mut group = criterion.benchmark_group("a row");
    group.throughput(Throughput::Elements(1));
    group.bench_function("schedule", |bencher| {
        bencher.iter(|| {
            id += 1;
            passed += Duration::from_micros(20);
            let now = Moment::after_start(passed);
            let customer = CustomerId::new(id).expect("an id");
            schedule.offer(customer, id, 400, Care::None);
            match schedule.next(now) {
                Step::Send(ticket, _) => {
                    schedule.finished(ticket, answer(Duration::from_micros(15)), now);
                }
                other => panic!("{other:?} instead of a request"),
            }
            let ended = schedule.pop_ended().expect("the answer ends the row");
            schedule.recorded(ended.customer);
            black_box(ended.attempts)
        });
    });
    group.finish();
}

criterion_group!(stages, reading, checking, scheduling);
criterion_main!(stages);
