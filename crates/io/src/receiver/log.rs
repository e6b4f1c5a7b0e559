//! `log`: one line of JSON per message, appended to a file.
//!
//! The file is opened for each message, so it may be rotated at any time by renaming or truncating it, and
//! nothing is held open while there is nothing to tell. A line counts as written once it is on the disk.

use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use lanner_core::Notification;
use lanner_core::field::Field;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::BuildContext;
use super::kind::{KindConfig, TIMEOUT, Timeout};
use super::message::{Message, to_json};
use super::{Links, Problem, SendError, Sending, Transport};
use crate::remote::problem::check_absolute;

/// A `log` receiver as the operator writes it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// The file.
    pub path: PathBuf,
    /// For one attempt.
    pub timeout: Timeout,
}

/// The fields of a `log` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("path", "/var/log/lanner/notifications.json", "file to append to; its folder must exist")
        .required(),
    TIMEOUT,
];

impl KindConfig for LogConfig {
    fn check(&self) -> Vec<Problem> {
        let problem = if self.path.as_os_str().is_empty() {
            Some(Problem::new("path", "is missing; write for example /var/log/lanner/notifications.json"))
        } else {
            check_absolute("path", &self.path)
        };
        problem.into_iter().collect()
    }

    fn describe(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        Ok(Box::new(Log { path: self.path.clone(), links: context.links.clone() }))
    }
}

struct Log {
    path: PathBuf,
    links: Links,
}

impl Transport for Log {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let mut line = to_json(&Message::new(notification, &self.links));
        line.push(b'\n');
        let path = self.path.clone();
        Box::pin(async move {
            let shown = path.display().to_string();
            match tokio::task::spawn_blocking(move || append(&path, &line)).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(SendError::retry(format!(
                    "cannot write {shown}: {error}; check that its folder exists, may be written and has room"
                ))),
                Err(error) => Err(SendError::retry(format!("writing {shown} was interrupted: {error}"))),
            }
        })
    }
}

/// Appends `line` in one write and waits until it is on the disk.
fn append(path: &Path, line: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    // A crash may have left half a line; what follows it must not be lost with it.
    if file.seek(SeekFrom::End(0))? > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    file.write_all(line)?;
    file.sync_all()
}
