//! Servers elsewhere that queries ask: those of the section `sources`, and which streams of events lie in them: the section `streams`.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lanner_core::{RemoteAsk, RemoteSeries, SourceError};
use lanner_engine::source::Elsewhere;
use lanner_io::remote::{Clients, Problem};
use lanner_io::source::{Source, SourceConfig, SourceHealth};
use lanner_wire::api::{SourceState, SourceView};
use tokio::runtime::Handle;

use crate::shutdown::Shutdown;

/// The sources by name. One that lacks a secret or a certificate has its place, and says so to whoever asks.
#[derive(Debug)]
pub struct Sources {
    by_name: RwLock<BTreeMap<String, Entry>>,
    /// Since the start: what is counted here depends on them.
    streams: Arc<Elsewhere>,
    /// Where requests run; `None` outside a runtime, as in a unit test.
    runtime: Option<Handle>,
    shutdown: Arc<Shutdown>,
}

#[derive(Debug)]
struct Entry {
    kind: &'static str,
    /// What asks, or why it cannot.
    source: Result<Arc<Source>, String>,
}

impl Entry {
    fn view(&self, name: &str) -> SourceView {
        let health = self.source.as_ref().map(|source| source.health());
        let (state, health) = match health {
            Err(why) => (
                SourceState::Unusable,
                SourceHealth { last_error: Some(why.clone()), ..SourceHealth::default() },
            ),
            Ok(health) => (state(&health), health),
        };
        SourceView {
            name: name.to_owned(),
            kind: self.kind.to_owned(),
            state,
            answered: health.n_answered,
            failed: health.n_failed,
            problem: health.last_error,
        }
    }
}

fn state(health: &SourceHealth) -> SourceState {
    match health {
        SourceHealth { is_paused: true, .. } => SourceState::Paused,
        SourceHealth { last_error: Some(_), .. } => SourceState::Failing,
        SourceHealth { n_answered: 0, .. } => SourceState::Untried,
        SourceHealth { .. } => SourceState::Answering,
    }
}

impl Sources {
    /// Those that are configured, and the streams in them.
    #[must_use]
    pub fn new(configs: &[SourceConfig], streams: Arc<Elsewhere>, shutdown: Arc<Shutdown>) -> Self {
        Self { by_name: RwLock::new(built(configs)), streams, runtime: Handle::try_current().ok(), shutdown }
    }

    /// The streams whose events lie in one of them.
    #[must_use]
    pub(crate) fn streams(&self) -> &Elsewhere {
        &self.streams
    }

    /// The names of all that rules may ask: the sources, and the streams that lie in them.
    #[must_use]
    pub(crate) fn all_names(&self) -> Vec<String> {
        let streams = self.streams.names().map(|name| format!("streams.{name}"));
        self.names().into_iter().chain(streams).collect()
    }

    /// Puts others in their place. Requests under way are finished.
    pub(crate) fn replace(&self, configs: &[SourceConfig]) {
        *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = built(configs);
    }

    /// Their names, in order.
    #[must_use]
    pub(crate) fn names(&self) -> Vec<String> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// How each of them is, in order of their names.
    #[must_use]
    pub(crate) fn views(&self) -> Vec<SourceView> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.iter().map(|(name, entry)| entry.view(name)).collect()
    }

    /// How many requests to a source may be under way at once, and how long one may take; `None` for one that cannot be
    /// asked.
    #[must_use]
    pub(crate) fn bounds(&self, name: &str) -> Option<(usize, Duration)> {
        let source = self.get(name).ok()?;
        Some((source.parallel(), source.timeout()))
    }

    /// Asks a source. Blocks, for as long as the source's `timeout` at most.
    ///
    /// # Errors
    /// What the source says, or why it cannot be asked.
    pub(crate) fn ask(&self, name: &str, ask: &RemoteAsk) -> Result<Vec<RemoteSeries>, SourceError> {
        let source = self.get(name)?;
        let Some(runtime) = &self.runtime else {
            return Err(SourceError::Temporary("there is no network here".to_owned()));
        };
        runtime.block_on(async {
            tokio::select! {
                answer = source.ask(ask) => answer.map_err(SourceError::from),
                () = self.shutdown.begun() => Err(SourceError::Temporary("the server stops".to_owned())),
            }
        })
    }

    fn get(&self, name: &str) -> Result<Arc<Source>, SourceError> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        match by_name.get(name).map(|entry| &entry.source) {
            Some(Ok(source)) => Ok(Arc::clone(source)),
            Some(Err(why)) => Err(SourceError::Permanent(format!("{name}: {why}"))),
            None => {
                let known: Vec<&str> = by_name.keys().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let message = format!("there is no source \"{name}\" (defined under `sources`: {known})");
                Err(SourceError::Permanent(message))
            }
        }
    }
}

fn built(configs: &[SourceConfig]) -> BTreeMap<String, Entry> {
    let clients = Clients::default(); // sources with the same certificates share their connections
    let entry = |config: &SourceConfig| {
        let source = config.build(&clients).map(Arc::new).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
            let why = format!("cannot be asked: {}", problems.join("; "));
            tracing::error!(source = config.name(), "{why}");
            why
        });
        (config.name().to_owned(), Entry { kind: config.kind(), source })
    };
    configs.iter().map(entry).collect()
}
