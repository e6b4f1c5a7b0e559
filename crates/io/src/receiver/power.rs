//! What a receiver can do on the server's own machine: run programs, write and read files, read the environment.
//!
//! Whoever configures the machine may have all of it; whoever may merely call the API, nothing unless the configuration
//! says so.

use std::collections::BTreeMap;

use serde_json::Value;

/// Something that a receiver can do on the server's own machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Power {
    /// Run a program: receivers of kind `command`.
    Command,
    /// Append to a file: receivers of kind `log`.
    Log,
    /// Read a file: `{ file: PATH }`, `ca_file`.
    File,
    /// Read a variable of the environment: `{ env: NAME }`.
    Env,
}

impl Power {
    /// Every power.
    pub const ALL: [Self; 4] = [Self::Command, Self::Log, Self::File, Self::Env];

    /// Its name in `server.allow`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Log => "log",
            Self::File => "file",
            Self::Env => "env",
        }
    }

    /// What a receiver with this power does, in words that follow its name: `runs a program`.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Command => "runs a program",
            Self::Log => "writes a file",
            Self::File => "reads a file",
            Self::Env => "reads a variable of the environment",
        }
    }

    /// The power of that name.
    ///
    /// # Errors
    /// A sentence that lists the names.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|power| power.name() == name).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|power| power.name()).collect();
            let shown: String = name.chars().take(40).collect();
            format!("\"{shown}\" cannot be allowed; write some of {}", names.join(", "))
        })
    }
}

/// The powers that a receiver's document uses, and by which field first.
///
/// Looks at the document and not at what its kind makes of it, so that a kind that is added later is not forgotten: every
/// `{ file: ... }` and `{ env: ... }` counts wherever it stands, and so does every field that names a file.
///
/// ```
/// use lanner_io::receiver::{Power, powers};
/// let document = serde_json::json!({"kind": "webhook", "url": {"env": "HOOK"}, "headers": {"X-Key": {"file": "/key"}}});
/// let used: Vec<_> = powers(&document).into_iter().collect();
/// assert_eq!(used, [(Power::File, "headers.X-Key".to_owned()), (Power::Env, "url".to_owned())]);
/// ```
#[must_use]
pub fn powers(document: &Value) -> BTreeMap<Power, String> {
    let mut used = BTreeMap::new();
    match document["kind"].as_str() {
        Some("command") => drop(used.insert(Power::Command, "kind".to_owned())),
        Some("log") => drop(used.insert(Power::Log, "kind".to_owned())),
        _ => {}
    }
    look(document, "", &mut used);
    used
}

fn look(value: &Value, path: &str, used: &mut BTreeMap<Power, String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let reads = match name.as_str() {
                    "env" if fields.len() == 1 && value.is_string() => Some((Power::Env, path.to_owned())),
                    "file" if fields.len() == 1 && value.is_string() => Some((Power::File, path.to_owned())),
                    name if name.ends_with("_file") && !value.is_null() => {
                        Some((Power::File, joined(path, name)))
                    }
                    _ => None,
                };
                if let Some((power, field)) = reads {
                    used.entry(power).or_insert(field);
                }
                look(value, &joined(path, name), used);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| look(item, path, used)),
        _ => {}
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_found_wherever_they_stand() {
        #[track_caller]
        fn check(document: &str, expected: &[Power]) {
            let document: Value = serde_json::from_str(document).unwrap();
            let used: Vec<Power> = powers(&document).into_keys().collect();
            assert_eq!(used, expected, "{document}");
        }
        use Power::{Command, Env, File, Log};
        check(r#"{"kind": "webhook", "url": "https://a/b"}"#, &[]);
        check(r#"{"kind": "command", "command": ["/bin/sh"]}"#, &[Command]);
        check(r#"{"kind": "command", "command": ["/bin/sh"], "env": {"A": "x"}}"#, &[Command]);
        check(r#"{"kind": "command", "command": ["/bin/sh"], "env": {"A": {"env": "B"}}}"#, &[Command, Env]);
        check(r#"{"kind": "log", "path": "/etc/cron.d/x"}"#, &[Log]);
        check(r#"{"kind": "webhook", "auth": {"bearer": {"env": "X"}}}"#, &[Env]);
        check(r#"{"kind": "webhook", "auth": {"bearer": {"file": "/etc/passwd"}}}"#, &[File]);
        check(r#"{"kind": "webhook", "ca_file": "/etc/passwd"}"#, &[File]);
        check(r#"{"kind": "new", "list": [{"deep": [{"file": "x"}]}]}"#, &[File]);
        check("7", &[]);
    }

    #[test]
    fn names_are_read_back() {
        for power in Power::ALL {
            assert_eq!(Power::parse(power.name()), Ok(power));
        }
        assert!(Power::parse("root").unwrap_err().contains("command, log, file, env"));
    }
}
