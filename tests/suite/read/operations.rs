//! What operators ask, and what the process says without a database.

use server::postgres::Role;
use tests::contract::{Contract, contract};
use tests::{Client, Database, Service, World};

tests::cases![
    the_process_tells_of_itself,
    the_document_is_the_one_in_the_repository,
    it_is_not_ready_without_its_database,
    starting_migrates
];

fn nobody(service: &Service) -> Client {
    service.client(None)
}

async fn the_process_tells_of_itself() {
    let world = World::new().await;
    super::example(&world).await;
    let client = nobody(&world.service);
    assert_eq!(client.get("/livez").expect(200).await["status"], "ok");
    let ready = client.get("/readyz").expect(200).await;
    assert_eq!(ready["ready"], true, "{ready}");
    assert_eq!(client.get("/version").expect(200).await["name"], "journeylift");
    let metrics = client.get("/metrics").send().await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.text().lines().filter(|line| !line.starts_with('#')).count() > 5, "{}", metrics.text());
    // Every other page that the document describes and that needs no key.
    for operation in &contract().operations {
        if operation.method == "GET"
            && operation.path_parameters().is_empty()
            && operation.body.get("security").is_none_or(|s| s == &serde_json::json!([]))
        {
            let answer = client.get(&operation.path).send().await;
            assert_eq!(answer.status, 200, "{}", operation.path);
            assert!(!answer.bytes.is_empty(), "{}", operation.path);
        }
    }
}

async fn the_document_is_the_one_in_the_repository() {
    let world = World::new().await;
    let served = nobody(&world.service).get("/openapi.yaml").send().await;
    let served = Contract::read(&served.text());
    assert_eq!(served.document(), contract().document(), "write openapi.yaml anew with `make openapi`");
    assert!(contract().document()["openapi"].as_str().unwrap().starts_with("3.1"));
    for operation in &contract().operations {
        assert!(operation.body["operationId"].is_string(), "{} has no operationId", operation.name());
        for name in operation.path_parameters() {
            assert!(
                operation.parameters.iter().any(|p| p["name"] == name && p["in"] == "path"),
                "{}",
                operation.name()
            );
        }
    }
}

async fn it_is_not_ready_without_its_database() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let superuser = Database::new().await.pool(Role::Superuser).await;
    let url = world.database.url(Role::Service);
    let name = url.rsplit_once('/').unwrap().1.split('?').next().unwrap().to_owned();
    let run = async |sql: String| sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&superuser).await.unwrap();
    run(format!("ALTER DATABASE {name} CONNECTION LIMIT 0")).await;
    run(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
    let client = nobody(&world.service);
    let not = client.get("/readyz").send().await.expect(503);
    assert_eq!(not["ready"], false);
    assert_eq!(client.get("/livez").expect(200).await["status"], "ok");
    let began = std::time::Instant::now();
    let answer = tenant
        .ingest
        .post("/v1/events")
        .json(&serde_json::json!([tests::events::event("1", "u", "A", tests::moment::days_ago(1))]))
        .send()
        .await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
    run(format!("ALTER DATABASE {name} CONNECTION LIMIT -1")).await;
    for tries in 0.. {
        assert!(tries < 400, "it never recovers");
        if client.get("/readyz").send().await.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    tenant.accept(&[tests::events::event("1", "u", "A", tests::moment::days_ago(1))]).await;
}

async fn starting_migrates() {
    let database = Database::empty().await;
    let (first, second) = (Service::prepare(&database, &[]), Service::prepare(&database, &[]));
    // Two that start at once on an empty database: one migrates, the other waits.
    futures_util::future::join(first.start_again(), second.start_again()).await;
    let world = World { database, service: first };
    super::example(&world).await;
}
