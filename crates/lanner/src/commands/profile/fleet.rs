//! This host as one of a fleet: what it tells the server, and what it is told.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lanner_agent::{Agent, AgentError, Options};
use lanner_profile::Profile;

use crate::failure::{Failure, Result, remark};
use crate::models::filter;

/// How long the server is waited for before events are looked at, and after the last one.
const PATIENCE: Duration = Duration::from_secs(10);

/// Telling more often helps nobody.
const LEAST: Duration = Duration::from_secs(1);

/// A member of a fleet.
pub(super) struct Member {
    agent: Agent,
    /// The place of the profile that is told.
    at: usize,
    every: Duration,
    told: Instant,
    /// The last problem that was shown.
    shown: Option<String>,
}

impl Member {
    /// Joins with that profile of a file which bears the processor's name, and waits a little for what the fleet knows.
    pub(super) fn join(options: Options, profiles: &mut [Profile], every: Duration) -> Result<Self> {
        let id = options.profile.clone();
        let at = profiles.iter().position(|profile| profile.spec().id == id).ok_or_else(|| {
            Failure::user(format!(
                "the file has no profile \"{id}\", whose fields and seed are those of the fleet"
            ))
            .hint(format!("learn one with `lanner profile learn --fleet {id} --out FILE EVENTS`"))
        })?;
        let agent = Agent::start(options).map_err(|error| failure(&error))?;
        let every = every.max(LEAST);
        let mut member = Self { agent, at, every, told: Instant::now(), shown: None };
        member.tell(profiles);
        member.agent.settle(PATIENCE);
        member.listen(profiles);
        Ok(member)
    }

    /// Tells what was seen, if it is time, and takes up what the fleet knows.
    pub(super) fn look(&mut self, profiles: &mut [Profile]) {
        if self.told.elapsed() >= self.every {
            self.tell(profiles);
        }
        self.listen(profiles);
    }

    /// Sends a finding.
    pub(super) fn find(&self, finding: String) {
        self.agent.find(finding);
    }

    /// Tells what was seen at last.
    pub(super) fn leave(mut self, profiles: &mut [Profile]) {
        self.tell(profiles);
        self.agent.settle(PATIENCE);
        self.listen(profiles);
        let state = self.agent.close(Duration::ZERO);
        if state.n_dropped > 0 {
            remark(&format!("{} findings were not sent", state.n_dropped));
        }
    }

    fn tell(&mut self, profiles: &[Profile]) {
        self.told = Instant::now();
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        if let Some(profile) = profiles.get(self.at) {
            self.agent.tell(profile.tell(now_ms), profile.fleet().map(|fleet| fleet.changed_ms()));
        }
    }

    fn listen(&mut self, profiles: &mut [Profile]) {
        let state = self.agent.state();
        if state.problem.is_some() && state.problem != self.shown {
            remark(&format!("the fleet: {}", state.problem.as_deref().unwrap_or_default()));
        }
        self.shown = state.problem;
        let (Some(heard), Some(profile)) = (self.agent.heard(), profiles.get_mut(self.at)) else { return };
        if let Err(why) = profile.learn_of_fleet(&heard) {
            remark(&format!("what the fleet told cannot be used: {why}"));
        }
    }
}

/// A profile that has learned nothing, by the terms of a fleet.
pub(super) fn begin(options: Options) -> Result<Profile> {
    let id = options.profile.clone();
    let terms = Agent::terms(options).map_err(|error| failure(&error))?;
    Profile::by_terms(&terms, &filter)
        .map_err(|why| Failure::program(format!("the profile \"{id}\" of the server: {why}")))
}

fn failure(error: &AgentError) -> Failure {
    match error {
        AgentError::Address { .. } => Failure::user(error.to_string()),
        _ => Failure::program(error.to_string())
            .hint("--fleet names a processor with a profile (`lanner processor list`), --url its server, --token a token with the scope ingest"),
    }
}
