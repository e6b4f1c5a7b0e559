//! nginx in front of a service, asking the gate before each request: the configuration of docs/switches.md, for real, with
//! the server up, down, hanging and answering nonsense.
//!

//! `cargo xtask test` finds or fetches nginx; without it these tests say that they are skipped.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lanner_server::{Server, Settings};
use lanner_testkit::free_port;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Ended with the test, however it ends.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The locations that docs/switches.md shows.
fn documented() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/switches.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (_, rest) = text.split_once("```nginx\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// One process in the foreground, with all its files in `folder`; a server for each port and what it asks.
fn configuration(folder: &Path, shop: SocketAddr, gates: &[(u16, SocketAddr)]) -> String {
    let folder = folder.display();
    let mut text = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
"
    );
    let locations = documented();
    assert!(locations.contains("http://shop") && locations.contains("http://127.0.0.1:9797"), "{locations}");
    for (port, gate) in gates {
        let locations = locations.replace("http://shop", &format!("http://{shop}"));
        let locations = locations.replace("http://127.0.0.1:9797", &format!("http://{gate}"));
        writeln!(text, "server {{\nlisten 127.0.0.1:{port};\n{locations}}}").unwrap();
    }
    text + "}\n"
}

fn start(program: &Path, folder: &Path, shop: SocketAddr, gates: &[(u16, SocketAddr)]) -> Nginx {
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration(folder, shop, gates)).unwrap();
    let mut command = Command::new(program);
    Nginx(command.arg("-p").arg(folder).arg("-c").arg(&file).stderr(Stdio::inherit()).spawn().unwrap())
}

fn nginx() -> Option<PathBuf> {
    let program = std::env::var_os("LANNER_TEST_NGINX").map(PathBuf::from);
    if program.is_none() {
        eprintln!("SKIPPED: LANNER_TEST_NGINX does not say where nginx is; `cargo xtask test` fetches it");
    }
    program
}

/// Sends an order; nginx may still be starting.
async fn buy(http: &reqwest::Client, port: u16, query: &str, bank: &str) -> reqwest::Response {
    let url = format!("http://127.0.0.1:{port}/buy?{query}");
    let order = || http.post(&url).header("x-bank", bank).body("order").send();
    for _ in 0..200 {
        if let Ok(response) = order().await {
            return response;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    order().await.unwrap()
}

/// With its body, a request is an order.
async fn sell(body: String) -> &'static str {
    if body == "order" { "sold" } else { "nothing was ordered" }
}

async fn shop() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = axum::Router::new().route("/buy", axum::routing::any(sell));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// Status, `x-lanner-switch`, `retry-after` and body.
async fn told(response: reqwest::Response) -> (u16, Option<String>, Option<String>, String) {
    let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, switch, retry) =
        (response.status().as_u16(), header("x-lanner-switch"), header("retry-after"));
    (status, switch, retry, response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_through_what_no_switch_blocks() {
    let Some(program) = nginx() else { return };
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(folder.path().join("data"));
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    (settings.carbon, settings.carbon_pickle) = (None, None);
    let server = Server::start(settings).await.unwrap();
    let (port, http) = (free_port(), reqwest::Client::new());
    let _nginx = start(&program, folder.path(), shop().await, &[(port, server.http_addr())]);
    let ask = async |query: &str, bank: &str| told(buy(&http, port, query, bank).await).await;
    let lanner = format!("http://{}/api/v1/switches", server.http_addr());
    let throw = async |id: &str, body: serde_json::Value| {
        let response = http.post(format!("{lanner}{id}")).body(body.to_string()).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    };
    let sold = || (200, None, None, "sold".to_owned());
    let blocked = |switch: &str, retry: Option<&str>| {
        (503, Some(switch.to_owned()), retry.map(str::to_owned), "Temporarily blocked".to_owned())
    };

    assert_eq!(ask("item=1", "HSBC").await, sold());
    let when = r#"WORKFLOW == PURCHASE and header.x_bank == HSBC and method == POST and path == "/buy""#;
    throw("", json!({"switches": [{"id": "block-bank", "when": when}]})).await;
    assert_eq!(ask("item=1", "HSBC").await, blocked("block-bank", None));
    assert_eq!(ask("item=1", "ING").await, sold());
    throw("/block-bank/deactivate", json!({})).await;
    assert_eq!(ask("item=1", "HSBC").await, sold());
    // A parameter of the original request, and when to come back. The status for other callers changes nothing.
    let answer = json!({"status": 503, "headers": {"retry-after": "60"}});
    let switch = json!({"id": "by-bank", "when": r#"BANK in ("HSBC", "A & B")"#, "answer": answer});
    throw("", json!({"switches": [switch]})).await;
    assert_eq!(ask("item=1&BANK=HSBC", "").await, blocked("by-bank", Some("60")));
    assert_eq!(ask("BANK=A%20%26%20B", "").await, blocked("by-bank", Some("60")));
    assert_eq!(ask("BANK=ING&item=1", "").await, sold());
    assert_eq!(ask("BANK=ING%26BANK=HSBC", "").await, sold());
    server.stop().await;
}

/// Something that answers every connection with these bytes, all at once or one after the other, and then says no more.
async fn answers(bytes: &'static [u8], wait: Duration) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4_096]).await;
                for piece in bytes.chunks(if wait.is_zero() { bytes.len().max(1) } else { 1 }) {
                    let _ = stream.write_all(piece).await;
                    tokio::time::sleep(wait).await;
                }
                let _ = stream.read_to_end(&mut Vec::new()).await;
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_everything_through_while_the_server_is_away() {
    let Some(program) = nginx() else { return };
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let down = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut gates = vec![("is down", down), ("hangs", answers(b"", Duration::ZERO).await)];
    for answer in [
        &b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"[..],
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n<html></html>",
        b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 900\r\n\r\nand then nothing",
        b"220 mail.example.org ESMTP\r\n",
        b"\x16\x03\x01\x00\x00",
    ] {
        gates.push((std::str::from_utf8(answer).unwrap(), answers(answer, Duration::ZERO).await));
    }
    let slow = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    gates.push(("answers a letter a second", answers(slow, Duration::from_secs(1)).await));
    let ports: Vec<(u16, SocketAddr)> = gates.iter().map(|(_, gate)| (free_port(), *gate)).collect();
    let _nginx = start(&program, folder.path(), shop().await, &ports);
    let http = reqwest::Client::new();
    buy(&http, ports[0].0, "", "").await; // it has started
    for ((about, _), (port, _)) in gates.iter().zip(&ports) {
        let began = Instant::now();
        let (status, _, _, body) = told(buy(&http, *port, "BANK=HSBC", "HSBC").await).await;
        assert_eq!((status, &*body), (200, "sold"), "the server {about:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "the server {about:?}: {:?}", began.elapsed());
    }
}
