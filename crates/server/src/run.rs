//! Starting and stopping.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use lanner_io::http::Certificates;
use lanner_io::store::{Retention, Store, StoreError};
use tokio::task::AbortHandle;

use crate::access::service::AccessService;
use crate::actions;
use crate::base::Base;
use crate::configuration::service::ConfigurationService;
use crate::consume::tasks as consume;
use crate::evaluate::cycle;
use crate::evaluate::service::EvaluationService;
use crate::export::{results, tasks as export};
use crate::expressions::Expressions;
use crate::findings::service::FindingService;
use crate::health::service::HealthService;
use crate::health::{heartbeat, maintain, vitals};
use crate::http::blocking;
use crate::intake::service::IntakeService;
use crate::listeners::{self, Ready};
use crate::models::service::ModelService;
use crate::notify::acting;
use crate::notify::workers::DeliveryService;
use crate::processors::service::ProcessorService;
use crate::processors::upkeep;
use crate::rules::register;
use crate::rules::service::RuleService;
use crate::scrape::tasks as scrape;
use crate::services::Services;
use crate::settings::token;
use crate::settings::{Settings, StateIn, Tls};
use crate::sharing::follow;
use crate::silences::service::SilenceService;
use crate::stores::{Elsewhere, Stores};
use crate::switches::service::SwitchService;
use crate::switches::sign::Signer;
use crate::switches::{edges, enforcement};
use crate::wakeup::Wakeup;

/// How long requests under way, and the current turn, may take when the server stops.
const GRACE: Duration = Duration::from_millis(2_500);
/// How long changes of switches may take to be recorded then.
const FLUSHING: Duration = Duration::from_millis(500);
/// How long the store may take to write what waits.
const CLOSING: Duration = Duration::from_millis(1_500);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The store cannot be opened or read.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// An address is taken or not allowed.
    #[error("cannot listen on {address}: {detail}; choose another address, or stop what listens there")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's words.
        detail: String,
    },
    /// An address that others can reach, without a token.
    #[error(
        "{address} can be reached from other machines, so a token is needed: set server.token or LANNER_TOKEN, make one with \
         `lanner token create NAME --scope admin --data DIR`, or listen on 127.0.0.1"
    )]
    NoToken {
        /// The address.
        address: SocketAddr,
    },
    /// The token cannot be read.
    #[error("server.token: {0}")]
    Token(String),
    /// The certificate or its key cannot be used.
    #[error("server.tls.{0}")]
    Tls(String),
    /// The key that snapshots of switches are signed with is none.
    #[error("server.switch_key: {0}")]
    SwitchKey(String),
    /// Nobody could sign in through the provider of the configuration.
    #[error("server.openid: {0}")]
    OpenId(String),
    /// A setting needs what this program was built without.
    #[error(
        "server.{setting}: this program was built without it; build it with `cargo build --release --features {feature}`"
    )]
    NotBuilt {
        /// The setting.
        setting: &'static str,
        /// The feature of the build.
        feature: &'static str,
    },
    /// The server cannot do its part of the work.
    #[error("server.roles: {0}")]
    Roles(String),
    /// The operating system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    services: Services,
    /// Where it listens, by the names of listeners.
    listening: Vec<(&'static str, SocketAddr)>,
    turn: Option<JoinHandle<()>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
    /// What alerts do with switches; goes on while the last messages are sent.
    actions: AbortHandle,
    /// Addresses that are taken and where nothing is accepted yet, and what HTTP is known by.
    waiting: Vec<listeners::Bound>,
    certificates: Option<Arc<Certificates>>,
}

/// Which rules fire, for processors.
fn firing(services: &Services) -> upkeep::Firing {
    let evaluation = Arc::clone(&services.evaluation);
    Arc::new(move |is_wanted| evaluation.firing(is_wanted))
}

impl Server {
    /// Starts a server: opens the store, takes up what was under way, then accepts what comes.
    ///
    /// # Errors
    /// [`ServerError`], each with what to do.
    pub async fn start(settings: Settings) -> Result<Self, ServerError> {
        let mut server = Self::open(settings).await?;
        server.accept();
        Ok(server)
    }

