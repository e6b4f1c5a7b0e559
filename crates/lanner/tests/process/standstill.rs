//! A process that stood still, as on a laptop that sleeps or a machine that is moved, heard nothing: that is no silence of
//! those who send.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::program::{Program, Setup};

impl Program {
    /// Sends an event each 100 ms.
    async fn feed(&self, n: usize) {
        for _ in 0..n {
            assert_eq!(self.post("/api/v1/events/beats", "{\"from\":\"a\"}").await.0, 200);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_suspended_program_missed_is_no_silence() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup::new(folder.path());
    let program = setup.start().await;
    let rule = json!({
        "id": "alive", "query": {"stream": "beats", "measure": "count", "by": ["from"]}, "window": "2s",
        "absolute": {"min": 1},
    });
    let (status, answer) = program.post("/api/v1/apply", json!({"rules": [rule]}).to_string()).await;
    assert_eq!(status, 200, "{answer}");
    program.feed(40).await;
    program.signal(Signal::STOP);
    tokio::time::sleep(Duration::from_secs(6)).await;
    program.signal(Signal::CONT);
    program.feed(40).await;
    let evaluations = program.get("/api/v1/evaluations?rule=alive&limit=1000").await;
    let of =
        |outcome: &str| evaluations.as_array().unwrap().iter().filter(|it| it["outcome"] == outcome).count();
    assert_eq!(of("breach"), 0, "{evaluations}");
    assert!(of("normal") >= 2 && of("unknown") >= 1, "{evaluations}");
    assert!(setup.log().contains("nothing was received from"), "{}", setup.log());
    program.stop().await;
}
