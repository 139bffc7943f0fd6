//! Persons: components of linked subjects, whatever the order in which links and events arrive.

use serde_json::{Value, json};
use tests::World;
use tests::events::{event, exposure, order, with};

use super::{at, spend, tally, tenant};

tests::cases![
    a_link_joins_what_two_identities_did,
    chains_and_cycles_are_one_person,
    identify_and_alias_calls_link,
    a_merge_may_move_a_person_to_another_arm,
];

fn anonymous(event: Value, id: &str) -> Value {
    with(event, &json!({"user_id": null, "anonymous_id": id}))
}

fn link(id: &str, user: &str, anonymous: &str) -> Value {
    with(event(id, user, "Signed In", at(5, 0)), &json!({"anonymous_id": anonymous}))
}

async fn a_link_joins_what_two_identities_did() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("spend", spend())], &json!({})).await;
    tenant.accept(&[anonymous(exposure("1", "", "e", "on", at(1, 0)), "a1"), order("2", "u1", "10", at(2, 0))]).await;
    assert_eq!(tally(&tenant.results("e", "").await, "spend", "on"), (1, "0".into()));
    tenant.accept(&[link("3", "u1", "a1")]).await;
    assert_eq!(tally(&tenant.results("e", "").await, "spend", "on"), (1, "10".into()));
    // What either identity does from now on is the same person's.
    tenant.accept(&[anonymous(order("4", "", "5", at(3, 0)), "a1")]).await;
    assert_eq!(tally(&tenant.results("e", "").await, "spend", "on"), (1, "15".into()));
    // An anonymous id and a user id of the same text are two subjects.
    tenant.accept(&[anonymous(order("5", "", "100", at(3, 0)), "u1")]).await;
    assert_eq!(tally(&tenant.results("e", "").await, "spend", "on"), (1, "15".into()));
}

async fn chains_and_cycles_are_one_person() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("spend", spend())], &json!({})).await;
    // Three persons, each exposed and with an order of their own.
    for (n, value) in [(1, "1"), (2, "10"), (3, "100")] {
        let user = format!("u{n}");
        tenant
            .accept(&[
                exposure(&format!("x{n}"), &user, "e", "on", at(n, 0)),
                order(&format!("o{n}"), &user, value, at(n, 1)),
            ])
            .await;
    }
    assert_eq!(tally(&tenant.results("e", "").await, "spend", "on"), (3, "111".into()));
    // u1 - a1 - u2 - a2 - u3, and back to u1.
    for (n, (user, id)) in
        [("u1", "a1"), ("u2", "a1"), ("u2", "a2"), ("u3", "a2"), ("u3", "a1")].into_iter().enumerate()
    {
        tenant.accept(&[link(&format!("l{n}"), user, id)]).await;
        let (persons, sum) = tally(&tenant.results("e", "").await, "spend", "on");
        let wanted = [3, 2, 2, 1, 1][n];
        assert_eq!((persons, sum), (wanted, "111".into()), "after link {n}");
    }
    let results = tenant.results("e", "").await;
    assert_eq!(tests::events::arm(&results, "spend", "on")["tally"]["sum_of_squares"], "12321", "one person of 111");
}

async fn identify_and_alias_calls_link() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("spend", spend())], &json!({})).await;
    tenant
        .accept(&[
            anonymous(exposure("1", "", "e", "on", at(1, 0)), "browser"),
            order("2", "u1", "10", at(2, 0)),
            order("3", "renamed", "7", at(2, 0)),
        ])
        .await;
    let time = tests::moment::text(at(3, 0));
    let identify = json!({"messageId": "4", "userId": "u1", "anonymousId": "browser", "timestamp": time, "traits": {}});
    let _ = tenant.ingest.post("/v1/identify").json(&identify).expect(200).await;
    assert_eq!(tally(&tenant.results("e", "").await, "spend", "on"), (1, "10".into()));
    let alias = json!({"messageId": "5", "userId": "renamed", "previousId": "u1", "timestamp": time});
    let _ = tenant.ingest.post("/v1/alias").json(&alias).expect(200).await;
    assert_eq!(tally(&tenant.results("e", "").await, "spend", "on"), (1, "17".into()));
}

async fn a_merge_may_move_a_person_to_another_arm() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("spend", spend())], &json!({})).await;
    tenant
        .accept(&[
            exposure("1", "u2", "e", "on", at(3, 0)),
            order("2", "u2", "10", at(4, 0)),
            anonymous(exposure("3", "", "e", "off", at(1, 0)), "a1"),
            anonymous(order("4", "", "3", at(2, 0)), "a1"),
        ])
        .await;
    let results = tenant.results("e", "").await;
    assert_eq!((tally(&results, "spend", "on"), tally(&results, "spend", "off")), ((1, "10".into()), (1, "3".into())));
    tenant.accept(&[link("5", "u2", "a1")]).await;
    let results = tenant.results("e", "").await;
    assert_eq!((tally(&results, "spend", "on").0, tally(&results, "spend", "off")), (0, (1, "13".into())));
    assert_eq!(tests::events::check(&results, "crossovers")["persons"], 1);
}
