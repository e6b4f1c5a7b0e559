//! The packages for Python and JavaScript as people install them, laid out for a test.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Lays out the package for Python in a folder that is then to be named by `PYTHONPATH`.
///
/// `false`, said loudly on standard error, where its library was not built here: nothing links it, and `cargo xtask test` builds it.
///
/// # Panics
/// When files cannot be copied, and where the library is older than what it is made of: a test of it would say nothing.
#[must_use]
pub fn python_package(folder: &Path) -> bool {
    let Some(library) = built("debug/liblanner.so") else { return false };
    let package = folder.join("lanner");
    copy_files(&crates("python/python/lanner"), &package);
    copy(&library, &package.join("_lanner.abi3.so"));
    true
}

/// Lays out the package for JavaScript in this very folder.
///
/// `false`, said loudly on standard error, where its module was not built here, as most machines lack what builds WebAssembly.
///
/// # Panics
/// When files cannot be copied, and where the module is older than what it is made of.
#[must_use]
pub fn javascript_package(folder: &Path) -> bool {
    let Some(module) = built("wasm32-unknown-unknown/wasm/lanner_ffi.wasm") else { return false };
    copy_files(&crates("ffi/javascript"), folder);
    copy(&module, &folder.join("lanner_ffi.wasm"));
    true
}

fn crates(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A library, below the folder of all that cargo builds.
fn built(path: &str) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let found = program.ancestors().nth(3)?.join(path);
    // What lies there without cargo's notes beside it came from elsewhere, and may be of any age.
    let Some(notes) = std::fs::read_to_string(found.with_extension("d")).ok().filter(|_| found.is_file())
    else {
        eprintln!("SKIPPED: {path} was not built here; `cargo xtask test` does that where the machine can");
        return None;
    };
    let why = is_current(&found, &notes).err().unwrap_or_default();
    assert!(why.is_empty(), "{why}; `cargo xtask test` builds it before its tests");
    Some(found)
}

/// Whether a library is younger than every file that it is made of, as cargo notes it.
fn is_current(library: &Path, notes: &str) -> Result<(), String> {
    let shown = library.display();
    let built = changed(library).ok_or_else(|| format!("{shown} cannot be looked at"))?;
    let sources = notes.split_once(": ").map_or("", |(_, sources)| sources.trim_end());
    // A space in a name is written after a backslash.
    let sources = sources.replace("\\ ", "\0");
    for source in sources.split(' ').map(|source| source.replace('\0', " ")) {
        match changed(Path::new(&source)) {
            Some(time) if time <= built => {}
            Some(_) => return Err(format!("{shown} is older than {source}")),
            None => return Err(format!("{shown} is made of {source}, which is gone")),
        }
    }
    Ok(())
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// The files of a folder, without those below.
#[expect(clippy::expect_used, reason = "a test cannot go on without them, and should say so")]
fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder for the package");
    for entry in std::fs::read_dir(from).expect("the package's files") {
        let path = entry.expect("the package's files").path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            copy(&path, &to.join(name));
        }
    }
}

#[expect(clippy::expect_used, reason = "a test cannot go on without it, and should say so")]
fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).expect("room for the package");
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_library_older_than_its_sources_is_none() {
        let folder = std::env::temp_dir().join(format!("lanner packages {}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let [library, a, b] = ["lib.so", "a.rs", "b.rs"].map(|name| folder.join(name));
        let now = SystemTime::now();
        let at = |path: &Path, seconds: u64| {
            let file = File::options().append(true).create(true).open(path).unwrap();
            file.set_modified(now + Duration::from_secs(seconds)).unwrap();
        };
        let written = |path: &Path| path.display().to_string().replace(' ', "\\ ");
        at(&library, 10);
        at(&a, 5);
        at(&b, 10);
        let notes = format!("{}: {} {}\n", written(&library), written(&a), written(&b));
        assert_eq!(is_current(&library, &notes), Ok(()));
        at(&b, 11);
        assert!(is_current(&library, &notes).unwrap_err().ends_with("b.rs"));
        std::fs::remove_file(&b).unwrap();
        assert!(is_current(&library, &notes).unwrap_err().ends_with("which is gone"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
