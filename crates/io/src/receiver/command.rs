//! `command`: runs a program of the operator's, without a shell, with the message on its standard input.
//!
//! The program gets Lanner's JSON and `LANNER_*` variables. Exit status 0 means sent, 65 (`EX_DATAERR`) that
//! the message will never be taken, anything else that it is worth another try. Of Lanner's own environment
//! it sees only what programs need to run, because the rest may hold secrets.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lanner_core::field::{Field, Type};
use lanner_core::{Notification, ResolvedReason};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::context::BuildContext;
use super::kind::{KindConfig, TIMEOUT, Timeout};
use super::message::{Message, status, to_json};
use super::{Links, Problem, Secret, SendError, Sending, Transport};
use crate::remote::problem::check_absolute;
use crate::remote::redact::cleaned;

/// Variables of Lanner's own environment that programs are given.
const INHERITED: [&str; 8] = ["HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "USER", "SYSTEMROOT"];
/// Exit status that says: do not try again.
const EX_DATAERR: i32 = 65;
/// How much of the end of standard error is kept.
const MAX_TAIL_BYTES: usize = 2 * 1024;
/// A larger variable is passed empty, in bytes.
const MAX_VARIABLE_BYTES: usize = 64 * 1024;
/// How long to wait for standard error once the program is done: a child of its own may hold it open.
const LINGER: Duration = Duration::from_millis(200);

/// A `command` receiver as the operator writes it.
///
/// Besides `env` the program sees `LANNER_KEY`, `LANNER_STATUS` (`firing` or `resolved`), `LANNER_RECEIVER`,
/// `LANNER_TITLE`, `LANNER_GROUP` (JSON), `LANNER_N_ALERTS` and `LANNER_REPEAT` (`true` or `false`); and of the
/// first alert `LANNER_RULE`, `LANNER_ANNOTATIONS` (JSON), `LANNER_RESOLVED_REASON` (such as `recovered`, empty
/// while it lasts) and `LANNER_GENERATOR_URL` (where its rule can be read).
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommandConfig {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Variables for the program.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Secret>,
    /// After which it is killed.
    pub timeout: Timeout,
}

/// The fields of a `command` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new(
        "command",
        "[/usr/local/bin/page, --team, payments]",
        "absolute path of the program, then its arguments; no shell is involved",
    )
    .of(Type::List(&Type::Text))
    .required(),
    Field::new("env", "{ TOKEN: { file: /etc/lanner/page } }", "environment variables for the program")
        .of(Type::ByName(&Type::Secret)),
    TIMEOUT,
];

/// Without its arguments: passwords are passed as such too.
impl std::fmt::Debug for CommandConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CommandConfig").field(&self.describe()).finish()
    }
}

impl KindConfig for CommandConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match self.command.first() {
            None => {
                problems.push(Problem::new(
                    "command",
                    "is missing; write for example [/usr/local/bin/page, --urgent]",
                ));
            }
            Some(program) => problems.extend(check_absolute("command", Path::new(program))),
        }
        if self.command.iter().any(|argument| argument.contains('\0')) {
            problems.push(Problem::new("command", "contains a NUL character, which no argument may contain"));
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) {
                problems.push(Problem::new(format!("env.{name}"), "is not a variable's name"));
            } else if value.plain().is_some_and(|value| value.contains('\0')) {
                problems.push(Problem::new(format!("env.{name}"), "contains a NUL character"));
            }
        }
        problems
    }

    fn describe(&self) -> Value {
        let mut described = serde_json::to_value(self).unwrap_or_default();
        // Passwords are passed as arguments too.
        if let Some(arguments) = described["command"].as_array_mut() {
            arguments.iter_mut().skip(1).for_each(|argument| *argument = "***".into());
        }
        described
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let mut env = Vec::new();
        let mut problems = Vec::new();
        for (name, value) in &self.env {
            match value.resolve(&format!("env.{name}")) {
                Ok(value) => env.push((name.clone(), value)),
                Err(problem) => problems.push(problem),
            }
        }
        let links = context.links.clone();
        let argv = self.command.clone();
        if problems.is_empty() { Ok(Box::new(Program { argv, env, links })) } else { Err(problems) }
    }
}

struct Program {
    argv: Vec<String>,
    env: Vec<(String, String)>,
    links: Links,
}

impl Transport for Program {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        Box::pin(self.run(notification))
    }
}

