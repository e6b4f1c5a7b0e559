//! What all threads of the plugin share: the configuration with its profiles, the fleet, the file of what was learned.
//!
//! A thread looks at a number to see whether there is another configuration, and at times to see whether something is due. Nothing
//! else here is touched by an ordinary event.

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use falco_plugin::anyhow::{Context as _, Error, anyhow};
use lanner_profile::Profile;

use crate::changes::Changes;
use crate::config::Config;
use crate::fleet::{LOOK_EVERY_MS, Member};
use crate::profiles::Kept;
use crate::state;

/// Threads that Falco may have.
pub(crate) const MAX_THREADS: usize = 64;

/// Before the first event nothing is due.
const NEVER: i64 = i64::MIN;

/// What threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) changes: Changes,
    config: Mutex<Arc<Config>>,
    /// Which configuration that is.
    edition: AtomicUsize,
    member: Mutex<Option<Member>>,
    next_look_ms: AtomicI64,
    next_save_ms: AtomicI64,
    saving: Mutex<Option<JoinHandle<()>>>,
    n_failed_saves: Arc<AtomicU64>,
    counts: Box<[Counts]>,
    pub(crate) started: SystemTime,
}

/// What one thread counted, in cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts {
    n_events: AtomicU64,
    n_rare: AtomicU64,
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a configuration and what was learned under it before.
fn configured(text: &str) -> Result<Config, Error> {
    let unread =
        Config::read(text, &state::seed(&[])).map_err(|problems| anyhow!("init_config: {problems}"))?;
    let Some(path) = &unread.state else { return Ok(unread) };
    let known = state::load(path).map_err(|why| {
        anyhow!("state: {why}; move the file away to learn anew, or bring it back from a backup")
    })?;
    // Merged profiles of one file have one seed; new ones beside them take it too.
    let mut config =
        Config::read(text, &state::seed(&known)).map_err(|problems| anyhow!("init_config: {problems}"))?;
    for id in adopt(&mut config, known) {
        log::warn!("the profile \"{id}\" in {} is of other fields; it is learned anew", path.display());
    }
    Ok(config)
}

/// Gives profiles what was learned of the same behaviours before, and says of which it was others. The profile of the fleet is not
/// in the configuration.
fn adopt(config: &mut Config, known: Vec<Profile>) -> Vec<String> {
    let fleet = config.server.as_ref().map(|server| &*server.options.profile);
    let (of_fleet, known): (Vec<Profile>, Vec<Profile>) =
        known.into_iter().partition(|profile| Some(&*profile.spec().id) == fleet);
    config.profiles.extend(of_fleet.into_iter().filter_map(|profile| Kept::of(profile).ok()).map(Arc::new));
    state::adopt(&mut config.profiles, known)
}

/// The member of the fleet that a configuration names.
fn member(config: &Config) -> Result<Option<Member>, Error> {
    let server = config.server.clone();
    server.map(|server| Member::start(server, &config.profiles)).transpose()
}

impl Shared {
    /// Begins with a configuration.
    pub(crate) fn new(config: &str) -> Result<Self, Error> {
        let config = configured(config)?;
        Ok(Self {
            changes: Changes::default(),
            member: Mutex::new(member(&config)?),
            config: Mutex::new(Arc::new(config)),
            edition: AtomicUsize::new(0),
            next_look_ms: AtomicI64::new(NEVER),
            next_save_ms: AtomicI64::new(NEVER),
            saving: Mutex::default(),
            n_failed_saves: Arc::default(),
            counts: (0..MAX_THREADS).map(|_| Counts::default()).collect(),
            started: SystemTime::now(),
        })
    }

    /// Takes another configuration. What profiles learned stays where their fields stay; a configuration with a mistake changes
    /// nothing.
    pub(crate) fn configure(&self, text: &str) -> Result<(), Error> {
        let mut config = configured(text)?;
        let before = self.config();
        // Other threads may still be at it, so what was learned is copied.
        let learned = before.profiles.iter().map(|kept| kept.profile.clone()).collect();
        for id in adopt(&mut config, learned) {
            log::warn!("the profile \"{id}\" has other fields now; it is learned anew");
        }
        if let Some((new, before)) =
            config.official.as_mut().and_then(Arc::get_mut).zip(before.official.as_ref())
        {
            new.inherit(before);
        }
        *locked(&self.member) = member(&config)?;
        self.set(config);
        Ok(())
    }

