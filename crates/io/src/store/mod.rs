//! The embedded store, the first [`DataStore`](crate::data::DataStore) and [`StateStore`](crate::state::StateStore): series,
//! events and state in one SQLite file, `lanner.db`, in a data folder.
//!
//! **Acknowledged is durable.** A batch is committed as it came, one row of the journal, before its receipt
//! resolves. Its samples and events also lie in memory (the head). Later they are sealed into compressed
//! blocks, in one transaction that also drops the journal's rows they came from. When the store is opened,
//! what was not sealed is read back from the journal. Nothing else is a log.
//!
//! ```text
//!  append ──▶ writer (group commit) ──▶ journal ──▶ head ──▶ seal ──▶ blocks ──▶ roll up, drop
//!  apply, save_rules, ... ──▶ writer ──▶ tables               reads = blocks + head
//! ```
//!
//! Reading order: [`Store`], [`StoreOptions`] (what is kept), `batch` (what comes in), `writer` (the one
//! thread that writes), `head` (the newest data), `block` and `column` (the compressed form), `read`; then `seal` and
//! `rollup` (how blocks are made), `events`, `state`, `evaluations`, `rules`, `documents`, `audit`, `outbox`
//! (everything that is not a sample).
//!
//! Invariants of this module:
//! - Only the writer's thread changes the file. Readers use connections of their own and never wait for it,
//!   except for the moment in which sealed data moves from memory to disk.
//! - Of two samples of one series at one time the one that came later counts, across memory, disk and
//!   restarts, as long as the time lies where samples are kept as written. Once a step was merged, a late
//!   sample is added to it.
//! - No clock: the current time is an argument wherever it matters.

mod as_data;
mod as_state;
mod audit;
mod backup;
mod batch;
mod beside;
mod block;
mod bytes;
mod chain;
mod column;
mod damage;
mod documents;
mod elsewhere;
mod error;
mod evaluations;
mod event_block;
mod events;
mod findings;
mod head;
mod index;
mod lock;
mod maintain;
mod measured;
mod mend;
mod models;
mod open;
mod options;
mod outbox;
mod private;
mod read;
mod receipt;
mod repair;
mod replaced;
mod restore;
mod retention;
mod revision;
mod rollup;
mod rows;
mod rules;
mod seal;
mod sealer;
mod segment;
mod series;
mod series_id;
mod shards;
mod silences;
mod state;
mod stats;
mod sums;
mod tolerated;
mod watch;
mod writer;
mod written;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use lanner_core::{Matcher, SeriesKey};
use rusqlite::{Connection, OptionalExtension as _};

pub use batch::{Batch, NewEvent, Texts};
pub use chain::{AuditCheck, AuditEntry};
pub(crate) use chain::{Walk, WrittenVersion, body_hash};
pub use damage::Damage;
pub use documents::{Author, DocumentBatch, DocumentChange, StoredDocument};
pub use error::StoreError;
pub use events::{EventsSnapshot, StreamInfo};
pub use maintain::MaintenanceReport;
pub use options::StoreOptions;
pub(crate) use outbox::shortened;
pub use outbox::{DeadLetters, OutboxEntry, OutboxState};
pub use private::write_private;
pub use read::Piece;
pub use receipt::Receipt;
pub(crate) use receipt::{Promise, promise};
pub use repair::{Repair, Repaired};
pub use restore::Restored;
pub use retention::{
    EventRetention, NamePattern, Retention, RetentionRule, Tier, format_keep, parse_keep_ms,
};
pub use series_id::SeriesId;
pub use stats::StoreStats;

use crate::metrics::METRICS;
pub use written::WrittenSeries;

pub use crate::state::EvaluationFilter;
use damage::Found;
use head::Head;
pub(crate) use lock::locked;
use open::Access;
use series::Registry;
use writer::{Urgency, Writer};

