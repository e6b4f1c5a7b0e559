//! nginx in front of a service, asking the gate before each request: the configuration of docs/switches.md, for real.
//!
//! `cargo xtask test` finds or fetches nginx; without it this test says that it is skipped.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lanner_server::{Server, Settings};
use serde_json::json;

/// Ended with the test, however it ends.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// One process in the foreground, with all its files in `folder`.
fn configuration(folder: &Path, port: u16, shop: SocketAddr, lanner: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        r"
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d;
  scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port};
    location /buy {{
      auth_request /gate;
      auth_request_set $switch $upstream_http_x_lanner_switch;
      error_page 403 = @blocked;
      proxy_pass http://{shop};
    }}
    location @blocked {{ add_header x-switch $switch always; return 503 'Temporarily blocked'; }}
    location = /gate {{
      internal;
      proxy_pass http://{lanner}/gate?WORKFLOW=PURCHASE;
      proxy_pass_request_body off;
      proxy_set_header Content-Length '';
      proxy_set_header X-Original-URI $request_uri;
      proxy_set_header X-Original-Method $request_method;
    }}
  }}
}}
"
    )
}

async fn shop() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = axum::Router::new().route("/buy", axum::routing::any(|| async { "sold" }));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_through_what_no_switch_blocks() {
    let Some(program) = std::env::var_os("LANNER_TEST_NGINX") else {
        eprintln!("SKIPPED: LANNER_TEST_NGINX does not say where nginx is; `cargo xtask test` fetches it");
        return;
    };
    lanner_io::receiver::install_crypto_provider();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::new(folder.path().join("data"));
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    (settings.carbon, settings.carbon_pickle) = (None, None);
    let server = Server::start(settings).await.unwrap();
    let (port, http) = (free_port(), reqwest::Client::new());
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, configuration(folder.path(), port, shop().await, server.http_addr())).unwrap();
    let child = Command::new(program)
        .arg("-p")
        .arg(folder.path())
        .arg("-c")
        .arg(&file)
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let _nginx = Nginx(child);

    let buy = async |bank: &str| {
        let url = format!("http://127.0.0.1:{port}/buy?item=1");
        // It may still be starting.
        for _ in 0..200 {
            if let Ok(response) = http.post(&url).header("x-bank", bank).body("order").send().await {
                let switch = response.headers().get("x-switch").map(|id| id.to_str().unwrap().to_owned());
                return (response.status().as_u16(), switch, response.text().await.unwrap());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nginx does not answer");
    };
    let lanner = format!("http://{}/api/v1/switches", server.http_addr());
    let throw = async |id: &str, body: serde_json::Value| {
        let response = http.post(format!("{lanner}{id}")).body(body.to_string()).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    };
    let sold = || (200, None, "sold".to_owned());

    assert_eq!(buy("HSBC").await, sold());
    let when = r#"WORKFLOW == PURCHASE and header.x_bank == HSBC and method == POST and path == "/buy""#;
    throw("", json!({"switches": [{"id": "block-bank", "when": when}]})).await;
    assert_eq!(buy("HSBC").await, (503, Some("block-bank".to_owned()), "Temporarily blocked".to_owned()));
    assert_eq!(buy("ING").await, sold());
    throw("/block-bank/deactivate", json!({})).await;
    assert_eq!(buy("HSBC").await, sold());
    server.stop().await;
}