    /// Starts a server that accepts nothing yet: who connects waits for [`Server::accept`]. So what comes first already
    /// finds what was put in force in between.
    ///
    /// # Errors
    /// [`ServerError`], each with what to do.
    pub async fn open(settings: Settings) -> Result<Self, ServerError> {
        settings.objection_to_roles().map_or(Ok(()), |why| Err(ServerError::Roles(why)))?;
        if settings.otlp_grpc.is_some() && !cfg!(feature = "grpc") {
            return Err(ServerError::NotBuilt { setting: "otlp_grpc", feature: "grpc" });
        }
        let token = token(&settings)?;
        let certificates = certificates(&settings)?;
        // A standby listens nowhere: whoever asks there is to ask the server that evaluates.
        let waited = match &settings.state {
            StateIn::PostgreSql(_) => Some(Stores::open(&settings).await?),
            StateIn::Folder | StateIn::FolderNow => None,
        };
        let bound = listeners::bind(&settings).await;
        let bound = bound.map_err(|(address, error)| cannot_listen(address, &error))?;
        let stores = match waited {
            Some(stores) => stores,
            None => Stores::open(&settings).await?,
        };
        let (services, actions) = open(settings, stores, token).await?;
        let evaluates = services.base.settings.evaluate;
        if evaluates {
            services.evaluation.begin_first()?;
            note_place(&services.base, &bound).await;
        }
        let mut server = Self {
            listening: bound.iter().map(|bound| (bound.name, bound.address)).collect(),
            turn: if evaluates { Some(cycle::start(&services.evaluation)?) } else { None },
            tasks: vec![
                tokio::spawn(edges::run(Arc::clone(&services.switches))),
                tokio::spawn(enforcement::watch(Arc::clone(&services.switches))),
                tokio::spawn(upkeep::run(Arc::clone(&services.processors), firing(&services))),
            ],
            actions,
            services,
            waiting: bound,
            certificates,
        };
        server.tasks.extend(follow::start(&server.services.evaluation));
        if evaluates {
            // Only who knows what is to be kept may drop what is not.
            server.tasks.push(tokio::spawn(maintain::run(Arc::clone(&server.services.health))));
            server.tasks.push(tokio::spawn(vitals::run(Arc::clone(&server.services.health))));
            server.tasks.push(tokio::spawn(heartbeat::run(Arc::clone(&server.services.health))));
            server.tasks.push(tokio::spawn(scrape::run(Arc::clone(&server.services.intake))));
            server.tasks.push(tokio::spawn(consume::run(Arc::clone(&server.services.intake))));
            server.tasks.push(tokio::spawn(export::run(Arc::clone(&server.services.health))));
            server.tasks.extend(results::start(&server.services.base, &server.services.evaluation));
        }
        server.tasks.push(tokio::spawn(end_when_replaced(server.services.base.clone())));
        Ok(server)
    }

    /// Accepts what comes at the addresses that [`Server::open`] took. Must be called in async code.
    pub fn accept(&mut self) {
        let ready = Ready { services: self.services.clone(), certificates: self.certificates.take() };
        let waiting = std::mem::take(&mut self.waiting);
        self.tasks.extend(waiting.into_iter().map(|bound| tokio::spawn(bound.start(&ready))));
    }

    /// Where a listener listens, if it does: `http`, `carbon`, `carbon_pickle`, `carbon_udp`.
    #[must_use]
    pub fn address(&self, listener: &str) -> Option<SocketAddr> {
        self.listening().find(|(name, _)| *name == listener).map(|(_, address)| address)
    }

    /// What listens where.
    pub fn listening(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.listening.iter().copied()
    }

