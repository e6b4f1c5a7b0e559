//! Endpoints as the operator writes them: decoded, checked, built.

use std::path::PathBuf;

use lanner_core::Labels;
use lanner_core::document::{Check, Fields, Node};
use lanner_core::field::{Field, Type};
use lanner_core::reading::{id, text, texts};
use lanner_core::time::{HOUR_MS, MINUTE_MS, SECOND_MS, parse_duration_ms};

use super::content::{Bounds, Content};
use super::endpoint::Endpoint;
use crate::remote::auth::{AUTH, Auth};
use crate::remote::problem::check_absolute;
use crate::remote::url::{check_url, parse_url};
use crate::remote::{Clients, Problem, Secret};

/// The fields of an endpoint.
pub const FIELDS: &[Field] = &[
    Field::new("name", "prod", "unique name of the endpoint").of(Type::Id).required(),
    Field::new("url", "http://prometheus:9090/api/v1/write", "where samples are sent, by remote write 1.0")
        .of(Type::Secret)
        .required(),
    Field::new(
        "send",
        "[alerts, evaluations, metrics]",
        "what is sent: alerts (`ALERTS`, `ALERTS_FOR_STATE`), evaluations (what rules measured), metrics (Lanner's own)",
    )
    .of(Type::List(&Type::OneOf(&["alerts", "evaluations", "metrics"])))
    .or("[alerts, evaluations]"),
    Field::new("interval", "1m", "how often alerts and metrics are sent, 1s to 1h").of(Type::Duration).or("15s"),
    Field::new("labels", "{ job: lanner, instance: berlin }", "labels of all series, in place of their own of these names")
        .of(Type::ByName(&Type::Text)),
    Field::new("timeout", "5s", "how long a request may take, up to 1m").of(Type::Duration).or("10s"),
    Field::new("auth", "{ bearer: { file: /etc/lanner/write-token } }", "who Lanner says it is").of(Type::Map(AUTH)),
    Field::new("ca_file", "/etc/ssl/own-ca.pem", "certificates to trust besides the system's, PEM"),
    Field::new(
        "max_pending",
        "500000",
        "samples that may wait while the endpoint is away, 1000 to 10000000; the oldest are dropped first",
    )
    .of(Type::Whole)
    .or("100000"),
    Field::new("max_samples", "500", "samples of a request, 1 to 100000").of(Type::Whole).or("2000"),
];

/// An endpoint that was checked: it can be built.
#[derive(Debug, Clone)]
pub struct RemoteWriteConfig {
    name: String,
    url: Secret,
    auth: Option<Auth>,
    ca_file: Option<PathBuf>,
    content: Content,
    labels: Labels,
    bounds: Bounds,
}

impl RemoteWriteConfig {
    /// Reads the list at `node`, which stands at `path`. What is wrong goes to `check`; such endpoints are left out.
    pub fn read_all(node: &Node, path: &str, check: &mut Check) -> Vec<Self> {
        let mut endpoints: Vec<Self> = Vec::new();
        for (at, item) in check.items(node).into_iter().enumerate() {
            let path = format!("{path}[{at}]");
            let Some(endpoint) = Self::read(item, &path, check) else { continue };
            if endpoints.iter().any(|other| other.name == endpoint.name) {
                check.problem(item, &path, format!("there is another endpoint called \"{}\"", endpoint.name));
            } else {
                endpoints.push(endpoint);
            }
        }
        endpoints
    }