/// The embedded store. Cheap to clone; all clones are one store. See the [module](self).
///
/// Reads are synchronous and quick. Writes return a [`Receipt`]: `.await` it, or [`Receipt::wait`].
///
/// ```
/// use lanner_core::{Labels, Sample, SeriesKey, TimeRange};
/// use lanner_io::store::{Batch, Store, StoreOptions};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path(), StoreOptions::default())?;
/// let cpu = store.series_id(&SeriesKey::new("cpu", Labels::new([("host", "a")])))?;
/// let samples = vec![(cpu, Sample::new(1_767_225_600_000, 0.5))];
/// store.append(Batch { samples, events: Vec::new() })?.wait()?; // on disk now
/// assert_eq!(store.samples(cpu, TimeRange::new(0, i64::MAX))?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Store(Arc<Inner>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

struct Inner {
    core: Arc<Core>,
    /// `None` in a store that was opened for reading.
    writer: Option<Writer>,
    sealer: sealer::Sealer,
    /// Held while the store is open.
    lock: Mutex<Option<File>>,
    /// Where what is whole of a damaged store was copied that must not be changed; gone with this.
    _copy: Option<tempfile::TempDir>,
}

/// What the writer's thread and the readers share.
struct Core {
    folder: PathBuf,
    options: StoreOptions,
    retention: Retention,
    registry: Registry,
    head: RwLock<Head>,
    /// Read-locked by whoever looks at blocks and head together, write-locked while data moves between them.
    layout: Arc<RwLock<()>>,
    damage: Arc<Found>,
    readers: open::Readers,
    metas: index::Metas,
    blocks: index::Blocks,
    /// One maintenance at a time, and what it remembers.
    maintenance: Mutex<sealer::Memory>,
}

/// What is read when a store is opened.
struct Loaded {
    db: Connection,
    /// How others open the file beside that.
    access: Access,
    head: Head,
    registry: Registry,
}

impl Loaded {
    /// Of a folder that is locked. [`StoreError::Corrupt`] when something is not whole.
    fn to_write(folder: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let path = folder.join(open::FILE_NAME);
        open::refuse_emptied(&path)?;
        if path.exists() {
            refuse_damaged(&path)?;
        }
        let (db, access) = open::open_writer(folder, options.max_page_count)?;
        let head = Self::checked(&db, &path, options)?;
        match forget_empty_series(&db, &head) {
            // They stay a while longer.
            Err(StoreError::DiskFull) => {}
            forgotten => forgotten?,
        }
        Ok(Self { registry: Registry::load(&db, options.max_series)?, head, db, access })
    }

    /// Without a change to anything in the folder.
    fn to_read(folder: &Path, access: Access, options: &StoreOptions) -> Result<Self, StoreError> {
        let path = folder.join(open::FILE_NAME);
        refuse_damaged(&path)?;
        let readers = open::Readers::new(folder, access);
        readers.check_version()?;
        let db = readers.connect()?;
        let head = Self::checked(&db, &path, options)?;
        Ok(Self { registry: Registry::load(&db, options.max_series)?, head, db, access })
    }

    /// Of a copy of what is whole, made in a place of its own, and what is lost.
    fn of_copy(
        path: &Path,
        reason: &StoreError,
        options: &StoreOptions,
    ) -> Result<(tempfile::TempDir, Self, Vec<String>), StoreError> {
        let failed = |error: std::io::Error| StoreError::Folder {
            path: std::env::temp_dir(),
            detail: error.to_string(),
        };
        let copy = tempfile::tempdir().map_err(failed)?;
        let target = copy.path().join(open::FILE_NAME);
        let repair = repair::into_fresh(path, &target, &reason.to_string(), "")?;
        let loaded = Self::to_read(copy.path(), Access::Settled, options)?;
        Ok((copy, loaded, repair.lines()))
    }

    /// What lies in the journal of a file that is whole.
    fn checked(db: &Connection, path: &Path, options: &StoreOptions) -> Result<Head, StoreError> {
        damage::check(db, path)?;
        let mut head = Head::default();
        replay(db, &mut head, options.max_head_bytes / 4)?;
        Ok(head)
    }
}

fn refuse_damaged(path: &Path) -> Result<(), StoreError> {
    repair::inspect(path)?.map_or(Ok(()), |detail| Err(StoreError::corrupt(detail)))
}

