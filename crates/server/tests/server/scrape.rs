//! Scraping: Lanner asks itself and a real Prometheus, and targets that are away, too large, or something else.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lanner_core::document::{Check, Node};
use lanner_io::scrape::ScrapeConfig;
use lanner_server::{Server, Settings};

use crate::prometheus::{Prometheus, program};
use crate::sending::{samples, wait_for};
use crate::tls;
use lanner_testkit::free_port;

fn jobs(yaml: &str) -> Arc<Vec<ScrapeConfig>> {
    let mut check = Check::default();
    let jobs = ScrapeConfig::read_all(&Node::from_yaml(yaml).unwrap(), "scrape", &mut check);
    assert_eq!(check.problems, []);
    Arc::new(jobs)
}

/// A server with these jobs, at a port.
async fn start(folder: &Path, port: u16, yaml: &str) -> Server {
    lanner_io::receiver::install_crypto_provider();
    let mut settings = Settings::new(folder);
    settings.listen = SocketAddr::from(([127, 0, 0, 1], port));
    (settings.carbon, settings.carbon_pickle) = (None, None);
    settings.scrape = jobs(yaml);
    Server::start(settings).await.unwrap()
}

/// The last value of a series.
fn last(all: &[(String, String, f64)], series: &str) -> Option<f64> {
    let of_series = all.iter().filter(|(name, ..)| name == series);
    of_series.max_by(|a, b| a.1.cmp(&b.1)).map(|(.., value)| *value)
}

