//! The plugin as Falco sees it.

use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use falco_plugin::anyhow::{Context as _, Error, anyhow};
use falco_plugin::base::{Metric, MetricLabel, MetricType, MetricValue, Plugin};
use falco_plugin::extract::{ExtractFieldInfo, ExtractPlugin, ExtractRequest, field};
use falco_plugin::listen::{CaptureListenInput, CaptureListenPlugin};
use falco_plugin::parse::{EventInput, ParseInput, ParsePlugin};
use falco_plugin::tables::TablesInput;
use lanner_profile::Profile;

use crate::config::Config;
use crate::event::Syscall;
use crate::fleet::Member;
use crate::profiles::{Kept, Said};
use crate::scene::Scene;
use crate::state;
use crate::threads::Threads;

/// The plugin: profiles, and what they said of the event at hand.
pub struct Anomaly {
    threads: Threads,
    config: Config,
    fleet: Option<Member>,
    /// What each profile said of the event with this number.
    said: (Option<usize>, Vec<Option<Said>>),
    started: SystemTime,
    next_save_ms: Option<i64>,
    n_events: u64,
    n_rare: u64,
    n_failed_saves: Arc<AtomicU64>,
    saving: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Anomaly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Anomaly").field("config", &self.config).finish_non_exhaustive()
    }
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
    config.profiles.extend(of_fleet.into_iter().filter_map(|profile| Kept::of(profile).ok()));
    state::adopt(&mut config.profiles, known)
}

/// The member of the fleet that a configuration names.
fn member(config: &Config) -> Result<Option<Member>, Error> {
    let server = config.server.clone();
    server.map(|server| Member::start(server, &config.profiles)).transpose()
}

impl Plugin for Anomaly {
    const NAME: &'static CStr = c"lanner";
    const PLUGIN_VERSION: &'static CStr = c"0.1.0";
    const DESCRIPTION: &'static CStr =
        c"How usual a behaviour is on this host: how often, since when, and what makes it new";
    const CONTACT: &'static CStr = c"https://github.com/lanner/lanner";
    type ConfigType = String;

    fn new(input: Option<&TablesInput>, config: String) -> Result<Self, Error> {
        let input = input.context("Falco gives this plugin no tables")?;
        let (threads, missing) = Threads::find(input)?;
        if !missing.is_empty() {
            log::warn!(
                "this Falco's table of threads has no {}; fields that need it are empty",
                missing.join(", ")
            );
        }
        let config = configured(&config)?;
        Ok(Self {
            threads,
            fleet: member(&config)?,
            config,
            said: (None, Vec::new()),
            started: SystemTime::now(),
            next_save_ms: None,
            n_events: 0,
            n_rare: 0,
            n_failed_saves: Arc::default(),
            saving: None,
        })
    }

    /// Takes another configuration. What profiles learned stays where their fields stay; a configuration with a mistake changes
    /// nothing.
    fn set_config(&mut self, config: String) -> Result<(), Error> {
        let mut config = configured(&config)?;
        let learned = std::mem::take(&mut self.config.profiles);
        let learned = learned.into_iter().map(|kept| kept.profile).collect();
        for id in adopt(&mut config, learned) {
            log::warn!("the profile \"{id}\" has other fields now; it is learned anew");
        }
        if let Some((new, before)) = config.official.as_mut().zip(self.config.official.take()) {
            new.inherit(before);
        }
        self.fleet = member(&config)?;
        (self.config, self.said) = (config, (None, Vec::new()));
        Ok(())
    }

    fn get_metrics(&mut self) -> impl IntoIterator<Item = Metric> {
        let count =
            |name, value| Metric::new(MetricLabel::new(name, MetricType::Monotonic), MetricValue::U64(value));
        let gauge = |name, value| {
            Metric::new(MetricLabel::new(name, MetricType::NonMonotonic), MetricValue::U64(value))
        };
        let fleet = self.fleet.as_ref().map(Member::state).unwrap_or_default();
        let n_hosts = |kept: &Kept| kept.profile.fleet().map_or(0, |fleet| u64::from(fleet.n_hosts()));
        let profiles = || self.config.profiles.iter().map(|kept| &kept.profile);
        [
            count(c"events_total", self.n_events),
            count(c"rare_events_total", self.n_rare),
            count(c"failed_saves_total", self.n_failed_saves.load(Ordering::Relaxed)),
            count(c"fleet_told_total", fleet.n_told),
            count(c"fleet_failed_total", fleet.n_failed),
            count(c"fleet_findings_total", fleet.n_found),
            count(c"fleet_findings_dropped_total", fleet.n_dropped),
            gauge(c"fleet_hosts", self.config.profiles.iter().map(n_hosts).max().unwrap_or(0)),
            gauge(c"behaviours", profiles().map(|profile| profile.advice().n_behaviours).sum()),
            gauge(c"memory_bytes", profiles().map(|profile| profile.n_bytes() as u64).sum()),
        ]
    }
}

impl ParsePlugin for Anomaly {
    type Event<'a> = Syscall<'a, false>;

