//! Settings that change while the server runs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use lanner_io::consume::ConsumeConfig;
use lanner_io::receiver::Power;
use lanner_io::remote_write::RemoteWriteConfig;
use lanner_io::scrape::ScrapeConfig;
use serde_json::Value;
use tokio::sync::watch;

use super::origins::Home;
use super::{Guard, Heartbeat, Settings};
use crate::sync::locked;

/// Settings that change while the server runs.
#[derive(Debug, Clone)]
pub struct Live {
    /// How much a switch may block without a second look.
    pub guard: Guard,
    /// How long before its end people are notified of a switch, milliseconds.
    pub switch_notice_ms: i64,
    /// The largest body accepted, after decompression, bytes.
    pub max_body_bytes: usize,
    /// What receivers that came over the API may do on this machine.
    pub allow: BTreeSet<Power>,
    /// Origins of the pages that may ask kill switches.
    pub cors: Vec<String>,
    /// The addresses under which this server is known.
    pub home: Home,
    /// Where people reach this server.
    pub external_url: Option<String>,
    /// Who is notified regularly that Lanner is well.
    pub heartbeat: Option<Heartbeat>,
    /// Targets that are asked for their metrics.
    pub scrape: Arc<Vec<ScrapeConfig>>,
    /// Brokers whose messages are taken.
    pub consume: Arc<Vec<ConsumeConfig>>,
    /// Who is sent samples.
    pub remote_write: Arc<Vec<RemoteWriteConfig>>,
}

impl From<&Settings> for Live {
    fn from(settings: &Settings) -> Self {
        Self {
            guard: settings.guard.clone(),
            switch_notice_ms: settings.switch_notice_ms,
            max_body_bytes: settings.max_body_bytes,
            allow: settings.allow.clone(),
            cors: settings.cors.clone(),
            home: Home::new(settings.external_url.as_deref(), &settings.hosts),
            external_url: settings.external_url.clone(),
            heartbeat: settings.heartbeat.clone(),
            scrape: Arc::clone(&settings.scrape),
            consume: Arc::clone(&settings.consume),
            remote_write: Arc::clone(&settings.remote_write),
        }
    }
}

/// The fields of `server` that [`Live`] holds.
const LIVE: [&str; 8] =
    ["guard", "switch_notice", "max_body", "allow", "cors", "hosts", "external_url", "heartbeat"];

/// Which settings of `new` differ from those in force: names of those that change at once, and of those that wait for a
/// restart.
fn changed(old: &Value, new: &Value) -> (Vec<String>, Vec<String>) {
    let (mut at_once, mut at_restart) = (Vec::new(), Vec::new());
    for section in ["server", "retention"] {
        let (old, new) = (old.get(section), new.get(section));
        let names = |value: Option<&Value>| -> Vec<String> {
            value.and_then(Value::as_object).map(|map| map.keys().cloned().collect()).unwrap_or_default()
        };
        let mut all = [names(old), names(new)].concat();
        all.sort();
        all.dedup();
        for name in all {
            if old.and_then(|old| old.get(&name)) != new.and_then(|new| new.get(&name)) {
                let is_live = section == "server" && LIVE.contains(&name.as_str());
                let list = if is_live { &mut at_once } else { &mut at_restart };
                list.push(format!("{section}.{name}"));
            }
        }
    }
    for section in ["sources", "scrape", "consume", "remote_write"] {
        if old.get(section) != new.get(section) {
            at_once.push(section.to_owned());
        }
    }
    // Which rules count what comes here depends on it.
    if old.get("streams") != new.get("streams") {
        at_restart.push("streams".to_owned());
    }
    (at_once, at_restart)
}

/// The settings in force that change while the server runs.
#[derive(Debug)]
pub struct InForce {
    live: RwLock<Arc<Live>>,
    /// Tells those who wait for a change.
    changes: watch::Sender<()>,
    /// What the configuration said that they come from.
    written: Mutex<Value>,
    /// What it said at the start, for what waits for a restart.
    started: Value,
}

impl InForce {
    /// Those of the start.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self {
            live: RwLock::new(Arc::new(settings.into())),
            changes: watch::Sender::new(()),
            written: Mutex::new(settings.written.clone()),
            started: settings.written.clone(),
        }
    }

    /// Those of now.
    #[must_use]
    pub fn get(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hears of changes.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Puts others in force. Says which settings have changed since the last time and are in force, and which have
    /// changed since the start and wait for a restart.
    pub(crate) fn change(&self, settings: &Settings) -> (Vec<String>, Vec<String>) {
        let mut written = locked(&self.written);
        let (now, _) = changed(&written, &settings.written);
        let (_, restart) = changed(&self.started, &settings.written);
        written.clone_from(&settings.written);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings.into());
        self.changes.send_replace(());
        (now, restart)
    }
}

#[cfg(test)]
mod tests {
    use super::super::SettingSections;
    use super::*;
    use lanner_core::Node;

    #[test]
    fn what_changes_at_once_and_what_does_not() {
        let read = |text: &str| {
            let node = Node::from_yaml(text).unwrap();
            let mut config = lanner_engine::Config::default();
            assert_eq!(config.read(&node), []);
            let mut settings = Settings::new("data");
            assert_eq!(settings.read(SettingSections::from(&config)), []);
            settings.written
        };
        let old = read(
            "server: { listen: ':9000', guard: 20%, max_writers: 3 }\nretention: { events: [{ keep: 1d }] }",
        );
        let new = read(
            "server: { listen: ':9001', guard: off, max_body: 100, max_writers: 3, cors: https://shop.example }",
        );
        let (at_once, at_restart) = changed(&old, &new);
        assert_eq!(at_once, ["server.cors", "server.guard", "server.max_body"]);
        assert_eq!(at_restart, ["server.listen", "retention.events"]);
        let with = read("sources: { name: berlin, kind: graphite, url: http://berlin.example }");
        assert_eq!(changed(&read("rules: []"), &with).0, ["sources"]);
        let with = read("scrape: { job: node, targets: ['a:9100'] }");
        assert_eq!(changed(&read("rules: []"), &with).0, ["scrape"]);
        let with = read("consume: { name: orders, kind: amqp, url: 'amqp://a', queue: orders }");
        assert_eq!(changed(&read("rules: []"), &with).0, ["consume"]);
        let with = read("remote_write: { name: prod, url: http://a }");
        assert_eq!(changed(&read("rules: []"), &with).0, ["remote_write"]);
        let with = read(
            "{ sources: { name: shop, kind: postgresql, url: 'postgresql://a/b' }, streams: { p: { source: shop, table: p, time: ts } } }",
        );
        assert_eq!(changed(&read("rules: []"), &with).1, ["streams"]);
        assert_eq!(changed(&old, &old), (vec![], vec![]));
    }
}
