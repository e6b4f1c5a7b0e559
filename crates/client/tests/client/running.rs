//! A real server inside the test, and a client of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::Duration;

use lanner_client::{Options, Switches};
use lanner_server::{Server, Settings};
use serde_json::{Value, json};

pub(crate) struct Running {
    server: Server,
    http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), 0).await
    }

    /// A server on this data folder and port.
    pub(crate) async fn start_in(folder: tempfile::TempDir, port: u16) -> Self {
        Self::start_with(folder, port, |_| ()).await
    }

    /// As [`Running::start_in`], with further settings.
    pub(crate) async fn start_with(
        folder: tempfile::TempDir,
        port: u16,
        set: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = Settings::new(folder.path());
        set(&mut settings);
        settings.listen = SocketAddr::from(([127, 0, 0, 1], port));
        (settings.carbon, settings.carbon_pickle) = (None, None);
        let server = Server::start(settings).await.unwrap();
        let url = format!("http://{}", server.http_addr());
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { server, http: reqwest::Client::builder().no_proxy().build().unwrap(), url, folder }
    }

    pub(crate) fn port(&self) -> u16 {
        self.server.http_addr().port()
    }

    pub(crate) async fn stop(self) -> tempfile::TempDir {
        self.server.stop().await;
        self.folder
    }

    pub(crate) fn public_key(&self) -> String {
        self.server.services().switches.public_key().unwrap()
    }

    /// A copy of its data in this folder, from which another can start.
    pub(crate) fn backup(&self, to: &std::path::Path) {
        self.server.store().backup(to, &mut |_, _| ()).unwrap();
    }

    /// How many contexts a switch blocked, and would have in shadow.
    pub(crate) fn counts(&self, id: &str) -> (u64, u64) {
        let count = self.server.services().switches.counts.of(id);
        (count.blocked, count.shadow)
    }

    pub(crate) fn revision(&self) -> u64 {
        self.server.services().switches.current().set.revision()
    }

    /// Creates or replaces a switch; the revision from then on.
    pub(crate) async fn put(&self, id: &str, document: &Value) -> u64 {
        let request = self.http.put(format!("{}/api/v1/switches/{id}", self.url));
        let response = request.body(document.to_string()).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        self.revision()
    }

    /// Sends a body, which must be taken.
    pub(crate) async fn post(&self, path: &str, body: String) -> String {
        let response = self.http.post(format!("{}{path}", self.url)).body(body).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        response.text().await.unwrap()
    }

    /// The contexts that switches are tried on.
    pub(crate) fn recent(&self) -> Vec<String> {
        let recent = self.server.services().switches.recent.last(100);
        recent.into_iter().map(|(_, text)| text.to_string()).collect()
    }

    /// What stands at a path.
    pub(crate) async fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    /// The same, as text.
    pub(crate) async fn text(&self, path: &str) -> String {
        let response = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        response.text().await.unwrap()
    }

    /// `activate`, `deactivate`, `approve` or `revert`; the revision from then on.
    pub(crate) async fn change(&self, id: &str, how: &str) -> u64 {
        let request = self.http.post(format!("{}/api/v1/switches/{id}/{how}", self.url));
        let response = request.body(json!({}).to_string()).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        self.revision()
    }
}

pub(crate) fn options(url: &str) -> Options {
    Options::new(url).every(Duration::from_millis(200)).patience(Duration::from_secs(5))
}

pub(crate) async fn client(url: &str) -> Switches {
    Switches::connect(options(url)).await.unwrap()
}

/// Asks until it is so, for ten seconds.
#[track_caller]
pub(crate) fn eventually(what: &'static str, is_so: impl Fn() -> bool) -> impl Future<Output = ()> {
    let at = std::panic::Location::caller();
    async move {
        for _ in 0..500 {
            if is_so() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{at}: in ten seconds not: {what}");
    }
}
