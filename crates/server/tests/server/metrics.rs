//! The page of metrics says what there is, and what others are given to watch Lanner with asks for nothing else.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use lanner_server::metrics::descriptions;

fn path(below_root: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(below_root)
}

const INTRODUCTION: &str = "\
# Metrics

Lanner serves its own metrics at `/metrics`, in the text format of Prometheus. With tokens, reading them needs the scope `read`.

```sh
curl localhost:9797/metrics
```

[A Grafana dashboard](../packaging/grafana/lanner.json) and [alert rules for Prometheus](../packaging/prometheus/lanner.rules.yml)
are part of the packages (`/usr/share/doc/lanner/examples`). Without a Prometheus, the receiver
[`self`](receivers.md#alerts-about-lanner-itself) is notified of Lanner's own problems, and `/readyz` says whether rules are evaluated.

A metric with labels appears with its first value. A histogram has the series `_bucket`, `_sum` and `_count`. Programs that hold kill switches
have [metrics of their own](switches.md#programs-lanner-client). This page is generated.

| Metric | Kind | Labels | Meaning |
| --- | --- | --- | --- |
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for metric in descriptions() {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        let help = metric.help.trim_end_matches('.');
        writeln!(page, "| `{}` | {} | {labels} | {help} |", metric.name, metric.kind).unwrap();
    }
    page
}

#[test]
fn the_page_lists_every_metric() {
    let file = path("docs/metrics.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, page()).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(written, page(), "UPDATE_GOLDEN=1 writes docs/metrics.md; then read the difference");
}

/// Words of a text that are names of metrics of Lanner's.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("lanner_")).collect()
}

#[test]
fn dashboards_and_alert_rules_name_metrics_that_exist() {
    let known: BTreeSet<String> = descriptions()
        .into_iter()
        .flat_map(|metric| {
            let ends: &[&str] =
                if metric.kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            ends.iter().map(move |end| format!("{}{end}", metric.name)).collect::<Vec<_>>()
        })
        .collect();
    for file in ["packaging/grafana/lanner.json", "packaging/prometheus/lanner.rules.yml"] {
        let text = std::fs::read_to_string(path(file)).unwrap();
        let named = named(&text);
        assert!(named.len() > 5, "{file} names only {named:?}");
        let unknown: Vec<_> = named.into_iter().filter(|name| !known.contains(*name)).collect();
        assert!(unknown.is_empty(), "{file} names metrics that do not exist: {unknown:?}");
    }
}

/// The alert rules do what their tests say, in the program that they are for.
#[test]
fn alert_rules_pass_their_tests() {
    let Some(prometheus) = crate::prometheus::program() else { return };
    let mut promtool = std::process::Command::new(prometheus.with_file_name("promtool"));
    promtool.args(["test", "rules"]).arg(path("packaging/prometheus/lanner.rules.test.yml"));
    let ran = promtool.output().unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&said));
}
