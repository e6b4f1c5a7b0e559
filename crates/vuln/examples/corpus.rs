//! Writes reports for fuzzing, a folder for each format, and prints the formats' names: the format's example, and what is of it
//! among the reports in the folders named: `cargo run -p lanner-vuln --example corpus -- fuzz/corpus FOLDER...`
#![expect(clippy::disallowed_methods, reason = "an example is a program, which reads and writes files")]

use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use lanner_vuln::{FORMATS, Options, read};

fn main() -> Result<()> {
    let mut folders = std::env::args_os().skip(1).map(PathBuf::from);
    let corpus = folders.next().ok_or_else(|| Error::other("name a folder to write to"))?;
    for format in FORMATS {
        write(&corpus.join(format.name), Path::new("example"), format.example.as_bytes())?;
        println!("{}", format.name);
    }
    folders.try_for_each(|folder| recorded(&corpus, &folder))
}

/// Adds the reports of a folder and of those in it.
fn recorded(corpus: &Path, folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            recorded(corpus, &path)?;
            continue;
        }
        let body = std::fs::read(&path)?;
        if let Ok(report) = read(&body[..], Options::default(), &mut |_| Ok(())) {
            write(&corpus.join(report.format), &path, &body)?;
        }
    }
    Ok(())
}

fn write(folder: &Path, path: &Path, body: &[u8]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(path.file_name().unwrap_or_default()), body)
}
