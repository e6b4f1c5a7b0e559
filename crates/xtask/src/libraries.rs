//! What programmers install: a wheel for Python and a package for JavaScript, in `target/libraries`. Each is installed
//! into an empty folder and passes the shared cases there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{output, root, succeed, target_folder};
use crate::package::notice;
use crate::tools;
use crate::wasm::Wasm;

const CASES: &str = "crates/switch/testdata/cases.json";

/// Makes and tries both; of what this machine cannot make it says why.
///
/// # Errors
/// A sentence that names what failed.
pub(crate) fn run() -> Result<(), String> {
    let folder = target_folder()?.join("libraries");
    let _ = std::fs::remove_dir_all(&folder);
    let work = folder.join("work");
    std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    if output(Command::new("python3").args(["-m", "pip", "--version"])).is_ok() {
        python(&folder, &work)?;
    } else {
        eprintln!("SKIPPED: the wheel, because `python3 -m pip` does not run");
    }
    let npm = output(Command::new("npm").arg("--version"));
    match npm.map_err(|_| "`npm` does not run".to_owned()).and_then(|_| Wasm::find(&tools::cache_folder()?)) {
        Ok(wasm) => javascript(&wasm, &folder, &work)?,
        Err(why) => eprintln!("SKIPPED: the package for JavaScript, because {why}"),
    }
    let _ = std::fs::remove_dir_all(&work);
    println!("{}", folder.display());
    Ok(())
}

/// A wheel by maturin, which pip fetches.
fn python(folder: &Path, work: &Path) -> Result<(), String> {
    let pip = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"];
    succeed(Command::new("python3").args(pip).arg(folder).arg(root().join("crates/python")))?;
    let (wheel, place, licences) = (only(folder, "whl")?, work.join("python"), work.join("NOTICE"));
    std::fs::write(&licences, notice::with_texts()?)
        .map_err(|error| format!("{}: {error}", licences.display()))?;
    let script = root().join("packaging/wheel_notice.py");
    succeed(Command::new("python3").arg(script).arg(&wheel).arg(&licences))?;
    let install = ["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"];
    succeed(Command::new("python3").args(install).arg(&place).arg(wheel))?;
    let mut cases = Command::new("python3");
    cases.arg(root().join("crates/python/tests/cases.py")).arg(root().join(CASES));
    succeed(cases.env("PYTHONPATH", place))
}

/// A package by npm, with the module of the build that is installed.
fn javascript(wasm: &Wasm, folder: &Path, work: &Path) -> Result<(), String> {
    let module = wasm.build("dist")?;
    let licences = notice::with_texts()?;
    let (source, place) = (work.join("source"), work.join("javascript"));
    let copied = std::fs::create_dir_all(&place).and_then(|()| lay_out(&module, &source));
    let noted = |()| std::fs::write(source.join("NOTICE"), &licences);
    copied.and_then(noted).map_err(|error| format!("{}: {error}", source.display()))?;
    succeed(Command::new("npm").args(["pack", "--silent", "--pack-destination"]).arg(folder).arg(&source))?;
    let install = ["install", "--silent", "--no-audit", "--no-fund", "--offline", "--prefix"];
    succeed(Command::new("npm").args(install).arg(&place).arg(only(folder, "tgz")?))?;
    let package = place.join("node_modules/lanner");
    let script = root().join("crates/ffi/tests/cases.mjs");
    succeed(Command::new("node").arg(script).arg(package).arg(root().join(CASES)))
}

fn lay_out(module: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(root().join("crates/ffi/javascript"))? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    std::fs::copy(root().join("LICENSE"), to.join("LICENSE"))?;
    std::fs::copy(module, to.join("lanner_ffi.wasm")).map(|_| ())
}

/// The one file of a kind in a folder.
fn only(folder: &Path, extension: &str) -> Result<PathBuf, String> {
    let files = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let paths = files.filter_map(|file| file.ok().map(|file| file.path()));
    let found = paths.into_iter().find(|path| path.extension().is_some_and(|it| it == extension));
    found.ok_or_else(|| format!("{} has no .{extension} after the build", folder.display()))
}