impl Program {
    async fn run(&self, notification: &Notification) -> Result<(), SendError> {
        let program = self.argv.first().map_or("", String::as_str);
        let cannot = |what: &str, error: std::io::Error| {
            SendError::retry(format!("cannot {what} {program}: {error}; check the path and its permissions"))
        };
        let mut child = self.command(notification).spawn().map_err(|error| cannot("run", error))?;
        let group = Group::of(&child);
        let input = to_json(&Message::new(notification, &self.links));
        let (exit, complaint) = finish(&mut child, input).await.map_err(|error| cannot("wait for", error))?;
        group.spare();
        if exit.success() {
            return Ok(());
        }
        let secrets: Vec<String> = self.secrets().map(str::to_owned).collect();
        let complaint = cleaned(&complaint, &secrets);
        let said = if complaint.is_empty() { "it wrote nothing to standard error" } else { &complaint };
        let message = format!("{program} failed ({exit}): {said}");
        Err(if exit.code() == Some(EX_DATAERR) {
            SendError::permanent(message)
        } else {
            SendError::retry(message)
        })
    }

    /// What its complaints must not show: values of variables, and arguments that may be passwords.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let values = self.env.iter().map(|(_, value)| value.as_str());
        let arguments =
            self.argv.iter().skip(1).map(|argument| argument.split_once('=').map_or(&**argument, |it| it.1));
        values.chain(arguments.filter(|argument| argument.len() >= 6 && !argument.starts_with('-')))
    }

    fn command(&self, notification: &Notification) -> Command {
        let mut command = Command::new(self.argv.first().map_or("", String::as_str));
        command.args(self.argv.iter().skip(1)).env_clear().kill_on_drop(true);
        command.envs(INHERITED.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.envs(variables(notification, &self.links));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

/// The message as environment variables.
fn variables(notification: &Notification, links: &Links) -> [(&'static str, String); 11] {
    let json = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
    let first = notification.foremost();
    let reason = first.and_then(|alert| alert.resolved_reason).map_or("", ResolvedReason::name);
    let annotations = first.map_or_else(|| b"{}".to_vec(), |alert| to_json(&alert.annotations));
    let url = first.and_then(|alert| links.rule(&alert.rule)).unwrap_or_default();
    [
        ("LANNER_KEY", notification.key.clone()),
        ("LANNER_STATUS", status(notification.is_resolved()).to_owned()),
        ("LANNER_RECEIVER", notification.receiver.to_string()),
        ("LANNER_TITLE", notification.title()),
        ("LANNER_RULE", first.map_or("", |alert| &*alert.rule).to_owned()),
        ("LANNER_GROUP", json(to_json(&notification.group))),
        ("LANNER_N_ALERTS", notification.n_alerts().to_string()),
        ("LANNER_REPEAT", notification.repeat.to_string()),
        ("LANNER_ANNOTATIONS", json(annotations)),
        ("LANNER_RESOLVED_REASON", reason.to_owned()),
        ("LANNER_GENERATOR_URL", url),
    ]
    .map(|(name, value)| (name, passable(&value)))
}

/// What an environment can carry: a zero character would refuse the whole message, and so would a variable of
/// 128 KiB. The message on standard input has everything.
fn passable(value: &str) -> String {
    if value.len() <= MAX_VARIABLE_BYTES { value.replace('\0', " ") } else { String::new() }
}

/// Feeds `input` and waits: the exit status, and the end of what was written to standard error.
async fn finish(child: &mut Child, input: Vec<u8>) -> std::io::Result<(ExitStatus, String)> {
    let tail = Mutex::new(Vec::new());
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read its input is no error.
            let _ = stdin.write_all(&input).await;
        }
    };
    let drain = async {
        if let Some(stderr) = stderr {
            keep_tail(stderr, &tail).await;
        }
    };
    let mut streams = pin!(async { tokio::join!(feed, drain) });
    let mut open = true;
    let exit = loop {
        tokio::select! {
            exit = child.wait() => break exit?,
            _ = &mut streams, if open => open = false,
        }
    };
    if open {
        let _ = tokio::time::timeout(LINGER, &mut streams).await;
    }
    let tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((exit, String::from_utf8_lossy(&tail).into_owned()))
}

async fn keep_tail(mut stream: impl AsyncRead + Unpin, tail: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(n_read @ 1..) = stream.read(&mut buffer).await {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend_from_slice(&buffer[..n_read]);
        let excess = tail.len().saturating_sub(MAX_TAIL_BYTES);
        tail.drain(..excess);
    }
}

/// The program and the children it started; killed when this is dropped, as it is when time runs out.
struct Group(#[cfg(unix)] Option<rustix::process::Pid>);

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Self(pid.and_then(rustix::process::Pid::from_raw))
    }

    /// The program ended by itself: what it left running was meant to run on.
    #[cfg(unix)]
    fn spare(mut self) {
        self.0 = None;
    }

    #[cfg(not(unix))]
    fn of(_child: &Child) -> Self {
        Self()
    }

    #[cfg(not(unix))]
    fn spare(self) {}
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may be gone already, which is as good.
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}
