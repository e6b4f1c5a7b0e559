//! The options of a client.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lanner_switch::OnUnavailable;
use serde_json::{Map, Value};

/// Where the switches come from, and what counts when they do not.
#[derive(Clone)]
pub struct Options {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) every: Option<Duration>,
    pub(crate) push: bool,
    pub(crate) tell: Duration,
    pub(crate) patience: Duration,
    pub(crate) max_stale: Duration,
    pub(crate) on_unavailable: OnUnavailable,
    pub(crate) name: String,
    pub(crate) sample: bool,
    pub(crate) on_problem: Option<OnProblem>,
}

/// Is told what is wrong.
pub(crate) type OnProblem = Arc<dyn Fn(&str) + Send + Sync>;

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("url", &self.url).field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Options {
    /// The server's address and, for all else: no token, no file, push, 2 s of patience at the start, and what was
    /// known last for as long as it takes.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            key: None,
            cache: None,
            every: None,
            push: true,
            tell: Duration::from_secs(10),
            patience: Duration::from_secs(2),
            max_stale: Duration::MAX,
            on_unavailable: OnUnavailable::LastGood,
            name: own_name(),
            sample: true,
            on_problem: None,
        }
    }

    /// Who is told, beside the log, when something becomes wrong: switches are not refreshed, or the file is refused or
    /// cannot be written. Called from the task in the background; it should not take long.
    #[must_use]
    pub fn on_problem(mut self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_problem = Some(Arc::new(tell));
        self
    }

    /// What the server calls this client where it lists them; else the program's name and the process's number.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Keeps contexts in this process. Otherwise the server is sent a few of those that are asked, ten a second at most,
    /// so that it can tell what a switch would block before it is on.
    #[must_use]
    pub const fn without_sample(mut self) -> Self {
        self.sample = false;
        self
    }

    /// The token that is sent with every request; it needs the scope `evaluate`. None by default.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The server's public key, as `/api/v1/switches/key` shows it. With one, switches that it did not sign are refused,
    /// from the server and from the file.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The file in which the last good switches are kept. One file a process: two would overwrite each other's.
    #[must_use]
    pub fn cache(mut self, path: impl Into<PathBuf>) -> Self {
        self.cache = Some(path.into());
        self
    }

    /// How often switches are fetched where push does not get through; else what the switches themselves want
    /// (`every`, 30 s by default). Each wait is shortened by a random part, so that clients spread out.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Self {
        self.every = Some(every.max(Duration::from_millis(100)));
        self
    }

    /// Only fetches, without the server's stream of changes.
    #[must_use]
    pub const fn without_push(mut self) -> Self {
        self.push = false;
        self
    }

    /// How often the server is told what switches blocked, or would have in shadow: every 10 s, if not set.
    #[must_use]
    pub fn tell(mut self, every: Duration) -> Self {
        self.tell = every.max(Duration::from_millis(100));
        self
    }

    /// How long [`Switches::connect`](crate::Switches::connect) waits for the first switches before it goes on with
    /// those of the file.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// After how long without confirmation what is held counts as too old; for ever, if not set. The server confirms
    /// every 5 s, or whenever it is asked where push does not get through: give it a few times that.
    #[must_use]
    pub const fn max_stale(mut self, max_stale: Duration) -> Self {
        self.max_stale = max_stale;
        self
    }

    /// What counts when nothing is held or it is too old: `LastGood` (what is held, and each switch's own
    /// `on_unavailable`; nothing is blocked where nothing is held), `Open` (nothing is blocked) or `Closed`
    /// (everything is).
    #[must_use]
    pub const fn on_unavailable(mut self, policy: OnUnavailable) -> Self {
        self.on_unavailable = policy;
        self
    }

    /// Reads options from a JSON object with the names of the methods here, durations in milliseconds:
    /// `{"url": "http://127.0.0.1:9797", "cache": "switches.json", "max_stale_ms": 60000}`. Other languages use it.
    ///
    /// # Errors
    /// All that is wrong with it, in one sentence each.
    ///
    /// ```
    /// use lanner_client::Options;
    /// let error = Options::from_json(r#"{"url": "http://127.0.0.1:9797", "max_stale": 5, "push": 1}"#).unwrap_err();
    /// assert_eq!(error, "`max_stale` is unknown, did you mean `max_stale_ms`?; `push` should be true or false");
    /// ```
    pub fn from_json(text: &str) -> Result<Self, String> {
        let fields: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| format!("the options are not a JSON object: {error}"))?;
        let mut options = Self::new("");
        let mut problems = Vec::new();
        for (name, value) in &fields {
            if let Err(problem) = options.set(name, value) {
                problems.push(problem);
            }
        }
        if !fields.contains_key("url") {
            problems.push("`url` is missing, such as http://127.0.0.1:9797".to_owned());
        }
        if problems.is_empty() { Ok(options) } else { Err(problems.join("; ")) }
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let text = || value.as_str().map(str::to_owned).ok_or_else(|| format!("`{name}` should be a text"));
        let duration = || {
            let ms =
                value.as_u64().ok_or_else(|| format!("`{name}` should be a whole number of milliseconds"));
            ms.map(Duration::from_millis)
        };
        let options = self.clone();
        *self = match name {
            "url" => Self { url: text()?, ..options },
            "token" => options.token(text()?),
            "key" => options.key(text()?),
            "cache" => options.cache(text()?),
            "every_ms" => options.every(duration()?),
            "patience_ms" => options.patience(duration()?),
            "max_stale_ms" => options.max_stale(duration()?),
            "name" => options.name(text()?),
            "sample" => {
                Self { sample: value.as_bool().ok_or("`sample` should be true or false")?, ..options }
            }
            "push" => Self { push: value.as_bool().ok_or("`push` should be true or false")?, ..options },
            "on_unavailable" => options.on_unavailable(
                OnUnavailable::parse(&text()?)
                    .ok_or("`on_unavailable` should be last_good, open or closed")?,
            ),
            _ => return Err(unknown(name)),
        };
        Ok(())
    }
}

/// The program's name and the process's number, and a number where a process has several clients.
fn own_name() -> String {
    static N_NAMED: AtomicU64 = AtomicU64::new(0);
    let n = N_NAMED.fetch_add(1, Ordering::Relaxed);
    let program = std::env::args_os().next().map(PathBuf::from);
    let program = program.as_ref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
    let number = if n == 0 { String::new() } else { format!(".{n}") };
    format!("{}-{}{number}", program.unwrap_or("program"), std::process::id())
}

fn unknown(name: &str) -> String {
    const DURATIONS: [&str; 3] = ["every", "patience", "max_stale"];
    match DURATIONS.iter().find(|known| **known == name) {
        Some(known) => format!("`{known}` is unknown, did you mean `{known}_ms`?"),
        None => format!(
            "`{}` is unknown; there are url, token, key, cache, every_ms, patience_ms, max_stale_ms, push, name, sample and on_unavailable",
            name.chars().take(50).collect::<String>()
        ),
    }
}