impl Core {
    fn new(
        folder: &Path,
        options: StoreOptions,
        loaded: Loaded,
        lost: Vec<String>,
    ) -> (Connection, Arc<Self>) {
        let Loaded { db, access, head, registry } = loaded;
        let core = Self {
            folder: folder.to_owned(),
            registry,
            head: RwLock::new(head),
            layout: Arc::default(),
            damage: Arc::new(Found::new(lost)),
            readers: open::Readers::new(folder, access),
            metas: index::Metas::new(METAS_KEPT),
            blocks: index::Blocks::new(options.block_cache_bytes),
            maintenance: Mutex::default(),
            retention: options.retention_in_force(),
            options,
        };
        (db, Arc::new(core))
    }

    fn head(&self) -> RwLockReadGuard<'_, Head> {
        self.head.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn head_mut(&self) -> RwLockWriteGuard<'_, Head> {
        self.head.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation_bytes(&self) -> usize {
        self.options.max_head_bytes / 4
    }
}

/// How many series' lists of blocks and how many blocks in them stay in memory.
const METAS_KEPT: usize = 1 << 21;

impl Store {
    /// Opens the store in `folder`, making both if needed, and reads back what was not sealed.
    ///
    /// Cost: some 0.1 s for 10,000 series and a full head.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::ReadOnly`], [`StoreError::Folder`], [`StoreError::TooNew`],
    /// [`StoreError::NotAStore`], [`StoreError::Corrupt`], [`StoreError::DiskFull`],
    /// [`StoreError::BadOptions`].
    pub fn open(folder: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        options.check()?;
        let lock = open::lock_folder(folder)?;
        repair::finish(folder)
            .and_then(|()| replaced::finish(folder))
            .map_err(|error| open::folder_error(folder.to_owned(), &error))?;
        let loaded = match Loaded::to_write(folder, &options) {
            Err(StoreError::Corrupt { detail }) => {
                tracing::error!("the store is damaged: {detail}; the intact data is copied into a new file");
                let repair = repair::replace(folder, &detail)?;
                repair.lines().iter().for_each(|line| tracing::error!("lost: {line}"));
                tracing::warn!("the store is repaired; the damaged file is kept as {}", repair.kept_as);
                Loaded::to_write(folder, &options)?
            }
            loaded => loaded?,
        };
        if let Err(error) = beside::unpack(&loaded.db, folder) {
            // It stays in the file; the store itself is whole.
            tracing::warn!(
                "what lay beside the store that this is a copy of cannot be put in its place: {error}"
            );
        }
        let (db, core) = Core::new(folder, options, loaded, Vec::new());
        let thread_error =
            |error: std::io::Error| StoreError::Database { detail: format!("starting a thread: {error}") };
        let writer = Writer::start(db, Arc::clone(&core.layout), core.options.max_queued_bytes);
        let writer = Some(writer.map_err(thread_error)?);
        let sealer = sealer::Sealer::default();
        let store = Self(Arc::new(Inner { core, writer, sealer, lock: Mutex::new(Some(lock)), _copy: None }));
        store.start_sealer().map_err(thread_error)?;
        Ok(store)
    }

    /// Opens the store in `folder` for reading: nothing in the folder changes, so it may lie where nobody can write.
    /// Writing answers [`StoreError::OpenedToRead`].
    ///
    /// Others may read the same folder meanwhile; nobody may serve it. What is damaged, or written by an earlier release, is
    /// copied into a temporary folder as far as it is whole; [`Store::damage`] says what is missing.
    ///
    /// # Errors
    /// [`StoreError::Served`], and as [`Store::open`].
    pub fn open_to_read(folder: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        options.check()?;
        let lock = open::share_folder(folder)?;
        let path = folder.join(open::FILE_NAME);
        open::refuse_emptied(&path)?;
        let loaded = match Access::of_unserved(&path) {
            Some(access) => Loaded::to_read(folder, access, &options),
            None => Err(StoreError::corrupt("the index of the write-ahead log is missing")),
        };
        let (copy, loaded, lost) = match loaded {
            // What reading alone can neither repair nor upgrade is copied, as far as it is whole.
            Err(error @ (StoreError::Corrupt { .. } | StoreError::TooOld { .. })) => {
                let (copy, loaded, lost) = Loaded::of_copy(&path, &error, &options)?;
                (Some(copy), loaded, lost)
            }
            loaded => (None, loaded?, Vec::new()),
        };
        let lies_in = copy.as_ref().map_or(folder, tempfile::TempDir::path);
        let (_, core) = Core::new(lies_in, options, loaded, lost);
        let sealer = sealer::Sealer::default();
        Ok(Self(Arc::new(Inner { core, writer: None, sealer, lock: Mutex::new(lock), _copy: copy })))
    }

