//! Packed properties: every answer is the same, whoever reads them, and whether or not new events are packed still.

use serde_json::{Value, json};
use tests::events::{event, experiment, exposure, with};
use tests::moment::days_ago;
use tests::{Service, Tenant, World};
use uuid::Uuid;

tests::cases![
    packed_events_give_the_answers_of_plain_ones,
    a_dictionary_that_is_gone_is_told_and_costs_nobody_else,
    two_that_pack_share_a_dictionary_without_what_is_one_persons,
    a_tenant_with_little_in_common_is_stored_as_it_is,
];

const PACKS: (&str, &str) = ("JOURNEYLIFT_PACK_EVENTS", "true");
const PERSONS: usize = 300;

/// What a shop sends of a person: an exposure and something else, over and over.
fn visits(round: usize) -> Vec<Value> {
    let details = |at: usize| {
        let (category, device) = (["boots", "tents", "rainwear"][at % 3], ["ios", "android", "desktop"][at / 7 % 3]);
        json!({
            "category": category,
            "device": device,
            "session": format!("{:016x}", (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            "url": format!("https://shop.example.com/catalogue/{}?utm_medium=cpc&utm_campaign=spring", at * 37 % 4_001),
            "note": "\u{fc}ber \"all\" \u{1f9e6}",
            "price": at as f64 / 4.0,
        })
    };
    let mut events = Vec::new();
    for person in 0..PERSONS {
        let (user, at) = (format!("customer-{person}"), round * PERSONS + person);
        let hours = chrono::Duration::hours(i64::try_from(round).unwrap());
        if round == 0 {
            let arm = if person % 2 == 0 { "off" } else { "on" };
            let mut shown = exposure(&format!("x{at}"), &user, "e", arm, days_ago(20));
            shown["properties"]["device"] = details(at)["device"].clone();
            events.push(shown);
        }
        let bought =
            with(event(&format!("v{at}"), &user, "Order Completed", days_ago(19) + hours), &json!({"value": "5.25"}));
        events.push(with(bought, &json!({"properties": details(at), "context": {"library": {"name": "shop"}}})));
    }
    events
}

async fn define(tenant: &Tenant) {
    let boots = json!({"kind": "sum", "event": "Order Completed", "where": {"properties.category": "boots"}});
    tenant.metric("boots", &boots).await;
    tenant.metric("carts", &json!({"kind": "count", "event": "Order Completed"})).await;
    let document = with(experiment(&["boots", "carts"]), &json!({"dimensions": ["device"]}));
    tenant.experiment("e", &document).await;
}

async fn accept(tenant: &Tenant, service: &Service, events: &[Value]) {
    // A body of hundreds of events is held against the contract by its answer alone.
    let call = tenant.ingest.at(service.place()).post("/v1/events").json(&json!(events)).invalid();
    let answer = call.send().await.expect(200);
    assert_eq!(answer["accepted"], events.len(), "{answer}");
}

/// Rows of a tenant that are packed, and that are stored as they are.
async fn forms(world: &World, tenant: &Tenant) -> (i64, i64) {
    let sql = "SELECT count(packed), count(data) FROM event WHERE tenant_id = $1";
    let id: Uuid = tenant.id.parse().unwrap();
    sqlx::query_as(sql).bind(id).fetch_one(&world.superuser().await).await.unwrap()
}

/// Posts until new events are packed, and one round more.
async fn until_packed(world: &World, tenant: &Tenant, also: &[(&Tenant, &Service)]) -> usize {
    for round in 0..40 {
        let packed = forms(world, tenant).await.0;
        let events = visits(round);
        accept(tenant, &world.service, &events).await;
        for (other, service) in also {
            accept(other, service, &events).await;
        }
        if packed > 0 {
            return round + 1;
        }
    }
    panic!("no event is ever packed");
}

/// What an answer says of the experiment, without what tells answers apart that were given at different times.
async fn said(tenant: &Tenant, query: &str) -> Value {
    let mut results = tenant.settled("e", query).await;
    let answer = results.as_object_mut().unwrap();
    answer.retain(|field, _| ["metrics", "checks", "by", "arms", "persons", "values"].contains(&field.as_str()));
    assert!(answer.contains_key("metrics"));
    results
}

async fn agree(packed: &Tenant, plain: &Tenant) {
    for query in ["", "by=device"] {
        let (one, other) = (said(packed, query).await, said(plain, query).await);
        assert_eq!(one, other, "{query}");
    }
}

fn printed(world: &World, tenant: &Tenant, more: &[&str]) -> Vec<Value> {
    let output = world.journeylift(&[&["events", "--tenant", &tenant.id], more].concat(), None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn packed_events_give_the_answers_of_plain_ones() {
    // One packs and leaves measuring to the other, which must read the dictionary before it can unpack anything.
    let world = World::with(&[PACKS, ("JOURNEYLIFT_NO_BACKGROUND", "true")]).await;
    let other = world.another().await;
    let (packed, plain) = (world.tenant().await, world.tenant().await);
    define(&packed).await;
    define(&plain).await;
    let rounds = until_packed(&world, &packed, &[(&plain, &other)]).await;
    world.caught_up(&packed).await;
    agree(&packed, &plain).await;
    let stored = i64::try_from(rounds * PERSONS + PERSONS).unwrap();
    let (with, without) = forms(&world, &packed).await;
    assert!(with > 0 && without >= 2_000 && with + without == stored, "{with} {without}");
    assert_eq!(forms(&world, &plain).await, (0, stored));

    // A third of the bytes.
    let id: Uuid = packed.id.parse().unwrap();
    let pool = world.superuser().await;
    let sizes = "SELECT avg(octet_length(packed))::float8, avg(octet_length(data::text))::float8 FROM event WHERE tenant_id = $1";
    let (short, long): (f64, f64) = sqlx::query_as(sizes).bind(id).fetch_one(&pool).await.unwrap();
    assert!(short * 3.0 < long, "{short} {long}");

    // What is sent again is known again, and a change of what is measured reads everything once more, packed or not.
    let again = visits(rounds - 1);
    let (accepted, duplicates, _) = packed.post(&again[..50]).await;
    assert_eq!((accepted, duplicates), (0, 50));
    for tenant in [&packed, &plain] {
        let tents = json!({"kind": "count", "event": "Order Completed", "where": {"properties.category": "tents", "context.library.name": "shop"}});
        tenant.metric("carts", &tents).await;
        world.caught_up(tenant).await;
    }
    agree(&packed, &plain).await;

    // Events as they were sent, in either form.
    let lines = printed(&world, &packed, &[]);
    assert_eq!(lines.len() as i64, stored);
    let all: Vec<Value> = (0..rounds).flat_map(visits).collect();
    for sent in all.iter().filter(|event| event["event_id"].as_str().unwrap().ends_with("77")) {
        let found: Vec<&Value> = lines.iter().filter(|line| line["properties"] == sent["properties"]).collect();
        assert!(
            found.iter().any(|line| line["user_id"] == sent["user_id"] && line["context"] == sent["context"]),
            "{sent}"
        );
    }
    let some = printed(&world, &packed, &["--limit", "3", "--after", lines[4]["event_id"].as_str().unwrap()]);
    assert_eq!(some, lines[5..8]);

    // Who packs no longer reads what is packed, and stores new events as they are.
    world.service.forget(PACKS.0);
    world.service.stop().await;
    world.service.start_again().await;
    let more = visits(rounds);
    accept(&packed, &world.service, &more).await;
    accept(&plain, &other, &more).await;
    assert_eq!(forms(&world, &packed).await.0, with);
    agree(&packed, &plain).await;
}

async fn a_dictionary_that_is_gone_is_told_and_costs_nobody_else() {
    let world = World::with(&[PACKS]).await;
    let (tenant, neighbour) = (world.tenant().await, world.tenant().await);
    define(&tenant).await;
    define(&neighbour).await;
    let rounds = until_packed(&world, &tenant, &[(&neighbour, &world.service)]).await;
    world.caught_up(&tenant).await;
    let id: Uuid = tenant.id.parse().unwrap();
    let pool = world.superuser().await;
    let take =
        "WITH gone AS (DELETE FROM dictionary WHERE tenant_id = $1 RETURNING *) SELECT to_jsonb(gone)::text FROM gone";
    let kept: Vec<String> = sqlx::query_scalar(take).bind(id).fetch_all(&pool).await.unwrap();
    assert_eq!(kept.len(), 1);
    // Who has it in memory does not go on packing with what nobody else could read, and loses nothing.
    let (packed, before) = forms(&world, &tenant).await;
    for of in [&tenant, &neighbour] {
        accept(of, &world.service, &visits(rounds)).await;
    }
    assert_eq!(forms(&world, &tenant).await, (packed, before + i64::try_from(PERSONS).unwrap()));

    world.service.stop().await;
    world.service.start_again().await;
    for of in [&tenant, &neighbour] {
        let tents = json!({"kind": "sum", "event": "Order Completed", "where": {"properties.category": "tents"}});
        of.metric("boots", &tents).await;
        world.caught_up(of).await;
    }
    let results = tenant.settled("e", "").await;
    let aside = results["fresh"]["set_aside"].as_array().unwrap();
    assert!(!aside.is_empty(), "{}", results["fresh"]);
    assert!(aside[0].to_string().contains("bring its row of the table dictionary back"), "{}", aside[0]);
    assert_eq!(neighbour.settled("e", "").await["fresh"]["set_aside"], json!([]));

    let back = "INSERT INTO dictionary SELECT * FROM jsonb_populate_record(NULL::dictionary, $1::jsonb)";
    sqlx::query(back).bind(&kept[0]).execute(&pool).await.unwrap();
    // Whoever was set aside is measured whole with the next event.
    for of in [&tenant, &neighbour] {
        accept(of, &world.service, &visits(rounds + 1)).await;
        world.caught_up(of).await;
    }
    assert_eq!(tenant.settled("e", "").await["fresh"]["set_aside"], json!([]));
    agree(&tenant, &neighbour).await;
}

async fn two_that_pack_share_a_dictionary_without_what_is_one_persons() {
    let world = World::with(&[PACKS]).await;
    let other = Service::start(&world.database, &[PACKS]).await;
    let tenant = world.tenant().await;
    let mut rounds = until_packed(&world, &tenant, &[]).await;
    let (before, _) = forms(&world, &tenant).await;
    // The other one learns from its own events, and finds what is there already once it has enough of them.
    while forms(&world, &tenant).await.0 == before {
        accept(&tenant, &other, &visits(rounds)).await;
        rounds += 1;
        assert!(rounds < 80, "the other one never packs");
    }
    let pool = world.superuser().await;
    let id: Uuid = tenant.id.parse().unwrap();
    let bodies: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT body FROM dictionary WHERE tenant_id = $1").bind(id).fetch_all(&pool).await.unwrap();
    assert_eq!(bodies.len(), 1);
    let holds = |text: &str| bodies[0].windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("https://shop.example.com/catalogue/"));
    for event in (0..rounds).flat_map(visits) {
        if let Some(session) = event["properties"]["session"].as_str() {
            assert!(!holds(session), "{session}");
        }
    }
}

async fn a_tenant_with_little_in_common_is_stored_as_it_is() {
    let world = World::with(&[PACKS]).await;
    let tenant = world.tenant().await;
    let noise = || {
        let mixed = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()].map(Uuid::into_bytes).concat();
        mixed.into_iter().map(|byte| char::from(b'#' + byte % 91)).filter(|c| *c != '\\').collect::<String>()
    };
    for round in 0..6 {
        let events: Vec<Value> = (0..400)
            .map(|at| event(&format!("{round}-{at}"), &format!("u{at}"), "Page Viewed", days_ago(2)))
            .map(|event| with(event, &json!({"properties": {"s": noise()}})))
            .collect();
        accept(&tenant, &world.service, &events).await;
    }
    let mut waited = 0;
    while !world.service.last_words().contains("too little in common") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        waited += 1;
        assert!(waited < 400, "no dictionary was tried");
    }
    let last = with(event("last", "u", "Page Viewed", days_ago(1)), &json!({"properties": {"s": "x"}}));
    accept(&tenant, &world.service, &[last]).await;
    assert_eq!(forms(&world, &tenant).await, (0, 2_401));
}
