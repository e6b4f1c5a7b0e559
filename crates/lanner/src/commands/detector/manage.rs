//! The detectors of a folder: listed, selected, deleted, copied.

use std::path::PathBuf;

use serde::Serialize;

use super::run_args::FolderArgs;
use crate::adbox::dashboard;
use crate::adbox::folder::Folder;
use crate::adbox::trained::About;
use crate::failure::{Failure, Outcome, Result, remark};
use crate::list::{self, Cell, Format, Row};
use crate::output;

#[derive(Debug, clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    folder: FolderArgs,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
pub(super) struct One {
    /// Id of the detector, its first digits, or its name.
    #[arg(value_name = "DETECTOR")]
    detector: String,
    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Delete {
    /// Ids of detectors, their first digits, or their names.
    #[arg(required = true, value_name = "DETECTOR")]
    names: Vec<String>,
    /// Delete them without being asked; what they predicted is deleted as well.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Export {
    #[command(flatten)]
    one: One,
    /// Folder to write, which does not exist yet.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// Folder that `lanner detector export` wrote.
    #[arg(value_name = "FOLDER")]
    from: PathBuf,
    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Dashboard {
    /// Id of the detector, its first digits, or its name; by default the current one.
    #[arg(value_name = "DETECTOR")]
    detector: Option<String>,
    #[command(flatten)]
    folder: FolderArgs,
    /// File to write; by default standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A detector in a list.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    name: String,
    /// Whose detector it is, where each entity has one.
    entity: Option<String>,
    created: String,
    unit: String,
    window: usize,
    is_current: bool,
}

impl Row for Listed {
    const COLUMNS: &'static [&'static str] =
        &["id", "name", "entity", "created", "unit", "window", "current"];
    fn cells(&self) -> Vec<Cell> {
        vec![
            self.id.as_str().into(),
            self.name.as_str().into(),
            self.entity.as_deref().into(),
            self.created.as_str().into(),
            self.unit.as_str().into(),
            Cell::Count(self.window as u64),
            if self.is_current { "current" } else { "" }.into(),
        ]
    }
}

fn listed(about: About, current: Option<&str>) -> Listed {
    Listed {
        is_current: current == Some(&about.detector_id),
        id: about.detector_id,
        name: about.display_name,
        entity: about.entity.map(|entity| format!("{}={}", entity.field, entity.value)),
        created: about.created_time,
        unit: lanner_core::time::format_duration(about.unit_ms),
        window: about.window_size,
    }
}

pub(super) fn list(args: &List) -> Result<Outcome> {
    let folder = Folder::at(&args.folder.detectors);
    let all = folder.all()?;
    let current = folder.current().ok().map(|about| about.detector_id);
    let rows: Vec<Listed> = all.into_iter().map(|about| listed(about, current.as_deref())).collect();
    list::list(args.format, &rows, "No detectors; train one with lanner detector run USE_CASE.")?;
    Ok(Outcome::Fine)
}

pub(super) fn current(args: &List) -> Result<Outcome> {
    let about = Folder::at(&args.folder.detectors).current()?;
    let id = about.detector_id.clone();
    list::one(args.format, &listed(about, Some(&id)))?;
    Ok(Outcome::Fine)
}

pub(super) fn select(args: &One) -> Result<Outcome> {
    let folder = Folder::at(&args.folder.detectors);
    // Who selects one of a set selects them all.
    if let Some(about) = folder.members(&args.detector)?.first() {
        folder.select(about)?;
        remark(&format!("the detectors of {} are the current ones", args.detector));
        return Ok(Outcome::Fine);
    }
    let about = folder.find(&args.detector)?;
    folder.select(&about)?;
    remark(&format!("the detector {} ({}) is the current one", about.detector_id, about.display_name));
    Ok(Outcome::Fine)
}

pub(super) fn delete(args: &Delete) -> Result<Outcome> {
    let folder = Folder::at(&args.folder.detectors);
    let mut all = Vec::new();
    for start in &args.names {
        let is_of_set = |about: &About| about.entity.as_ref().is_some_and(|entity| entity.set == *start);
        let of_set: Vec<About> = folder.all()?.into_iter().filter(is_of_set).collect();
        all.extend(if of_set.is_empty() { vec![folder.find(start)?] } else { of_set });
    }
    if !args.yes {
        let ids: Vec<&str> = all.iter().map(|about| about.detector_id.as_str()).collect();
        return Err(Failure::user(format!("this deletes {} and what they predicted", ids.join(", ")))
            .hint("say so with --yes"));
    }
    for about in all {
        folder.delete(&about)?;
        remark(&format!("the detector {} is deleted", about.detector_id));
    }
    Ok(Outcome::Fine)
}

pub(super) fn export(args: &Export) -> Result<Outcome> {
    let folder = Folder::at(&args.one.folder.detectors);
    let about = folder.find(&args.one.detector)?;
    folder.export(&about, &args.out)?;
    remark(&format!("the detector {} is in {}", about.detector_id, args.out.display()));
    Ok(Outcome::Fine)
}

pub(super) fn dashboard(args: &Dashboard) -> Result<Outcome> {
    let folder = Folder::at(&args.folder.detectors);
    let about = match &args.detector {
        Some(start) => folder.find(start)?,
        None => folder.current()?,
    };
    if !about.ships {
        remark(
            "the detector was trained without --ship, so there is nothing yet that the dashboard could show",
        );
    }
    let text = dashboard::ndjson(&about);
    match &args.out {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| Failure::file("write", path, &error))?;
            remark(&format!(
                "{} has the dashboard of {}; import it in Dashboards Management, Saved objects",
                path.display(),
                about.display_name
            ));
        }
        None => output::text(&text)?,
    }
    Ok(Outcome::Fine)
}

pub(super) fn import(args: &Import) -> Result<Outcome> {
    let about = Folder::at(&args.folder.detectors).import(&args.from)?;
    remark(&format!("the detector {} ({}) is taken in", about.detector_id, about.display_name));
    Ok(Outcome::Fine)
}
