//! Kill switches for Python: `lanner.Switches` and `lanner.Verdict`, described in `python/lanner/__init__.pyi`.
//!
//! It only translates: dictionaries become contexts ([`plain`]), verdicts become objects.

mod plain;

use std::time::{SystemTime, UNIX_EPOCH};

use lanner_client::{Options, Snapshot, SwitchSet, blocking};
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use serde_json::json;

use plain::{mapping, plain};

/// What the switches say of one context; true when it is blocked.
#[pyclass(frozen, module = "lanner")]
struct Verdict(lanner_client::Verdict);

#[pymethods]
impl Verdict {
    /// Whether the context is blocked.
    #[getter]
    fn blocked(&self) -> bool {
        self.0.is_blocked()
    }

    /// The switches that block it, the one that answers first.
    #[getter]
    fn switches(&self) -> Vec<String> {
        self.0.blocking().iter().map(|switch| switch.id.to_string()).collect()
    }

    /// The switches in shadow that would block it.
    #[getter]
    fn shadow(&self) -> Vec<String> {
        self.0.shadow().iter().map(|switch| switch.id.to_string()).collect()
    }

    /// Why it is blocked, for people.
    #[getter]
    fn reason(&self) -> Option<&str> {
        self.0.reason()
    }

    /// What a blocked caller answers.
    #[getter]
    fn answer<'py>(&self, python: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(pythonize::pythonize(python, &self.0.to_json()["answer"])?)
    }

    /// The revision of the switches that were asked.
    #[getter]
    fn revision(&self) -> u64 {
        self.0.revision()
    }

    /// For how long nobody confirmed them, milliseconds.
    #[getter]
    fn stale_ms(&self) -> i64 {
        self.0.staleness().for_ms
    }

    /// Whether that is longer than is tolerated.
    #[getter]
    fn too_old(&self) -> bool {
        self.0.staleness().is_too_old
    }

    fn __bool__(&self) -> bool {
        self.0.is_blocked()
    }

    fn __repr__(&self) -> String {
        match self.0.reason() {
            Some(reason) => format!("<Verdict blocked by {:?}: {reason}>", self.switches()),
            None => "<Verdict open>".to_owned(),
        }
    }
}

/// Kill switches: given once, or kept up to date.
#[pyclass(frozen, module = "lanner")]
struct Switches(Kind);

enum Kind {
    Given(Box<SwitchSet>),
    Refreshed(blocking::Switches),
}

#[pymethods]
impl Switches {
    #[new]
    fn new(snapshot: &Bound<'_, PyAny>) -> PyResult<Self> {
        let snapshot = match snapshot.extract::<String>() {
            Ok(text) => Snapshot::from_text(&text),
            Err(_) => Snapshot::from_document(&plain(snapshot, "a snapshot")?),
        };
        let snapshot = snapshot.map_err(|error| wrong(format!("this {error}")))?;
        let set = SwitchSet::compile(&snapshot).map_err(|problems| wrong(problems.to_string()))?;
        Ok(Self(Kind::Given(Box::new(set))))
    }

    /// Keeps the switches of a server up to date; durations are seconds. That it does not answer is no error: see `status`.
    #[staticmethod]
    #[pyo3(signature = (url, *, token=None, key=None, cache=None, max_stale=None, on_unavailable="last_good", push=true, every=None, patience=2.0))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn connect(
        python: Python<'_>,
        url: &str,
        token: Option<&str>,
        key: Option<&str>,
        cache: Option<&str>,
        max_stale: Option<f64>,
        on_unavailable: &str,
        push: bool,
        every: Option<f64>,
        patience: f64,
    ) -> PyResult<Self> {
        let mut options = json!({"url": url, "on_unavailable": on_unavailable, "push": push});
        for (name, text) in [("token", token), ("key", key), ("cache", cache)] {
            if let Some(text) = text {
                options[name] = json!(text);
            }
        }
        for (name, seconds) in [("max_stale", max_stale), ("every", every), ("patience", Some(patience))] {
            if let Some(seconds) = seconds {
                options[format!("{name}_ms")] = json!(milliseconds(name, seconds)?);
            }
        }
        let options = Options::from_json(&options.to_string()).map_err(wrong)?;
        let switches = python.detach(|| blocking::Switches::connect(options));
        Ok(Self(Kind::Refreshed(switches.map_err(|error| wrong(error.to_string()))?)))
    }

    /// What the switches say of a context: a mapping of what JSON can hold. Never waits.
    #[pyo3(signature = (context, now=None))]
    fn evaluate(&self, context: &Bound<'_, PyAny>, now: Option<f64>) -> PyResult<Verdict> {
        let context = mapping(context, "a context")?;
        let verdict = match &self.0 {
            Kind::Given(set) => set.evaluate(&context, now.map_or_else(clock_ms, |s| (s * 1e3) as i64)),
            Kind::Refreshed(switches) => switches.evaluate(&context),
        };
        Ok(Verdict(verdict))
    }

    /// What a context gets of a flag, as OpenFeature clients are answered over HTTP. Raises KeyError where there is none.
    #[pyo3(signature = (key, context, now=None))]
    fn flag<'py>(
        &self,
        python: Python<'py>,
        key: &str,
        context: &Bound<'py, PyAny>,
        now: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let context = mapping(context, "a context")?;
        let flag = match &self.0 {
            Kind::Given(set) => {
                let now_ms = now.map_or_else(clock_ms, |s| (s * 1e3) as i64);
                let flag =
                    set.flag(key, &set.evaluate(&context, now_ms), &context, now_ms).map(|flag| json!(flag));
                flag.ok_or_else(|| format!("there is no switch \"{key}\""))
            }
            Kind::Refreshed(switches) => switches.flag(key, &context).map_err(|error| error.to_string()),
        };
        Ok(pythonize::pythonize(python, &flag.map_err(PyKeyError::new_err)?)?)
    }

    /// Revision, source, staleness and the last problem.
    fn status<'py>(&self, python: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let status = match &self.0 {
            Kind::Given(set) => {
                json!({"revision": set.revision(), "source": "given", "switches": set.len()})
            }
            Kind::Refreshed(switches) => switches.status().to_json(),
        };
        Ok(pythonize::pythonize(python, &status)?)
    }
}

fn wrong(why: String) -> PyErr {
    PyValueError::new_err(why)
}

fn milliseconds(name: &str, seconds: f64) -> PyResult<u64> {
    if seconds.is_finite() && (0.0..1e12).contains(&seconds) {
        Ok((seconds * 1e3) as u64)
    } else {
        Err(wrong(format!("{name} should be a number of seconds, 0 or more")))
    }
}

fn clock_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The package `lanner` around it is in `python/`.
#[pymodule]
fn _lanner(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Switches>()?;
    module.add_class::<Verdict>()
}
