//! Messages of brokers, from bytes to durable data: a batch of them in one commit, together with a note of which they were.
//!
//! The note is an event of a stream beside, so that messages and the knowledge that they are stored are durable together. What comes
//! once more is known by it and dropped. A message that cannot be read costs only itself.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use lanner_core::TimeRange;
use lanner_io::consume::{As, Consumer, Ledger, Mark, Message, NOTES, NOTES_READ_MS};
use lanner_io::store::StoreError;
use lanner_wire::events::{self, Options};
use lanner_wire::line_protocol::Precision;
use lanner_wire::{Report, text_lines};

use super::error::IntakeError;
use super::outcome::Outcome;
use super::samples::{Samples, WhenBusy};
use super::service::IntakeService;
use super::staged::Staged;
use crate::sync::locked;

/// Which messages of a consumer are stored, as far as that may matter: read back from the notes. Blocks.
///
/// # Errors
/// Failures of the store.
pub(crate) fn ledger(service: &IntakeService, consumer: &str) -> Result<Ledger, StoreError> {
    let mut ledger = Ledger::default();
    let stream = format!("{NOTES}{consumer}");
    let Some(last) = service.data.streams()?.into_iter().find(|found| *found.name == *stream) else {
        return Ok(ledger);
    };
    // However long it was away. Times of notes are those of this machine's clock, which may have been put back since.
    let from_ms = last.last_ms.min(service.now_ms()) - NOTES_READ_MS;
    let range = TimeRange::new(from_ms, lanner_core::time::MAX_TIME_MS);
    service.data.events(&stream, range, &mut |_, note| {
        ledger.read(note);
        ControlFlow::Continue(())
    })?;
    Ok(ledger)
}

/// Takes messages that hold events: reads and processes them, makes them durable and counts them. Blocks until they are.
///
/// # Errors
/// Failures of the store; none of them is kept then.
pub(crate) fn take_events(
    service: &IntakeService,
    consumer: &Consumer,
    messages: &[Message],
    known: &Mutex<Ledger>,
) -> Result<Vec<Outcome>, IntakeError> {
    let _passing = service.counting.passing();
    let mut known = locked(known);
    let mut staged =
        Staged::new(service, &consumer.into, messages.iter().map(|message| message.body.len()).sum());
    let wanted = staged.wanted();
    let (limit, now_ms) = (service.live.get().max_body_bytes, service.now_ms());
    let (mut total, mut in_batch) = (Report::default(), Ledger::default());
    let (mut outcomes, mut marks): (Vec<Outcome>, Vec<&Mark>) =
        (Vec::with_capacity(messages.len()), Vec::new());
    for message in messages {
        if message.mark.as_ref().is_some_and(|mark| known.has(mark) || in_batch.has(mark)) {
            outcomes.push(Outcome::Doubled);
            continue;
        }
        let received_ms = message.sent_ms.unwrap_or(now_ms);
        let options =
            Options { time_field: consumer.time_field.as_deref(), received_ms, wanted: wanted.as_deref() };
        let mut report = Report::default();
        if message.body.len() > limit {
            report.reject(
                1,
                None,
                format!("is larger than {limit} bytes; send smaller ones, or raise server.max_body"),
            );
        } else {
            let on_event = |event: events::RawEvent<'_>| {
                staged.push(event.time_ms, event.json, event.fields);
                Ok(())
            };
            match consumer.content {
                As::Lines => text_lines::parse(&message.body, options, &mut report, on_event),
                As::Events | As::Samples => events::parse(&message.body, options, &mut report, on_event),
            }
        }
        outcomes.push(outcome(message, &report));
        total.absorb(report, 0);
        // Of one that is refused as well: it is counted once, however often it comes.
        if let Some(mark) = &message.mark {
            in_batch.note(mark);
            marks.push(mark);
        }
    }
    if let Some(note) = Ledger::line(marks.iter().copied()) {
        staged.push_beside(&format!("{NOTES}{}", consumer.name).into(), now_ms, &note);
    }
    let ages = staged.keep()?;
    marks.into_iter().for_each(|mark| known.note(mark));
    drop(known);
    service.count_events(consumer.kind, &total);
    ages.answer(total, consumer.kind);
    Ok(outcomes)
}

/// Takes messages that hold samples. One that comes once more changes nothing, so none is remembered.
///
/// # Errors
/// Failures of the store; none of them is kept then.
pub(crate) async fn take_samples(
    service: &Arc<IntakeService>,
    consumer: &Consumer,
    messages: &[Message],
) -> Result<Vec<Outcome>, IntakeError> {
    let limit = service.live.get().max_body_bytes;
    let mut samples = Samples::new(service, consumer.kind);
    let mut outcomes = Vec::with_capacity(messages.len());
    for message in messages {
        if message.body.len() > limit {
            let why = format!("is larger than {limit} bytes; send smaller ones, or raise server.max_body");
            samples.reject(1, &why);
            outcomes.push(Outcome::refused(message, why));
            continue;
        }
        let of_one = samples.add_message(&message.body, Precision::Nanoseconds);
        outcomes.push(outcome(message, &of_one));
    }
    samples.commit(WhenBusy::Refuse).await?;
    Ok(outcomes)
}

fn outcome(message: &Message, report: &Report) -> Outcome {
    match report.problems.first() {
        _ if report.accepted > 0 => Outcome::Stored,
        Some(problem) => Outcome::refused(message, problem.message.clone()),
        None => Outcome::refused(message, "is empty"),
    }
}
