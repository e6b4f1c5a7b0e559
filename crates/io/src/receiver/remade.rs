//! A transport that is rebuilt when one of its files changes, so that secrets can be renewed while Lanner runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lanner_core::Notification;
use serde_json::Value;

use super::kind::KindConfig;
use super::{BuildContext, Problem, Sending, Transport};

/// The transport of a receiver, and what it was made of.
pub(super) struct Remade {
    config: Arc<dyn KindConfig>,
    context: BuildContext,
    files: Vec<PathBuf>,
    made: Mutex<Made>,
}

struct Made {
    transport: Arc<dyn Transport>,
    /// What the files held when it was made, as hashes; `None` for one that could not be read.
    held: Vec<Option<u64>>,
}

impl Remade {
    /// Makes the transport.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub(super) fn new(config: Arc<dyn KindConfig>, context: BuildContext) -> Result<Self, Vec<Problem>> {
        let mut files = Vec::new();
        files_of(&config.describe(), &mut files);
        // Before: what is written meanwhile is seen as a change.
        let held = hashes(&files);
        let transport = config.build(&context)?.into();
        Ok(Self { config, context, files, made: Mutex::new(Made { transport, held }) })
    }

    /// The transport, made anew where a file has changed. One whose files cannot be used stays as it was: a file may be
    /// missing for the moment in which it is replaced.
    fn current(&self) -> Arc<dyn Transport> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let held = hashes(&self.files);
        if held != made.held {
            match self.config.build(&self.context) {
                Ok(transport) => *made = Made { transport: transport.into(), held },
                Err(problems) => {
                    for problem in problems {
                        tracing::warn!(
                            "a receiver's files have changed and cannot be used; it is unchanged: {problem}"
                        );
                    }
                }
            }
        }
        Arc::clone(&made.transport)
    }
}

impl Transport for Remade {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let transport = self.current();
        Box::pin(async move { transport.send(notification).await })
    }
}

/// Every file that a described document names: `{ file: PATH }` anywhere, and certificates.
fn files_of(described: &Value, files: &mut Vec<PathBuf>) {
    match described {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(path) if name == "ca_file" || (name == "file" && map.len() == 1) => {
                        files.push(path.into());
                    }
                    value => files_of(value, files),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| files_of(item, files)),
        _ => {}
    }
}

/// Read whole, because a clock may be too coarse to tell two contents apart; such files are small.
fn hashes(files: &[PathBuf]) -> Vec<Option<u64>> {
    let hash = |path: &PathBuf| read_start(path).map(|bytes| xxhash_rust::xxh3::xxh3_64(&bytes));
    files.iter().map(hash).collect()
}

fn read_start(path: &Path) -> Option<Vec<u8>> {
    use std::io::Read as _;
    /// More is no secret, and few bundles of certificates are larger.
    const MAX_BYTES: u64 = 1 << 20;
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_file_is_found() {
        let described = json!({
            "kind": "webhook", "url": {"file": "/a"}, "ca_file": "/b", "auth": {"bearer": {"file": "/c"}},
            "headers": {"file": "no", "x": {"file": "/d"}}, "command": ["file"], "path": "/e",
        });
        let mut files = Vec::new();
        files_of(&described, &mut files);
        files.sort();
        assert_eq!(files, ["/a", "/b", "/c", "/d"].map(PathBuf::from));
    }
}
