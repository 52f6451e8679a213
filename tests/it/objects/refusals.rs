//! What cannot be read says why, and what to do, without a secret.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::{applied_all, knowing, reading};
use crate::harness::{Broken, KEY, ObjectServer, Scenario, jobs, long_jobs};

const ADDRESS: &str = "s3://exports/customers.csv";

#[test]
fn a_store_that_refuses_says_what_to_do() {
    let check = |broken: Broken, want: &str| {
        let server = ObjectServer::start(move |_, _| Some(broken.clone()));
        let end = reading(&server, ADDRESS).run([]).exits(2);
        let end = end.says(&format!("{ADDRESS}: cannot be read: {want}"));
        assert!(end.files.is_empty());
        end.is_nowhere(KEY);
        assert_eq!(server.requests().len(), 1, "{want}");
    };
    check(
        Broken::Status(404, "NoSuchKey", ""),
        "there is no such object: is the address right? (404 NoSuchKey)",
    );
    check(
        Broken::Status(404, "NoSuchBucket", ""),
        "there is no such bucket",
    );
    check(
        Broken::Status(403, "AccessDenied", ""),
        "access is denied: do the credentials have s3:GetObject here?",
    );
    check(
        Broken::Status(403, "RequestTimeTooSkewed", ""),
        "this machine's clock differs",
    );
    check(
        Broken::Status(400, "ExpiredToken", ""),
        "the credentials have expired",
    );
    check(
        Broken::Status(403, "SignatureDoesNotMatch", ""),
        "the server does not accept the credentials",
    );
    check(
        Broken::Status(
            301,
            "PermanentRedirect",
            "x-amz-bucket-region: eu-west-1\r\n",
        ),
        "the bucket is in the region eu-west-1: set AWS_REGION=eu-west-1 (301 PermanentRedirect)",
    );
}

#[test]
fn a_refusal_in_the_middle_ends_the_run_as_one_of_a_server_does() {
    let server = ObjectServer::start(|request, _| match request.number {
        1 => None,
        2 => Some(Broken::After(300_000)),
        _ => Some(Broken::Status(400, "ExpiredToken", "")),
    });
    let server = server.with("exports/customers.csv", long_jobs(2_000));
    let end = reading(&server, ADDRESS).run([]).exits(2);
    let end = end.says("the credentials have expired: get new ones, and run this again");
    let updated = end.summary()["updated"].as_u64().unwrap() as usize;
    assert!((1..2_000).contains(&updated), "{updated}");
    applied_all(&end, updated);
}

#[test]
fn a_machine_without_credentials_is_told_soon() {
    // Nobody accepts at this address, as with the metadata of a machine in no cloud.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let metadata = format!("http://{}", silent.local_addr().unwrap());
    let scenario = Scenario::new()
        .variable("AWS_METADATA_ENDPOINT", &metadata)
        .input(ADDRESS)
        .sandbox(|_| {});
    let started = Instant::now();
    let end = scenario.run([]).exits(2);
    end.says("there are no credentials for S3 (no answer within 5 s")
        .says("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    assert!(started.elapsed() < Duration::from_secs(20));
    drop(silent);
    let end = scenario.run([]).exits(2);
    end.says("there are no credentials for S3 (cannot connect to 127.0.0.1:");
}

#[test]
fn half_of_the_credentials_are_none() {
    let scenario = Scenario::new().variable("AWS_ACCESS_KEY_ID", "AKIA");
    let end = scenario.input(ADDRESS).sandbox(|_| {}).run([]).exits(2);
    end.says("the settings for S3 in the environment cannot be used: Missing SecretAccessKey");
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    let server = ObjectServer::start(|_, _| None).with("exports/customers.csv", jobs(3));
    let scenario = || knowing(&server).input(ADDRESS).sandbox(|_| {});
    let elsewhere = "http://objects.invalid:9000";
    let end = scenario()
        .variable("AWS_ENDPOINT_URL", elsewhere)
        .run([])
        .exits(2);
    end.says("objects.invalid:9000 is asked over plain http")
        .says("AWS_ALLOW_HTTP=true or --allow-http");
    let end = scenario()
        .variable("AWS_ENDPOINT_URL", elsewhere)
        .variable("AWS_ALLOW_HTTP", "true")
        .run([])
        .exits(2);
    end.says("there is no host of the name objects.invalid:9000");
    scenario().run([]).exits(0);
}

#[test]
fn a_store_that_cannot_be_reached_is_named() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let server = ObjectServer::start(|_, _| None);
    let scenario = reading(&server, ADDRESS).variable("AWS_ENDPOINT_URL", &endpoint);
    let end = scenario.run(["--max-wait", "1s"]).exits(4);
    end.says("connection refused, and nothing came for");
}

#[test]
fn what_is_no_address_of_an_object_is_refused_before_anything() {
    let check = |address: &str, want: &str| {
        let end = Scenario::new()
            .input(address)
            .sandbox(|_| {})
            .run([])
            .exits(2);
        end.says(want).is_nowhere("canary");
    };
    check("s3://key:canary@exports/a.csv", "does not name a bucket");
    check(
        "gs://exports/a//b.csv",
        "has a part in its key that is empty",
    );
    check(
        "ftp://exports/a.csv",
        "only https://, s3://, gs:// and az:// addresses are",
    );
}
