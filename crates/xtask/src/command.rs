//! Running other programs in the repository.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs a command in the repository's root and lets it write where this program writes.
///
/// # Errors
/// When it does not start, or does not end with success.
pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.current_dir(root()).stdin(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", shown(command))),
        Err(error) => Err(format!("`{}` did not start: {error}", shown(command))),
    }
}

/// What a command writes to its standard output, as text.
///
/// # Errors
/// When it does not start, or does not end with success; with what it said.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let ran = command.stdin(Stdio::null()).output();
    match ran {
        Ok(ran) if ran.status.success() => Ok(String::from_utf8_lossy(&ran.stdout).into_owned()),
        Ok(ran) => {
            let said = String::from_utf8_lossy(&ran.stderr);
            Err(format!("`{}` ended with {}: {}", shown(command), ran.status, said.trim()))
        }
        Err(error) => Err(format!("`{}` did not start: {error}", shown(command))),
    }
}

/// The folder that cargo builds into.
///
/// # Errors
/// Failures of cargo.
pub(crate) fn target_folder() -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]).current_dir(root());
    let metadata: serde_json::Value =
        serde_json::from_str(&output(&mut command)?).map_err(|error| format!("cargo metadata: {error}"))?;
    let folder = metadata["target_directory"].as_str().map(PathBuf::from);
    folder.ok_or_else(|| "cargo names no target folder".to_owned())
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut text = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    as_typed(Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())))
}

/// A command that runs cargo as if somebody had typed it. What cargo tells this program of its own package would have
/// `ring`, and all that stands on it, built again: its build script looks at these variables.
pub(crate) fn as_typed(mut command: Command) -> Command {
    let of_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_package)) {
        command.env_remove(name);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_named() {
        let missing = succeed(Command::new("no-such-program").arg("--flag")).unwrap_err();
        assert!(missing.starts_with("`no-such-program --flag` did not start"), "{missing}");
        let failing = succeed(cargo().args(["--version", "--no-such-flag"])).unwrap_err();
        assert!(failing.contains("--no-such-flag` ended with exit status"), "{failing}");
    }
}
