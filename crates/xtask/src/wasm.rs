//! What builds WebAssembly: the toolchain where `rustup target add` was run, otherwise the compiler of Debian's package
//! `rustc-web`, with the standard library built from the source that lies beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{cargo, output, succeed, target_folder};

const TARGET: &str = "wasm32-unknown-unknown";

/// Gets the compiler, and the libraries that the machine lacks for it, into the folder that is its first argument. Of the source
/// that comes with it the standard library is kept.
const UNPACK: &str = r#"mkdir -p "$0" && cd "$0" &&
names=$(apt-get install --simulate --no-install-recommends rustc-web rust-web-src | awk '/^Inst (lib|rust)/{print $2}') &&
apt-get download -qq $names && for package in *.deb; do dpkg-deb -x "$package" . && rm "$package" || exit 1; done &&
cd usr/src/rustc-* && find . -mindepth 1 -maxdepth 1 ! -name library ! -name Cargo.lock -exec rm -r {} +"#;

/// A compiler of WebAssembly.
pub(crate) enum Wasm {
    /// The one that builds everything else.
    Toolchain,
    /// Another one, which lies in this folder as in the root of a machine.
    Unpacked(PathBuf),
}

impl Wasm {
    /// The machine's, or the one in the cache, unpacked if it is missing.
    ///
    /// # Errors
    /// Why there is none, and what to do.
    pub(crate) fn find(cache: &Path) -> Result<Self, String> {
        let library = output(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
        if library.is_ok_and(|library| Path::new(library.trim()).is_dir()) {
            return Ok(Self::Toolchain);
        }
        let wasm = Self::Unpacked(cache.join("wasm"));
        if let Self::Unpacked(folder) = &wasm
            && wasm.works().is_err()
        {
            eprintln!("a compiler of WebAssembly: unpacking Debian's packages into {}", folder.display());
            succeed(Command::new("sh").args(["-c", UNPACK]).arg(folder))
                .and_then(|()| wasm.works())
                .map_err(|why| format!("{why}; run `rustup target add {TARGET}`"))?;
        }
        Ok(wasm)
    }

    /// Builds the module of the evaluator in a profile, `dist` or, for tests, `wasm`; its path.
    ///
    /// # Errors
    /// When the build fails.
    pub(crate) fn build(&self, profile: &str) -> Result<PathBuf, String> {
        let mut build = cargo();
        build.args(["build", "--locked", "-p", "lanner-ffi", "--no-default-features", "--target", TARGET]);
        build.args(["--profile", profile]);
        if let Self::Unpacked(folder) = self {
            build.arg("-Zbuild-std=std,panic_abort").env("RUSTC_BOOTSTRAP", "1");
            build.env("RUSTC", compiler(folder)).env("LD_LIBRARY_PATH", libraries(folder));
            build.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?);
        }
        succeed(&mut build)?;
        Ok(target_folder()?.join(TARGET).join(profile).join("lanner_ffi.wasm"))
    }

    /// Whether the compiler runs, has its source beside it, and is as new as the one that builds everything else.
    fn works(&self) -> Result<(), String> {
        let Self::Unpacked(folder) = self else { return Ok(()) };
        let mut unpacked = Command::new(compiler(folder));
        let unpacked = output(unpacked.arg("--version").env("LD_LIBRARY_PATH", libraries(folder)))?;
        let toolchain = output(Command::new("rustc").arg("--version"))?;
        if release(&unpacked) < release(&toolchain) {
            return Err(format!("{} is older than {}", unpacked.trim(), toolchain.trim()));
        }
        let source = folder.join("usr/lib/rustlib/src/rust/library");
        if source.is_dir() { Ok(()) } else { Err(format!("{} is not there", source.display())) }
    }
}

/// `[1, 95, 0]` of `rustc 1.95.0 (59807616e 2026-04-14)`.
fn release(version: &str) -> Vec<u32> {
    let numbers = version.split_whitespace().nth(1).unwrap_or_default().split(['.', '-']);
    numbers.map_while(|number| number.parse().ok()).collect()
}

fn compiler(folder: &Path) -> PathBuf {
    folder.join("usr/bin/rustc")
}

fn libraries(folder: &Path) -> PathBuf {
    folder.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH))
}

/// The linker that comes with the toolchain, which knows every target.
fn linker() -> Result<PathBuf, String> {
    let libraries = output(Command::new("rustc").args(["--print", "target-libdir"]))?;
    let linker = Path::new(libraries.trim()).with_file_name("bin").join("rust-lld");
    if linker.is_file() { Ok(linker) } else { Err(format!("{} is not there", linker.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_as_numbers() {
        let of = |number: &str| release(&format!("rustc {number} (59807616e 2026-04-14)\n"));
        assert_eq!(of("1.95.0"), [1, 95, 0]);
        assert_eq!(of("1.97.0-nightly"), [1, 97, 0]);
        assert!(of("1.85.0") < of("1.95.0") && of("1.100.0") > of("1.95.0"));
        assert!(release("nonsense").is_empty());
    }
}
