//! What every service stands on.

use std::sync::Arc;

use lanner_io::data::DataStore;
use lanner_io::state::StateStore;
use lanner_io::store::Store;

use crate::clock::Clock;
use crate::documents::SetAside;
use crate::replaced::Replaced;
use crate::settings::Settings;
use crate::settings::live::InForce;
use crate::shutdown::Shutdown;
use crate::sources::Sources;
use crate::stores::{Elsewhere, Stores};

/// What every service stands on; each takes of it what it needs.
#[derive(Debug, Clone)]
pub struct Base {
    /// What was set at the start.
    pub settings: Arc<Settings>,
    /// What may change while the server runs.
    pub live: Arc<InForce>,
    /// The store in one file: what is only its own, such as backups.
    pub store: Store,
    /// Servers elsewhere that queries ask.
    pub sources: Arc<Sources>,
    /// The store as one of series and events.
    pub data: Arc<dyn DataStore>,
    /// The store of state: the same one, unless it is elsewhere.
    pub state: Arc<dyn StateStore>,
    /// Where state is kept, if not in that file.
    pub elsewhere: Option<Elsewhere>,
    /// Whether another server has taken over.
    pub replaced: Arc<Replaced>,
    /// Stored documents that are not in force.
    pub set_aside: Arc<SetAside>,
    /// Who learns that the server stops.
    pub shutdown: Arc<Shutdown>,
}

impl Base {
    /// On these settings and these stores.
    #[must_use]
    pub(crate) fn new(settings: Settings, stores: Stores) -> Self {
        let shutdown = Arc::<Shutdown>::default();
        let Stores { file: store, elsewhere } = stores;
        let in_file = || Arc::new(store.clone()) as Arc<dyn StateStore>;
        Self {
            live: Arc::new(InForce::new(&settings)),
            sources: Arc::new(Sources::new(
                &settings.sources,
                Arc::clone(&settings.streams),
                Arc::clone(&shutdown),
            )),
            settings: Arc::new(settings),
            data: Arc::new(store.clone()),
            state: elsewhere.as_ref().map_or_else(in_file, Elsewhere::as_state),
            elsewhere,
            replaced: Arc::default(),
            store,
            set_aside: Arc::default(),
            shutdown,
        }
    }

    /// What time it is.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.settings.clock.clone()
    }
}
