//! What people install: a Debian package, an image for containers, checksums and a bill of materials, in `target/package`.
//!
//! Reading order: [`Wanted`] (what was asked for), [`make`] (the steps), `tree` (which file goes where), then `debian`, `image`,
//! `bill`; `trial` uses what was made as an administrator would.

mod bill;
mod debian;
mod files;
mod image;
pub(crate) mod notice;
mod release;
mod tree;
mod trial;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, output, succeed, target_folder};
use files::{remove, renew, write};
use release::Release;
use tree::Tree;
use trial::Trial;

/// What was asked for.
#[derive(Debug)]
struct Wanted<'a> {
    profile: &'a str,
    /// A target of rustc other than this machine's own.
    target: Option<&'a str>,
    /// A program that is built already.
    program: Option<&'a Path>,
    /// The number after the version: packages of one version differ in it.
    revision: u32,
    /// A folder with a bare Debian, in which the package is tried.
    trial: Option<&'a Path>,
    /// The same of a Debian with systemd, which is booted.
    boot: Option<&'a Path>,
}

impl<'a> Wanted<'a> {
    fn read(arguments: &'a [&'a str]) -> Result<Self, String> {
        let mut wanted =
            Self { profile: "dist", target: None, program: None, revision: 1, trial: None, boot: None };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let value = rest.next().ok_or_else(|| format!("package: {argument} needs a value"))?;
            match *argument {
                "--profile" => wanted.profile = value,
                "--target" => wanted.target = Some(value),
                "--program" => wanted.program = Some(Path::new(value)),
                "--revision" => {
                    wanted.revision =
                        value.parse().map_err(|_| format!("package: --revision {value} is not a number"))?;
                }
                "--try" => wanted.trial = Some(Path::new(value)),
                "--boot" => wanted.boot = Some(Path::new(value)),
                other => return Err(format!("package does not know `{other}`")),
            }
        }
        Ok(wanted)
    }
}

/// Builds, packs, and tries what it made where that was asked for. What it built itself has to pass the demonstration first.
///
/// # Errors
/// A sentence that names what failed.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let wanted = Wanted::read(arguments)?;
    let program = match wanted.program {
        Some(program) => program.to_owned(),
        None => build(wanted.profile, wanted.target)?,
    };
    let folder = target_folder()?.join("package");
    let trial = make(&program, wanted.revision, &folder)?;
    println!("{}", folder.display());
    wanted.trial.map_or(Ok(()), |bare| trial.run(bare))?;
    wanted.boot.map_or(Ok(()), |bare| trial.boot(bare))
}

/// Packs the program that the tests use, which is there already: without its symbols, which are most of its size.
///
/// # Errors
/// A sentence that names what failed.
pub(crate) fn program_of_the_tests() -> Result<(), String> {
    for tool in ["dpkg-deb", "strip"] {
        if output(Command::new(tool).arg("--version")).is_err() {
            eprintln!("SKIPPED: packages, because `{tool}` does not run; install dpkg and binutils");
            return Ok(());
        }
    }
    let folder = target_folder()?.join("debug");
    let stripped = folder.join("lanner-without-symbols");
    succeed(Command::new("strip").arg("-o").args([&stripped, &folder.join("lanner")]))?;
    run(&["--program", &stripped.to_string_lossy()])?;
    std::fs::remove_file(&stripped).map_err(|error| format!("{}: {error}", stripped.display()))
}

/// The program, built and seen finding what the demonstration has to find; the path of its file.
fn build(profile: &str, target: Option<&str>) -> Result<PathBuf, String> {
    let target_option = target.map(|target| format!("--target={target}"));
    let build = ["build", "--locked", "--package", "lanner", "--profile", profile];
    succeed(cargo().args(build).args(target_option))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let program = target_folder()?.join(target.unwrap_or_default()).join(folder).join("lanner");
    succeed(Command::new(&program).args(["demo", "--exit"]))?;
    Ok(program)
}

/// Makes all packages of one release in `folder`, and says what to try.
fn make(program: &Path, revision: u32, folder: &Path) -> Result<Trial, String> {
    let release = Release::of(program, revision)?;
    renew(folder)?;
    let metadata = bill::metadata()?;
    let tree = Tree::of(program, &folder.join("work"), &notice::licences(&metadata)?)?;
    let debian = debian::make(&tree, &release, folder)?;
    let image = image::make(program, &tree, &release, folder)?;
    let bill = folder.join(format!("lanner_{}.cdx.json", release.version));
    write(&bill, bill::of(&metadata, &release.version).as_bytes())?;
    checksums(folder, &[&debian, &image, &bill])?;
    remove(&folder.join("work"))?;
    Ok(Trial { folder: folder.to_owned(), tree, release, debian })
}

/// `SHA256SUMS`, as `sha256sum --check` reads it.
fn checksums(folder: &Path, files: &[&PathBuf]) -> Result<(), String> {
    let names = files.iter().filter_map(|file| file.file_name());
    let sums = output(Command::new("sha256sum").args(names).current_dir(folder))?;
    write(&folder.join("SHA256SUMS"), sums.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read() {
        let wanted = Wanted::read(&[
            "--program",
            "there",
            "--profile",
            "dev",
            "--revision",
            "2",
            "--try",
            "bare",
            "--boot",
            "booted",
        ])
        .unwrap();
        assert_eq!((wanted.profile, wanted.revision), ("dev", 2));
        assert_eq!((wanted.program, wanted.trial), (Some(Path::new("there")), Some(Path::new("bare"))));
        assert_eq!(wanted.boot, Some(Path::new("booted")));
        for (arguments, said) in [
            (&["--profile"][..], "--profile needs a value"),
            (&["--revision", "x"], "--revision x is not a number"),
            (&["--fast", "1"], "package does not know `--fast`"),
        ] {
            assert!(Wanted::read(arguments).unwrap_err().contains(said));
        }
    }
}
