//! The server that notifies, and what workers do: it takes their news into the notification log, and knows how their rules
//! stand for those who ask.
//!
//! It asks the state again and again. That a worker has nothing to tell and that its news is late look alike, and both cost
//! time only: news stays in the state until the transaction that takes it.

use std::sync::Arc;
use std::time::Duration;

use lanner_core::AlertNews;
use lanner_io::postgresql::sharing::Work;
use lanner_io::state::{LoadedState, Shards, StateStore as _, StoreError};
use tokio::task::JoinHandle;

use crate::evaluate::cycle;
use crate::evaluate::owner::{Center, Owner};
use crate::evaluate::service::EvaluationService;
use crate::http::blocking;
use crate::metrics::METRICS;
use crate::sync::locked;

/// How often it asks for news.
const EVERY: Duration = Duration::from_millis(250);
/// How often it asks how rules stand: every so many times.
const LOOK_EVERY: u32 = 4;
/// When more shards have changed, all of them are read at once.
const MANY: usize = 16;

/// Follows, if this is the server that notifies, until it stops.
pub(crate) fn start(service: &Arc<EvaluationService>) -> Option<JoinHandle<()>> {
    matches!(service.owner, Owner::Unshared(_)).then(|| tokio::spawn(run(Arc::clone(service))))
}

async fn run(service: Arc<EvaluationService>) {
    let mut n_rounds: u32 = 0;
    let mut is_failing = false;
    while !service.shutdown.has_begun() {
        let (shared, looks) = (Arc::clone(&service), n_rounds.is_multiple_of(LOOK_EVERY));
        n_rounds = n_rounds.wrapping_add(1);
        match blocking(move || round(&shared, looks)).await {
            Ok(Err(error)) if !is_failing => {
                tracing::warn!("what workers do is not known for now: {error}");
                is_failing = true;
            }
            Ok(Err(_)) => {}
            Ok(Ok(())) => is_failing = false,
            Err(panic) => tracing::error!("following workers broke off: {panic}"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = service.shutdown.begun() => {}
        }
    }
}

fn round(service: &EvaluationService, looks: bool) -> Result<(), StoreError> {
    let Owner::Unshared(center) = &service.owner else { return Ok(()) };
    relay(service, center)?;
    if looks { look(service, center) } else { Ok(()) }
}

/// Tells people what workers say.
fn relay(service: &EvaluationService, center: &Center) -> Result<(), StoreError> {
    let news = center.state.news()?;
    if news.is_empty() {
        return Ok(());
    }
    let (taken, news): (Vec<i64>, Vec<AlertNews>) = news.into_iter().unzip();
    METRICS.sharing.news_relayed.inc_by(news.len() as u64);
    let _in_order = locked(&service.turns);
    let changes = service.engine().relay(service.now_ms(), news);
    cycle::write_taking(service, changes, &taken.into());
    service.wakeup.ring();
    Ok(())
}

/// Learns who holds what, and how the rules stand of shards that have had a turn.
fn look(service: &EvaluationService, center: &Center) -> Result<(), StoreError> {
    let names = service.sources.names();
    let work = center.state.work()?;
    if work.sources.as_ref() != Some(&names) {
        center.state.share_sources(&names)?.wait()?;
    }
    let changed = changed(&locked(&center.work), &work);
    let LoadedState { alerts, cursors } = if changed.len() > MANY {
        center.state.load(Shards::All)?
    } else {
        let mut all = LoadedState::default();
        for shard in &changed {
            let of = center.state.load(Shards::One(*shard))?;
            all.alerts.extend(of.alerts);
            all.cursors.extend(of.cursors);
        }
        all
    };
    service.engine().follow(service.now_ms(), &changed, alerts, cursors);
    METRICS.sharing.workers.set(work.workers.len() as f64);
    METRICS.sharing.shards_free.set(work.n_free() as f64);
    *locked(&center.work) = work;
    Ok(())
}

/// The shards that have had a turn between the two.
fn changed(before: &Work, now: &Work) -> Vec<u8> {
    let known = |id: u8| before.shards.iter().find(|shard| shard.id == id).map(|shard| shard.turns);
    now.shards.iter().filter(|shard| known(shard.id) != Some(shard.turns)).map(|shard| shard.id).collect()
}
