//! Tests of pages of customers.

use serde_json::json;

use super::super::{PageTotal, Pages, SandboxOptions, SuccessShape};
use super::Scene;

#[tokio::test]
async fn totals_are_in_meta_or_beside_the_customers() {
    let totals = json!({"current_page": 2, "per_page": 10, "last_page": 3, "total": 25});
    for page_total in [PageTotal::Meta, PageTotal::Top] {
        let scene = Scene::start(SandboxOptions {
            customers: 25,
            page_total,
            success_shape: SuccessShape::Bare,
            ..SandboxOptions::default()
        })
        .await;
        let mut page = scene.get("/v1/customers?page=2&per_page=10").await.body;
        let page = page.as_object_mut().unwrap();
        assert_eq!(page.remove("success"), Some(json!("Customers found")));
        let customers = page.remove("data").unwrap();
        assert_eq!(customers.as_array().unwrap().len(), 10);
        let found = match page_total {
            PageTotal::Meta => page.remove("meta").unwrap(),
            PageTotal::Top => std::mem::take(page).into(),
        };
        assert_eq!(found, totals, "{page_total:?}");
        assert!(page.is_empty(), "{page:?}");
    }
}

/// The ids and the total of a page of five.
async fn page(scene: &Scene, page: u64) -> (Vec<u64>, u64) {
    let path = format!("/v1/customers?page={page}&per_page=5");
    let body = scene.get(&path).await.body;
    let customers = body["data"].as_array().unwrap();
    let ids = customers
        .iter()
        .map(|customer| customer["id"].as_u64().unwrap());
    (ids.collect(), body["meta"]["total"].as_u64().unwrap())
}

#[tokio::test]
async fn on_moving_pages_a_customer_is_twice_or_missing() {
    let scene = Scene::start(SandboxOptions {
        customers: 17,
        pages: Pages::Moving,
        ..SandboxOptions::default()
    })
    .await;
    let status = async |id: u64| {
        let answer = scene.get(&format!("/v1/customers/{id}")).await;
        answer.status.as_u16()
    };
    assert_eq!(page(&scene, 1).await, (vec![1, 2, 3, 4, 5], 17));
    assert_eq!(page(&scene, 2).await, (vec![5, 6, 7, 8, 9], 18));
    assert_eq!(page(&scene, 3).await, (vec![11, 12, 13, 14, 15], 17));
    // The inserted customer is one like all others, until it is removed.
    assert_eq!(status(19).await, 200);
    assert_eq!(scene.put(19, &json!({"job": "Judge"})).await.status, 200);
    assert_eq!(page(&scene, 1).await, (vec![19, 1, 2, 3, 4], 18));
    assert_eq!((status(18).await, status(19).await), (404, 404));
    assert_eq!(scene.put(19, &json!({})).await.status, 404);
    assert_eq!(page(&scene, 4).await, (vec![16, 17], 17));
    assert_eq!(page(&scene, 4).await, (vec![15, 16, 17], 18));
}

#[tokio::test]
async fn pages_that_are_still_show_each_customer_once() {
    let scene = Scene::start(SandboxOptions {
        customers: 12,
        ..SandboxOptions::default()
    })
    .await;
    let mut shown = Vec::new();
    for n in 1..=4 {
        let (ids, total) = page(&scene, n).await;
        assert_eq!(total, 12);
        shown.extend(ids);
    }
    assert_eq!(shown, (1..=12).collect::<Vec<u64>>());
}
