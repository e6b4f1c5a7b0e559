//! The plugin as one thread of Falco sees it.

use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::time::Duration;

use falco_plugin::anyhow::{Context as _, Error, anyhow};
use falco_plugin::base::{Metric, MetricLabel, MetricType, MetricValue, Plugin};
use falco_plugin::extract::{ExtractFieldInfo, ExtractPlugin, ExtractRequest, field};
use falco_plugin::listen::{CaptureListenInput, CaptureListenPlugin};
use falco_plugin::parse::{EventInput, ParseInput, ParsePlugin};
use falco_plugin::tables::TablesInput;

use crate::config::Config;
use crate::event::Syscall;
use crate::fleet::Member;
use crate::opening::{self, Opening};
use crate::profiles::{Cache, Hand, Kept, Said};
use crate::scene::Scene;
use crate::shared::Shared;
use crate::threads::Threads;

/// The plugin for one thread: what it shares with the others, what it keeps, and what profiles said of the event at hand.
pub struct Anomaly {
    threads: Threads,
    shared: Arc<Shared>,
    /// The number of this thread.
    thread: usize,
    /// The configuration that this thread last saw, and which one that is.
    config: Arc<Config>,
    edition: usize,
    /// For each profile.
    caches: Vec<Cache>,
    /// What each profile said of the event with this number.
    said: (Option<usize>, Vec<Option<Said>>),
}

impl std::fmt::Debug for Anomaly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Anomaly").field("thread", &self.thread).finish_non_exhaustive()
    }
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
        let Opening { shared, thread } = opening::take(|| {
            if !missing.is_empty() {
                log::warn!(
                    "this Falco's table of threads has no {}; fields that need it are empty",
                    missing.join(", ")
                );
            }
            Shared::new(&config)
        })?;
        let (edition, config) = (shared.edition(), shared.config());
        let mut plugin =
            Self { threads, shared, thread, config, edition, caches: Vec::new(), said: (None, Vec::new()) };
        plugin.begin();
        Ok(plugin)
    }

    fn set_config(&mut self, config: String) -> Result<(), Error> {
        self.shared.configure(&config)
    }

    fn get_metrics(&mut self) -> impl IntoIterator<Item = Metric> {
        let count =
            |name, value| Metric::new(MetricLabel::new(name, MetricType::Monotonic), MetricValue::U64(value));
        let gauge = |name, value| {
            Metric::new(MetricLabel::new(name, MetricType::NonMonotonic), MetricValue::U64(value))
        };
        let fleet = self.shared.with_member(Member::state).unwrap_or_default();
        let n_hosts = |kept: &Arc<Kept>| kept.profile.fleet().map_or(0, |fleet| u64::from(fleet.n_hosts()));
        let (config, (n_events, n_rare)) = (self.shared.config(), self.shared.counts());
        let profiles = || config.profiles.iter().map(|kept| &kept.profile);
        [
            count(c"events_total", n_events),
            count(c"rare_events_total", n_rare),
            count(c"failed_saves_total", self.shared.n_failed_saves()),
            count(c"fleet_told_total", fleet.n_told),
            count(c"fleet_failed_total", fleet.n_failed),
            count(c"fleet_findings_total", fleet.n_found),
            count(c"fleet_findings_dropped_total", fleet.n_dropped),
            gauge(c"fleet_hosts", config.profiles.iter().map(n_hosts).max().unwrap_or(0)),
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
        self.catch_up();
        let Self { threads, shared, thread, config, caches, said, .. } = self;
        let scene = Scene::new(threads, &reader, &raw);
        if scene.kind().is_none() {
            return Ok(());
        }
        if let Some(tid) = scene.changes() {
            shared.changes.changed(tid);
        }
        let hand = Hand { thread: *thread, changes: &shared.changes, scene: &scene };
        said.0 = Some(event.event_number());
        said.1.clear();
        for (kept, cache) in config.profiles.iter().zip(caches) {
            said.1.push(kept.look(&hand, cache, true, &mut |finding| {
                let _ = shared.with_member(|member| member.find(finding));
            }));
        }
        shared.count(*thread, said.1.iter().flatten().any(|said| said.is_rare));
        if let Some(official) = &config.official {
            official.observe(&scene);
        }
        shared.look(scene.time_ms());
        Ok(())
    }
}

impl Anomaly {
    /// Takes up another configuration, if there is one.
    fn catch_up(&mut self) {
        let edition = self.shared.edition();
        if edition != self.edition {
            (self.edition, self.config) = (edition, self.shared.config());
            self.begin();
        }
    }

    /// Begins with a configuration.
    fn begin(&mut self) {
        self.caches = self.config.profiles.iter().map(|_| Cache::default()).collect();
        self.said = (None, Vec::new());
    }

    /// What a profile says of the event that is asked about: what it said when the event came, or, of another event, what it
    /// would say now.
    fn said(
        &mut self,
        request: &ExtractRequest<'_, '_, '_, '_, Self>,
        id: Option<&CStr>,
    ) -> Result<Option<Said>, Error> {
        self.catch_up();
        let Some(at) = self.profile(id)? else { return Ok(None) };
        if self.said.0 == Some(request.event.event_number()) {
            return Ok(self.said.1.get(at).cloned().flatten());
        }
        let (Syscall(raw), reader) = (request.event.event()?, request.table_reader.validate()?);
        let scene = Scene::new(&self.threads, &reader, &raw);
        let hand = Hand { thread: self.thread, changes: &self.shared.changes, scene: &scene };
        let kept = self.config.profiles.get(at).zip(self.caches.get_mut(at));
        Ok(kept.and_then(|(kept, cache)| kept.look(&hand, cache, false, &mut |_| ())))
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
        self.catch_up();
        self.official(&request, |official, scene| official.count(scene, at.unwrap_or(0)))
    }

    fn behaviour(
        &mut self,
        request: ExtractRequest<'_, '_, '_, '_, Self>,
        at: Option<u64>,
    ) -> Result<Option<CString>, Error> {
        self.catch_up();
        let text = self.official(&request, |official, scene| official.text(scene, at.unwrap_or(0)))?;
        Ok(text.and_then(|text| CString::new(text).ok()))
    }

    fn duration(&mut self, _: ExtractRequest<'_, '_, '_, '_, Self>) -> Result<u64, Error> {
        Ok(self
            .shared
            .started
            .elapsed()
            .map_or(0, |elapsed| u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)))
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
        self.shared.close()
    }
}