#[tokio::test(flavor = "multi_thread")]
async fn lanner_scrapes_itself_and_what_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let (own, away) = (free_port(), free_port());
    let list = folder.path().join("targets.json");
    std::fs::write(&list, "[]").unwrap();
    let yaml = format!(
        "- {{ job: self, targets: ['127.0.0.1:{own}'], interval: 1s, labels: {{ site: berlin }} }}\n\
         - {{ job: away, targets: ['127.0.0.1:{away}'], files: ['{}'], interval: 1s, timeout: 500ms }}\n\
         - {{ job: small, targets: ['127.0.0.1:{own}'], interval: 1s, max_samples: 10 }}\n\
         - {{ job: short, targets: ['127.0.0.1:{own}'], interval: 1s, max_body: 100 }}\n\
         - {{ job: page, targets: ['127.0.0.1:{own}'], interval: 1s, path: /sign-in }}\n",
        list.display()
    );
    let server = start(&folder.path().join("data"), own, &yaml).await;
    let own_labels = format!(r#"{{instance="127.0.0.1:{own}",job="self",site="berlin"}}"#);
    let up = |job: &str, port: u16| format!(r#"up{{instance="127.0.0.1:{port}",job="{job}"}}"#);
    wait_for(&server, |all| {
        last(all, &format!("up{own_labels}")) == Some(1.0)
            && [("away", away), ("small", own), ("short", own), ("page", own)]
                .iter()
                .all(|(job, port)| last(all, &up(job, *port)) == Some(0.0))
    })
    .await;
    let all = samples(&server).await;
    assert!(all.iter().any(|(name, ..)| *name == format!("lanner_rules{own_labels}")), "{all:?}");
    assert!(last(&all, &format!("scrape_duration_seconds{own_labels}")).unwrap() < 1.0);
    assert!(last(&all, &format!("scrape_samples_scraped{own_labels}")).unwrap() > 50.0);
    // Of those that count as none there is nothing else.
    for job in ["away", "small", "short", "page"] {
        let of_job = all.iter().filter(|(name, ..)| name.contains(&format!("job=\"{job}\"")));
        let names: Vec<&str> = of_job.filter_map(|(name, ..)| name.split('{').next()).collect();
        assert!(names.iter().all(|name| *name == "up" || name.starts_with("scrape_")), "{job}: {names:?}");
    }
    // A file of targets that changes is followed.
    std::fs::write(&list, format!(r#"[{{"targets": ["127.0.0.1:{own}"], "labels": {{"zone": "a"}}}}]"#))
        .unwrap();
    let found = format!(r#"up{{instance="127.0.0.1:{own}",job="away",zone="a"}}"#);
    wait_for(&server, |all| last(all, &found) == Some(1.0)).await;
    // One that cannot be read ends the targets in it and nothing else.
    std::fs::write(&list, "[{").unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let n_before = samples(&server).await.iter().filter(|(name, ..)| *name == found).count();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let all = samples(&server).await;
    assert_eq!(all.iter().filter(|(name, ..)| *name == found).count(), n_before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_to_who_wants_one() {
    let folder = tempfile::tempdir().unwrap();
    let guarded = {
        let mut settings = Settings::new(folder.path().join("guarded"));
        lanner_io::receiver::install_crypto_provider();
        settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        (settings.carbon, settings.carbon_pickle) = (None, None);
        settings.token = Some(serde_json::from_value(serde_json::json!("0123456789abcdef")).unwrap());
        Server::start(settings).await.unwrap()
    };
    let at = guarded.http_addr();
    let yaml = format!(
        "- {{ job: bearer, targets: ['{at}'], interval: 1s, auth: {{ bearer: 0123456789abcdef }} }}\n\
         - {{ job: basic, targets: ['{at}'], interval: 1s, auth: {{ username: a, password: 0123456789abcdef }} }}\n\
         - {{ job: none, targets: ['{at}'], interval: 1s }}\n"
    );
    let server = start(&folder.path().join("data"), 0, &yaml).await;
    wait_for(&server, |all| {
        let up = |job: &str| last(all, &format!(r#"up{{instance="{at}",job="{job}"}}"#));
        (up("bearer"), up("basic"), up("none")) == (Some(1.0), Some(1.0), Some(0.0))
    })
    .await;
    server.stop().await;
    guarded.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_verified() {
    if !tls::has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    lanner_io::receiver::install_crypto_provider();
    tls::make(folder.path(), "cert");
    let target = tls::start(folder.path()).await;
    let (at, authority) = (target.server.http_addr(), folder.path().join("cert.ca.pem"));
    let of = format!("targets: ['{at}'], interval: 1s, scheme: https");
    let yaml = format!(
        "- {{ job: known, {of}, ca_file: '{}' }}\n- {{ job: unknown, {of} }}\n- {{ job: plain, targets: ['{at}'], interval: 1s }}\n",
        authority.display()
    );
    let server = start(&folder.path().join("data"), 0, &yaml).await;
    wait_for(&server, |all| {
        let up = |job: &str| last(all, &format!(r#"up{{instance="{at}",job="{job}"}}"#));
        (up("known"), up("unknown"), up("plain")) == (Some(1.0), Some(0.0), Some(0.0))
    })
    .await;
    server.stop().await;
    target.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_prometheus_is_scraped() {
    let Some(program) = program() else { return };
    lanner_io::receiver::install_crypto_provider();
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let port = free_port();
    let _prometheus = Prometheus::start(&program, data.path(), port, "{}").await;
    let yaml = format!("{{ job: prometheus, targets: ['127.0.0.1:{port}'], interval: 1s }}");
    let server = start(folder.path(), 0, &yaml).await;
    let labels = format!(r#"instance="127.0.0.1:{port}",job="prometheus""#);
    wait_for(&server, |all| last(all, &format!("up{{{labels}}}")) == Some(1.0)).await;
    let all = samples(&server).await;
    let bucket = format!(r#"prometheus_tsdb_compaction_chunk_range_seconds_bucket{{{labels},le="+Inf"}}"#);
    assert!(last(&all, &bucket).is_some(), "{bucket} is not among {} samples", all.len());
    // As many series as Prometheus itself says that it shows.
    let shown = reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await.unwrap().text().await.unwrap();
    let n_shown = shown.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count() as f64;
    let n_scraped = last(&all, &format!("scrape_samples_scraped{{{labels}}}")).unwrap();
    assert!((n_scraped - n_shown).abs() <= 0.1 * n_shown, "{n_scraped} of {n_shown}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_that_hang_keep_no_other_job_waiting() {
    let (folder, own) = (tempfile::tempdir().unwrap(), free_port());
    // Takes connections, and never answers.
    let hanging = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = hanging.local_addr().unwrap();
    let groups: Vec<String> =
        (0..400).map(|n| format!(r#"{{"targets": ["{address}"], "labels": {{"n": "{n}"}}}}"#)).collect();
    let list = folder.path().join("targets.json");
    std::fs::write(&list, format!("[{}]", groups.join(","))).unwrap();
    let yaml = format!(
        "- {{ job: hanging, files: ['{}'], interval: 2s, timeout: 2s }}\n\
         - {{ job: self, targets: ['127.0.0.1:{own}'], interval: 1s }}\n",
        list.display()
    );
    let server = start(&folder.path().join("data"), own, &yaml).await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    let up = format!(r#"up{{instance="127.0.0.1:{own}",job="self"}}"#);
    let all = samples(&server).await;
    let n_up = all.iter().filter(|(name, _, value)| *name == up && *value == 1.0).count();
    assert!(n_up >= 6, "asked {n_up} times in 9 s");
    server.stop().await;
}
