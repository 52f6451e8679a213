//! Tests of updates: their effect on a customer, and the errors of invalid ones.

use std::fs;

use serde_json::{Value, json};

use super::super::{ErrorShape, Put, SandboxOptions};
use super::Scene;

#[tokio::test]
async fn an_update_is_trimmed_applied_and_shown() {
    let scene = Scene::start(SandboxOptions::default()).await;
    let before = scene.get("/v1/customers/42").await.body["data"].clone();
    let body =
        json!({"first_name": "  Zoë ", "job": "", "country_id": 84, "user_id": 9, "email": null});
    let answer = scene.put(42, &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["success"], "Customer updated");

    let shown = &answer.body["data"];
    let mut want = before;
    want["first_name"] = json!("Zoë");
    want["job"] = json!(null);
    want["country_name"] = json!("Country 84");
    want["related_user"] = json!({"id": 9, "name": "User 9"});
    want["email"] = json!(null);
    want["updated_at"] = shown["updated_at"].clone();
    assert_eq!(*shown, want);
    assert_eq!(scene.get("/v1/customers/42").await.body["data"], want);
}

#[tokio::test]
async fn a_customer_has_the_fields_of_the_reference_page() {
    let scene = Scene::start(SandboxOptions::default()).await;
    let answer = scene.get("/v1/customers/1").await;
    let shown: Vec<&String> = answer.body["data"].as_object().unwrap().keys().collect();
    let mut want = [
        "id",
        "first_name",
        "last_name",
        "phone_number",
        "email",
        "date_of_birth",
        "gender",
        "country_name",
        "identity_number",
        "job",
        "address",
        "default_channel_id",
        "avatar_url",
        "related_user",
        "created_at",
        "updated_at",
        "deleted_at",
    ];
    want.sort_unstable();
    assert_eq!(shown, want);
}

/// Each rule once, in both shapes; the rules' edges are tested beside them.
#[tokio::test]
async fn each_broken_rule_is_named_in_both_shapes() {
    let scene = Scene::start(SandboxOptions {
        error_shape: ErrorShape::Both,
        ..SandboxOptions::default()
    })
    .await;
    let check = async |field: &str, value: Value, want: &str| {
        let body = json!({field: value});
        let documented = scene.put(2, &body).await;
        assert_eq!(documented.status, 422, "{body}");
        assert_eq!(
            documented.body["message"],
            format!("The '{field}' field {want}.")
        );
        let laravel = scene.put(3, &body).await;
        assert_eq!(laravel.status, 422, "{body}");
        let message = format!("The {} field {want}.", field.replace('_', " "));
        assert_eq!(
            laravel.body,
            json!({"message": message, "errors": {field: [message]}})
        );
    };
    let long = |characters: usize| json!("ü".repeat(characters));
    for field in ["first_name", "last_name", "phone_number"] {
        check(field, json!(null), "must have a value").await;
        check(field, json!("  "), "must have a value").await;
    }
    check(
        "first_name",
        long(256),
        "must not be greater than 255 characters",
    )
    .await;
    check(
        "last_name",
        long(256),
        "must not be greater than 255 characters",
    )
    .await;
    check(
        "phone_number",
        long(21),
        "must not be greater than 20 characters",
    )
    .await;
    check("phone_number", json!(491_234), "must be a string").await;
    check(
        "email",
        long(256),
        "must not be greater than 255 characters",
    )
    .await;
    check("email", json!("jsmith"), "must be a valid email address").await;
    check(
        "date_of_birth",
        json!("31.12.1999"),
        "must be a valid date-time",
    )
    .await;
    check(
        "gender",
        json!("MALE"),
        "must be one of male, female, other",
    )
    .await;
    check("country_id", json!("84"), "must be an integer").await;
    check("identity_number", json!(7), "must be a string").await;
    check("job", long(256), "must not be greater than 255 characters").await;
    check(
        "address",
        long(1_001),
        "must not be greater than 1000 characters",
    )
    .await;
    check("default_channel_id", json!(1.5), "must be an integer").await;
    check("user_id", json!(true), "must be an integer").await;
    check("nickname", json!("Zed"), "is not known").await;
    assert_eq!(scene.sandbox.counts().applied, 0);
}