    /// What is damaged, as far as it was met, and which repairs there were.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn damage(&self) -> Result<Damage, StoreError> {
        let mut repairs = self.look(repair::repairs)?;
        // A copy for reading replaced nothing.
        repairs.retain(|repair| !repair.kept_as.is_empty());
        Ok(Damage { unreadable: self.core().damage.lines(), repairs })
    }

    /// Writes what waits and closes the file; other clones get [`StoreError::Closed`] from now on.
    ///
    /// Dropping the last clone does the same.
    pub fn close(&self) {
        self.0.close();
    }

    fn core(&self) -> &Core {
        &self.0.core
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        let path = || self.core().folder.clone();
        self.0.writer.as_ref().ok_or_else(|| StoreError::OpenedToRead { path: path() })
    }

    /// Bytes waiting to be written.
    fn queued_bytes(&self) -> usize {
        self.0.writer.as_ref().map_or(0, Writer::queued_bytes)
    }

    /// The number of a series, registered if it is new.
    ///
    /// # Errors
    /// [`StoreError::TooManySeries`].
    pub fn series_id(&self, key: &SeriesKey) -> Result<SeriesId, StoreError> {
        self.core().registry.id(key)
    }

    /// The number of the series with this key, registered if it is new, for which `raw` stands from now on, such as the
    /// bytes `measurement,tag=value field` of a line. Equal bytes must always stand for the same key.
    ///
    /// # Errors
    /// [`StoreError::TooManySeries`].
    pub fn resolve(&self, raw: &[u8], key: &SeriesKey) -> Result<SeriesId, StoreError> {
        self.core().registry.resolve(raw, key)
    }

    /// The series by the bytes that clients write for them.
    #[must_use]
    pub fn written_series(&self) -> &WrittenSeries {
        &self.core().registry.written
    }

    /// A number that keys hashes of what strangers send: random for each installation, and kept with it.
    #[must_use]
    pub fn secret(&self) -> u64 {
        self.core().registry.written.seed()
    }

    /// The key of a series; `None` for a number that was never given.
    #[must_use]
    pub fn series_key(&self, id: SeriesId) -> Option<Arc<SeriesKey>> {
        self.core().registry.key(id)
    }

    /// How many series exist. Grows exactly when [`Store::select`] may find more than before.
    #[must_use]
    pub fn n_series(&self) -> usize {
        self.core().registry.count()
    }

    /// The names of series that match `pattern` (`*` is any text), in order.
    #[must_use]
    pub fn names(&self, pattern: &str) -> Vec<Arc<str>> {
        self.core().registry.names(pattern)
    }

    /// The series whose name matches `pattern` (`*` is any text) and whose labels match all of `matchers`.
    ///
    /// Cost: O(log names) for a fixed beginning of the name, then all series under the names found.
    ///
    /// # Errors
    /// [`StoreError::BadMatcher`].
    pub fn select(
        &self,
        pattern: &str,
        matchers: &[Matcher],
    ) -> Result<Vec<(SeriesId, Arc<SeriesKey>)>, StoreError> {
        self.core().registry.select(pattern, matchers)
    }

    /// Appends samples and events; the receipt resolves when they are durable and readable.
    ///
    /// Cost: one commit shared with whatever else waits; a batch of 10,000 samples is a row of 160 kB.
    ///
    /// # Errors
    /// At once: [`StoreError::Busy`] when too much waits (send it again later), [`StoreError::NotFinite`],
    /// [`StoreError::TimeOutOfRange`] and [`StoreError::UnknownSeries`] for data that cannot be stored; none
    /// of the batch is. From the receipt: [`StoreError::DiskFull`] and other failures of the file.
    pub fn append(&self, batch: Batch) -> Result<Receipt, StoreError> {
        let core = Arc::clone(&self.0.core);
        let last_id = batch.check(&core.registry)?;
        let head_bytes = core.head().bytes();
        if head_bytes >= 2 * core.options.max_head_bytes {
            self.0.sealer.wake();
            return Err(StoreError::Busy { retry_after: std::time::Duration::from_secs(1) });
        }
        if head_bytes >= core.options.max_head_bytes {
            self.0.sealer.wake();
        }
        let body = batch.encode();
        let bytes = body.len();
        let work = {
            let core = Arc::clone(&core);
            move |db: &Connection| {
                core.registry.save(db, last_id)?;
                db.prepare_cached("INSERT INTO journal (body) VALUES (?1)")?.execute([body])?;
                Ok(db.last_insert_rowid())
            }
        };
        let publish = move |seq| {
            METRICS.samples.inc_by(batch.samples.len() as u64);
            METRICS.events.inc_by(batch.events.len() as u64);
            core.head_mut().apply(seq, batch, core.generation_bytes());
        };
        self.writer()?.submit(Urgency::Data, bytes, work, publish)
    }

    /// Writes a piece of state; `bytes` is roughly how large it is.
    fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Receipt<T>, StoreError> {
        self.writer()?.submit(Urgency::State, bytes, work, |value| value)
    }

    /// Notes in the folder what is kept, for commands that open it without knowing the server's settings.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn note_retention(&self) -> Result<(), StoreError> {
        let text = serde_json::to_string(&self.core().retention)?;
        self.write(text.len(), move |db| {
            let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES ('retention', ?1)";
            Ok(db.execute(sql, [text]).map(drop)?)
        })?
        .wait()
    }

    /// What the last server kept that had this folder; `None` when none noted it.
    ///
    /// # Errors
    /// Failures of the file.
    pub fn noted_retention(&self) -> Result<Option<Retention>, StoreError> {
        let sql = "SELECT value FROM meta WHERE key = 'retention'";
        let text: Option<String> =
            self.look(|db| Ok(db.query_row(sql, [], |row| row.get(0)).optional()?))?;
        // Of another release, perhaps: then it says nothing to this one.
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    /// Looks at the tables.
    fn look<T>(&self, look: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.core().readers.with(look)
    }
}

