//! A server with the role worker: evaluates rules of sources elsewhere, beside any number of others.
//!
//! It has no data, no receivers and no API. What it does is known by the state; over HTTP it says whether it is well.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use lanner_io::metrics::text;
use lanner_io::postgresql::sharing::Worker as Name;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::access;
use crate::access::following;
use crate::access::service::AccessService;
use crate::base::Base;
use crate::evaluate::cycle;
use crate::evaluate::owner::whoever_this_is;
use crate::evaluate::service::EvaluationService;
use crate::export::results;
use crate::expressions::Expressions;
use crate::http::blocking;
use crate::intake::service::IntakeService;
use crate::metrics::METRICS;
use crate::models::service::ModelService;
use crate::notify::acting;
use crate::notify::workers::DeliveryService;
use crate::run::{ServerError, cannot_listen, certificates, end_turns, token};
use crate::settings::Settings;
use crate::sharing::keeper::Keeper;
use crate::stores::Stores;
use crate::sync::locked;
use crate::wakeup::Wakeup;

/// The loop counts as stuck when it has not turned for this long, milliseconds.
const STUCK_MS: i64 = 60_000;
/// How long giving shards back may take when the server stops.
const LEAVING: Duration = Duration::from_millis(1_500);

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    base: Base,
    evaluation: Arc<EvaluationService>,
    address: SocketAddr,
    turn: JoinHandle<()>,
    keeping: JoinHandle<()>,
    following: tokio::task::JoinHandle<()>,
    results: Option<tokio::task::JoinHandle<()>>,
    http: tokio::task::JoinHandle<()>,
}

/// What HTTP is asked about.
#[derive(Debug, Clone)]
struct Seen {
    evaluation: Arc<EvaluationService>,
    keeper: Arc<Keeper>,
}

impl Worker {
    /// Starts a worker. It takes shards as soon as there are any.
    ///
    /// # Errors
    /// [`ServerError`], each with what to do.
    pub async fn start(settings: Settings) -> Result<Self, ServerError> {
        settings.objection_to_roles().map_or(Ok(()), |why| Err(ServerError::Roles(why)))?;
        let (token, certificates) = (token(&settings)?, certificates(&settings)?);
        // Nothing is received here.
        let settings = settings.listening_for_http_only();
        let listener = TcpListener::bind(settings.listen).await;
        let listener = listener.map_err(|error| cannot_listen(settings.listen, &error))?;
        let address = listener.local_addr()?;
        let stores = Stores::open(&settings).await?;
        let base = Base::new(settings, stores);
        let access = Arc::new(AccessService::open(&base, token.as_deref())?);
        if let Some(address) = base.settings.public_address().filter(|_| !access.has_admin()) {
            return Err(ServerError::NoToken { address });
        }
        let evaluation = evaluation(&base)?;
        let keeper = Arc::new(Keeper::new(Arc::clone(&evaluation), name(&base)));
        let keeping = std::thread::Builder::new().name("shards".to_owned()).spawn({
            let keeper = Arc::clone(&keeper);
            move || keeper.run()
        })?;
        let turn = cycle::start(&evaluation)?;
        let (stop, stopped) = oneshot::channel();
        let shutdown = Arc::clone(&base.shutdown);
        let following = tokio::spawn(following::run(Arc::clone(&access), Arc::clone(&shutdown)));
        let results = results::start(&base, &evaluation);
        let router = router(Seen { evaluation: Arc::clone(&evaluation), keeper }, access);
        let http = tokio::spawn(async move {
            let serving = lanner_io::http::serve(listener, certificates, router, stopped);
            let stopping = async move {
                shutdown.begun().await;
                // Nobody to tell when HTTP ended before.
                let _ = stop.send(());
            };
            tokio::join!(serving, stopping);
        });
        Ok(Self { base, evaluation, address, turn, keeping, following, results, http })
    }

    /// Where HTTP listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: the current turn is finished, and other workers may take every shard at once.
    pub async fn stop(self) {
        self.base.shutdown.begin();
        self.evaluation.wakeup.ring();
        end_turns(Some(self.turn)).await;
        let keeping = self.keeping;
        if tokio::time::timeout(LEAVING, blocking(move || keeping.join().is_ok())).await.is_err() {
            tracing::warn!("the shards are not given back yet, and are free when the lease ends");
        }
        self.following.abort();
        if let Some(results) = self.results {
            // It ends by itself; what it cannot send is read from the state after the next start.
            let _ = results.await;
        }
        self.http.abort();
        let base = self.base;
        let close = blocking(move || {
            if let Some(elsewhere) = &base.elsewhere {
                elsewhere.state.close();
            }
            base.store.close();
        });
        if tokio::time::timeout(LEAVING, close).await.is_err() {
            tracing::warn!("the database of the state does not answer; what it acknowledged is durable");
        }
    }
}

/// The name of this worker, which no other has or had: one that was started anew is another.
fn name(base: &Base) -> Name {
    let about = whoever_this_is();
    Name { name: format!("{about} {:016x} {}", base.store.secret(), base.clock().now_ms()), about }
}

fn evaluation(base: &Base) -> Result<Arc<EvaluationService>, ServerError> {
    let retention = Arc::new(base.settings.store.retention_in_force());
    let wakeup = Arc::new(Wakeup::default());
    let intake = Arc::new(IntakeService::open(base, &retention)?);
    let (orders, _) = acting::queue();
    let delivery = Arc::new(DeliveryService::new(base, &wakeup, orders));
    let (expressions, models) = (Arc::new(Expressions::new(base)), Arc::new(ModelService::new(base)));
    Ok(Arc::new(EvaluationService::open(base, wakeup, intake, expressions, models, delivery)?))
}

fn router(seen: Seen, access: Arc<AccessService>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(access, access::admit))
        .with_state(seen)
}

async fn readyz(State(seen): State<Seen>) -> Response {
    match not_ready(&seen) {
        None => format!("ready\nholds {} shards\n", seen.keeper.n_held()).into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response(),
    }
}

fn not_ready(seen: &Seen) -> Option<String> {
    let still_ms = seen.evaluation.now_ms() - seen.evaluation.last_turn_ms.load(Ordering::Relaxed);
    let is_still = still_ms > STUCK_MS;
    let still =
        is_still.then(|| format!("the evaluation loop has not completed a cycle for {} s", still_ms / 1_000));
    seen.keeper.problem().or_else(|| locked(&seen.evaluation.stuck).clone()).or(still)
}

async fn metrics(State(seen): State<Seen>) -> Response {
    {
        let engine = seen.evaluation.engine();
        METRICS.rules.set(engine.n_rules() as f64);
        METRICS.alerts_active.set(engine.alerts().filter(|alert| alert.active).count() as f64);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text()).into_response()
}
