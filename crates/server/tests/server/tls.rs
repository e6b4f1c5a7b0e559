//! A server with a certificate: HTTPS, renewed files, and clients that speak the wrong protocol.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lanner_server::settings::Tls;

use crate::switching::{Running, start_with};

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A certificate for this machine as `NAME.pem` and `NAME.key`, and its authority as `NAME.ca.pem`.
pub(crate) fn make(folder: &Path, name: &str) {
    let new = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        folder,
        &format!("{new} -x509 -days 2 -subj /CN={name} -keyout {name}.ca.key -out {name}.ca.pem"),
    );
    openssl(folder, &format!("{new} -subj /CN=localhost -keyout {name}.key -out {name}.csr"));
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    let authority = format!("-CA {name}.ca.pem -CAkey {name}.ca.key -CAcreateserial");
    openssl(folder, &format!("x509 -req -in {name}.csr {authority} -days 2 -extfile names -out {name}.pem"));
}

pub(crate) fn has_openssl() -> bool {
    let is_there =
        Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("SKIPPED: tests with certificates, because there is no openssl to make them");
    }
    is_there
}

/// A client that trusts one authority and keeps no connection.
fn client(certificate: &Path) -> reqwest::Client {
    let certificate = reqwest::Certificate::from_pem(&std::fs::read(certificate).unwrap()).unwrap();
    reqwest::Client::builder().tls_certs_only([certificate]).pool_max_idle_per_host(0).build().unwrap()
}

/// A server with the certificate `cert`.
pub(crate) async fn start(folder: &Path) -> Running {
    let tls = Tls { cert: folder.join("cert.pem"), key: folder.join("cert.key") };
    start_with(tempfile::tempdir().unwrap(), |settings| settings.tls = Some(tls)).await
}

fn copy(folder: &Path, from: &str, to: &str) {
    std::fs::copy(folder.join(from), folder.join(to)).unwrap();
}

/// What a server says to bytes that are not its protocol.
async fn say(address: SocketAddr, bytes: &'static [u8]) -> String {
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    });
    asked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_used_without_a_restart() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    lanner_io::receiver::install_crypto_provider();
    make(folder, "old");
    make(folder, "new");
    copy(folder, "old.pem", "cert.pem");
    copy(folder, "old.key", "cert.key");
    let server = start(folder).await;
    assert!(server.server.url().starts_with("https://127.0.0.1:"));
    let url = format!("{}/healthz", server.server.url());
    let (old, new) = (client(&folder.join("old.ca.pem")), client(&folder.join("new.ca.pem")));
    assert_eq!(old.get(&url).send().await.unwrap().status(), 200);
    assert!(new.get(&url).send().await.is_err());

    // In the midst of a renewal the files do not fit together: nothing changes.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    copy(folder, "new.pem", "cert.pem");
    assert_eq!(old.get(&url).send().await.unwrap().status(), 200);
    copy(folder, "new.key", "cert.key");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(new.get(&url).send().await.unwrap().status(), 200);
    // Whoever has greeted the server before may go on without looking at its certificate again.
    assert!(client(&folder.join("old.ca.pem")).get(&url).send().await.is_err());
    // Nor does it when they vanish, or hold something else.
    std::fs::remove_file(folder.join("cert.key")).unwrap();
    std::fs::write(folder.join("cert.pem"), "hello").unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(new.get(&url).send().await.unwrap().status(), 200);
    server.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_protocol_is_told_in_words() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    lanner_io::receiver::install_crypto_provider();
    make(folder.path(), "cert");
    let server = start(folder.path()).await;
    let address = server.server.http_addr();
    let request = b"GET /api/v1/rules HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let answer = say(address, request).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("speaks HTTPS; write https://"),
        "{answer}"
    );
    // Whoever says nothing keeps nobody else waiting.
    let silent: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(address).unwrap()).collect();
    let url = format!("{}/healthz", server.server.url());
    let asked =
        client(&folder.path().join("cert.ca.pem")).get(&url).timeout(Duration::from_secs(5)).send().await;
    assert_eq!(asked.unwrap().status(), 200);
    drop(silent);
    server.server.stop().await;

    let plain = crate::switching::start().await;
    let hello = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03 and so on";
    let answer = say(plain.server.http_addr(), hello).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("speaks plain HTTP; write http://"),
        "{answer}"
    );
    plain.server.stop().await;
}

#[tokio::test]
async fn what_is_no_certificate_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = lanner_server::Settings::new(folder.path().join("data"));
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    (settings.carbon, settings.carbon_pickle) = (None, None);
    settings.tls = Some(Tls { cert: folder.path().join("none.pem"), key: folder.path().join("none.key") });
    let error = lanner_server::Server::start(settings).await.unwrap_err().to_string();
    assert!(error.starts_with("server.tls.cert: cannot read") && error.contains("none.pem"), "{error}");
}

/// What it takes to sign with given dates.
const AUTHORITY: &str = "
[ca]
default_ca = own
[own]
new_certs_dir = .
database = index
serial = serial
default_md = sha256
policy = any
x509_extensions = names
unique_subject = no
[any]
commonName = supplied
[names]
subjectAltName = DNS:localhost,IP:127.0.0.1
";

/// Signs the key that [`make`] made once more, for a time between two dates.
fn sign_for(folder: &Path, name: &str, from: &str, to: &str) {
    std::fs::write(folder.join("authority.cnf"), AUTHORITY).unwrap();
    std::fs::write(folder.join("index"), "").unwrap();
    std::fs::write(folder.join("serial"), "01\n").unwrap();
    let authority = format!("-config authority.cnf -cert {name}.ca.pem -keyfile {name}.ca.key");
    openssl(
        folder,
        &format!(
            "ca -batch -notext {authority} -in {name}.csr -out {name}.pem -startdate {from} -enddate {to}"
        ),
    );
}

/// The words of the library that finds out change with its releases; those for people stay.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_certificate_is_told_in_words() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    lanner_io::receiver::install_crypto_provider();
    for name in ["cert", "other"] {
        make(path, name);
    }
    let why = async |server: &Running, authority: &str, host: &str| {
        let address = server.server.http_addr();
        let certificate = std::fs::read(path.join(authority)).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&certificate).unwrap()])
            .resolve(host, address)
            .build()
            .unwrap();
        let asked = client.get(format!("https://{host}:{}/healthz", address.port())).send().await;
        asked.map_or_else(|error| lanner_core::cause::deepest(&error), |answer| answer.status().to_string())
    };
    let server = start(path).await;
    assert_eq!(why(&server, "cert.ca.pem", "localhost").await, "200 OK");
    let unknown = "its certificate is not signed by an authority that this machine trusts";
    assert_eq!(why(&server, "other.ca.pem", "localhost").await, unknown);
    assert_eq!(why(&server, "cert.ca.pem", "elsewhere.example").await, "its certificate is for another name");
    server.server.stop().await;
    for (from, to, expected) in [
        ("20200101000000Z", "20210101000000Z", "its certificate has expired"),
        (
            "20900101000000Z",
            "20910101000000Z",
            "its certificate is not valid yet; look at the clocks of both machines",
        ),
    ] {
        sign_for(path, "cert", from, to);
        let server = start(path).await;
        assert_eq!(why(&server, "cert.ca.pem", "localhost").await, expected);
        server.server.stop().await;
    }
    let plain = crate::switching::start().await;
    let said = why(&plain, "cert.ca.pem", "localhost").await;
    assert!(said.starts_with("what answers there does not speak TLS; write http://"), "{said}");
    plain.server.stop().await;
}
