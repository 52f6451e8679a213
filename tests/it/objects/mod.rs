//! Object storage: inputs at `s3://`, `gs://` and `az://`, and copies of a run's files there.

mod folders;
mod inputs;
mod providers;
mod publish;
mod refusals;

use crate::harness::{End, KEY, KEY_ID, ObjectServer, Scenario};

/// The region of the double, which the signature names.
const REGION: &str = "eu-central-1";
/// The limit of resident memory, in KiB.
const MEMORY_MAX_KIB: u64 = 64 << 10;

/// A scenario that knows this server and the credentials for it.
fn knowing(server: &ObjectServer) -> Scenario {
    Scenario::new()
        .variable("AWS_ENDPOINT_URL", &format!("http://{}", server.address()))
        .variable("AWS_ACCESS_KEY_ID", KEY_ID)
        .variable("AWS_SECRET_ACCESS_KEY", KEY)
        .variable("AWS_REGION", REGION)
}

/// A scenario with a sandbox whose input is this object.
fn reading(server: &ObjectServer, address: &str) -> Scenario {
    knowing(server).input(address).unlimited().sandbox(|_| {})
}

/// Checks that the run applied each row once, and that no secret is in any output and file.
fn applied_all(end: &End, rows: usize) {
    end.is_nowhere(KEY);
    assert_eq!(end.ledger.len(), rows);
}
