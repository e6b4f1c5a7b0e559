//! What programmers install: a wheel for Python and a package for JavaScript, in `target/libraries`. Each is installed
//! into an empty folder and passes the shared cases there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, output, root, succeed, target_folder};
use crate::package::notice;

const WASM: &str = "wasm32-unknown-unknown";
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
    if !has_wasm() {
        eprintln!("SKIPPED: the package for JavaScript, because `rustup target add {WASM}` was not run here");
    } else if output(Command::new("npm").arg("--version")).is_err() {
        eprintln!("SKIPPED: the package for JavaScript, because `npm` does not run");
    } else {
        javascript(&folder, &work)?;
    }
    let _ = std::fs::remove_dir_all(&work);
    println!("{}", folder.display());
    Ok(())
}

/// Whether this machine can build WebAssembly.
pub(crate) fn has_wasm() -> bool {
    let library = output(Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]));
    library.is_ok_and(|library| Path::new(library.trim()).is_dir())
}

/// Builds the WebAssembly module in a profile; its path.
pub(crate) fn build_wasm(profile: &str) -> Result<PathBuf, String> {
    let build =
        ["build", "--locked", "-p", "lanner-ffi", "--no-default-features", "--target", WASM, "--profile"];
    succeed(cargo().args(build).arg(profile))?;
    let folder = if profile == "dev" { "debug" } else { profile };
    Ok(target_folder()?.join(WASM).join(folder).join("lanner_ffi.wasm"))
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
fn javascript(folder: &Path, work: &Path) -> Result<(), String> {
    let module = build_wasm("dist")?;
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
