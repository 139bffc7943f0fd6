//! The supervisor against real servers: first start, death, adoption, guests, long paths, the tether.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use super::postmaster::{Postmaster, kill};
use super::{Address, Embedded, EmbeddedOptions, Layout, Role, address, find};

/// A data directory of its own, whose server and files go with the test, also when it fails.
fn fresh(name: &str) -> (PathBuf, EmbeddedOptions) {
    let folder = format!("journeylift-{name}-{}", address::random_hex::<6>().unwrap());
    let data_dir = std::env::temp_dir().join(folder);
    let options = EmbeddedOptions {
        temporary: true,
        shared_buffers_mib: Some(16),
        start_timeout: Duration::from_mins(1),
        ..EmbeddedOptions::new(&data_dir)
    };
    (data_dir, options)
}

async fn connect(address: &Address, role: Role) -> PgConnection {
    PgConnection::connect(&address.url(role)).await.unwrap()
}

async fn count(address: &Address) -> i64 {
    let mut connection = connect(address, Role::Owner).await;
    sqlx::query_scalar("SELECT count(*) FROM note").fetch_one(&mut connection).await.unwrap()
}

/// The number of the server's process, once there is one that is not `other`.
async fn pid(layout: &Layout, other: Option<u32>) -> u32 {
    for _ in 0..1200 {
        if let Ok(Some(postmaster)) = Postmaster::left_behind(layout)
            && postmaster.pid() != other
            && postmaster.says_ready(layout)
        {
            return postmaster.pid().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no server came up");
}

#[tokio::test]
async fn a_killed_server_comes_back_with_all_that_was_committed() {
    let (data_dir, options) = fresh("killed");
    let embedded = Embedded::start(&options).await.unwrap();
    let layout = Layout::existing(&data_dir).unwrap().unwrap();

    let mut owner = connect(embedded.address(), Role::Owner).await;
    sqlx::query("CREATE TABLE note (id int)").execute(&mut owner).await.unwrap();
    sqlx::query("INSERT INTO note SELECT generate_series(1, 1000)").execute(&mut owner).await.unwrap();

    let first = pid(&layout, None).await;
    kill(first, "-9");
    let second = pid(&layout, Some(first)).await;
    assert_ne!(first, second);
    assert_eq!(count(embedded.address()).await, 1000);

    embedded.stop().await.unwrap();
    assert!(!data_dir.exists(), "a temporary server leaves nothing behind");
}

#[tokio::test]
async fn settings_roles_and_files_are_as_promised() {
    let (data_dir, options) = fresh("roles");
    let embedded = Embedded::start(&options).await.unwrap();
    for (setting, expected) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("max_wal_size", "8GB"),
        ("checkpoint_timeout", "30min"),
        ("max_connections", "200"),
        ("jit", "off"),
        ("TimeZone", "UTC"),
        ("lc_collate", "C"),
        ("server_encoding", "UTF8"),
        ("log_min_error_statement", "panic"),
    ] {
        let mut superuser = connect(embedded.address(), Role::Superuser).await;
        let found: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut superuser)
            .await
            .unwrap_or_else(|error| panic!("{setting}: {error}"));
        assert_eq!(found, expected, "{setting}");
    }

    for role in [Role::Service, Role::App, Role::Maintenance] {
        let mut connection = connect(embedded.address(), role).await;
        let denied = sqlx::query("CREATE TABLE theirs (id int)").execute(&mut connection).await.unwrap_err();
        assert_eq!(denied.as_database_error().unwrap().code().unwrap(), "42501", "{role:?} may not define tables");
    }
    // What the first migration and the pools of the store do.
    let mut owner = connect(embedded.address(), Role::Owner).await;
    sqlx::query("GRANT journeylift_app, journeylift_maintenance TO CURRENT_USER").execute(&mut owner).await.unwrap();
    for role in [Role::App, Role::Maintenance] {
        let url = format!("{}&options=-c%20role%3D{}", embedded.url(Role::Service), role.name());
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let user: String = sqlx::query_scalar("SELECT current_user::text").fetch_one(&mut connection).await.unwrap();
        assert_eq!(user, role.name());
    }

    let wrong = embedded.url(Role::App).replace(embedded.address().password(Role::App), "guess");
    let refused = PgConnection::connect(&wrong).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "28P01", "a wrong password is refused");

    let mode = |name: &str| std::fs::metadata(data_dir.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("postgres"), mode("postgres.json"), mode("postgres/cluster")), (0o700, 0o600, 0o700));
    assert!(!format!("{embedded:?}").contains(embedded.address().password(Role::Owner)));
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_left_behind_is_adopted_and_one_that_was_stopped_is_started_again() {
    let (data_dir, options) = fresh("adopted");
    // The tether of this one only removes the files when the test ends; the others come and go like a service's.
    let keeper = super::tether::Tether::new(&Layout::create(&data_dir).unwrap()).unwrap();
    let options = EmbeddedOptions { temporary: false, ..options };
    assert!(find(&data_dir).await.unwrap().is_none());

    let embedded = Embedded::start(&options).await.unwrap();
    let layout = Layout::existing(&data_dir).unwrap().unwrap();
    let mut owner = connect(embedded.address(), Role::Owner).await;
    sqlx::query("CREATE TABLE note (id int)").execute(&mut owner).await.unwrap();
    sqlx::query("INSERT INTO note VALUES (1)").execute(&mut owner).await.unwrap();
    drop(owner);
    assert_eq!(find(&data_dir).await.unwrap().unwrap().url(Role::App), embedded.url(Role::App));
    embedded.stop().await.unwrap();
    assert!(find(&data_dir).await.unwrap().is_none(), "stopped with the service");

    // A server that runs without a supervisor, as after `kill -9` of the service.
    let account = super::account::Account::choose(&layout).await.unwrap();
    let binaries = super::binaries::Binaries::find(None, layout.cluster_major()).unwrap();
    let orphan = Postmaster::spawn(&layout, &account, &binaries).unwrap();
    let orphan_pid = pid(&layout, None).await;
    let embedded = Embedded::start(&options).await.unwrap();
    assert_eq!(pid(&layout, None).await, orphan_pid, "adopted, not started again");
    assert_eq!(count(embedded.address()).await, 1);

    // An adopted server is watched, too. The note of its process is left for the next start to deal with.
    kill(orphan_pid, "-9");
    drop(orphan);
    assert_ne!(pid(&layout, Some(orphan_pid)).await, orphan_pid);
    assert_eq!(count(embedded.address()).await, 1);
    embedded.stop().await.unwrap();
    keeper.cut().await.unwrap();
    assert!(!data_dir.exists());
}

