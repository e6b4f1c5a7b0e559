//! What a test run needs beside cargo: a test runner, a licence check, a mail server.
//!
//! What the machine lacks is installed once into a cache outside the checkout,
//! `$XDG_CACHE_HOME/lanner/tools` or `~/.cache/lanner/tools`. Deleting that folder is always safe.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::steps::{Extent, succeed};
use crate::{cargo, root};

/// The version installed when the machine has no such cargo command.
const NEXTEST: (&str, &str) = ("nextest", "0.9.143");
const DENY: (&str, &str) = ("deny", "0.20.2");
/// The mail server that the tests of the e-mail receiver talk to; not ours, so that we agree with others.
const MAIL_SERVER: &str = "aiosmtpd==1.4.6";
/// The variable that tells those tests which Python has it.
const MAIL_SERVER_PYTHON: &str = "LANNER_TEST_AIOSMTPD";

/// The tools of one test run.
pub(crate) struct Tools {
    nextest: CargoCommand,
    deny: CargoCommand,
    /// A Python that has [`MAIL_SERVER`].
    python: Option<PathBuf>,
}

impl Tools {
    /// The test runner, told where the mail server is.
    pub(crate) fn nextest(&self) -> Command {
        let mut command = self.nextest.command();
        if let Some(python) = &self.python {
            command.env(MAIL_SERVER_PYTHON, python);
        }
        command
    }

    /// The licence check.
    pub(crate) fn deny(&self) -> Command {
        self.deny.command()
    }
}

/// A command of cargo that may lie in our cache, where cargo would not find it.
enum CargoCommand {
    Installed(&'static str),
    Cached { name: &'static str, path: PathBuf },
}

impl CargoCommand {
    fn command(&self) -> Command {
        let (mut command, name) = match self {
            Self::Installed(name) => (Command::new(cargo()), name),
            Self::Cached { name, path } => (Command::new(path), name),
        };
        command.arg(name);
        command
    }

    fn works(&self) -> bool {
        is_quietly_fine(self.command().arg("--version"))
    }
}

/// Finds the tools, and installs what is missing.
///
/// # Errors
/// When a cargo command is missing and cannot be installed. Without Python the run goes on, and says loudly
/// what is skipped.
pub(crate) fn prepare(extent: Extent) -> Result<Tools, String> {
    let cache = cache_folder()?;
    let nextest = cargo_command(&cache, NEXTEST)?;
    let deny = match extent {
        Extent::Full => cargo_command(&cache, DENY)?,
        Extent::Quick => CargoCommand::Installed(DENY.0),
    };
    let python = match std::env::var_os(MAIL_SERVER_PYTHON) {
        Some(python) => Some(PathBuf::from(python)),
        None => python_with_mail_server(&cache),
    };
    if !root().join("../shared/data").is_dir() {
        eprintln!("SKIPPED: tests on real data, because ../shared/data is not there");
    }
    Ok(Tools { nextest, deny, python })
}

fn cache_folder() -> Result<PathBuf, String> {
    let xdg = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    xdg.or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .map(|cache| cache.join("lanner/tools"))
        .ok_or_else(|| "tools: there is no home folder to install into; set XDG_CACHE_HOME".to_owned())
}

fn cargo_command(cache: &Path, (name, version): (&'static str, &str)) -> Result<CargoCommand, String> {
    let crate_name = format!("cargo-{name}");
    let cached = CargoCommand::Cached { name, path: cache.join("bin").join(&crate_name) };
    if let Some(found) = [CargoCommand::Installed(name), cached].into_iter().find(CargoCommand::works) {
        eprintln!("{crate_name}: found");
        return Ok(found);
    }
    eprintln!("{crate_name}: installing {version} into {}; this takes some minutes", cache.display());
    succeed(
        Command::new(cargo())
            .args(["install", &crate_name, "--version", version, "--locked", "--force", "--root"])
            .arg(cache)
            .env_remove("CARGO_TARGET_DIR"),
    )
    .map_err(|why| {
        format!("tools: {why}; check the network, or run `cargo install {crate_name} --locked` yourself")
    })?;
    Ok(CargoCommand::Cached { name, path: cache.join("bin").join(crate_name) })
}

/// A Python that has the mail server; `None`, with the reason printed, when there cannot be one.
fn python_with_mail_server(cache: &Path) -> Option<PathBuf> {
    let folder = cache.join("python");
    let python = folder.join("bin/python");
    if !has_mail_server(&python) {
        eprintln!("{MAIL_SERVER}: installing into {}", folder.display());
        let installed = succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
            .and_then(|()| {
                succeed(Command::new(&python).args(["-m", "pip", "install", "--quiet", MAIL_SERVER]))
            });
        if let Err(why) = installed {
            eprintln!("SKIPPED: tests that send mail, because {why}; install python3 with venv to run them");
            return None;
        }
    }
    eprintln!("{MAIL_SERVER}: found");
    Some(python)
}

fn has_mail_server(python: &Path) -> bool {
    is_quietly_fine(Command::new(python).args(["-c", "import aiosmtpd.controller"]))
}

fn is_quietly_fine(command: &mut Command) -> bool {
    command
        .current_dir(root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
