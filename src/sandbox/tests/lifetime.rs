//! Tests of starting and stopping, on the caller's runtime and on a thread.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};

use serde_json::json;
use tokio::io::AsyncReadExt;

use super::super::{Sandbox, SandboxError, SandboxOptions, SandboxThread};
use super::{Scene, read_all};

fn is_refused(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn a_connection_serves_more_than_one_request() {
    let scene = Scene::start(SandboxOptions::default()).await;
    let mut stream = scene.put_raw().await;
    assert!(stream.read_u8().await.is_ok());
    scene.write_put(&mut stream).await;
    while scene.sandbox.counts().applied < 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn stopping_cuts_off_requests_in_flight() {
    let scene = Scene::start(SandboxOptions {
        faults: "timeout=100%".parse().unwrap(),
        ..SandboxOptions::default()
    })
    .await;
    let mut held = scene.put_raw().await;
    while scene.sandbox.counts().requests == 0 {
        tokio::task::yield_now().await;
    }
    let address = scene.sandbox.address();
    let counts = scene.sandbox.stop().await;
    assert_eq!(counts.requests, 1);
    assert_eq!(read_all(&mut held).await.unwrap_or_default(), "");
    assert!(is_refused(address));
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_the_start() {
    let start = async |options: SandboxOptions| Sandbox::start(options).await.err();
    let everywhere = SandboxOptions {
        listen: ([0, 0, 0, 0], 0).into(),
        ..SandboxOptions::default()
    };
    assert!(matches!(
        start(everywhere).await,
        Some(SandboxError::NotLoopback(_))
    ));
    let directory = tempfile::tempdir().unwrap();
    let no_file = SandboxOptions {
        ledger: Some(directory.path().to_owned()),
        ..SandboxOptions::default()
    };
    assert!(matches!(
        start(no_file).await,
        Some(SandboxError::Ledger { .. })
    ));
    let taken = Sandbox::start(SandboxOptions::default()).await.unwrap();
    let same_port = SandboxOptions {
        listen: taken.address(),
        ..SandboxOptions::default()
    };
    assert!(matches!(
        start(same_port).await,
        Some(SandboxError::Listen { .. })
    ));
}

#[tokio::test]
async fn a_thread_of_its_own_serves_until_it_is_stopped() {
    // `Scene` brings the client; the sandbox that answers is the thread's.
    let scene = Scene::start(SandboxOptions::default()).await;
    let thread = SandboxThread::start(SandboxOptions::default()).unwrap();
    let response = scene
        .client
        .put(format!("{}/v1/customers/1", thread.base_url()))
        .bearer_auth(thread.token())
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .body(json!({"job": "Clerk"}).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(thread.counts().applied, 1);
    let address = thread.address();
    assert_eq!(thread.stop().applied, 1);
    assert!(is_refused(address));
}

#[test]
fn a_dropped_thread_has_stopped() {
    let thread = SandboxThread::start(SandboxOptions::default()).unwrap();
    let address = thread.address();
    let same_port = SandboxOptions {
        listen: address,
        ..SandboxOptions::default()
    };
    assert!(matches!(
        SandboxThread::start(same_port).err(),
        Some(SandboxError::Listen { .. })
    ));
    drop(thread);
    assert!(is_refused(address));
}