    fn read(node: &Node, path: &str, check: &mut Check) -> Option<Self> {
        let mut fields = check.map(node, path)?;
        let n_problems = check.problems.len();
        fields.require("name", "prod", check);
        let name = fields.read("name", check, |node| id(node, "_-.")).unwrap_or_default();
        fields.require("url", "http://prometheus:9090/api/v1/write", check);
        let (url, auth, ca_file) = place(&mut fields, check);
        let content = content(&mut fields, check);
        let labels = fields.get("labels").map(|node| texts(node, &fields.path_of("labels"), check));
        let labels = labels.unwrap_or_default().into_iter().map(|(name, value)| (name.name.clone(), value));
        let labels = Labels::new(labels);
        let bounds = bounds(&mut fields, check);
        fields.finish_of(FIELDS, check);
        let is_right = check.problems.len() == n_problems;
        is_right.then_some(Self { name, url, auth, ca_file, content, labels, bounds })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Looks up secrets and certificates, and makes what sends. Endpoints that are built with the same `clients` share their
    /// connections.
    ///
    /// # Errors
    /// Every secret or file that could not be read.
    pub fn build(&self, clients: &Clients) -> Result<Endpoint, Vec<Problem>> {
        let Self { name, url, auth, ca_file, content, labels, bounds } = self;
        let url = url.resolve("url").and_then(|text| parse_url("url", &text));
        let credentials = auth.as_ref().map(Auth::resolve).transpose();
        let client = clients.get(ca_file.as_deref());
        match (url, credentials, client) {
            (Ok(url), Ok(credentials), Ok(client)) => {
                let (name, labels) = (name.as_str().into(), labels.clone());
                Ok(Endpoint { name, url, credentials, client, content: *content, labels, bounds: *bounds })
            }
            (url, credentials, client) => {
                Err([url.err(), credentials.err(), client.err()].into_iter().flatten().collect())
            }
        }
    }
}

fn place(fields: &mut Fields<'_>, check: &mut Check) -> (Secret, Option<Auth>, Option<PathBuf>) {
    let url: Option<Secret> = fields.read("url", check, |node| decoded(node, Type::Secret));
    let auth: Option<Auth> = fields.read("auth", check, |node| decoded(node, Type::Map(AUTH)));
    let ca_file = fields.read("ca_file", check, text).map(PathBuf::from);
    let problems = [
        url.as_ref().and_then(|url| check_url("url", url)),
        auth.as_ref().and_then(Auth::check),
        ca_file.as_deref().and_then(|path| check_absolute("ca_file", path)),
    ];
    for problem in problems.into_iter().flatten() {
        let name = problem.field.split('.').next().unwrap_or_default();
        let at = fields.get(name).and_then(|node| node.at).or(fields.node.at);
        check.push(at, &fields.path_of(&problem.field), problem.message, None);
    }
    (url.unwrap_or_default(), auth, ca_file)
}

fn decoded<T: for<'de> serde::Deserialize<'de>>(node: &Node, kind: Type) -> Result<T, String> {
    T::deserialize(kind.to_json(node)).map_err(|error| error.to_string())
}

fn content(fields: &mut Fields<'_>, check: &mut Check) -> Content {
    let mut content = Content { alerts: true, evaluations: true, metrics: false };
    let Some(node) = fields.get("send") else { return content };
    content = Content { alerts: false, evaluations: false, metrics: false };
    let path = fields.path_of("send");
    for (at, node) in check.items(node).into_iter().enumerate() {
        match text(node).as_deref() {
            Ok("alerts") => content.alerts = true,
            Ok("evaluations") => content.evaluations = true,
            Ok("metrics") => content.metrics = true,
            Ok(other) => {
                let why = format!("\"{other}\" is not alerts, evaluations or metrics");
                check.problem(node, &format!("{path}[{at}]"), why);
            }
            Err(why) => check.problem(node, &format!("{path}[{at}]"), why.clone()),
        }
    }
    content
}

fn bounds(fields: &mut Fields<'_>, check: &mut Check) -> Bounds {
    let duration = |node: &Node, most_ms: i64, allowed: &str| {
        let ms = parse_duration_ms(&text(node)?).map_err(|error| error.to_string())?;
        let is_right = (SECOND_MS..=most_ms).contains(&ms);
        is_right.then_some(ms.unsigned_abs()).ok_or_else(|| format!("should be {allowed}"))
    };
    let whole = |node: &Node, least: usize, most: usize| match node.number() {
        Some(n) if n.fract() == 0.0 && (least as f64..=most as f64).contains(&n) => Ok(n as usize),
        _ => Err(format!("should be a whole number from {least} to {most}")),
    };
    let interval_ms = fields.read("interval", check, |node| duration(node, HOUR_MS, "1s to 1h"));
    let timeout_ms = fields.read("timeout", check, |node| duration(node, MINUTE_MS, "1s to 1m"));
    let max_pending = fields.read("max_pending", check, |node| whole(node, 1_000, 10_000_000));
    let max_samples = fields.read("max_samples", check, |node| whole(node, 1, 100_000));
    Bounds {
        interval_ms: interval_ms.unwrap_or(15_000),
        timeout_ms: timeout_ms.unwrap_or(10_000),
        max_pending: max_pending.unwrap_or(100_000),
        max_samples: max_samples.unwrap_or(2_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_at_once() {
        #[track_caller]
        fn check(yaml: &str, names: &[&str], problems: &[&str]) {
            let mut check = Check::default();
            let read =
                RemoteWriteConfig::read_all(&Node::from_yaml(yaml).unwrap(), "remote_write", &mut check);
            let found: Vec<&str> = read.iter().map(RemoteWriteConfig::name).collect();
            let wrong: Vec<&str> = check.problems.iter().map(|problem| problem.path.as_str()).collect();
            assert_eq!(
                (found.as_slice(), wrong.as_slice()),
                (names, problems),
                "{yaml}: {:#?}",
                check.problems
            );
        }
        check("{ name: a, url: http://a/w }", &["a"], &[]);
        check(
            "[{ name: a, url: { env: URL }, send: metrics, labels: { n: 007 }, auth: { username: u, password: 007 } }]",
            &["a"],
            &[],
        );
        check("[{ name: a, url: http://a }, { name: a, url: http://b }]", &["a"], &["remote_write[1]"]);
        check("[{}]", &[], &["remote_write[0]", "remote_write[0]"]);
        check(
            "[{ name: a b, url: a, send: [alerts, spans], interval: 1ms, timeout: 1h, max_pending: 1, max_samples: 0, ca_file: x, hosts: 1 }]",
            &[],
            &[
                "remote_write[0].name",
                "remote_write[0].url",
                "remote_write[0].ca_file",
                "remote_write[0].send[1]",
                "remote_write[0].interval",
                "remote_write[0].timeout",
                "remote_write[0].max_pending",
                "remote_write[0].max_samples",
                "remote_write[0].hosts",
            ],
        );
    }
}
