//! The last good switches on disk, written completely or not at all.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The file's text and how old it is; `None` when there is no file.
pub(crate) async fn read(path: PathBuf) -> io::Result<Option<(String, Duration)>> {
    blocking(move || match std::fs::read_to_string(&path) {
        Ok(text) => {
            let written = std::fs::metadata(&path)?.modified()?;
            Ok(Some((text, SystemTime::now().duration_since(written).unwrap_or_default())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    })
    .await
}

/// Replaces the file in one step: whoever reads it, at whatever moment, reads one text or the other.
pub(crate) async fn write(path: PathBuf, text: String) -> io::Result<()> {
    blocking(move || {
        let part = beside(&path);
        let written = File::create(&part).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.and_then(|()| std::fs::rename(&part, &path)).inspect_err(|_| {
            // What is not whole is of no use; that it is gone already is as good.
            let _ = std::fs::remove_file(&part);
        })
    })
    .await
}

/// A name of this process's own beside the file.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    PathBuf::from(name)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(io::Error::other(panic)))
}