#[tokio::test]
async fn the_ledger_shows_an_update_before_its_answer_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.ndjson");
    let scene = Scene::start(SandboxOptions {
        ledger: Some(path.clone()),
        ..SandboxOptions::default()
    })
    .await;
    let check = async |id: u64, body: Value, want_lines: usize| {
        scene.put(id, &body).await;
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), want_lines, "{body}");
        let last = lines.last().unwrap();
        assert_eq!(last["n"], want_lines);
        (last["id"].as_u64().unwrap(), last["body"].clone())
    };
    let padded = json!({"first_name": " Zoë "});
    assert_eq!(check(5, padded.clone(), 1).await, (5, padded.clone()));
    assert_eq!(check(5, json!({"gender": "none"}), 1).await, (5, padded));
    assert_eq!(check(6, json!({}), 2).await, (6, json!({})));
    assert_eq!(scene.sandbox.counts().applied, 2);
}

#[tokio::test]
async fn a_put_that_replaces_leaves_null_where_it_says_nothing() {
    let scene = Scene::start(SandboxOptions {
        put: Put::Replace,
        ..SandboxOptions::default()
    })
    .await;
    let answer = scene
        .put(42, &json!({"first_name": "Zoë", "country_id": 84}))
        .await;
    assert_eq!(answer.status, 200);
    let shown = &answer.body["data"];
    for field in [
        "last_name",
        "phone_number",
        "email",
        "date_of_birth",
        "gender",
        "identity_number",
        "job",
        "address",
        "default_channel_id",
        "related_user",
    ] {
        assert_eq!(shown[field], json!(null), "{field}");
    }
    assert_eq!(
        (&shown["first_name"], &shown["country_name"]),
        (&json!("Zoë"), &json!("Country 84"))
    );
    assert_eq!(scene.get("/v1/customers/42").await.body["data"], *shown);

    // Null in the body is refused as before.
    let refused = scene.put(42, &json!({"last_name": null})).await;
    assert_eq!(refused.status, 422);

    let emptied = scene.put(42, &json!({})).await;
    assert_eq!(emptied.body["data"]["first_name"], json!(null));
    assert_eq!(emptied.body["data"]["country_name"], json!(null));
}

#[tokio::test]
async fn a_value_may_be_stored_other_than_it_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.ndjson");
    let scene = Scene::start(SandboxOptions {
        echo: "job=ignore,email=lower-case,date_of_birth=next-day"
            .parse()
            .unwrap(),
        put: Put::Replace,
        ledger: Some(path.clone()),
        ..SandboxOptions::default()
    })
    .await;
    let before = scene.get("/v1/customers/42").await.body["data"].clone();
    let sent = json!({
        "job": "Judge",
        "email": "Zoe@Example.com",
        "date_of_birth": "1985-04-12T00:00:00Z",
        "address": "1  Main Street",
    });
    let answer = scene.put(42, &sent).await;
    assert_eq!(answer.status, 200);
    let shown = &answer.body["data"];
    assert_eq!(shown["job"], before["job"]);
    assert_eq!(shown["email"], "zoe@example.com");
    assert_eq!(shown["date_of_birth"], "1985-04-13T00:00:00Z");
    assert_eq!(shown["address"], "1  Main Street");
    assert_eq!(scene.get("/v1/customers/42").await.body["data"], *shown);

    // Not even a body that leaves it out changes an ignored field.
    let left_out = scene.put(42, &json!({})).await;
    assert_eq!(left_out.body["data"]["job"], before["job"]);
    assert_eq!(left_out.body["data"]["email"], json!(null));

    let ledger = fs::read_to_string(&path).unwrap();
    let line: Value = serde_json::from_str(ledger.lines().next().unwrap()).unwrap();
    assert_eq!(line["body"], sent);
}
