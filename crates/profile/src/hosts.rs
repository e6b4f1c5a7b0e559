//! What the hosts of a fleet know of one profile's behaviours: rare here, and common elsewhere.
//!
//! A host tells now and then which behaviours it saw in the last quarter ([`Profile::tell`]). Whoever gathers that ([`Hosts`])
//! keeps the last word of each host, and knows for every behaviour on how many of them it was seen ([`Fleet`]). Hosts are given
//! that in return, so they can say of an event that is new to them whether it is to the others as well.
//!
//! Hosts and gatherer have the same fields and seed ([`Terms`]), else their sketches mean different things and are refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use lanner_core::time::DAY_MS;
use lanner_sketch::file::{read, write};
use lanner_sketch::{MergeError, Presence, Seed, Spread};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::Status;
use crate::fleet::Fleet;
use crate::known::{Known, QUARTER};
use crate::profile::Profile;
use crate::spec::ReadFilter;
use crate::state::{StateError, Text, fingerprint, read_spec};

/// Hosts of one fleet, at most.
pub const MAX_HOSTS: usize = 10_000;

/// What the words of all hosts take together, at most, bytes.
const MAX_HOSTS_BYTES: usize = 256 << 20;

/// The longest name of a host, bytes.
pub const MAX_HOST_BYTES: usize = 200;

/// A host that said nothing for so long is no longer counted: nothing that it saw is in the window any more.
const GONE_AFTER_MS: i64 = 90 * DAY_MS;

/// What each host told last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hosts(BTreeMap<String, Word>);

/// The last word of a host.
#[derive(Debug, Clone, PartialEq)]
struct Word {
    host: Host,
    presence: Presence,
}

/// A host, as it told of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// What its profile is.
    pub status: Status,
    /// Events that it learned.
    pub n_events: u64,
    /// Behaviours, as far as its sketches tell them apart.
    pub n_behaviours: u64,
    /// The share of its events that are new, of late.
    pub novelty_rate: f64,
    /// When it was heard last, milliseconds since 1970.
    pub heard_ms: i64,
}

/// What a host has to learn, and under which seed, so that its profile can be compared with those of others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Terms {
    /// The document of the profile.
    pub document: Value,
    /// The seed's number, in hexadecimal digits. It is a secret.
    pub seed: String,
}

impl Terms {
    /// Reads terms as the API answers them.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn from_json(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| format!("these are not the terms of a fleet: {error}"))
    }
}

/// What stands before the sketch of a fleet.
#[derive(Serialize, Deserialize)]
struct Head {
    n_hosts: u32,
    changed_ms: i64,
}

/// Why what a host tells is not taken. Each message goes on after the name of the host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Its name is none.
    #[error("is not the name of a host; write 1 to {MAX_HOST_BYTES} characters without spaces at the ends")]
    Name,
    /// What it tells is damaged, or of another profile.
    #[error("told what cannot be used: {0}")]
    Unreadable(#[from] StateError),
    /// Its sketch has another size or seed.
    #[error("learns something else: {0}")]
    Other(#[from] MergeError),
    /// There are too many.
    #[error("is one too many: a fleet has at most {MAX_HOSTS} hosts, whose words take at most {} MiB", MAX_HOSTS_BYTES >> 20)]
    Full,
}

impl Hosts {
    /// Takes what a host tells at `now_ms` in the place of what it told before, and lets hosts go that are gone for long.
    ///
    /// Cost: what was told is passed once, and what the host told before.
    ///
    /// # Errors
    /// Why it is not taken; nothing has changed then.
    pub fn hear(
        &mut self,
        profile: &mut Profile,
        name: &str,
        bytes: &[u8],
        now_ms: i64,
    ) -> Result<(), HostError> {
        if name.is_empty()
            || name.len() > MAX_HOST_BYTES
            || name.trim() != name
            || name.chars().any(char::is_control)
        {
            return Err(HostError::Name);
        }
        let (host, presence) = word(profile, bytes, now_ms)?;
        self.let_go(profile, now_ms);
        let n_others = self.0.values().map(|word| word.presence.n_bytes()).sum::<usize>();
        let is_known = self.0.contains_key(name);
        if (!is_known && self.0.len() >= MAX_HOSTS) || n_others + presence.n_bytes() > MAX_HOSTS_BYTES {
            return Err(HostError::Full);
        }
        profile.change_fleet(|fleet| {
            let _ = fleet.spread.add(&presence)?;
            let before = self.0.insert(name.to_owned(), Word { host, presence });
            if let Some(before) = &before {
                let _ = fleet.spread.remove(&before.presence);
            }
            let is_other = |before: Word| self.0.get(name).is_some_and(|now| now.presence != before.presence);
            self.note(fleet, before.is_none_or(is_other), now_ms);
            Ok(())
        })
    }

    /// Lets go of hosts that said nothing for long.
    fn let_go(&mut self, profile: &mut Profile, now_ms: i64) {
        if profile.fleet().is_none() {
            return;
        }
        profile.change_fleet(|fleet| {
            let n_before = self.0.len();
            self.0.retain(|_, word| {
                let stays = now_ms.saturating_sub(word.host.heard_ms) < GONE_AFTER_MS;
                if !stays {
                    let _ = fleet.spread.remove(&word.presence);
                }
                stays
            });
            self.note(fleet, self.0.len() != n_before, now_ms);
        });
    }

    fn note(&self, fleet: &mut Fleet, has_changed: bool, now_ms: i64) {
        if has_changed {
            fleet.n_hosts = self.0.len() as u32;
            fleet.changed_ms = now_ms.max(fleet.changed_ms + 1);
        }
    }

    /// Each host with what it told of itself, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Host)> {
        self.0.iter().map(|(name, word)| (name.as_str(), &word.host))
    }

    /// Appends the words of all hosts as bytes.
    pub fn write(&self, profile: &Profile, out: &mut Vec<u8>) {
        for (name, Word { host, presence }) in &self.0 {
            let head = serde_json::to_vec(&(name, host)).unwrap_or_default();
            write(&Text(head), &Seed::new(0), 0, out);
            write(presence, profile.seed(), fingerprint(profile.spec()), out);
        }
    }

    /// Reads the words of all hosts, and has the profile know the fleet that they make.
    ///
    /// # Errors
    /// Whatever is wrong with one of them.
    pub fn read(mut bytes: &[u8], profile: &mut Profile) -> Result<Self, StateError> {
        let mut hosts = Self::default();
        while !bytes.is_empty() {
            let ((name, host), presence) = word_of::<(String, Host)>(profile, &mut bytes)?;
            profile.change_fleet(|fleet| {
                let added = fleet.spread.add(&presence);
                let _ = added.map_err(|error| StateError::Document(error.to_string()))?;
                let heard_ms = host.heard_ms;
                hosts.0.insert(name, Word { host, presence });
                hosts.note(fleet, true, heard_ms);
                Ok(())
            })?;
        }
        Ok(hosts)
    }
}

