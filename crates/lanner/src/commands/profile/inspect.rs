//! `lanner profile show`, `top` and `explain`: what a profile knows.

use std::collections::BTreeMap;
use std::path::Path;

use lanner_core::time::format_time;
use lanner_profile::Profile;
use lanner_profile::read::HostEvent;
use serde::Serialize;

use super::cascade::Cascade;
use super::shared::Events;
use super::{events, kept};
use crate::failure::{Outcome, Result};
use crate::list::{self, Cell, Format, Row};

/// A profile in a list.
#[derive(Serialize)]
struct Shown {
    id: String,
    status: &'static str,
    events: u64,
    behaviours: u64,
    from: Option<String>,
    to: Option<String>,
    flags_per_day: Option<f64>,
    full_percent: f64,
    memory_bytes: usize,
}

impl Row for Shown {
    const COLUMNS: &'static [&'static str] =
        &["id", "status", "events", "behaviours", "from", "to", "flags per day", "full %"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.id.as_str().into(),
            self.status.into(),
            self.events.into(),
            self.behaviours.into(),
            self.from.clone().into(),
            self.to.clone().into(),
            self.flags_per_day.into(),
            self.full_percent.into(),
        ]
    }
}

pub(super) fn show(path: &Path, format: Format) -> Result<Outcome> {
    let shown: Vec<Shown> = kept::load(path)?.iter().map(shown).collect();
    list::list(format, &shown, "No profiles.")?;
    Ok(Outcome::Fine)
}

fn shown(profile: &Profile) -> Shown {
    let (advice, times) = (profile.advice(), profile.times_ms());
    Shown {
        id: profile.spec().id.clone(),
        // As it was when it saw its last event: a file does not know for how long none came.
        status: profile.status(times.map_or(0, |(_, latest_ms)| latest_ms)).name(),
        events: advice.n_events,
        behaviours: advice.n_behaviours,
        from: times.map(|(first_ms, _)| format_time(first_ms)),
        to: times.map(|(_, latest_ms)| format_time(latest_ms)),
        flags_per_day: advice.flags_per_day.get(profile.spec().rare as usize - 1).copied(),
        full_percent: (profile.fill() * 1_000.0).round() / 10.0,
        memory_bytes: profile.n_bytes(),
    }
}

/// A frequent behaviour in a list.
#[derive(Serialize)]
struct Behaviour {
    profile: String,
    at_least: u64,
    at_most: u64,
    behaviour: String,
}

impl Row for Behaviour {
    const COLUMNS: &'static [&'static str] = &["profile", "at least", "at most", "behaviour"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.profile.as_str().into(),
            self.at_least.into(),
            self.at_most.into(),
            self.behaviour.as_str().into(),
        ]
    }
}

pub(super) fn top(path: &Path, limit: usize, format: Format) -> Result<Outcome> {
    let profiles = kept::load(path)?;
    let of = |profile: &Profile| {
        let id = profile.spec().id.clone();
        profile.top(limit).into_iter().map(move |row| Behaviour {
            profile: id.clone(),
            at_least: row.at_least,
            at_most: row.at_most,
            behaviour: row.key,
        })
    };
    let rows: Vec<Behaviour> = profiles.iter().flat_map(of).collect();
    list::list(format, &rows, "Nothing was learned.")?;
    Ok(Outcome::Fine)
}

/// A part of an event in a list.
#[derive(Serialize)]
struct Explained {
    event: u64,
    profile: String,
    reason: String,
    part: String,
    value: String,
    seen: u32,
    seen_without: u32,
}

impl Row for Explained {
    const COLUMNS: &'static [&'static str] =
        &["event", "profile", "reason", "part", "value", "seen", "others seen without it"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.event.into(),
            self.profile.as_str().into(),
            self.reason.as_str().into(),
            self.part.as_str().into(),
            self.value.as_str().into(),
            u64::from(self.seen).into(),
            u64::from(self.seen_without).into(),
        ]
    }
}

pub(super) fn explain(path: &Path, from: &Events, format: Format) -> Result<Outcome> {
    let mut profiles = kept::load(path)?;
    let mut reader = events::Reader::new(from.input.format());
    let cascade = Cascade::of(&profiles);
    let (mut rows, mut n_events) = (Vec::new(), 0);
    for file in &from.files {
        reader.file(file, &mut |time_ms, event: &HostEvent| {
            n_events += 1;
            let mut reasons = BTreeMap::new();
            cascade.pass(&mut profiles, &event.fields, time_ms, false, |answer| {
                reasons.insert(answer.profile.to_owned(), answer.reason());
            });
            for profile in &profiles {
                let id = &profile.spec().id;
                let Some(reason) = reasons.get(id) else { continue };
                rows.extend(profile.explain(&event.fields).into_iter().map(|part| Explained {
                    event: n_events,
                    profile: id.clone(),
                    reason: reason.clone(),
                    part: part.part,
                    value: part.value,
                    seen: part.seen,
                    seen_without: part.seen_without,
                }));
            }
            Ok(())
        })?;
    }
    reader.tell()?;
    list::list(format, &rows, "No event is one that a profile learns from.")?;
    Ok(Outcome::Fine)
}