    /// Where HTTP listens.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.address("http").unwrap_or(self.services.base.settings.listen)
    }

    /// The address of HTTP as clients write it, with `https` where the server has a certificate.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.services.base.settings.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.http_addr())
    }

    /// The services, for programs that hold a server inside.
    #[must_use]
    pub const fn services(&self) -> &Services {
        &self.services
    }

    /// Resolves when another server has taken over what this one evaluated, and says so in words. This one has ended all
    /// that it does by itself then, and is to be [stopped](Server::stop).
    pub async fn replaced(&self) -> String {
        self.services.base.replaced.happened().await
    }

    /// The store, for programs that hold a server inside.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.services.base.store
    }

    /// Now, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.services.base.settings.clock.now_ms()
    }

    /// Puts a stepped clock on, and waits until all that is due by then is evaluated and written, or for
    /// `at_most`; says which. With the machine's clock, waits for what is due by `time_ms`.
    pub async fn step_to(&self, time_ms: i64, at_most: Duration) -> bool {
        let wakeup = Arc::clone(&self.services.evaluation.wakeup);
        self.services.base.settings.clock.put_on(time_ms);
        wakeup.ring();
        let (processors, firing) = (Arc::clone(&self.services.processors), firing(&self.services));
        let waited = blocking(move || {
            processors.tick();
            let is_settled = wakeup.wait_settled(time_ms, at_most);
            upkeep::heed(&processors, &firing);
            is_settled
        });
        waited.await.unwrap_or(false)
    }

    /// Stops: requests under way are answered, the current turn is finished, the store is closed, within five seconds
    /// whatever runs. What does not end in time is as after a crash: what was acknowledged is durable, and the next
    /// start takes up the rest.
    pub async fn stop(mut self) {
        self.services.base.shutdown.begin();
        self.services.evaluation.wakeup.ring();
        let tasks = std::mem::take(&mut self.tasks);
        tokio::join!(end_turns(self.turn.take()), self.services.delivery.stop(), end_tasks(tasks));
        self.actions.abort();
        let (evaluation, switches) =
            (Arc::clone(&self.services.evaluation), Arc::clone(&self.services.switches));
        switches.flush(FLUSHING).await;
        let processors = Arc::clone(&self.services.processors);
        let base = self.services.base.clone();
        let close = move || {
            processors.save_memories();
            switches.end();
            if base.replaced.why().is_none() {
                evaluation.watch.end(&*evaluation.state, evaluation.now_ms());
            }
            if let Some(elsewhere) = &base.elsewhere {
                elsewhere.state.close();
            }
            base.store.close();
        };
        if tokio::time::timeout(CLOSING, blocking(close)).await.is_err() {
            tracing::warn!("the store is still writing; what was acknowledged is on disk");
        }
    }
}

/// Tells those who hand requests on where this server is.
async fn note_place(base: &Base, bound: &[listeners::Bound]) {
    let Some(elsewhere) = base.elsewhere.clone() else { return };
    let http = bound.iter().find(|bound| bound.name == "http").map(|bound| bound.address);
    let place = base.settings.reached_at(http.unwrap_or(base.settings.listen));
    if let Ok(Err(error)) = blocking(move || elsewhere.state.note_place(&place)).await {
        tracing::warn!("servers with the role api are not told where this one is: {error}");
    }
}

/// Ends what this server does by itself as soon as another one does it.
async fn end_when_replaced(base: Base) {
    let lease_lost = async {
        match &base.elsewhere {
            Some(Elsewhere { lease: Some(lease), .. }) => lease.lost().await.about,
            _ => std::future::pending().await,
        }
    };
    tokio::select! {
        about = lease_lost => base.replaced.by(&format!(
            "another server, {about}, took the lease on evaluation, which this one could not renew in time"
        )),
        _ = base.replaced.happened() => {}
        () = base.shutdown.begun() => return,
    }
    base.shutdown.begin();
}

pub(crate) async fn end_turns(turn: Option<JoinHandle<()>>) {
    let Some(turn) = turn else { return };
    match tokio::time::timeout(GRACE, blocking(move || turn.join().is_ok())).await {
        Ok(Ok(true)) => {}
        Ok(_) => tracing::error!("the evaluation loop broke off"),
        Err(_) => tracing::warn!("an evaluation was interrupted and will be repeated"),
    }
}

/// Lets tasks end for a while: of HTTP some requests may never become whole.
async fn end_tasks(tasks: Vec<tokio::task::JoinHandle<()>>) {
    let deadline = tokio::time::Instant::now() + GRACE;
    for task in tasks {
        let abort = task.abort_handle();
        if tokio::time::timeout_at(deadline, task).await.is_err() {
            abort.abort();
        }
    }
}

pub(crate) fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> ServerError {
    ServerError::Listen { address, detail: error.to_string() }
}

/// The token that callers must show, if one is configured.
pub(crate) fn token(settings: &Settings) -> Result<Option<String>, ServerError> {
    let token = settings.token.as_ref().map(|token| token.resolve("server.token")).transpose();
    let token = token.map_err(|problem| ServerError::Token(problem.message))?;
    token.as_deref().map_or(Ok(()), token::check).map_err(ServerError::Token)?;
    Ok(token)
}