/// What a host tells, as of `now_ms` by the clock of whoever hears it.
fn word(profile: &Profile, mut bytes: &[u8], now_ms: i64) -> Result<(Host, Presence), StateError> {
    let (host, presence) = word_of::<Host>(profile, &mut bytes)?;
    if !bytes.is_empty() {
        return Err(StateError::Document("more follows than is expected".to_owned()));
    }
    let novelty_rate = if host.novelty_rate.is_finite() { host.novelty_rate.clamp(0.0, 1.0) } else { 0.0 };
    Ok((Host { heard_ms: now_ms, novelty_rate, ..host }, presence))
}

fn word_of<T: for<'de> Deserialize<'de>>(
    profile: &Profile,
    bytes: &mut &[u8],
) -> Result<(T, Presence), StateError> {
    let part = |what: &str| {
        let what = what.to_owned();
        move |error| StateError::File { what, error }
    };
    let Text(head) = read(bytes, &Seed::new(0), 0).map_err(part("what it sent"))?;
    let head = serde_json::from_slice(&head).map_err(|error| StateError::Document(error.to_string()))?;
    let presence = read(bytes, profile.seed(), fingerprint(profile.spec())).map_err(part("its sketch"))?;
    Ok((head, presence))
}

impl Profile {
    /// What this host tells a fleet, as of `now_ms`: which behaviours it saw in the last quarter, and how it is.
    #[must_use]
    pub fn tell(&self, now_ms: i64) -> Vec<u8> {
        let advice = self.advice();
        let host = Host {
            status: self.status(now_ms),
            n_events: advice.n_events,
            n_behaviours: advice.n_behaviours,
            novelty_rate: self.novelty_rate(),
            heard_ms: now_ms,
        };
        let mut out = Vec::new();
        write(&Text(serde_json::to_vec(&host).unwrap_or_default()), &Seed::new(0), 0, &mut out);
        let Known { spec, seed, panes, .. } = &self.known;
        write(&panes.presence(QUARTER), seed, fingerprint(spec), &mut out);
        out
    }

    /// What the fleet knows, for its hosts; nothing if there is none.
    #[must_use]
    pub fn fleet_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(fleet) = self.fleet() {
            let head = Head { n_hosts: fleet.n_hosts, changed_ms: fleet.changed_ms };
            write(&Text(serde_json::to_vec(&head).unwrap_or_default()), &Seed::new(0), 0, &mut out);
            write(&fleet.spread, self.seed(), fingerprint(self.spec()), &mut out);
        }
        out
    }

    /// Takes what the fleet knows, as [`Self::fleet_bytes`] wrote it.
    ///
    /// # Errors
    /// It is damaged, or of another profile; then what was known before stays.
    pub fn learn_of_fleet(&self, mut bytes: &[u8]) -> Result<(), StateError> {
        let part = |what: &str| {
            let what = what.to_owned();
            move |error| StateError::File { what, error }
        };
        let Text(head) = read(&mut bytes, &Seed::new(0), 0).map_err(part("what the fleet told"))?;
        let head: Head =
            serde_json::from_slice(&head).map_err(|error| StateError::Document(error.to_string()))?;
        let spread: Spread =
            read(&mut bytes, self.seed(), fingerprint(self.spec())).map_err(part("the fleet's sketch"))?;
        let expected = Fleet::new(self.spec(), self.seed()).spread.n_bytes();
        if spread.n_bytes() != expected {
            return Err(StateError::Document("the fleet's sketch has another size".to_owned()));
        }
        let fleet = Fleet { spread, n_hosts: head.n_hosts, changed_ms: head.changed_ms };
        self.known.fleet.store(Some(Arc::new(fleet)));
        Ok(())
    }

    /// What another host has to learn so that both can be compared.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms { document: self.spec().to_json(), seed: format!("{:x}", self.seed().number()) }
    }

    /// A profile that has learned nothing, by the terms of a fleet.
    ///
    /// # Errors
    /// What is wrong with the terms.
    pub fn by_terms(terms: &Terms, read_filter: ReadFilter<'_>) -> Result<Self, StateError> {
        let number = u128::from_str_radix(&terms.seed, 16)
            .map_err(|error| StateError::Document(format!("its seed: {error}")))?;
        Ok(Self::new(read_spec(&terms.document, read_filter)?, &Seed::new(number)))
    }
}
