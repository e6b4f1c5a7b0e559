//! The way to the database of the state is encrypted, and whose certificate it shows is checked.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lanner_testkit::PostgreSql;
use serde_json::{Value, json};

use crate::program::{PATIENCE, Setup};

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A certificate for the name `localhost`, and no other, as `server.crt` and `server.key`, its authority as `ca.pem`, and one that
/// signed nothing as `other.pem`.
fn certificates(folder: &Path) {
    let new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for name in ["ca", "other"] {
        openssl(folder, &format!("{new} -x509 -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"));
    }
    openssl(folder, &format!("{new} -subj /CN=localhost -keyout server.key -out server.csr"));
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let authority = "-CA ca.pem -CAkey ca.key -CAcreateserial";
    openssl(folder, &format!("x509 -req -in server.csr {authority} -days 2 -extfile names -out server.crt"));
}

fn setup(folder: &Path, url: &str, authority: Option<&str>) -> Setup {
    std::fs::create_dir_all(folder).unwrap();
    let mut setup = Setup::new(folder);
    let mut database = json!({ "url": url });
    if let Some(authority) = authority {
        let certificates = folder.parent().unwrap();
        database["ca_file"] = Value::String(certificates.join(authority).display().to_string());
    }
    let file = folder.join("lanner.yaml");
    std::fs::write(&file, json!({ "server": { "state": { "postgresql": database } } }).to_string()).unwrap();
    setup.config = Some(file);
    setup
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_certificate_of_the_database_is_checked() {
    if !Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: tests with certificates, because there is no openssl to make them");
        return;
    }
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut server) = PostgreSql::start_with_tls(data.path()) else { return };
    certificates(folder.path());
    let plain = server.fresh("sealed");
    server.kill();
    let of_server = data.path().join("data");
    for name in ["server.crt", "server.key"] {
        std::fs::copy(folder.path().join(name), of_server.join(name)).unwrap();
    }
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(of_server.join("server.key"), private).unwrap();
    let settings = of_server.join("postgresql.conf");
    let settings_before = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{settings_before}\nssl = on\n")).unwrap();
    // Whoever comes in the clear is turned away.
    std::fs::write(of_server.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n").unwrap();
    server.go_on();

    let named = plain.replace("127.0.0.1", "localhost");
    let encrypted = |url: &str, mode: &str| format!("{url}?sslmode={mode}");
    for (at, mode) in ["require", "verify-full"].into_iter().enumerate() {
        let one = setup(&folder.path().join(format!("good-{at}")), &encrypted(&named, mode), Some("ca.pem"));
        let program = one.start().await;
        let how = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'lanner'";
        assert_eq!(server.ask("sealed", how), "t");
        program.stop().await;
    }
    for (name, url, authority, expected) in [
        ("other", encrypted(&named, "require"), Some("other.pem"), "certificate"),
        ("system", encrypted(&named, "require"), None, "certificate"),
        ("name", encrypted(&plain, "require"), Some("ca.pem"), "certificate"),
        ("clear", encrypted(&named, "disable"), Some("ca.pem"), "no pg_hba.conf entry"),
    ] {
        let one = setup(&folder.path().join(name), &url, authority);
        let program = one.spawn();
        let begun = Instant::now();
        while !one.log().contains(expected) {
            assert!(begun.elapsed() < PATIENCE, "{name}: {}", one.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("{name}: {}", one.log().lines().find(|line| line.contains(expected)).unwrap());
        drop(program);
    }
}
