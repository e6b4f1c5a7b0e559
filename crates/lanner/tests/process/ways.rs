//! The ways to the database of the state and to sources are cut, held up, forgotten and slow, for 20 s: what is evaluated is late by that,
//! and nothing else.

use std::path::Path;
use std::time::Duration;

use lanner_core::time::parse_time_ms;
use lanner_testkit::{Link, PostgreSql, Way};
use serde_json::{Value, json};

use crate::program::{Program, Setup, now_ms};
use crate::random::Random;
use crate::receiver::Webhook;
use crate::verdict::{Verdict, caught_up, check_log, end, hook, seeds, wave_rule};

/// For how long a way is bad.
const BAD: Duration = Duration::from_secs(20);
const N_RULES: usize = 12;

/// What happens to a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Connections are closed, and there are no new ones.
    Cut,
    /// Nothing comes for a while, and then all of it does.
    Held,
    /// Connections that stand never say anything again, and nobody is told; new ones are made as always.
    Forgotten,
    /// An answer takes 200 ms, at 10 kB a second.
    Slow,
}

impl Fault {
    pub(crate) const ALL: [Self; 4] = [Self::Cut, Self::Held, Self::Forgotten, Self::Slow];

    pub(crate) fn begin(self, link: &Link) {
        match self {
            Self::Cut => link.set(Way::Cut),
            Self::Held => link.set(Way::Held),
            Self::Forgotten => link.forget(),
            Self::Slow => link.set(Way::BAD),
        }
    }

    /// The way is as it was.
    pub(crate) fn end(link: &Link) {
        link.set(Way::Open);
    }
}

/// A program with these roles, whose state is at the end of its own way. Its rules ask the database straight.
pub(crate) fn node(
    folder: &Path,
    server: &PostgreSql,
    database: &str,
    roles: &Value,
    webhook: &Webhook,
) -> (Setup, Link) {
    std::fs::create_dir_all(folder).unwrap();
    let mut setup = Setup::new(folder);
    let link = Link::to(server.port());
    let state = format!("postgresql://lanner@127.0.0.1:{}/{database}", link.port());
    let config = json!({
        "server": { "state": { "postgresql": { "url": state } }, "roles": roles },
        "sources": [{ "name": "shop", "kind": "postgresql", "url": server.url(database) }],
        "rules": (0..N_RULES).map(|n| wave_rule(n, "shop")).collect::<Vec<_>>(),
        "receivers": [hook(webhook)],
    });
    let file = folder.join("lanner.yaml");
    std::fs::write(&file, config.to_string()).unwrap();
    setup.config = Some(file);
    (setup, link)
}