/// The certificate by which clients know this server, if it has one.
pub(crate) fn certificates(settings: &Settings) -> Result<Option<Arc<Certificates>>, ServerError> {
    let Some(Tls { cert, key }) = &settings.tls else { return Ok(None) };
    Certificates::read(cert, key).map(|certificates| Some(Arc::new(certificates))).map_err(ServerError::Tls)
}

/// What signs snapshots of switches, if something should.
pub(crate) fn signer(settings: &Settings) -> Result<Option<Signer>, ServerError> {
    let Some(secret) = &settings.switch_key else { return Ok(None) };
    let key =
        secret.resolve("server.switch_key").map_err(|problem| ServerError::SwitchKey(problem.to_string()))?;
    Signer::from_hex(&key).map(Some).map_err(ServerError::SwitchKey)
}

/// What is kept: what a server says of it is noted in the folder, for those who open it without a server's settings.
fn retention(settings: &Settings, store: &Store) -> Result<Arc<Retention>, StoreError> {
    if !settings.evaluate {
        return Ok(Arc::new(store.noted_retention()?.unwrap_or_default()));
    }
    if let Err(error) = store.note_retention() {
        // A disk without room must not keep the server from starting.
        tracing::warn!("could not store the retention: {error}");
    }
    Ok(Arc::new(settings.store.retention_in_force()))
}

async fn open(
    settings: Settings,
    stores: Stores,
    token: Option<String>,
) -> Result<(Services, AbortHandle), ServerError> {
    let signer = signer(&settings)?;
    let base = Base::new(settings, stores);
    let access = AccessService::open(&base, token.as_deref())?;
    let access = access.with_provider(&base.settings);
    let access = Arc::new(access.map_err(|problem| ServerError::OpenId(problem.to_string()))?);
    if let Some(address) = base.settings.public_address().filter(|_| !access.has_admin()) {
        return Err(ServerError::NoToken { address });
    }
    let (services, actions) = wire(base, access, signer)?;
    if services.base.settings.evaluate {
        // Rules whose past is long wait for it; nobody else does.
        drop(register::reload(&services.rules).await?);
    }
    Ok((services, actions))
}

/// Makes the services, each of those that it is given, and begins to do what alerts want done with switches.
fn wire(
    base: Base,
    access: Arc<AccessService>,
    signer: Option<Signer>,
) -> Result<(Services, AbortHandle), StoreError> {
    let retention = retention(&base.settings, &base.store)?;
    let wakeup = Arc::new(Wakeup::default());
    let intake = Arc::new(IntakeService::open(&base, &retention)?);
    let expressions = Arc::new(Expressions::new(&base));
    let (orders, ordered) = acting::queue();
    let delivery = Arc::new(DeliveryService::new(&base, &wakeup, orders));
    let models = Arc::new(ModelService::new(&base));
    let evaluation = Arc::new(EvaluationService::open(
        &base,
        wakeup,
        Arc::clone(&intake),
        Arc::clone(&expressions),
        Arc::clone(&models),
        Arc::clone(&delivery),
    )?);
    let switches = Arc::new(SwitchService::open(&base, signer)?);
    let actions = tokio::spawn(actions::run(ordered, Arc::clone(&switches), Arc::clone(&evaluation)));
    let silences = Arc::new(SilenceService::open(&base, Arc::clone(&evaluation))?);
    let rules = Arc::new(RuleService::new(
        &base,
        Arc::clone(&evaluation),
        Arc::clone(&intake),
        Arc::clone(&delivery),
    ));
    let processors = Arc::new(ProcessorService::open(&base, Arc::clone(&intake))?);
    let findings = Arc::new(FindingService::new(&base, Arc::clone(&intake)));
    let configuration = ConfigurationService::new(
        &base,
        Arc::clone(&rules),
        Arc::clone(&processors),
        Arc::clone(&silences),
        Arc::clone(&switches),
    );
    let health = HealthService::new(
        &base,
        retention,
        Arc::clone(&evaluation),
        Arc::clone(&processors),
        Arc::clone(&switches),
    );
    let judging = Arc::clone(&processors);
    models.tell_of_use(Box::new(move |in_use| judging.use_models(in_use)))?;
    let services = Services {
        access,
        intake,
        expressions,
        delivery,
        evaluation,
        rules,
        processors,
        silences,
        findings,
        models,
        switches,
        configuration: Arc::new(configuration),
        health: Arc::new(health),
        base,
    };
    Ok((services, actions.abort_handle()))
}
