//! The output of an export or a backup: standard output, or a file that appears only when it is complete.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::failure::{Failure, Result};

/// Where output goes.
pub(crate) struct Target {
    out: Out,
    /// The file's name, and the name it has until it is whole.
    names: Option<(PathBuf, PathBuf)>,
}

enum Out {
    Plain(Box<dyn Write>),
    File(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl Target {
    /// Standard output.
    pub(crate) fn standard() -> Self {
        Self { out: Out::Plain(crate::output::data()), names: None }
    }

    /// A file, byte for byte.
    pub(crate) fn file(path: &Path, may_replace: bool) -> Result<Self> {
        let (file, names) = create(path, may_replace, &mut File::options())?;
        Ok(Self { out: Out::File(BufWriter::new(file)), names: Some(names) })
    }

    /// A file that only its owner may read, byte for byte.
    pub(crate) fn private(path: &Path, may_replace: bool) -> Result<Self> {
        let mut options = File::options();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let (file, names) = create(path, may_replace, &mut options)?;
        Ok(Self { out: Out::File(BufWriter::new(file)), names: Some(names) })
    }

    /// The file under the name that it has until it is whole, for whoever writes to it by that name.
    pub(crate) fn part(&self) -> Option<&Path> {
        self.names.as_ref().map(|(_, part)| &**part)
    }

    /// A file, compressed when its name ends in `.gz`.
    pub(crate) fn perhaps_compressed(path: &Path, may_replace: bool) -> Result<Self> {
        if path.extension().is_none_or(|extension| extension != "gz") {
            return Self::file(path, may_replace);
        }
        let (file, names) = create(path, may_replace, &mut File::options())?;
        let gzip = GzEncoder::new(BufWriter::new(file), Compression::default());
        Ok(Self { out: Out::Gzip(Box::new(gzip)), names: Some(names) })
    }

    /// Writes a piece.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.out {
            Out::Plain(out) => out.write_all(bytes),
            Out::File(out) => out.write_all(bytes),
            Out::Gzip(out) => out.write_all(bytes),
        };
        written.map_err(|error| self.failed(error))
    }

    /// Everything is written: the file gets its name.
    pub(crate) fn keep(mut self) -> Result<()> {
        let out = std::mem::replace(&mut self.out, Out::Plain(Box::new(io::sink())));
        let finished = match out {
            Out::Plain(mut out) => out.flush(),
            Out::File(out) => whole(out),
            Out::Gzip(out) => out.finish().and_then(whole),
        };
        finished.map_err(|error| self.failed(error))?;
        if let Some((path, part)) = self.names.take() {
            std::fs::rename(&part, &path).map_err(|error| Failure::file("write", &path, &error))?;
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> Failure {
        match &self.names {
            Some((path, _)) => Failure::file("write", path, &error),
            None => error.into(),
        }
    }
}

/// What is not whole is not kept.
impl Drop for Target {
    fn drop(&mut self) {
        if let Some((_, part)) = &self.names {
            // Already gone is as good.
            let _ = std::fs::remove_file(part);
        }
    }
}

fn create(path: &Path, may_replace: bool, options: &mut OpenOptions) -> Result<(File, (PathBuf, PathBuf))> {
    if path.exists() && !may_replace {
        let message = format!("{} exists already", path.display());
        return Err(Failure::user(message).hint("choose another name, or replace it with --force"));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let failed = |error: io::Error| Failure::file("write", path, &error);
    // What an earlier attempt left would keep its mode.
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let file = options.write(true).create_new(true).open(&part).map_err(failed)?;
    Ok((file, (path.to_owned(), part)))
}

fn whole(out: BufWriter<File>) -> io::Result<()> {
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