    fn parse_event(
        &mut self,
        event: &EventInput<Syscall<'_, false>>,
        input: &ParseInput<'_>,
    ) -> Result<(), Error> {
        let Syscall(raw) = event.event()?;
        let reader = input.reader.validate()?;
        let scene = Scene::new(&self.threads, &reader, &raw);
        if scene.kind().is_none() {
            return Ok(());
        }
        self.n_events += 1;
        let time_ms = scene.time_ms();
        self.said.0 = Some(event.event_number());
        self.said.1.clear();
        for kept in &mut self.config.profiles {
            let fleet = &self.fleet;
            let said = kept.look(&scene, true, &mut |finding| {
                fleet.iter().for_each(|fleet| fleet.find(finding));
            });
            self.said.1.push(said);
        }
        self.n_rare += u64::from(self.said.1.iter().flatten().any(|said| said.is_rare));
        if let Some(official) = &mut self.config.official {
            official.observe(&scene);
        }
        if let Some(fleet) = &mut self.fleet {
            fleet.look(time_ms, &mut self.config.profiles);
        }
        self.save_if_due(time_ms);
        Ok(())
    }
}

impl Anomaly {
    /// Writes what was learned from time to time, in a thread of its own: events do not wait for a disk.
    fn save_if_due(&mut self, now_ms: i64) {
        let Some(path) = self.config.state.clone() else { return };
        let every_ms = self.config.save_every_ms;
        let is_busy = self.saving.as_ref().is_some_and(|saving| !saving.is_finished());
        if is_busy || now_ms < *self.next_save_ms.get_or_insert(now_ms.saturating_add(every_ms)) {
            return;
        }
        self.next_save_ms = Some(now_ms.saturating_add(every_ms));
        let (bytes, n_failed) =
            (state::bytes(&self.config.profiles, now_ms), Arc::clone(&self.n_failed_saves));
        let work = move || {
            if let Err(error) = state::save(&path, &bytes) {
                n_failed.fetch_add(1, Ordering::Relaxed);
                log::error!("{}: what was learned is not saved: {error}", path.display());
            }
        };
        match std::thread::Builder::new().name("lanner-save".to_owned()).spawn(work) {
            Ok(saving) => self.saving = Some(saving),
            Err(_) => drop(self.n_failed_saves.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// What a profile says of the event that is asked about: what it said when the event came, or, of another event, what it
    /// would say now.
    fn said(
        &mut self,
        request: &ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<Said>, Error> {
        let Some(at) = self.profile(id)? else { return Ok(None) };
        if self.said.0 == Some(request.event.event_number()) {
            return Ok(self.said.1.get(at).cloned().flatten());
        }
        let (Syscall(raw), reader) = (request.event.event()?, request.table_reader.validate()?);
        let scene = Scene::new(&self.threads, &reader, &raw);
        Ok(self.config.profiles.get_mut(at).and_then(|kept| kept.look(&scene, false, &mut |_| ())))
    }

    /// The place of a profile; the first one without an id. That of the fleet has none until this host has joined.
    fn profile(&self, id: Option<&CStr>) -> Result<Option<usize>, Error> {
        let Some(id) = id else { return Ok(Some(0)) };
        let id = id.to_string_lossy();
        let mut ids = self.config.profiles.iter().map(|kept| &*kept.profile.spec().id);
        if let Some(at) = ids.clone().position(|known| known == id) {
            return Ok(Some(at));
        }
        let fleet = self.config.server.as_ref().map(|server| &*server.options.profile);
        if fleet == Some(&*id) {
            return Ok(None);
        }
        let hint = lanner_core::nearest(&id, ids.by_ref().chain(fleet))
            .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        Err(anyhow!("there is no profile \"{id}\"{hint}"))
    }
}

/// What Falco reads of each field.
#[expect(clippy::needless_pass_by_value, reason = "the SDK hands requests over")]
impl Anomaly {
    fn is_rare(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<bool>, Error> {
        Ok(self.said(&request, id)?.map(|said| said.is_rare))
    }

    fn seen(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<u64>, Error> {
        Ok(self.said(&request, id)?.map(|said| said.seen))
    }

    fn rarity(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<u64>, Error> {
        Ok(self.said(&request, id)?.map(|said| said.rarity_bits as u64))
    }

    fn novelty_rate(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<u64>, Error> {
        Ok(self.said(&request, id)?.map(|said| (said.novelty_rate * 1_000.0) as u64))
    }

    fn age(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<Duration>, Error> {
        Ok(self.said(&request, id)?.and_then(|said| said.age()))
    }

    fn first_seen(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<falco_event::types::SystemTime>, Error> {
        Ok(self.said(&request, id)?.and_then(|said| said.first_seen()))
    }

    fn distinct(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<u64>, Error> {
        Ok(self.said(&request, id)?.and_then(|said| said.n_distinct))
    }

    fn is_new_image(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<bool>, Error> {
        Ok(self.said(&request, id)?.and_then(|said| said.is_new_image))
    }

    fn is_common(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<bool>, Error> {
        Ok(self.said(&request, id)?.and_then(|said| said.fleet).map(|fleet| fleet.is_common))
    }

    fn seen_on(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<u64>, Error> {
        Ok(self.said(&request, id)?.and_then(|said| said.fleet).map(|fleet| fleet.seen_on.into()))
    }

    fn n_hosts(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<u64>, Error> {
        Ok(self.said(&request, id)?.and_then(|said| said.fleet).map(|fleet| fleet.n_hosts.into()))
    }

    fn status(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<CString>, Error> {
        Ok(self.said(&request, id)?.and_then(|said| CString::new(said.status).ok()))
    }

    fn reason(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<CString>, Error> {
        Ok(self.said(&request, id)?.and_then(|said| CString::new(said.reason()).ok()))
    }

    /// What Falco's own plugin says of the event.
    fn official<T>(
        &self,
        request: &ExtractRequest<'_, '_, '_, '_, Self>,
        read: impl FnOnce(&crate::official::Official, &Scene<'_>) -> Result<Option<T>, String>,
    ) -> Result<Option<T>, Error> {
        let official = self.config.official.as_ref();
        let official =
            official.context("count_min_sketch disabled, but `anomaly.count_min_sketch` field referenced")?;
        let (Syscall(raw), reader) = (request.event.event()?, request.table_reader.validate()?);
        read(official, &Scene::new(&self.threads, &reader, &raw)).map_err(Error::msg)
    }

    fn count(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        at: Option<u64>,
    ) -> Result<Option<u64>, Error> {
        self.official(&request, |official, scene| official.count(scene, at.unwrap_or(0)))
    }

    fn behaviour(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        at: Option<u64>,
    ) -> Result<Option<CString>, Error> {
        let text = self.official(&request, |official, scene| official.text(scene, at.unwrap_or(0)))?;
        Ok(text.and_then(|text| CString::new(text).ok()))
    }

    fn duration(&mut self, _: ExtractRequest<'_, '_, '_, '_, Self>) -> Result<u64, Error> {
        Ok(self.started.elapsed().map_or(0, |elapsed| u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl ExtractPlugin for Anomaly {
    type Event<'a> = Syscall<'a, true>;
    type ExtractContext = ();

    const EXTRACT_FIELDS: &'static [ExtractFieldInfo<Self>] = &[
        field("anomaly.rare", &Self::is_rare)
            .with_description("Whether a profile, the first one by default, is active and saw the behaviour less often than it takes."),
        field("anomaly.seen", &Self::seen)
            .with_description("How often the behaviour was seen before; 15 means 15 or more."),
        field("anomaly.rarity", &Self::rarity)
            .with_description("-log2 of the share of events that behave like this: 0 for all, 10 for one in a thousand."),
        field("anomaly.age", &Self::age).with_description("Time since the behaviour was last seen before."),
        field("anomaly.first_seen", &Self::first_seen)
            .with_description("When the behaviour was first seen before."),
        field("anomaly.novelty_rate", &Self::novelty_rate)
            .with_description("How many of the latest thousand events were new; a high rate means that a new behaviour says little."),
        field("anomaly.status", &Self::status)
            .with_description("How complete the profile is: learning, active, stale or incomplete."),
        field("anomaly.reason", &Self::reason)
            .with_description("Why, in one sentence: which part of the behaviour was never seen."),
        field("anomaly.distinct", &Self::distinct)
            .with_description("How many different behaviours the event's group had before, such as its image, or else the host."),
        field("anomaly.new_image", &Self::is_new_image)
            .with_description("Whether the event is of a version of its image that came less than an hour ago."),
        field("anomaly.fleet.common", &Self::is_common)
            .with_description("Whether the behaviour was seen on as many hosts of the fleet as make it common."),
        field("anomaly.fleet.seen_on", &Self::seen_on)
            .with_description("On how many hosts of the fleet the behaviour was seen in the last quarter."),
        field("anomaly.fleet.hosts", &Self::n_hosts).with_description("How many hosts the fleet has."),
        field("anomaly.count_min_sketch", &Self::count)
            .with_description("Count of the event's behaviour by the profile at this place of count_min_sketch; 0 is the first."),
        field("anomaly.count_min_sketch.profile", &Self::behaviour)
            .with_description("The event's behaviour as the profile at this place of count_min_sketch writes it."),
        field("anomaly.falco.duration_ns", &Self::duration)
            .with_description("For how long the plugin has been running, in nanoseconds."),
    ];
}

impl CaptureListenPlugin for Anomaly {
    fn capture_open(&mut self, _: &CaptureListenInput<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// Writes what was learned.
    fn capture_close(&mut self, _: &CaptureListenInput<'_>) -> Result<(), Error> {
        // What is being written is older, and must not come last.
        let _ = self.saving.take().map(JoinHandle::join);
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
        if let Some(fleet) = &self.fleet {
            fleet.tell_at_last(now_ms, &self.config.profiles);
        }
        let Some(path) = &self.config.state else { return Ok(()) };
        let saved = state::save(path, &state::bytes(&self.config.profiles, now_ms));
        saved.with_context(|| format!("{}: what was learned is not saved", path.display()))
    }
}
