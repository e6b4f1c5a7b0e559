//! The measurements: the build that is installed, the peers, and the program that measures both.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{cargo, root, succeed, target_folder};

/// The peers, as Debian 12 packages them.
const PEER: &str = "prometheus";
const ALERTMANAGER: &str = "prometheus-alertmanager";
/// Where the table is kept.
const PAGE: &str = "docs/performance.md";

/// Both at once, so that they share what they are built from.
const BUILD: [&str; 8] =
    ["build", "--profile", "dist", "--locked", "--package", "lanner", "--package", "lanner-benches"];

/// Builds, finds the peer and measures; what is not ours among `arguments` goes to the measuring program.
///
/// # Errors
/// A sentence that names what failed.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    // Its peers are libraries: it is a program of its own, outside the workspace.
    if arguments.contains(&"switch") {
        switch()?;
        if arguments == ["switch"] {
            return Ok(());
        }
    }
    let install = !arguments.contains(&"--no-install");
    succeed(cargo().args(BUILD))?;
    let target = target_folder()?;
    let programs = target.join("dist");
    // Its own core, so that the load does not take the server's: `process.rs` of the measuring program has the other.
    let mut bench = Command::new("taskset");
    bench.args(["-c", "1"]).arg(programs.join("lanner-benches"));
    bench.env("LANNER_BENCH_PROGRAM", programs.join("lanner"));
    let peers = [(PEER, "LANNER_BENCH_PROMETHEUS"), (ALERTMANAGER, "LANNER_BENCH_ALERTMANAGER")];
    for (package, variable) in peers {
        match peer(package, install) {
            Some(folder) => _ = bench.env(variable, folder),
            None => eprintln!(
                "SKIPPED: the peer {package}, because it is not here; install it, or run without --no-install"
            ),
        }
    }
    match graphite_web(&target, install) {
        Ok(folder) => _ = bench.env("LANNER_BENCH_GRAPHITE", folder),
        Err(why) => eprintln!("SKIPPED: the peer graphite-web: {why}"),
    }
    let nab = root().join("../shared/data/nab");
    if nab.is_dir() {
        bench.env("LANNER_BENCH_NAB", nab);
    }
    let others = ["--no-install", "switch"];
    for argument in arguments.iter().filter(|argument| !others.contains(argument)) {
        match *argument {
            "--write" => _ = bench.args(["--write", PAGE]),
            other => _ = bench.arg(other),
        }
    }
    succeed(&mut bench)
}

/// Conditions of kill switches, beside the engines that others use for them.
fn switch() -> Result<(), String> {
    let target = target_folder()?.join("peers");
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--manifest-path", "benches/peers/Cargo.toml"]);
    succeed(build.arg("--target-dir").arg(&target).current_dir(root()))?;
    succeed(Command::new("taskset").args(["-c", "1"]).arg(target.join("release/lanner-peers")))
}

/// The folder of the program that a Debian package is named after.
fn peer(package: &str, install: bool) -> Option<PathBuf> {
    let found = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| folder.join(package).is_file())
    };
    if found().is_none() && install {
        eprintln!("{package}: installing the Debian package");
        // Without this the package would start a server.
        let installed = Command::new("apt-get")
            .args(["install", "-y", package])
            .env("RUNLEVEL", "1")
            .stdin(Stdio::null())
            .status();
        if !installed.is_ok_and(|status| status.success()) {
            eprintln!("{package}: could not be installed");
        }
    }
    found()
}

/// The Python environment of graphite-web, in the target folder.
fn graphite_web(target: &Path, install: bool) -> Result<PathBuf, String> {
    let folder = target.join("peers/graphite-web");
    if folder.join("installed").is_file() {
        return Ok(folder);
    }
    if !install {
        return Err("it is not installed, and --no-install forbids that".to_owned());
    }
    eprintln!("graphite-web: installing it for Python into {}", folder.display());
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let script = root().join("benches/peers/graphite_web.py");
    succeed(Command::new("python3").arg(script).arg("install").arg(&folder))?;
    Ok(folder)
}
