//! Programs that end when whoever started them does, however that ends.

use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Ends what it runs when its own standard input is closed: asked first, and killed where that takes too long. Somebody's Ctrl-C
/// reaches it as well, and must not end it before the program.
const WATCHED: &str = "trap '' INT; \"$@\" & program=$!; cat > /dev/null; kill -TERM $program; \
    (sleep 8; kill -KILL $program) > /dev/null 2>&1 & late=$!; wait $program; kill $late 2> /dev/null";

/// A running program; ended when dropped.
#[derive(Debug)]
pub(crate) struct Watched(Child);

impl Watched {
    /// Starts `command`, which says what goes wrong in `log`.
    ///
    /// # Errors
    /// When it cannot be run, or the log cannot be written.
    pub(crate) fn start(command: &Command, log: &Path) -> Result<Self, String> {
        Ok(Self(spawn(command, log, Stdio::null())?))
    }

    /// As [`Self::start`], with what it writes to its standard output.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(crate) fn start_heard(command: &Command, log: &Path) -> Result<(Self, ChildStdout), String> {
        let mut child = spawn(command, log, Stdio::piped())?;
        let output = child.stdout.take().ok_or("a program without an output")?;
        Ok((Self(child), output))
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(command: &Command, log: &Path, output: Stdio) -> Result<Child, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", command.get_program().display());
    let log = std::fs::File::create(log).map_err(failed)?;
    let mut watched = Command::new("sh");
    watched.args(["-c", WATCHED, "sh"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => watched.env(name, value),
            None => watched.env_remove(name),
        };
    }
    watched.stdin(Stdio::piped()).stdout(output).stderr(log).spawn().map_err(failed)
}
