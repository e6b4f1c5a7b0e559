//! Jobs as the operator writes them: decoded, checked, built.

use std::path::PathBuf;

use lanner_core::document::{Check, Fields, Node};
use lanner_core::field::{Field, Type};
use lanner_core::reading::{id, text, texts};
use lanner_core::time::{DAY_MS, parse_duration_ms};

use super::how::{Address, Bounds};
use super::job::Job;
use super::target::{Target, check_address};
use crate::remote::auth::{AUTH, Auth};
use crate::remote::problem::check_absolute;
use crate::remote::{Clients, Problem};

/// The fields of a job.
pub const FIELDS: &[Field] = &[
    Field::new("job", "node", "unique name of the job, the label `job` of its series")
        .of(Type::Id)
        .required(),
    Field::new("targets", "[\"10.0.0.1:9100\"]", "addresses that are asked, each the label `instance`")
        .of(Type::List(&Type::Text)),
    Field::new(
        "files",
        "[/etc/lanner/targets/*.yaml]",
        "files with further targets, as Prometheus' `file_sd_configs`; read again before each scrape",
    )
    .of(Type::List(&Type::Text)),
    Field::new("interval", "30s", "how often each target is asked, 1s to 1d").of(Type::Duration).or("1m"),
    Field::new("timeout", "5s", "how long an answer may take, at most `interval`")
        .of(Type::Duration)
        .or("10s"),
    Field::new("scheme", "https", "http or https").of(Type::OneOf(&["http", "https"])).or("http"),
    Field::new("path", "/actuator/prometheus", "path of the metrics, with its query").or("/metrics"),
    Field::new("auth", "{ bearer: { file: /etc/lanner/node-token } }", "who Lanner says it is")
        .of(Type::Map(AUTH)),
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "certificates to trust besides the system's, PEM"),
    Field::new("labels", "{ site: berlin }", "labels of all series of the job").of(Type::ByName(&Type::Text)),
    Field::new("max_body", "8388608", "largest answer, in bytes; a larger one counts as none")
        .of(Type::Whole)
        .or("33554432"),
    Field::new(
        "max_samples",
        "20000",
        "largest number of samples in an answer; one with more counts as none",
    )
    .of(Type::Whole)
    .or("200000"),
];

/// A job that was checked: it can be built.
#[derive(Debug, Clone)]
pub struct ScrapeConfig {
    job: String,
    targets: Vec<Target>,
    files: Vec<PathBuf>,
    labels: Vec<(String, String)>,
    address: Address,
    auth: Option<Auth>,
    ca_file: Option<PathBuf>,
    bounds: Bounds,
}

impl ScrapeConfig {
    /// Reads the list at `node`, which stands at `path`. What is wrong goes to `check`; such jobs are left out.
    pub fn read_all(node: &Node, path: &str, check: &mut Check) -> Vec<Self> {
        let mut jobs: Vec<Self> = Vec::new();
        for (at, item) in check.items(node).into_iter().enumerate() {
            let path = format!("{path}[{at}]");
            let Some(job) = Self::read(item, &path, check) else { continue };
            if jobs.iter().any(|other| other.job == job.job) {
                check.problem(item, &path, format!("there is another job called \"{}\"", job.job));
            } else {
                jobs.push(job);
            }
        }
        jobs
    }

    fn read(node: &Node, path: &str, check: &mut Check) -> Option<Self> {
        let mut fields = check.map(node, path)?;
        let n_problems = check.problems.len();
        fields.require("job", "node", check);
        let job = fields.read("job", check, |node| id(node, "_-.")).unwrap_or_default();
        let labels = fields.get("labels").map(|node| texts(node, &fields.path_of("labels"), check));
        let labels: Vec<(String, String)> =
            labels.unwrap_or_default().into_iter().map(|(name, value)| (name.name.clone(), value)).collect();
        let addresses = list(&mut fields, "targets", check, check_address);
        let files = list(&mut fields, "files", check, |path| {
            check_absolute("files", path.as_ref()).map_or(Ok(()), |problem| Err(problem.message))
        });
        if fields.get("targets").is_none() && fields.get("files").is_none() {
            check.problem(node, path, "asks nobody; write targets or files");
        }
        let bounds = bounds(&mut fields, check);
        let scheme = fields.read("scheme", check, |node| match text(node)?.as_str() {
            scheme @ ("http" | "https") => Ok(scheme.to_owned()),
            other => Err(format!("\"{other}\" is not http or https")),
        });
        let path_of_metrics = fields.read("path", check, |node| {
            let path = text(node)?;
            if path.starts_with('/') { Ok(path) } else { Err(format!("\"{path}\" should start with /")) }
        });
        let (auth, ca_file) = who(&mut fields, check);
        fields.finish_of(FIELDS, check);
        let targets = addresses.iter().map(|address| Target::new(&job, address, labels.iter().cloned()));
        let targets = targets.collect();
        let address = Address {
            scheme: scheme.unwrap_or_else(|| "http".to_owned()),
            path: path_of_metrics.unwrap_or_else(|| "/metrics".to_owned()),
        };
        let files = files.into_iter().map(PathBuf::from).collect();
        let is_right = check.problems.len() == n_problems;
        is_right.then_some(Self { job, targets, files, labels, address, auth, ca_file, bounds })
    }

    /// Its name.
    #[must_use]
    pub fn job(&self) -> &str {
        &self.job
    }