impl Inner {
    fn close(&self) {
        self.sealer.stop();
        if let Some(writer) = &self.writer {
            writer.close();
        }
        self.core.readers.close();
        *locked(&self.lock) = None;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// Reads the journal into the head.
fn replay(db: &Connection, head: &mut Head, generation_bytes: usize) -> Result<(), StoreError> {
    let mut statement = db.prepare("SELECT seq, body FROM journal ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        let batch = Batch::decode(row.get_ref(1)?.as_blob().unwrap_or_default());
        let batch = batch.map_err(|_| StoreError::corrupt(format!("row {seq} of the journal is damaged")))?;
        head.apply(seq, batch, generation_bytes);
    }
    Ok(())
}

/// Forgets series that retention has emptied. Only here, where nobody holds their numbers.
fn forget_empty_series(db: &Connection, head: &Head) -> Result<(), StoreError> {
    let mut statement =
        db.prepare("SELECT id FROM series WHERE NOT EXISTS (SELECT 1 FROM block WHERE series = series.id)")?;
    let held: HashSet<SeriesId> =
        head.generations().flat_map(|generation| generation.samples.keys().copied()).collect();
    let empty: Vec<u32> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let transaction = db.unchecked_transaction()?;
    let mut delete = db.prepare("DELETE FROM series WHERE id = ?1")?;
    for id in empty.into_iter().filter(|id| !held.contains(&SeriesId(*id))) {
        delete.execute([id])?;
    }
    Ok(transaction.commit()?)
}
