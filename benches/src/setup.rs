//! What a run is given.

use std::path::PathBuf;

/// What a run is given.
pub(crate) struct Setup {
    /// The program under test.
    pub(crate) lanner: PathBuf,
    /// The folder of the peer's programs; `None` leaves the peer out.
    pub(crate) prometheus: Option<PathBuf>,
    /// The folder of Alertmanager; `None` leaves that peer out.
    pub(crate) alertmanager: Option<PathBuf>,
    /// The Python environment of graphite-web; `None` leaves that peer out.
    pub(crate) graphite_web: Option<PathBuf>,
    /// The Python environment of the peers of `lanner detect`; `None` leaves them out.
    pub(crate) detect: Option<PathBuf>,
    /// The Numenta Anomaly Benchmark; `None` leaves the size on disk out.
    pub(crate) nab: Option<PathBuf>,
    /// How many minutes rules are watched.
    pub(crate) minutes: u64,
    /// How many stored events a new rule has to count.
    pub(crate) events: usize,
}
