//! Delivery: retries, order, dead letters, and receivers that do not stand in each other's way.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lanner_core::Notification;
use lanner_io::receiver::{
    Backoff, Clock, Delivery, DeliveryOptions, Due, Next, Outbox, OutboxError, Receiver, Sending,
    SystemClock, Transport,
};
use serde_json::json;

use crate::peers::{Answer, HttpPeer, message, receiver};

/// An outbox in memory that keeps what the trait asks for.
#[derive(Default)]
struct Memory {
    rows: Mutex<Vec<Row>>,
    /// Whether noting a success fails.
    broken: AtomicBool,
}

struct Row {
    receiver: &'static str,
    notification: Notification,
    n_failed: u32,
    next_ms: i64,
    end: Option<Result<(), String>>,
}

impl Memory {
    fn put(&self, receiver: &'static str, mut notification: Notification) {
        notification.created_ms = SystemClock.now_ms();
        let row = Row { receiver, notification, n_failed: 0, next_ms: i64::MIN, end: None };
        self.rows.lock().unwrap().push(row);
    }

    fn update(&self, key: &str, change: impl FnOnce(&mut Row)) {
        change(self.rows.lock().unwrap().iter_mut().find(|row| row.notification.key == key).unwrap());
    }

    /// Waits until all messages of `receiver` have an end, and returns them by key.
    async fn ends(&self, receiver: &str) -> HashMap<String, Result<(), String>> {
        let began = Instant::now();
        loop {
            let ends: Option<HashMap<_, _>> = {
                let rows = self.rows.lock().unwrap();
                let rows = rows.iter().filter(|row| row.receiver == receiver);
                rows.map(|row| Some((row.notification.key.clone(), row.end.clone()?))).collect()
            };
            match ends {
                Some(ends) => return ends,
                None => assert!(began.elapsed() < Duration::from_secs(60), "{receiver} has open messages"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Outbox for Memory {
    async fn due(&self, receiver: &str, now_ms: i64, limit: usize) -> Result<Vec<Due>, OutboxError> {
        let rows = self.rows.lock().unwrap();
        let mut groups = Vec::new();
        let open = rows.iter().filter(|row| row.receiver == receiver && row.end.is_none());
        let oldest = open.filter(|row| {
            let first = !groups.contains(&&row.notification.group);
            groups.push(&row.notification.group);
            first
        });
        let due = oldest.filter(|row| row.next_ms <= now_ms).take(limit);
        Ok(due.map(|row| Due { notification: row.notification.clone(), n_failed: row.n_failed }).collect())
    }

    async fn sent(&self, key: &str, _now_ms: i64, _remark: Option<&str>) -> Result<(), OutboxError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err("disk full".into());
        }
        self.update(key, |row| row.end = Some(Ok(())));
        Ok(())
    }

    async fn failed(&self, key: &str, _now_ms: i64, error: &str, next: Next) -> Result<(), OutboxError> {
        self.update(key, |row| {
            row.n_failed += 1;
            match next {
                Next::TryAgain { at_ms } => row.next_ms = at_ms,
                Next::Refused => row.end = Some(Err(format!("refused: {error}"))),
                Next::GiveUp => row.end = Some(Err(error.to_owned())),
            }
        });
        Ok(())
    }
}

fn start(outbox: &Arc<Memory>, receivers: Vec<(&str, Receiver)>) -> Delivery<Memory, SystemClock> {
    let backoff = Backoff { first_ms: 20, cap_ms: 100, max_attempts: 4, ..Backoff::default() };
    start_with(outbox, receivers, DeliveryOptions { backoff, poll_every: Duration::from_millis(500) })
}

fn start_with(
    outbox: &Arc<Memory>,
    receivers: Vec<(&str, Receiver)>,
    options: DeliveryOptions,
) -> Delivery<Memory, SystemClock> {
    let receivers = receivers.into_iter().map(|(name, receiver)| (Arc::from(name), Arc::new(receiver)));
    Delivery::start(receivers, outbox, &Arc::new(SystemClock), options)
}

#[tokio::test]
async fn a_retry_carries_the_same_key() {
    let peer = HttpPeer::start(vec![Answer::status(500), Answer::status(200)]).await;
    let outbox = Arc::new(Memory::default());
    outbox.put("hook", message("k1", "a"));
    let hook = receiver(&json!({"kind": "webhook", "url": peer.url("/")}));
    let delivery = start(&outbox, vec![("hook", hook)]);
    assert_eq!(outbox.ends("hook").await["k1"], Ok(()));
    let keys: Vec<String> = peer.requests().iter().map(|r| r.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys, ["k1", "k1"]);
    // A message that is written later is sent when the worker is woken.
    outbox.put("hook", message("k2", "a"));
    delivery.wake();
    assert_eq!(outbox.ends("hook").await["k2"], Ok(()));
    delivery.stop(Duration::from_secs(1)).await;
}

/// Takes everything, and counts it.
struct Counting(Arc<AtomicUsize>);

impl Transport for Counting {
    fn send<'a>(&'a self, _: &'a Notification) -> Sending<'a> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

/// What became of several messages is noted together, and that this fails is no reason to send them again.
#[tokio::test]
async fn what_may_come_twice_is_noted_together() {
    let (outbox, n_sent) = (Arc::new(Memory::default()), Arc::new(AtomicUsize::new(0)));
    for n in 0..100 {
        outbox.put("stop", message(&format!("k{n}"), &format!("g{n}")));
    }
    outbox.broken.store(true, Ordering::SeqCst);
    let stop = Receiver::new("counting", 5_000, Box::new(Counting(Arc::clone(&n_sent))));
    let delivery = start(&outbox, vec![("stop", stop)]);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let n_unrecorded = n_sent.load(Ordering::SeqCst);
    assert!((1..100).contains(&n_unrecorded), "{n_unrecorded} sent while nothing could be noted");
    outbox.broken.store(false, Ordering::SeqCst);
    assert!(outbox.ends("stop").await.values().all(|end| *end == Ok(())));
    assert_eq!(n_sent.load(Ordering::SeqCst), 100);
    delivery.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_only_itself() {
    let hanging = HttpPeer::start(vec![Answer::Hang]).await;
    let quick = HttpPeer::start(vec![Answer::status(200)]).await;
    let outbox = Arc::new(Memory::default());
    for n in 0..20 {
        outbox.put("hanging", message(&format!("h{n}"), &n.to_string()));
        outbox.put("quick", message(&format!("q{n}"), &n.to_string()));
    }
    let hook = |peer: &HttpPeer| receiver(&json!({"kind": "webhook", "url": peer.url("/"), "timeout": "1m"}));
    let began = Instant::now();
    let delivery = start(&outbox, vec![("hanging", hook(&hanging)), ("quick", hook(&quick))]);
    assert_eq!(outbox.ends("quick").await.len(), 20);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(hanging.requests().len(), 1); // one attempt at a time
    // Stopping does not wait for it either.
    let began = Instant::now();
    delivery.stop(Duration::from_millis(100)).await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

/// Takes what it is told to take, and keeps in which order it was tried.
struct Scripted {
    tried: Arc<Mutex<Vec<String>>>,
    verdict: fn(&str, usize) -> Verdict,
}

enum Verdict {
    Take,
    Later,
    Never,
    Panic,
}

impl Transport for Scripted {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        Box::pin(async move {
            let n_before = {
                let mut tried = self.tried.lock().unwrap();
                tried.push(notification.key.clone());
                tried.iter().filter(|key| **key == notification.key).count() - 1
            };
            match (self.verdict)(&notification.key, n_before) {
                Verdict::Take => Ok(()),
                Verdict::Later => Err(lanner_io::receiver::SendError::retry("later")),
                Verdict::Never => Err(lanner_io::receiver::SendError::permanent("never")),
                Verdict::Panic => panic!("a fault that the test made"),
            }
        })
    }
}

fn scripted(verdict: fn(&str, usize) -> Verdict) -> (Receiver, Arc<Mutex<Vec<String>>>) {
    let tried = Arc::new(Mutex::new(Vec::new()));
    let transport = Scripted { tried: Arc::clone(&tried), verdict };
    (Receiver::new("scripted", 10_000, Box::new(transport)), tried)
}

#[tokio::test]
async fn order_is_kept_within_a_group_and_dead_letters_end_it() {
    let (receiver, tried) = scripted(|key, n_before| match key {
        "a1" if n_before < 2 => Verdict::Later,
        "b1" => Verdict::Never,
        "c1" => Verdict::Later,
        "d1" if n_before == 0 => Verdict::Panic,
        _ => Verdict::Take,
    });
    let outbox = Arc::new(Memory::default());
    for key in ["a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2"] {
        outbox.put("r", message(key, &key[..1]));
    }
    let delivery = start(&outbox, vec![("r", receiver)]);
    let ends = outbox.ends("r").await;
    delivery.stop(Duration::from_secs(1)).await;

    let dead = |message: &str| Err(message.to_owned());
    assert_eq!((&ends["b1"], &ends["c1"]), (&dead("never"), &dead("later")));
    assert_eq!(ends.values().filter(|end| end.is_ok()).count(), 6);
    let tried = tried.lock().unwrap().clone();
    #[track_caller]
    fn check(tried: &[String], group: &str, expected: &[&str]) {
        let found: Vec<&String> = tried.iter().filter(|key| key.starts_with(group)).collect();
        assert_eq!(found, expected, "{tried:?}");
    }
    check(&tried, "a", &["a1", "a1", "a1", "a2"]);
    check(&tried, "b", &["b1", "b2"]);
    check(&tried, "c", &["c1", "c1", "c1", "c1", "c2"]); // given up after four attempts
    check(&tried, "d", &["d1", "d1", "d2"]);
    // A message that waits holds back no other group.
    assert!(tried.iter().position(|key| key == "b2") < tried.iter().position(|key| key == "a2"));
}

#[tokio::test]
async fn a_receiver_that_asks_to_be_left_alone_is() {
    let later = Answer::Status(429, vec![("retry-after", "1".to_owned())], "");
    let peer = HttpPeer::start(vec![later, Answer::status(200)]).await;
    let outbox = Arc::new(Memory::default());
    outbox.put("hook", message("k1", "a"));
    outbox.put("hook", message("k2", "b"));
    let began = Instant::now();
    let hook = receiver(&json!({"kind": "webhook", "url": peer.url("/")}));
    let delivery = start(&outbox, vec![("hook", hook)]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    delivery.wake();
    outbox.ends("hook").await;
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(peer.requests().len(), 3); // the other message waited as well
    delivery.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn being_woken_puts_no_retry_off() {
    let (receiver, _) = scripted(|key, n| if key == "k1" && n == 0 { Verdict::Later } else { Verdict::Take });
    let outbox = Arc::new(Memory::default());
    outbox.put("r", message("k1", "a"));
    let backoff = Backoff { first_ms: 600, ..Backoff::default() };
    let options = DeliveryOptions { backoff, poll_every: Duration::from_secs(3_600) };
    let delivery = start_with(&outbox, vec![("r", receiver)], options);
    tokio::time::sleep(Duration::from_millis(100)).await;
    outbox.put("r", message("k2", "b"));
    delivery.wake();
    assert_eq!(outbox.ends("r").await.len(), 2); // long before the worker looks by itself
    delivery.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn what_could_not_be_noted_is_not_sent_again() {
    let (receiver, tried) = scripted(|_, _| Verdict::Take);
    let outbox = Arc::new(Memory::default());
    outbox.broken.store(true, Ordering::SeqCst);
    outbox.put("r", message("k1", "a"));
    let delivery = start(&outbox, vec![("r", receiver)]);
    tokio::time::sleep(Duration::from_millis(700)).await; // tries to note it at least twice
    outbox.broken.store(false, Ordering::SeqCst);
    assert_eq!(outbox.ends("r").await["k1"], Ok(()));
    assert_eq!(*tried.lock().unwrap(), ["k1"]);
    delivery.stop(Duration::from_secs(1)).await;
}
