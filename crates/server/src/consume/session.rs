//! One connection to a broker, from its beginning to its end: messages are taken, made durable, and settled, batch by batch.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lanner_io::consume::{As, Consumer, Ledger, Message, Verdict};
use lanner_io::store::StoreError;
use tokio::sync::watch;

use crate::http::blocking;
use crate::intake::consumed::{take_events, take_samples};
use crate::intake::error::IntakeError;
use crate::intake::outcome::Outcome;
use crate::intake::service::IntakeService;
use crate::sync::locked;

/// How long is waited for room on a full disk, before it is tried again.
const FULL: Duration = Duration::from_secs(1);

/// A consumer with what it knows of messages that are stored.
pub(super) struct Consuming {
    pub(super) service: Arc<IntakeService>,
    pub(super) consumer: Arc<Consumer>,
    pub(super) known: Arc<Mutex<Ledger>>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Consuming {
    /// Takes messages until it is told to stop, which ends it well. A batch under way is finished first.
    ///
    /// # Errors
    /// Why no more messages come.
    pub(super) async fn session(&self) -> Result<(), String> {
        let name = &*self.consumer.name;
        let mut stopped = std::pin::pin!(self.stopped());
        let stored = locked(&self.known).places();
        let mut subscription = tokio::select! {
            connected = self.consumer.connect(&stored) => connected?,
            () = &mut stopped => return Ok(()),
        };
        self.service.consumers.connected(name);
        tracing::info!(consumer = name, "takes messages");
        loop {
            let messages = tokio::select! {
                messages = subscription.next() => messages?,
                () = &mut stopped => return Ok(()),
            };
            // Never cut off: who comes next must not ask what is stored while this is still being written.
            let outcomes = self.take(messages.into()).await?;
            let verdicts: Vec<Verdict> = outcomes.iter().map(Outcome::verdict).collect();
            if let Some(Outcome::Refused { why, example }) = self.service.consumers.count(name, &outcomes) {
                let n_refused = verdicts.iter().filter(|verdict| **verdict == Verdict::Refused).count();
                tracing::warn!(consumer = name, n_refused, "a message cannot be read: {why}: {example}");
            }
            subscription.settle(&verdicts).await?;
        }
    }

    /// Resolves when it is told to stop.
    pub(super) async fn stopped(&self) {
        // Fails only when the sender is gone, and then it is over as well.
        let _ = self.stop.clone().wait_for(|is_over| *is_over).await;
    }

    /// Makes messages durable. Where the store refuses what one of them holds, each is taken alone.
    async fn take(&self, messages: Arc<[Message]>) -> Result<Vec<Outcome>, String> {
        let why = match self.take_patiently(&messages).await {
            Ok(outcomes) => return Ok(outcomes),
            Err(Failure::Message(why)) if messages.len() == 1 => {
                return Ok(vec![Outcome::refused(&messages[0], why)]);
            }
            Err(Failure::Message(why)) => why,
            Err(Failure::Store(why)) => return Err(format!("messages cannot be stored: {why}")),
        };
        tracing::debug!(
            consumer = &*self.consumer.name,
            "one by one, since one of several is refused: {why}"
        );
        let mut outcomes = Vec::with_capacity(messages.len());
        for message in &*messages {
            outcomes.push(match self.take_patiently(&[message.clone()].into()).await {
                Ok(mut outcome) => outcome.remove(0),
                Err(Failure::Message(why)) => Outcome::refused(message, why),
                Err(Failure::Store(why)) => return Err(format!("messages cannot be stored: {why}")),
            });
        }
        Ok(outcomes)
    }

    /// Makes messages durable; waits while the store is busy or its disk is full.
    async fn take_patiently(&self, messages: &Arc<[Message]>) -> Result<Vec<Outcome>, Failure> {
        loop {
            let taken = match self.consumer.content {
                As::Samples => take_samples(&self.service, &self.consumer, messages).await,
                As::Events | As::Lines => {
                    let (service, consumer) = (Arc::clone(&self.service), Arc::clone(&self.consumer));
                    let (messages, known) = (Arc::clone(messages), Arc::clone(&self.known));
                    let taken = blocking(move || take_events(&service, &consumer, &messages, &known)).await;
                    taken.map_err(|panic| {
                        Failure::Message(format!("reading it panicked (a bug in Lanner): {panic}"))
                    })?
                }
            };
            let pause = match taken {
                Ok(outcomes) => return Ok(outcomes),
                Err(IntakeError::Store(StoreError::Busy { retry_after })) => retry_after,
                Err(IntakeError::Store(StoreError::DiskFull)) => FULL,
                Err(error) => return Err(error.into()),
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stopped() => return Err(Failure::Store("the server stops; they come again".to_owned())),
            }
        }
    }
}

/// Why messages are not stored.
enum Failure {
    /// One of them holds what no store takes, now or later.
    Message(String),
    /// The store does not work.
    Store(String),
}

impl From<IntakeError> for Failure {
    fn from(error: IntakeError) -> Self {
        let is_of_message = !matches!(
            error,
            IntakeError::Busy
                | IntakeError::Store(
                    StoreError::Corrupt { .. }
                        | StoreError::Closed
                        | StoreError::ReadOnly { .. }
                        | StoreError::Database { .. }
                )
        );
        if is_of_message { Self::Message(error.to_string()) } else { Self::Store(error.to_string()) }
    }
}
