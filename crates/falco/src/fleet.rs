//! This host as one of a fleet: what it tells a server, and what the server tells of other hosts.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use falco_plugin::anyhow::Error;
use lanner_agent::{Agent, Options};
use lanner_core::document::{Check, Node};
use lanner_core::reading;
use lanner_core::time::parse_duration_ms;
use lanner_profile::write::{Finding, as_event};
use lanner_profile::{Profile, Terms};

use crate::profiles::{Kept, filter};

const KNOWN: [&str; 6] = ["url", "fleet", "token_file", "host", "every", "stream"];
const EVERY_MS: i64 = 300_000;
/// How often it is seen whether the server said something.
pub(crate) const LOOK_EVERY_MS: i64 = 1_000;
/// How long the server is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long after a failure the server is asked for its terms again, and at most.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// What the configuration says of the server.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) options: Options,
    every_ms: i64,
}

/// Reads the section `server`.
pub(crate) fn read(node: &Node, path: &str, check: &mut Check) -> Option<Settings> {
    let mut fields = check.map(node, path)?;
    fields.require("url", "http://lanner:9797", check);
    fields.require("fleet", "usual", check);
    let url = fields.read("url", check, reading::text);
    let profile = fields.read("fleet", check, |node| reading::id(node, "-_."));
    let token = fields.read("token_file", check, |node| token(&reading::text(node)?));
    let host = fields.read("host", check, reading::text).or_else(own_name);
    let every = |node: &Node| parse_duration_ms(&reading::text(node)?).map_err(|error| error.to_string());
    let every_ms = fields.read("every", check, every).unwrap_or(EVERY_MS).max(LOOK_EVERY_MS);
    let stream = fields.read("stream", check, reading::text);
    fields.finish(&KNOWN, check);
    let (url, profile) = url.zip(profile)?;
    let Some(host) = host else {
        check.problem(node, path, "this host has no name; add `host`");
        return None;
    };
    Some(Settings { options: Options { url, token, profile, host, stream }, every_ms })
}

fn token(path: &str) -> Result<String, String> {
    let text = std::fs::read_to_string(Path::new(path)).map_err(|error| format!("{path}: {error}"))?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty()).ok_or_else(|| format!("{path} is empty"))
}

fn own_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// A member of a fleet.
#[derive(Debug)]
pub(crate) struct Member {
    settings: Settings,
    agent: Agent,
    /// Where the terms of the fleet come from, until they are known.
    joining: Option<Receiver<Terms>>,
    next_tell_ms: i64,
    /// The last problem that was told.
    told: Option<String>,
}

impl Member {
    /// Starts telling. Without a profile of the fleet among `profiles`, its terms are asked for until there is an answer.
    ///
    /// # Errors
    /// An address that is none.
    pub(crate) fn start(settings: Settings, profiles: &[Arc<Kept>]) -> Result<Self, Error> {
        let agent = Agent::start(settings.options.clone())?;
        let has_profile = profiles.iter().any(|kept| kept.profile.spec().id == settings.options.profile);
        let joining = (!has_profile).then(|| ask_for_terms(settings.options.clone()));
        Ok(Self { settings, agent, joining, next_tell_ms: 0, told: None })
    }

    /// Takes up what the server said, and tells what was seen if it is time.
    pub(crate) fn look(&mut self, now_ms: i64, profiles: &[Arc<Kept>]) {
        let id = &self.settings.options.profile;
        let Some(kept) = profiles.iter().find(|kept| kept.profile.spec().id == *id) else { return };
        if let Some(Err(why)) = self.agent.heard().map(|heard| kept.profile.learn_of_fleet(&heard)) {
            log::warn!("what the fleet told cannot be used: {why}");
        }
        if now_ms >= self.next_tell_ms {
            self.next_tell_ms = now_ms.saturating_add(self.settings.every_ms);
            self.agent.tell(kept.profile.tell(now_ms), kept.profile.fleet().map(|fleet| fleet.changed_ms()));
        }
        let problem = self.agent.state().problem;
        if let Some(problem) = problem.as_ref().filter(|_| problem != self.told) {
            log::warn!("the fleet: {problem}");
        }
        self.told = problem;
    }

    /// The profile of the fleet, once its terms are known.
    pub(crate) fn join(&mut self) -> Option<Kept> {
        let terms = self.joining.as_ref().and_then(|joining| joining.try_recv().ok())?;
        self.joining = None;
        let profile = Profile::by_terms(&terms, &filter).map_err(|why| vec![why.to_string()]);
        profile
            .and_then(Kept::of)
            .map_err(|problems| {
                log::error!("the fleet's profile cannot be learned here: {}", problems.join("; "));
            })
            .ok()
    }

    /// Sends a finding as an event, if there is a stream for it.
    pub(crate) fn find(&self, finding: &Finding<'_>) {
        if self.settings.options.stream.is_some() {
            self.agent.find(as_event(finding).to_string());
        }
    }

    /// How telling goes.
    pub(crate) fn state(&self) -> lanner_agent::State {
        self.agent.state()
    }

    /// Tells what was seen at last, and waits for that a little.
    pub(crate) fn tell_at_last(&self, now_ms: i64, profiles: &[Arc<Kept>]) {
        let id = &self.settings.options.profile;
        if let Some(kept) = profiles.iter().find(|kept| kept.profile.spec().id == *id) {
            self.agent.tell(kept.profile.tell(now_ms), kept.profile.fleet().map(|fleet| fleet.changed_ms()));
        }
        self.agent.settle(PATIENCE);
    }
}

/// Asks for the terms of a fleet in a thread of its own, until there is an answer or nobody waits for it.
fn ask_for_terms(options: Options) -> Receiver<Terms> {
    let (sender, receiver) = channel();
    let work = move || {
        let mut wait = FIRST_WAIT;
        loop {
            match Agent::terms(options.clone()) {
                Ok(terms) => {
                    let _ = sender.send(terms);
                    return;
                }
                Err(why) => log::warn!("this host is not in the fleet yet: {why}"),
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("lanner-join".to_owned()).spawn(work) {
        log::error!("this host cannot join its fleet: {error}");
    }
    receiver
}