/// A server that notifies and three workers, each with a way of its own to the database.
async fn ways_to_the_database(seed: u64, together: bool) {
    let mut random = Random::of(seed);
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(server) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    drop(server.fresh("ways"));
    let center = node(&folder.path().join("center"), &server, "ways", &json!(["api", "notify"]), &webhook);
    let worker = |n: u32| {
        node(&folder.path().join(format!("worker-{n}")), &server, "ways", &json!("worker"), &webhook)
    };
    let workers: Vec<(Setup, Link)> = (0..3).map(worker).collect();
    let running_center = center.0.start().await;
    let mut running: Vec<Program> = Vec::new();
    for (setup, _) in &workers {
        running.push(setup.start().await);
    }
    caught_up(&server, "ways", N_RULES).await;
    tokio::time::sleep(Duration::from_millis(random.between(0, 3_000))).await;

    // Each has another fault, or all of them the same.
    let begun_ms = now_ms();
    let first = random.between(0, 4) as usize;
    let mut faults: Vec<(Fault, &Link)> = Vec::new();
    for (at, (_, link)) in workers.iter().chain([&center]).enumerate() {
        let fault = Fault::ALL[(first + if together { 0 } else { at }) % 4];
        faults.push((fault, link));
        fault.begin(link);
        tokio::time::sleep(Duration::from_millis(random.between(0, 500))).await;
    }
    println!(
        "seed {seed}: workers, and the server that notifies: {:?}",
        faults.iter().map(|it| it.0).collect::<Vec<_>>()
    );
    tokio::time::sleep(BAD).await;
    for (_, link) in &faults {
        Fault::end(link);
    }
    let after = caught_up(&server, "ways", N_RULES).await;
    // What was judged late is told late.
    let away = begun_ms - 1_000..now_ms() + 5_000;
    tokio::time::sleep(Duration::from_secs(2)).await;
    end(&server, "ways", running, running_center).await;
    let verdict = Verdict::of_database(&server, "ways");
    let (n, latest_ms) = verdict.check_windows(N_RULES);
    let n_told = verdict.check_told(&webhook, &away);
    println!(
        "seed {seed}: {n} evaluations, the latest {latest_ms} ms after its window, {n_told} told; caught up after {after:?}"
    );
    for (setup, _) in workers.iter().chain([&center]) {
        check_log(setup);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_the_database_is_bad_in_a_way_of_its_own() {
    for seed in seeds(1) {
        ways_to_the_database(seed, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_ways_to_the_database_are_bad_in_the_same_way() {
    for seed in seeds(2) {
        ways_to_the_database(seed, true).await;
    }
}

/// A source that cannot be reached delays the windows of its rules, and no others; none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_out_of_reach_delays_windows_and_loses_none() {
    for seed in seeds(3) {
        let mut random = Random::of(seed);
        let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let Some(server) = PostgreSql::start(data.path()) else { return };
        let webhook = Webhook::listen(false).await;
        let links: Vec<Link> = (0..5).map(|_| Link::to(server.port())).collect();
        let source = |(at, link): (usize, &Link)| {
            let url = format!("postgresql://lanner@127.0.0.1:{}/postgres", link.port());
            json!({ "name": format!("shop-{at}"), "kind": "postgresql", "url": url, "timeout": "5s" })
        };
        let mut setup = Setup::new(folder.path());
        let config = json!({
            "sources": links.iter().enumerate().map(source).collect::<Vec<_>>(),
            "rules": (0..10).map(|n| wave_rule(n, &format!("shop-{}", n % 5))).collect::<Vec<_>>(),
            "receivers": [hook(&webhook)],
        });
        let file = folder.path().join("lanner.yaml");
        std::fs::write(&file, config.to_string()).unwrap();
        setup.config = Some(file);
        let program = setup.start().await;
        webhook.wait_for(10).await;
        tokio::time::sleep(Duration::from_millis(random.between(0, 2_000))).await;
        let begun_ms = now_ms();
        for (fault, link) in Fault::ALL.iter().zip(&links) {
            fault.begin(link);
        }
        tokio::time::sleep(BAD).await;
        links.iter().for_each(Fault::end);
        let healed_ms = now_ms();
        for n in 0..10 {
            let end_ms = |it: &Value| parse_time_ms(it[0]["window"]["end"].as_str()?).ok();
            let is_present = |it: &Value| end_ms(it) > Some(healed_ms);
            program.until(&format!("/api/v1/evaluations?rule=wave-{n}&limit=1"), is_present).await;
        }
        let away = begun_ms - 1_000..now_ms() + 5_000;
        println!("seed {seed}: all is judged {} ms later", now_ms() - healed_ms);
        tokio::time::sleep(Duration::from_secs(1)).await;
        program.until("/api/v1/outbox?status=pending", |waiting| *waiting == json!([])).await;
        program.stop().await;
        let verdict = Verdict::of_folder(&setup);
        let (n, latest_ms) = verdict.check_windows(10);
        let n_told = verdict.check_told(&webhook, &away);
        println!("seed {seed}: {n} evaluations, the latest {latest_ms} ms after its window, {n_told} told");
        check_log(&setup);
    }
}