    fn set(&self, config: Config) {
        *locked(&self.config) = Arc::new(config);
        self.edition.fetch_add(1, Ordering::Release);
    }

    /// The configuration of now.
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&locked(&self.config))
    }

    /// Which configuration there is now.
    pub(crate) fn edition(&self) -> usize {
        self.edition.load(Ordering::Acquire)
    }

    /// Counts an event of a thread.
    pub(crate) fn count(&self, thread: usize, is_rare: bool) {
        let counts = &self.counts[thread % self.counts.len()];
        // Nobody else counts there.
        counts.n_events.store(counts.n_events.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if is_rare {
            counts.n_rare.store(counts.n_rare.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }
    }

    /// Events that all threads counted, and how many of them were rare.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let sum = |of: fn(&Counts) -> &AtomicU64| {
            self.counts.iter().map(|counts| of(counts).load(Ordering::Relaxed)).sum()
        };
        (sum(|counts| &counts.n_events), sum(|counts| &counts.n_rare))
    }

    pub(crate) fn n_failed_saves(&self) -> u64 {
        self.n_failed_saves.load(Ordering::Relaxed)
    }

    /// What is asked of the member of the fleet, if there is one.
    pub(crate) fn with_member<T>(&self, work: impl FnOnce(&Member) -> T) -> Option<T> {
        locked(&self.member).as_ref().map(work)
    }

    /// Does what is due at `now_ms`.
    pub(crate) fn look(&self, now_ms: i64) {
        if is_due(&self.next_look_ms, now_ms, LOOK_EVERY_MS) {
            self.look_at_fleet(now_ms);
        }
        let next_save_ms = self.next_save_ms.load(Ordering::Relaxed);
        if next_save_ms == NEVER || now_ms >= next_save_ms {
            self.save(now_ms);
        }
    }

    /// Takes up what the fleet says, and tells what was seen.
    fn look_at_fleet(&self, now_ms: i64) {
        let mut member = locked(&self.member);
        let Some(member) = member.as_mut() else { return };
        let mut config = self.config();
        if let Some(kept) = member.join() {
            Arc::make_mut(&mut config).profiles.push(Arc::new(kept));
            self.set(Config::clone(&config));
        }
        member.look(now_ms, &config.profiles);
    }

    /// Writes what was learned from time to time, in a thread of its own: events do not wait for a disk.
    fn save(&self, now_ms: i64) {
        let config = self.config();
        let next_save_ms = self.next_save_ms.load(Ordering::Relaxed);
        if !is_due(&self.next_save_ms, now_ms, config.save_every_ms) || next_save_ms == NEVER {
            return;
        }
        let Some(path) = config.state.clone() else { return };
        let mut saving = locked(&self.saving);
        if saving.as_ref().is_some_and(|saving| !saving.is_finished()) {
            return;
        }
        let (bytes, n_failed) = (state::bytes(&config.profiles, now_ms), Arc::clone(&self.n_failed_saves));
        let work = move || {
            if let Err(error) = state::save(&path, &bytes) {
                n_failed.fetch_add(1, Ordering::Relaxed);
                log::error!("{}: what was learned is not saved: {error}", path.display());
            }
        };
        match std::thread::Builder::new().name("lanner-save".to_owned()).spawn(work) {
            Ok(thread) => *saving = Some(thread),
            Err(_) => drop(self.n_failed_saves.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// Writes and tells what was learned, at the end.
    pub(crate) fn close(&self) -> Result<(), Error> {
        // What is being written is older, and must not come last.
        let _ = locked(&self.saving).take().map(JoinHandle::join);
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
        let config = self.config();
        let _ = self.with_member(|member| member.tell_at_last(now_ms, &config.profiles));
        let Some(path) = &config.state else { return Ok(()) };
        let saved = state::save(path, &state::bytes(&config.profiles, now_ms));
        saved.with_context(|| format!("{}: what was learned is not saved", path.display()))
    }
}

/// Whether it is time; of several threads that ask at once one is told so.
fn is_due(next_ms: &AtomicI64, now_ms: i64, every_ms: i64) -> bool {
    let next = next_ms.load(Ordering::Relaxed);
    let after_ms = now_ms.saturating_add(every_ms);
    now_ms >= next && next_ms.compare_exchange(next, after_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}
