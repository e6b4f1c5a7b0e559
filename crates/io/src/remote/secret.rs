//! Values that must not be shown: passwords, tokens, webhook URLs.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::problem::Problem;

/// The largest file that is read as a secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// A secret, or where to find it: `"text"`, `{env: NAME}` or `{file: PATH}`.
///
/// Shown, logged or serialised, the text is `***`; names of variables and files are shown as they are.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The secret itself.
    Text(String),
    /// The environment variable that holds it.
    Env(String),
    /// The file that holds it; line breaks at its end do not count.
    File(PathBuf),
}

impl Default for Secret {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Secret {
    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The text, where it was written in the document itself.
    #[must_use]
    pub fn plain(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Env(_) | Self::File(_) => None,
        }
    }

    /// The secret as a document writes it: with its text, so not to be shown.
    #[must_use]
    pub fn written(&self) -> Value {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Env(name) => serde_json::json!({"env": name}),
            Self::File(path) => serde_json::json!({"file": path}),
        }
    }

    /// Looks the secret up; `field` is the field that a problem is about.
    ///
    /// # Errors
    /// When the variable or file is missing, empty, not text, or larger than 64 KiB.
    pub fn resolve(&self, field: &str) -> Result<String, Problem> {
        let found = match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Env(name) => std::env::var(name).map_err(|error| match error {
                std::env::VarError::NotPresent => {
                    format!("the environment variable {name} is not set; set it before starting Lanner")
                }
                std::env::VarError::NotUnicode(_) => {
                    format!("the environment variable {name} is not text; set it to UTF-8 text")
                }
            }),
            Self::File(path) => read(path).map_err(|error| {
                format!(
                    "cannot read the secret in {}: {error}; check the path and its permissions",
                    path.display()
                )
            }),
        };
        match found {
            Ok(secret) if secret.is_empty() => Err(Problem::new(field, format!("{self:?} is empty"))),
            Ok(secret) => Ok(secret),
            Err(message) => Err(Problem::new(field, message)),
        }
    }
}

/// Text of at most [`MAX_SECRET_BYTES`], without line breaks at its end.
fn read(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, ErrorKind, Read};
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(Error::new(ErrorKind::InvalidData, "it is larger than 64 KiB"));
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}

/// `***`, `env NAME` or `file PATH`.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("***"),
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Whatever was written may be the secret, so no message quotes it.
        let wrong = "write text in quotes, or { env: NAME }, or { file: PATH }";
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Object(map) if map.len() == 1 => match map.into_iter().next() {
                Some((key, Value::String(name))) if key == "env" && !name.is_empty() => Ok(Self::Env(name)),
                Some((key, Value::String(path))) if key == "file" && path.starts_with('/') => {
                    Ok(Self::File(path.into()))
                }
                Some((key, Value::String(_))) if key == "file" => {
                    Err(D::Error::custom("the path after `file` is relative; write the whole path"))
                }
                _ => Err(D::Error::custom(wrong)),
            },
            _ => Err(D::Error::custom(wrong)),
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, value) = match self {
            Self::Text(text) if text.is_empty() => return serializer.serialize_none(),
            Self::Text(_) => return serializer.serialize_str("***"),
            Self::Env(name) => ("env", name.clone()),
            Self::File(path) => ("file", path.display().to_string()),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, &value)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_text_environment_or_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, "s3cret\r\n").unwrap();
        let check = |json: String, expected: Result<&str, &str>| {
            let secret: Secret = serde_json::from_str(&json).unwrap();
            match (secret.resolve("auth.bearer"), expected) {
                (Ok(found), Ok(text)) => assert_eq!(found, text),
                (Err(problem), Err(part)) => {
                    assert!(problem.message.contains(part), "{problem}");
                    assert_eq!(problem.field, "auth.bearer");
                }
                (found, expected) => panic!("{json}: {found:?}, not {expected:?}"),
            }
        };
        check(r#""plain""#.to_owned(), Ok("plain"));
        check(format!(r#"{{"file": "{}"}}"#, file.display()), Ok("s3cret"));
        check(r#"{"env": "LANNER_NO_SUCH_VARIABLE"}"#.to_owned(), Err("LANNER_NO_SUCH_VARIABLE is not set"));
        check(r#"{"file": "/no/such/file"}"#.to_owned(), Err("/no/such/file"));
        check(r#""""#.to_owned(), Err("empty"));
        std::fs::write(&file, vec![b'x'; 70_000]).unwrap();
        check(format!(r#"{{"file": "{}"}}"#, file.display()), Err("64 KiB"));
    }

    #[test]
    fn anything_else_is_refused_without_quoting_it() {
        for json in ["12345", r#"{"env": 12345}"#, r#"{"file": "12345"}"#, r#"{"vault": "12345"}"#, "[12345]"]
        {
            let error = serde_json::from_str::<Secret>(json).unwrap_err().to_string();
            assert!(!error.contains("12345"), "{error}");
        }
    }
}
