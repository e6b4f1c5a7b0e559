//! The packages for Python and JavaScript as people install them, laid out for a test.

use std::path::{Path, PathBuf};

/// Lays out the package for Python in a folder that is then to be named by `PYTHONPATH`.
///
/// `false`, said loudly on standard error, where its library is not built: nothing links it, and `cargo xtask test` builds it.
///
/// # Panics
/// When files cannot be copied.
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
/// `false`, said loudly on standard error, where its module is not built, as most machines lack what builds WebAssembly.
///
/// # Panics
/// When files cannot be copied.
#[must_use]
pub fn javascript_package(folder: &Path) -> bool {
    let Some(module) = built("wasm32-unknown-unknown/debug/lanner_ffi.wasm") else { return false };
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
    if !found.is_file() {
        eprintln!("SKIPPED: {path} is not built; `cargo xtask test` does that where the machine can");
    }
    found.is_file().then_some(found)
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
