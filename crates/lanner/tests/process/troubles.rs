//! Everything at once, as a seed draws it: workers, the server that notifies and the database are killed, stopped, suspended for longer
//! than their lease, and cut off.

use std::time::Duration;

use lanner_testkit::{Link, PostgreSql};
use rustix::process::Signal;
use serde_json::json;

use crate::program::{Program, Setup, now_ms};
use crate::random::Random;
use crate::receiver::Webhook;
use crate::verdict::{Verdict, caught_up, check_log, end, seeds};
use crate::ways::{Fault, node};

const N_RULES: usize = 12;
const N_WORKERS: usize = 3;
/// For how long troubles begin. What was begun then ends, and the longest takes three leases.
const TROUBLES_MS: u64 = 8_000;
/// Somewhat more than three leases.
const STANDSTILL: Duration = Duration::from_secs(31);

/// What happens to one of the workers.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// Suspended for three leases, then continued.
    Suspended,
    /// Killed, and started again after a while.
    Killed,
    /// Stopped and started again.
    Restarted,
    /// Its way to the database is bad for a while.
    CutOff(Fault),
}

impl Trouble {
    fn drawn(random: &mut Random) -> Self {
        match random.between(0, 4) {
            0 => Self::Killed,
            1 => Self::Restarted,
            2 => Self::CutOff(Fault::ALL[random.between(0, 4) as usize]),
            _ => Self::Suspended,
        }
    }

    async fn happen(self, program: Program, link: &Link, while_ms: u64) -> Program {
        let setup = program.setup().clone();
        match self {
            Self::Suspended => {
                program.signal(Signal::STOP);
                tokio::time::sleep(STANDSTILL).await;
                program.signal(Signal::CONT);
                return program;
            }
            Self::Killed => program.kill(),
            Self::Restarted => drop(program.stop().await),
            Self::CutOff(fault) => {
                fault.begin(link);
                tokio::time::sleep(Duration::from_millis(2 * while_ms)).await;
                Fault::end(link);
                return program;
            }
        }
        tokio::time::sleep(Duration::from_millis(while_ms)).await;
        setup.start().await
    }
}

async fn troubles(seed: u64) {
    let mut random = Random::of(seed);
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(mut server) = PostgreSql::start(data.path()) else { return };
    let webhook = Webhook::listen(false).await;
    drop(server.fresh("troubles"));
    let center =
        node(&folder.path().join("center"), &server, "troubles", &json!(["api", "notify"]), &webhook);
    let worker = |n: usize| {
        node(&folder.path().join(format!("worker-{n}")), &server, "troubles", &json!("worker"), &webhook)
    };
    let workers: Vec<(Setup, Link)> = (0..N_WORKERS).map(worker).collect();
    let mut notifying = center.0.start().await;
    let mut tasks = Vec::new();
    let running: Vec<Program> = {
        let mut running = Vec::new();
        for (setup, _) in &workers {
            running.push(setup.start().await);
        }
        running
    };
    caught_up(&server, "troubles", N_RULES).await;
    let begun_ms = now_ms();
    // One of them stands still for three leases, whatever happens to the others.
    let still = random.between(0, N_WORKERS as u64) as usize;
    for (at, (program, (_, link))) in running.into_iter().zip(workers).enumerate() {
        let trouble = if at == still { Trouble::Suspended } else { Trouble::drawn(&mut random) };
        let (from_ms, while_ms) = (random.between(0, TROUBLES_MS), random.between(500, 12_000));
        println!("seed {seed}: worker {at} after {from_ms} ms: {trouble:?}");
        tasks.push(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(from_ms)).await;
            (trouble.happen(program, &link, while_ms).await, link)
        }));
    }
    tokio::time::sleep(Duration::from_millis(random.between(0, TROUBLES_MS))).await;
    if random.chance(50) {
        println!("seed {seed}: the server that notifies is killed");
        notifying.kill();
        tokio::time::sleep(Duration::from_millis(random.between(0, 6_000))).await;
        notifying = center.0.start().await;
    } else {
        println!("seed {seed}: the database is killed");
        server.kill();
        tokio::time::sleep(Duration::from_millis(random.between(0, 6_000))).await;
        server.go_on();
    }
    let (mut running, mut links) = (Vec::new(), Vec::new());
    for task in tasks {
        let (program, link) = task.await.unwrap();
        running.push(program);
        links.push(link);
    }
    let after = caught_up(&server, "troubles", N_RULES).await;
    let away = begun_ms - 1_000..now_ms() + 5_000;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let setups: Vec<Setup> = running.iter().map(|program| program.setup().clone()).collect();
    end(&server, "troubles", running, notifying).await;
    let verdict = Verdict::of_database(&server, "troubles");
    let (n, latest_ms) = verdict.check_windows(N_RULES);
    let n_told = verdict.check_told(&webhook, &away);
    println!(
        "seed {seed}: {n} evaluations, the latest {latest_ms} ms after its window, {n_told} told; caught up after {after:?}"
    );
    for setup in setups.iter().chain([&center.0]) {
        check_log(setup);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_each_window_is_judged_once_and_told() {
    for seed in seeds(5) {
        troubles(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_else_happens_each_window_is_judged_once_and_told() {
    for seed in seeds(6) {
        troubles(seed).await;
    }
}
