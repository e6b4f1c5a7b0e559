//! A server with the role api: answers for switches from a copy of its own, and hands every other request on to the server that
//! notifies. Any number of them may stand beside it.
//!
//! What is changed by way of one is in force for all, because all of it is changed in one place. That place may be away for a while, and
//! switches are judged all the same.
//!
//! Reading order: [`Front`], [`mirror`] (what it knows), [`routes`] (what it answers itself).

mod mirror;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lanner_io::http::Forward;
use lanner_io::postgresql::PostgreSqlState;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::access::following;
use crate::access::service::AccessService;
use crate::base::Base;
use crate::http::blocking;
use crate::run::{ServerError, cannot_listen, certificates, signer, token};
use crate::settings::Settings;
use crate::stores::Stores;
use crate::switches::edges;
use crate::switches::service::SwitchService;
use mirror::Mirror;

/// How long requests under way, and the stores, may take when the server stops.
const ENDING: Duration = Duration::from_millis(1_500);

/// A running server with the role api.
#[derive(Debug)]
pub struct Front {
    base: Base,
    address: SocketAddr,
    following: Vec<JoinHandle<()>>,
    http: JoinHandle<()>,
}

impl Front {
    /// Starts one. It answers as soon as it has read the switches.
    ///
    /// # Errors
    /// [`ServerError`], each with what to do.
    pub async fn start(settings: Settings) -> Result<Self, ServerError> {
        settings.objection_to_roles().map_or(Ok(()), |why| Err(ServerError::Roles(why)))?;
        let (token, certificates, signer) = (token(&settings)?, certificates(&settings)?, signer(&settings)?);
        let settings = settings.listening_for_http_only();
        let listener = TcpListener::bind(settings.listen).await;
        let listener = listener.map_err(|error| cannot_listen(settings.listen, &error))?;
        let address = listener.local_addr()?;
        let base = {
            let stores = Stores::open(&settings).await?;
            Base::new(settings, stores)
        };
        let access = Arc::new(AccessService::open(&base, token.as_deref())?);
        if let Some(address) = base.settings.public_address().filter(|_| !access.has_admin()) {
            return Err(ServerError::NoToken { address });
        }
        let forward = Forward::new().map_err(|problem| ServerError::Tls(problem.to_string()))?;
        let switches = Arc::new(SwitchService::open_copy(&base, signer)?);
        let mirror = Arc::new(Mirror::new(state(&base)?, Arc::clone(&switches), forward));
        let (shutdown, stopping) = (Arc::clone(&base.shutdown), Arc::clone(&base.shutdown));
        let following = vec![
            tokio::spawn(following::run(Arc::clone(&access), Arc::clone(&shutdown))),
            tokio::spawn(edges::run(switches)),
            tokio::spawn(mirror::follow(Arc::clone(&mirror), shutdown)),
        ];
        let router = routes::router(mirror, access, &base);
        let (stop, stopped) = oneshot::channel();
        let http = tokio::spawn(async move {
            let serving = lanner_io::http::serve(listener, certificates, router, stopped);
            let ending = async move {
                stopping.begun().await;
                // Nobody to tell when HTTP ended before.
                let _ = stop.send(());
            };
            tokio::join!(serving, ending);
        });
        Ok(Self { base, address, following, http })
    }

    /// Where HTTP listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: requests under way have a moment to be answered.
    pub async fn stop(self) {
        self.base.shutdown.begin();
        let abort = self.http.abort_handle();
        if tokio::time::timeout(ENDING, self.http).await.is_err() {
            abort.abort();
        }
        self.following.iter().for_each(JoinHandle::abort);
        let base = self.base;
        let close = blocking(move || {
            if let Some(elsewhere) = &base.elsewhere {
                elsewhere.state.close();
            }
            base.store.close();
        });
        if tokio::time::timeout(ENDING, close).await.is_err() {
            tracing::warn!("the database of the state does not answer; nothing of this server waits for it");
        }
    }
}

fn state(base: &Base) -> Result<Arc<PostgreSqlState>, ServerError> {
    let state = base.elsewhere.as_ref().map(|elsewhere| Arc::clone(&elsewhere.state));
    state.ok_or_else(|| ServerError::Roles("the state of this server is in no database".to_owned()))
}
