//! The measurements: the build that is installed, the peers, and the program that measures both.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command::{cargo, root, succeed, target_folder};

/// The peers, as Debian 12 packages them.
const PEER: &str = "prometheus";
const ALERTMANAGER: &str = "prometheus-alertmanager";
/// Peers in Python: what they are called, the script that installs them, and the variable that names their environment.
const PYTHON: [(&str, &str, &str); 2] = [
    ("graphite-web", "benches/peers/graphite_web.py", "LANNER_BENCH_GRAPHITE"),
    ("detectors", "benches/peers/detect.py", "LANNER_BENCH_DETECT"),
];
/// Where the table is kept.
const PAGE: &str = "docs/performance.md";

/// Sections that are programs of their own.
const APART: [&str; 3] = ["switch", "boost", "forests"];

/// Both at once, so that they share what they are built from.
const BUILD: [&str; 8] =
    ["build", "--profile", "dist", "--locked", "--package", "lanner", "--package", "lanner-benches"];

/// Builds, finds the peer and measures; what is not ours among `arguments` goes to the measuring program.
///
/// # Errors
/// A sentence that names what failed.
pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    let install = !arguments.contains(&"--no-install");
    // Their peers are libraries: they are programs of their own, outside the workspace.
    if arguments.contains(&"switch") {
        switch()?;
    }
    if arguments.contains(&"boost") {
        boost(install)?;
    }
    if arguments.contains(&"forests") {
        forests()?;
    }
    let is_apart = |argument: &&str| APART.contains(argument);
    let others: Vec<&str> =
        arguments.iter().copied().filter(|it| !is_apart(it) && *it != "--no-install").collect();
    if others.is_empty() && arguments.iter().any(is_apart) {
        return Ok(());
    }
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
    for (name, script, variable) in PYTHON {
        match in_python(name, script, &target, install) {
            Ok(folder) => _ = bench.env(variable, folder),
            Err(why) => eprintln!("SKIPPED: the peer {name}: {why}"),
        }
    }
    let nab = root().join("../shared/data/nab");
    if nab.is_dir() {
        bench.env("LANNER_BENCH_NAB", nab);
    }
    for argument in others {
        match argument {
            "--write" => _ = bench.args(["--write", PAGE]),
            other => _ = bench.arg(other),
        }
    }
    succeed(&mut bench)
}

/// Conditions of kill switches, beside the engines that others use for them.
fn switch() -> Result<(), String> {
    succeed(&mut apart("benches/peers", "lanner-peers")?)
}

/// Boosted trees, beside libraries for them, and exact reasons beside recorded ones.
fn boost(install: bool) -> Result<(), String> {
    let mut bench = apart("benches/boosting", "lanner-boosting-peers")?;
    let recorded = root().join("../shared/data/treeshap");
    if recorded.is_dir() {
        bench.arg("--recorded").arg(recorded);
    }
    match in_python("boosting", "benches/boosting/peers.py", &target_folder()?, install) {
        Ok(folder) => _ = bench.arg("--python").arg(folder.join("bin/python")),
        Err(why) => eprintln!("SKIPPED: LightGBM and scikit-learn: {why}"),
    }
    succeed(&mut bench)
}

/// Random cut forests, beside a library for them, on recorded machines.
fn forests() -> Result<(), String> {
    let mut bench = apart("benches/forests", "lanner-forests-peers")?;
    let machines = root().join("../shared/data/smd");
    if machines.is_dir() {
        bench.arg(machines);
    }
    succeed(&mut bench)
}

/// Builds a measuring program that is outside the workspace, in `folder`; it runs on one core.
fn apart(folder: &str, program: &str) -> Result<Command, String> {
    let target = target_folder()?.join("peers");
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--manifest-path"]).arg(format!("{folder}/Cargo.toml"));
    succeed(build.arg("--target-dir").arg(&target).current_dir(root()))?;
    let mut bench = Command::new("taskset");
    bench.args(["-c", "1"]).arg(target.join("release").join(program));
    Ok(bench)
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

/// The Python environment of a peer, in the target folder.
fn in_python(name: &str, script: &str, target: &Path, install: bool) -> Result<PathBuf, String> {
    let folder = target.join("peers").join(name);
    if folder.join("installed").is_file() {
        return Ok(folder);
    }
    if !install {
        return Err("it is not installed, and --no-install forbids that".to_owned());
    }
    eprintln!("{name}: installing for Python into {}", folder.display());
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    succeed(Command::new("python3").arg(root().join(script)).arg("install").arg(&folder))?;
    Ok(folder)
}
