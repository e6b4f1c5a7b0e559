//! A server with kill switches, asked over HTTP.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use lanner_core::time::parse_time_ms;
use lanner_server::{Server, Settings};
use serde_json::{Value, json};

pub(crate) struct Running {
    pub(crate) server: Server,
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
    /// The tokens of people, by name.
    pub(crate) tokens: HashMap<String, String>,
}

pub(crate) async fn start() -> Running {
    start_in(tempfile::tempdir().unwrap()).await
}

pub(crate) async fn start_in(folder: tempfile::TempDir) -> Running {
    start_with(folder, |_| ()).await
}

/// With further settings.
pub(crate) async fn start_with(folder: tempfile::TempDir, set: impl FnOnce(&mut Settings)) -> Running {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder.path());
    set(&mut settings);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    (settings.carbon, settings.carbon_pickle) = (None, None);
    let server = Server::start(settings).await.unwrap();
    let url = format!("http://{}", server.http_addr());
    Running { server, http: reqwest::Client::new(), url, folder, tokens: HashMap::new() }
}

impl Running {
    /// Gives people a token each; without one nobody comes in any more.
    pub(crate) async fn invite(&mut self, people: &[&str]) {
        for name in people {
            let body = json!({ "name": name, "scopes": ["admin"] });
            let made = self.fine("POST", "/api/v1/tokens", body).await;
            self.tokens.insert((*name).to_owned(), made["token"].as_str().unwrap().to_owned());
        }
    }

    fn request(&self, actor: &str, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.url));
        match self.tokens.get(actor) {
            Some(token) => request.bearer_auth(token),
            None => request.header("x-lanner-actor", actor),
        }
    }

    /// The status and the answer, asked by ann.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.ask_as("ann", method, path, body).await
    }

    pub(crate) async fn ask_as(&self, actor: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = self.request(actor, method, path);
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// The answer, which must be fine.
    pub(crate) async fn fine(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    /// Waits until the answer to GET `path` is as wanted.
    pub(crate) async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.fine("GET", path, Value::Null).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{path} stays {answer:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Lets time pass, of a server with a stepped clock.
    pub(crate) async fn step_to(&self, time: &str) {
        assert!(self.server.step_to(parse_time_ms(time).unwrap(), Duration::from_secs(60)).await);
    }

    pub(crate) async fn put(&self, id: &str, document: Value) {
        self.fine("PUT", &format!("/api/v1/switches/{id}?message=because"), document).await;
    }

    pub(crate) async fn blocks(&self, context: Value) -> bool {
        let answer = self.fine("POST", "/api/v1/switches/evaluate", json!({ "context": context })).await;
        answer["verdicts"][0]["blocked"] == true
    }

    /// Sends a text, which must be taken.
    pub(crate) async fn text(&self, path: &str, body: String) {
        let response = self.request("ann", "POST", path).body(body).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
    }
}
