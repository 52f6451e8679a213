//! Google Cloud Storage and Azure Blob Storage, by their own variables and signatures.

use super::applied_all;
use crate::harness::{Broken, ObjectServer, Scenario, long_jobs};

const ROWS: usize = 2_000;

/// A double whose first long answer breaks, and which has a token for machines.
fn server() -> ObjectServer {
    let server =
        ObjectServer::start(|request, _| (request.number == 2).then_some(Broken::After(300_000)));
    server.with("exports/daily/customers.csv", long_jobs(ROWS))
}

fn of_google(server: &ObjectServer) -> Scenario {
    Scenario::new()
        .variable("GOOGLE_BASE_URL", &format!("http://{}", server.address()))
        .variable("GOOGLE_BEARER_TOKEN", "canary-bearer-5521")
}

fn of_azure(server: &ObjectServer) -> Scenario {
    Scenario::new()
        .variable("AZURE_STORAGE_USE_EMULATOR", "true")
        .variable(
            "AZURITE_BLOB_STORAGE_URL",
            &format!("http://{}", server.address()),
        )
}

#[test]
fn an_object_of_google_is_read_over_a_broken_connection() {
    let server = server();
    let scenario = of_google(&server)
        .input("gs://exports/daily/customers.csv")
        .unlimited()
        .sandbox(|_| {});
    let end = scenario.run([]).exits(0);
    applied_all(&end, ROWS);
    end.is_nowhere("canary-bearer-5521");
    assert_eq!(server.requests().len(), 3);
    for request in server.requests() {
        assert_eq!(
            request.header("authorization"),
            Some("Bearer canary-bearer-5521")
        );
        // Else Google would unpack what is stored compressed, and count other bytes.
        assert_eq!(request.header("accept-encoding"), Some("gzip"));
    }
}

#[test]
fn an_object_of_azure_is_read_over_a_broken_connection() {
    let server = server();
    let scenario = of_azure(&server)
        .input("az://exports/daily/customers.csv")
        .unlimited()
        .sandbox(|_| {});
    let end = scenario.run([]).exits(0);
    applied_all(&end, ROWS);
    assert_eq!(server.requests().len(), 3);
    for request in server.requests() {
        let authorization = request.header("authorization").unwrap();
        assert!(
            authorization.starts_with("SharedKey devstoreaccount1:"),
            "{authorization}"
        );
    }
}

#[test]
fn each_provider_names_its_own_variables() {
    let refusing = || ObjectServer::start(|_, _| Some(Broken::Status(403, "AccessDenied", "")));
    let server = refusing();
    let end = of_google(&server)
        .input("gs://b/a.csv")
        .sandbox(|_| {})
        .run([])
        .exits(2);
    end.says("access is denied: does the account have storage.objects.get here?");
    let server = refusing();
    let end = of_azure(&server)
        .input("az://b/a.csv")
        .sandbox(|_| {})
        .run([])
        .exits(2);
    end.says("access is denied: does the identity have the role Storage Blob Data Reader here?");
    let end = Scenario::new()
        .input("az://b/a.csv")
        .sandbox(|_| {})
        .run([])
        .exits(2);
    end.says("the settings for Azure Blob Storage in the environment cannot be used: Account must be specified")
        .says("set AZURE_STORAGE_ACCOUNT_NAME");
    let end = Scenario::new()
        .variable("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json")
        .input("gs://b/a.csv")
        .sandbox(|_| {})
        .run([])
        .exits(2);
    end.says("the settings for Google Cloud Storage in the environment cannot be used");
}

#[test]
fn a_run_is_published_to_google_and_azure() {
    for (variables, scheme) in [
        (of_google as fn(&ObjectServer) -> Scenario, "gs"),
        (of_azure, "az"),
    ] {
        let server = ObjectServer::start(|_, _| None);
        let scenario = variables(&server)
            .file("customers.csv", "id,job\n1,Cook\n")
            .sandbox(|_| {});
        let url = format!("{scheme}://reports/custsync");
        scenario
            .run(["--publish", &url])
            .exits(0)
            .says("published to");
        for name in ["results.ndjson", "summary.json", "report.html"] {
            let copy = server.object(&format!("reports/custsync/run/{name}"));
            assert_eq!(
                copy,
                scenario.read(&format!("run/{name}")),
                "{scheme} {name}"
            );
        }
    }
}
