//! The consumers that are in force: each takes the messages of its broker, and connects again when a connection is lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lanner_io::consume::{ConsumeConfig, Consumer, Ledger};
use lanner_io::remote::Problem;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::session::Consuming;
use crate::http::blocking;
use crate::intake::consumed::ledger;
use crate::intake::service::IntakeService;

/// How long is waited after a connection failed; doubled with each that follows, up to the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A connection that held so long was one: what follows it begins with the first pause again.
const HELD: Duration = Duration::from_secs(5);
/// How long those that are replaced may take to finish what is under way.
const GRACE: Duration = Duration::from_secs(10);

/// Runs until the server stops. The consumers may change meanwhile: those before are ended, and all begin anew.
pub(crate) async fn run(service: Arc<IntakeService>) {
    let mut changes = service.live.changes();
    while !service.shutdown.has_begun() {
        changes.mark_unchanged();
        let configs = Arc::clone(&service.live.get().consume);
        let running = Running::start(&service, &configs);
        loop {
            tokio::select! {
                // Its other end is part of the service.
                _ = changes.changed() => {}
                () = service.shutdown.begun() => break,
            }
            if !Arc::ptr_eq(&service.live.get().consume, &configs) {
                break;
            }
        }
        // What is stored must be noted before others ask what is.
        running.end().await;
    }
}

/// Consumers that run.
struct Running {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Running {
    fn start(service: &Arc<IntakeService>, configs: &[ConsumeConfig]) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        service.consumers.clear();
        for config in configs {
            let name = config.name().into();
            match config.build() {
                Ok(consumer) => {
                    service.consumers.begin(&name, config.kind(), None);
                    tasks.spawn(repeat(Arc::clone(service), Arc::new(consumer), stopped.clone()));
                }
                Err(problems) => {
                    let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
                    let why = problems.join("; ");
                    tracing::error!(consumer = config.name(), "cannot take messages: {why}");
                    service.consumers.begin(&name, config.kind(), Some(why));
                }
            }
        }
        Self { stop, tasks }
    }

    /// Ends them, when what is under way is settled.
    async fn end(mut self) {
        self.stop.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!(
                "a consumer does not end, and is cut off; what it has not acknowledged comes again"
            );
        }
    }
}

/// One connection after the other, until it is told to stop.
async fn repeat(service: Arc<IntakeService>, consumer: Arc<Consumer>, stop: watch::Receiver<bool>) {
    let (asked, name) = (Arc::clone(&service), Arc::clone(&consumer.name));
    let known = match blocking(move || ledger(&asked, &name)).await {
        Ok(Ok(known)) => known,
        Ok(Err(error)) => not_known(&consumer.name, &error),
        Err(panic) => not_known(&consumer.name, &panic),
    };
    let known = Arc::new(Mutex::new(known));
    let consuming = Consuming { service: Arc::clone(&service), consumer: Arc::clone(&consumer), known, stop };
    let mut pause = PAUSE;
    loop {
        let begun = tokio::time::Instant::now();
        let ended = consuming.session().await;
        let Err(why) = ended else { return };
        if service.consumers.failed(&consumer.name, &why) {
            tracing::warn!(consumer = &*consumer.name, "{why}; trying again");
        }
        if begun.elapsed() >= HELD {
            pause = PAUSE;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = consuming.stopped() => return,
        }
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// Messages are taken even so: a double is better than none.
fn not_known(consumer: &str, why: &dyn std::fmt::Display) -> Ledger {
    tracing::warn!(consumer, "what was stored before is not known, so some may count twice: {why}");
    Ledger::default()
}
