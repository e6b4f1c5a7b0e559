//! Users: each keeps a connection, and asks again as soon as the answer is there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::connection::{Connection, Target};

/// How long a user waits before asking again after a failure.
const PAUSE: Duration = Duration::from_millis(10);

/// What users were answered.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// How long each answer took, in milliseconds.
    pub(super) latencies_ms: Vec<f32>,
    pub(super) n_failed: u64,
    /// The first failure.
    pub(super) failure: Option<String>,
    /// From the first question to the last answer.
    pub(super) elapsed: Duration,
}

impl Answers {
    fn fail(&mut self, why: String) {
        self.n_failed += 1;
        self.failure.get_or_insert(why);
    }

    fn add(&mut self, other: Self) {
        self.latencies_ms.extend(other.latencies_ms);
        self.n_failed += other.n_failed;
        self.failure = self.failure.take().or(other.failure);
    }
}

/// So many users ask for so long, once all of them are connected.
pub(super) async fn ask(
    target: &Arc<Target>,
    bodies: &Arc<[Bytes]>,
    n_users: usize,
    lasts: Duration,
) -> Answers {
    let mut connecting = JoinSet::new();
    for _ in 0..n_users {
        let target = Arc::clone(target);
        connecting.spawn(async move { Connection::open(&target).await });
    }
    let connections = connecting.join_all().await;
    let mut users = JoinSet::new();
    let begun = Instant::now();
    for (first, connection) in connections.into_iter().enumerate() {
        let (target, bodies) = (Arc::clone(target), Arc::clone(bodies));
        users.spawn(async move { user(&target, &bodies, first, connection, begun + lasts).await });
    }
    let mut all = Answers::default();
    while let Some(answers) = users.join_next().await {
        match answers {
            Ok(answers) => all.add(answers),
            Err(error) => all.fail(error.to_string()),
        }
    }
    all.elapsed = begun.elapsed();
    all
}

async fn user(
    target: &Target,
    bodies: &[Bytes],
    first: usize,
    connection: Result<Connection, String>,
    until: Instant,
) -> Answers {
    let (mut answers, mut connection) = (Answers::default(), Some(connection));
    for body in bodies.iter().cycle().skip(first % bodies.len().max(1)) {
        let asked = Instant::now();
        if asked >= until {
            break;
        }
        let opened = match connection.take() {
            Some(Ok(connection)) if !connection.is_closed() => Ok(connection),
            Some(Err(why)) => Err(why),
            _ => Connection::open(target).await,
        };
        let answered = match opened {
            Ok(mut opened) => {
                let answered = opened.ask(target, body.clone()).await;
                connection = Some(Ok(opened));
                answered
            }
            Err(why) => Err(why),
        };
        match answered {
            Ok(()) => answers.latencies_ms.push(asked.elapsed().as_secs_f32() * 1e3),
            Err(why) => {
                answers.fail(why);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    answers
}

/// Allows this process as many open files as the system lets it: each user has a connection.
pub(super) fn allow_connections() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // Where that is refused, users beyond the limit fail, and say so.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}