#[tokio::test]
async fn of_two_that_race_one_supervises_and_the_other_takes_over() {
    let (data_dir, options) = fresh("race");
    let keeper = super::tether::Tether::new(&Layout::create(&data_dir).unwrap()).unwrap();
    let options = EmbeddedOptions { temporary: false, ..options };
    let (one, two) = tokio::join!(Embedded::start(&options), Embedded::start(&options));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.url(Role::Owner), two.url(Role::Owner));

    let mut owner = connect(one.address(), Role::Owner).await;
    sqlx::query("CREATE TABLE note (id int)").execute(&mut owner).await.unwrap();
    drop(owner);
    let layout = Layout::existing(&data_dir).unwrap().unwrap();
    let before = pid(&layout, None).await;
    // Whichever of the two supervises: after one has gone, the other has a server.
    one.stop().await.unwrap();
    for _ in 0..600 {
        if find(&data_dir).await.unwrap().is_some() && layout.try_lock().unwrap().is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(count(two.address()).await, 0, "the server before was {before}");
    two.stop().await.unwrap();
    assert!(find(&data_dir).await.unwrap().is_none());
    keeper.cut().await.unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_private_one_elsewhere() {
    let (_, options) = fresh("long");
    let data_dir = options.data_dir.join("d".repeat(90));
    let embedded = Embedded::start(&EmbeddedOptions { data_dir, ..options.clone() }).await.unwrap();
    let directory = embedded.address().socket_directory().to_owned();
    assert!(directory.starts_with("/tmp"), "{}", directory.display());
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    connect(embedded.address(), Role::App).await;
    embedded.stop().await.unwrap();
    assert!(!directory.exists(), "the private directory goes, too");
    std::fs::remove_dir(options.data_dir).unwrap();
}

#[tokio::test]
async fn what_hinders_a_start_is_said() {
    let (data_dir, options) = fresh("hindered");
    let settings = vec![("no_such_setting".to_owned(), "1".to_owned())];
    let error = Embedded::start(&EmbeddedOptions { settings, ..options.clone() }).await.unwrap_err();
    assert!(format!("{error:#}").contains("no_such_setting"), "{error:#}");
    assert!(!data_dir.exists());

    std::fs::write(&data_dir, "a file").unwrap();
    let error = Embedded::start(&options).await.unwrap_err();
    assert!(format!("{error:#}").contains("JOURNEYLIFT_DATA_DIR"), "{error:#}");
    std::fs::remove_file(&data_dir).unwrap();

    let bin_dir = Some("/nowhere".into());
    let error = Embedded::start(&EmbeddedOptions { bin_dir, ..options }).await.unwrap_err();
    assert!(format!("{error:#}").contains("/nowhere"), "{error:#}");
}