    /// Looks up secrets and certificates, and makes what asks. Jobs that are built with the same `clients` share their
    /// connections.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub fn build(&self, clients: &Clients) -> Result<Job, Vec<Problem>> {
        let Self { job, targets, files, labels, address, auth, ca_file, bounds } = self.clone();
        let credentials = auth.as_ref().map(Auth::resolve).transpose();
        let client = clients.get(ca_file.as_deref());
        match (credentials, client) {
            (Ok(credentials), Ok(client)) => {
                Ok(Job { name: job, targets, files, labels, address, credentials, client, bounds })
            }
            (credentials, client) => Err([credentials.err(), client.err()].into_iter().flatten().collect()),
        }
    }
}

fn who(fields: &mut Fields<'_>, check: &mut Check) -> (Option<Auth>, Option<PathBuf>) {
    let auth: Option<Auth> = fields.read("auth", check, |node| {
        serde_json::from_value(Type::Map(AUTH).to_json(node)).map_err(|error| error.to_string())
    });
    let ca_file = fields.read("ca_file", check, text).map(PathBuf::from);
    let problems = [
        auth.as_ref().and_then(Auth::check),
        ca_file.as_deref().and_then(|path| check_absolute("ca_file", path)),
    ];
    for problem in problems.into_iter().flatten() {
        let at = fields.node.at;
        check.push(at, &fields.path_of(&problem.field), problem.message, None);
    }
    (auth, ca_file)
}

/// The texts of a list that are right.
fn list(
    fields: &mut Fields<'_>,
    name: &str,
    check: &mut Check,
    is_right: impl Fn(&str) -> Result<(), String>,
) -> Vec<String> {
    let Some(node) = fields.get(name) else { return Vec::new() };
    let path = fields.path_of(name);
    let mut texts = Vec::new();
    for (at, node) in check.items(node).into_iter().enumerate() {
        match text(node).and_then(|text| is_right(&text).map(|()| text)) {
            Ok(text) => texts.push(text),
            Err(why) => check.problem(node, &format!("{path}[{at}]"), why),
        }
    }
    texts
}

fn bounds(fields: &mut Fields<'_>, check: &mut Check) -> Bounds {
    let mut bounds = Bounds::default();
    let duration = |node: &Node| parse_duration_ms(&text(node)?).map_err(|error| error.to_string());
    let interval_ms = fields.read("interval", check, |node| {
        let interval_ms = duration(node)?;
        let is_right = (1_000..=DAY_MS).contains(&interval_ms);
        is_right.then_some(interval_ms.unsigned_abs()).ok_or_else(|| "should be 1s to 1d".to_owned())
    });
    bounds.interval_ms = interval_ms.unwrap_or(bounds.interval_ms);
    bounds.timeout_ms = bounds.timeout_ms.min(bounds.interval_ms);
    let timeout_ms = fields.read("timeout", check, |node| {
        let timeout_ms = u64::try_from(duration(node)?).unwrap_or_default();
        let is_right = timeout_ms > 0 && timeout_ms <= bounds.interval_ms;
        is_right
            .then_some(timeout_ms)
            .ok_or_else(|| "should be more than 0, and at most the interval".to_owned())
    });
    bounds.timeout_ms = timeout_ms.unwrap_or(bounds.timeout_ms);
    let count = |node: &Node| match node.number() {
        Some(n) if n >= 1.0 && n.fract() == 0.0 => Ok(n as usize),
        _ => Err("should be a whole number above 0".to_owned()),
    };
    bounds.max_body_bytes = fields.read("max_body", check, count).unwrap_or(bounds.max_body_bytes);
    bounds.max_samples = fields.read("max_samples", check, count).unwrap_or(bounds.max_samples);
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_at_once() {
        #[track_caller]
        fn check(yaml: &str, jobs: &[&str], problems: &[&str]) {
            let mut check = Check::default();
            let read = ScrapeConfig::read_all(&Node::from_yaml(yaml).unwrap(), "scrape", &mut check);
            let found: Vec<&str> = read.iter().map(ScrapeConfig::job).collect();
            let wrong: Vec<&str> = check.problems.iter().map(|problem| problem.path.as_str()).collect();
            assert_eq!(
                (found.as_slice(), wrong.as_slice()),
                (jobs, problems),
                "{yaml}: {:#?}",
                check.problems
            );
        }
        check("{ job: a, targets: ['a:1'] }", &["a"], &[]);
        check(
            "[{ job: a, files: [/etc/x/*.yaml], labels: { n: 007 }, auth: { username: u, password: 007 } }]",
            &["a"],
            &[],
        );
        check("[{ job: a, targets: ['a:1'] }, { job: a, targets: ['a:1'] }]", &["a"], &["scrape[1]"]);
        check("[{}]", &[], &["scrape[0]", "scrape[0]"]);
        check(
            "[{ job: a b, targets: ['http://a'], files: [x.yaml], interval: 10ms, timeout: 1h, scheme: ftp, path: metrics, max_body: 0,\
             max_samples: 0, auth: {}, ca_file: x.pem, target: x }]",
            &[],
            &[
                "scrape[0].job",
                "scrape[0].targets[0]",
                "scrape[0].files[0]",
                "scrape[0].interval",
                "scrape[0].timeout",
                "scrape[0].max_body",
                "scrape[0].max_samples",
                "scrape[0].scheme",
                "scrape[0].path",
                "scrape[0].auth",
                "scrape[0].ca_file",
                "scrape[0].target",
            ],
        );
        check("[{ job: a, targets: ['a:1'], interval: 5s, timeout: 6s }]", &[], &["scrape[0].timeout"]);
    }

    #[test]
    fn secrets_stay_hidden() {
        let yaml = "{ job: a, targets: ['a:1'], auth: { bearer: hunter2 } }";
        let jobs = ScrapeConfig::read_all(&Node::from_yaml(yaml).unwrap(), "", &mut Check::default());
        let job = jobs[0].build(&Clients::default()).unwrap();
        assert!(!format!("{jobs:?} {job:?}").contains("hunter2"));
    }
}
