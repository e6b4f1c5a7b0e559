//! What a server stores where: series, events and findings in its data folder, and state there as well, or in a database.
//!
//! A server whose state is in a database begins when it holds the lease on evaluation: until then it is a standby, which
//! listens nowhere. A database that is away as the server starts is waited for.

use std::sync::Arc;
use std::time::Duration;

use lanner_io::postgresql::lease::{Held, LEASE, Lease};
use lanner_io::postgresql::{PostgreSqlConfig, PostgreSqlState};
use lanner_io::receiver::host_name;
use lanner_io::state::StateStore;
use lanner_io::store::{Store, StoreError};

use crate::settings::{Roles, Settings, StateIn};

/// How long it takes to try again to reach a database that is away.
const AGAIN: Duration = Duration::from_secs(2);

/// The stores of a server.
#[derive(Debug)]
pub(crate) struct Stores {
    /// The one in the data folder.
    pub(crate) file: Store,
    /// Where state is kept, if not there.
    pub(crate) elsewhere: Option<Elsewhere>,
}

/// State in a database.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    /// The database.
    pub(crate) state: Arc<PostgreSqlState>,
    /// That this server evaluates what is not shared out, and no other; a worker needs none, and nor does who hands requests on.
    pub(crate) lease: Option<Arc<Lease>>,
}

impl Stores {
    /// Opens them. Returns when this server may evaluate.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, StoreError> {
        let (folder, options) = (settings.folder.clone(), settings.store.clone());
        let open = if settings.read_only { Store::open_to_read } else { Store::open };
        let file = blocking(move || open(&folder, options)).await?;
        let noted = file.noted_state()?;
        let config = match (&settings.state, noted) {
            (StateIn::PostgreSql(config), noted) if settings.evaluate => (config, noted),
            (StateIn::FolderNow, Some(place)) if settings.evaluate => {
                tracing::warn!("the state was kept in {place}, and is now what the data folder itself holds");
                file.note_state(None)?;
                return Ok(Self { file, elsewhere: None });
            }
            (_, None) => return Ok(Self { file, elsewhere: None }),
            (_, Some(place)) => {
                return Err(StoreError::StateElsewhere { path: settings.folder.clone(), place });
            }
        };
        let elsewhere = Elsewhere::open(&file, config.0, config.1, settings).await?;
        Ok(Self { file, elsewhere: Some(elsewhere) })
    }
}

impl Elsewhere {
    async fn open(
        file: &Store,
        config: &PostgreSqlConfig,
        noted: Option<String>,
        settings: &Settings,
    ) -> Result<Self, StoreError> {
        let state = Arc::new(connected(config, settings).await?);
        let place = format!("PostgreSQL at {}", state.place());
        if noted.as_ref() != Some(&place) {
            if noted.is_none() && has_state(file)? {
                tracing::warn!(
                    "the data folder holds rules, alerts or other state of its own, which stays there and is not in force; the state is now in {place}"
                );
            }
            file.note_state(Some(&place))?;
        }
        // A server that is started anew need not wait for its own lease: nobody else has its folder.
        let host = host_name().unwrap_or_default();
        let holder = format!("{host} {:016x}", file.secret());
        let about = format!("process {} on {host}", std::process::id());
        let lease = match settings.roles {
            Roles::Api | Roles::Worker => None,
            Roles::All | Roles::ApiNotify => Some(Arc::new(leased(&state, holder, about).await?)),
        };
        tracing::info!("the state is in {place}");
        Ok(Self { state, lease })
    }

    /// Where the state is, for people.
    pub(crate) fn place(&self) -> String {
        format!("PostgreSQL at {}", self.state.place())
    }

    /// As what services know.
    pub(crate) fn as_state(&self) -> Arc<dyn StateStore> {
        Arc::clone(&self.state) as Arc<dyn StateStore>
    }
}

/// Whether somebody set up anything in the file before.
fn has_state(file: &Store) -> Result<bool, StoreError> {
    Ok(file.verify_audit()?.n_entries > 0)
}

async fn connected(config: &PostgreSqlConfig, settings: &Settings) -> Result<PostgreSqlState, StoreError> {
    let mut is_told = false;
    loop {
        let (config, options) = (config.clone(), settings.store.clone());
        match blocking(move || PostgreSqlState::open(&config, options)).await {
            Err(StoreError::Unavailable { detail }) => {
                if !is_told {
                    tracing::error!("the server starts when the database of the state is there: {detail}");
                }
                is_told = true;
            }
            opened => return opened,
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn leased(state: &Arc<PostgreSqlState>, holder: String, about: String) -> Result<Lease, StoreError> {
    let mut is_told = false;
    loop {
        let (asked, holder, about) = (Arc::clone(state), holder.clone(), about.clone());
        match blocking(move || asked.lease(&holder, &about)).await {
            Ok(Ok(lease)) => return Ok(lease),
            Ok(Err(Held { about })) => {
                if !is_told {
                    tracing::info!(
                        "another server, {about}, evaluates on this state; this one is a standby, and begins when that one ends"
                    );
                }
                is_told = true;
            }
            // It may come back before anybody else begins.
            Err(error) if error.passes() => {
                tracing::warn!("the lease on evaluation is not to be had: {error}");
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(LEASE / 5).await;
    }
}

/// Runs what blocks beside the tasks of the server.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| Err(StoreError::Database { detail: panic.to_string() }))
}
