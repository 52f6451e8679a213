//! Tests of edits by a third party, and of what a test learns about customers.

use std::fs;

use serde_json::{Value, json};

use super::super::{Edit, Edits, SandboxOptions, SandboxThread, Share};
use super::Scene;

async fn scene_with(edits: Edits) -> Scene {
    Scene::start(SandboxOptions {
        edits,
        seed: 7,
        ..SandboxOptions::default()
    })
    .await
}

fn share(text: &str) -> Share {
    text.parse().unwrap()
}

async fn read(scene: &Scene, id: u64) -> Value {
    scene.get(&format!("/v1/customers/{id}")).await.body["data"].clone()
}

#[tokio::test]
async fn an_edit_before_an_answer_is_in_it_and_one_after_it_is_not() {
    let check = async |before: &str, after: &str, edit_is_shown: bool| {
        let scene = scene_with(Edits {
            before: share(before),
            after: share(after),
        })
        .await;
        let first = scene_with(Edits::default()).await;
        let shown = read(&scene, 7).await;
        let edits = scene.sandbox.api.edits();
        let [edit] = edits.as_slice() else {
            panic!("one edit, not {edits:?}");
        };
        assert_eq!(edit.customer, 7);
        assert_eq!(shown[edit.field] == edit.value, edit_is_shown);
        assert_eq!(shown == read(&first, 7).await, !edit_is_shown);
        assert_eq!(scene.sandbox.api.values(7)[edit.field], edit.value);
        assert_eq!(scene.sandbox.counts().applied, 0);
    };
    check("100%", "0%", true).await;
    check("0%", "100%", false).await;
}

/// Each read of one customer is drawn anew. Pages, updates and unknown ids meet no edit.
#[tokio::test]
async fn edits_hit_their_share_of_the_reads_with_values_of_their_own() {
    let scene = scene_with(Edits {
        before: Share::default(),
        after: share("20%"),
    })
    .await;
    for id in 1..=300 {
        read(&scene, id).await;
    }
    let edits = scene.sandbox.api.edits();
    assert!((40..=80).contains(&edits.len()), "{}", edits.len());
    let mut values: Vec<String> = edits.iter().map(|edit| edit.value.to_string()).collect();
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), edits.len());
    let mut fields: Vec<&str> = edits.iter().map(|edit| edit.field).collect();
    fields.sort_unstable();
    fields.dedup();
    let want = [
        "address",
        "first_name",
        "identity_number",
        "job",
        "last_name",
    ];
    assert_eq!(fields, want);
    let customers: Vec<u64> = edits.iter().map(|edit| edit.customer).collect();
    assert_eq!(scene.sandbox.api.changed_ids(), customers);

    let always = scene_with(Edits {
        before: share("100%"),
        after: share("100%"),
    })
    .await;
    always.get("/v1/customers").await;
    always.put(7, &json!({"job": "Judge"})).await;
    assert_eq!(always.get("/v1/customers/1001").await.status, 404);
    assert_eq!(always.sandbox.api.edits(), []);
}

#[tokio::test]
async fn a_test_sees_and_edits_every_field() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger.ndjson");
    let thread = SandboxThread::start(SandboxOptions {
        ledger: Some(ledger.clone()),
        ..SandboxOptions::default()
    })
    .unwrap();
    let before = thread.customer(7);
    let fields: Vec<&String> = before.as_object().unwrap().keys().collect();
    let want = [
        "address",
        "country_id",
        "date_of_birth",
        "default_channel_id",
        "email",
        "first_name",
        "gender",
        "identity_number",
        "job",
        "last_name",
        "phone_number",
        "user_id",
    ];
    assert_eq!(fields, want);
    assert!(before["country_id"].is_u64() && before["user_id"].is_u64());
    assert_eq!(thread.customers_changed(), [0; 0]);

    let edit: Edit = thread.edit(7, "user_id", json!(9)).unwrap();
    assert_eq!(
        (edit.customer, edit.field, &edit.value, edit.updates_before),
        (7, "user_id", &json!(9), 0)
    );
    let unruly = thread.edit(3, "gender", json!("unknown")).unwrap();
    assert_eq!(thread.edits(), [edit, unruly]);
    assert_eq!(thread.customer(7)["user_id"], 9);
    assert_eq!(thread.customer(7)["job"], before["job"]);
    assert_eq!(thread.customer(3)["gender"], "unknown");
    assert_eq!(thread.customers_changed(), [3, 7]);

    assert_eq!(thread.edit(1_001, "job", json!("Judge")), None);
    assert_eq!(thread.edit(7, "jobs", json!("Judge")), None);
    assert_eq!(thread.edits().len(), 2);
    assert_eq!(thread.customer(1_001), Value::Null);
    assert_eq!(fs::read_to_string(ledger).unwrap(), "");
}

#[tokio::test]
async fn an_edit_knows_the_updates_before_it_and_changes_the_tag() {
    let scene = Scene::start(SandboxOptions {
        etags: super::super::ETags::Strong,
        ..SandboxOptions::default()
    })
    .await;
    scene.put(7, &json!({"job": "Judge"})).await;
    let updated = scene.put(8, &json!({"job": "Nun"})).await;
    let edit = scene.sandbox.api.edit(8, "job", json!("Clerk")).unwrap();
    assert_eq!(edit.updates_before, 2);
    let shown = scene.get("/v1/customers/8").await;
    assert_ne!(shown.header("etag"), updated.header("etag"));
    let refused = scene
        .put_request(8, &json!({"job": "Nun"}))
        .header("if-match", updated.header("etag").unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 412);
}
