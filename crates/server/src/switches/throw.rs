//! Switches that alerts throw: on while the alert lasts and at most for a while, off when it is over.
//!
//! With values from the alert, what is thrown is a switch of its own, made after the one that was named and called
//! after the values: `block-bank.HSBC` blocks what `block-bank` would where `BANK` is `HSBC`. What a person turned off
//! while the alert lasts stays off, and what was taken back is not thrown again within the cooldown, so that an alert
//! that flaps does not.

use std::sync::{Arc, Weak};

use lanner_core::content;
use lanner_io::receiver::{SendError, Sending, SwitchHand, SwitchOrder};
use lanner_io::store::{DocumentChange, StoredDocument};
use lanner_switch::{Switch, change};
use serde_json::{Value, json};

use super::SWITCH;
use crate::app::App;

/// Throws the switches of a server.
#[derive(Debug)]
pub struct Hand(pub Weak<App>);

impl SwitchHand for Hand {
    fn obey(&self, order: SwitchOrder) -> Sending<'_> {
        let app = self.0.upgrade();
        Box::pin(async move {
            let app = app.ok_or_else(|| SendError::retry("the server stops"))?;
            obey(&app, &order).await
        })
    }
}

async fn obey(app: &Arc<App>, order: &SwitchOrder) -> Result<(), SendError> {
    let _one_at_a_time = app.saving.lock().await;
    let later = |error: lanner_io::store::StoreError| SendError::retry(error.to_string());
    let now_ms = app.now_ms();
    let actor = format!("alert of {}", order.rule);
    let id = thrown_id(order);
    let thrown = app.store.document_history(SWITCH, &id).map_err(later)?.into_iter().next();
    let model = app.store.document_history(SWITCH, &order.switch).map_err(later)?.into_iter().next();
    let model = model
        .and_then(|stored| stored.document)
        .ok_or_else(|| SendError::permanent(format!("there is no switch \"{}\" to throw", order.switch)))?;
    let Some(document) = next(order, thrown.as_ref(), &model, &id, &actor, now_ms)? else { return Ok(()) };
    Switch::from_json(&document).map_err(|problems| {
        SendError::permanent(format!("the switch \"{id}\" cannot be thrown: {problems}"))
    })?;
    let message = if order.is_over { "the alert is over" } else { "the alert fires" };
    let changes = vec![DocumentChange { id, document: Some(document) }];
    app.store
        .save_documents(SWITCH, &actor, message, now_ms, changes)
        .map_err(later)?
        .await
        .map_err(later)?;
    app.switches.reload(&app.store, now_ms).map_err(later)?;
    Ok(())
}

/// What the thrown switch is from now on; `None` where nothing is to be done.
fn next(
    order: &SwitchOrder,
    thrown: Option<&StoredDocument>,
    model: &Value,
    id: &str,
    actor: &str,
    now_ms: i64,
) -> Result<Option<Value>, SendError> {
    let current = thrown.and_then(|stored| Some((stored, stored.document.as_ref()?)));
    let is_off = |document: &Value| document.get("status").is_some_and(|status| status == "inactive");
    if order.is_over {
        let own = current.filter(|(stored, document)| stored.actor == actor && !is_off(document));
        return Ok(own.map(|(_, document)| change::deactivate(document)));
    }
    if let Some((stored, _)) = current.filter(|(_, document)| is_off(document)) {
        let is_own = stored.actor == actor;
        let why = match () {
            () if is_own && now_ms - stored.changed_ms < order.cooldown_ms => "it was taken back just now",
            () if !is_own && stored.changed_ms >= order.since_ms => {
                "somebody turned it off while the alert lasts"
            }
            () => "",
        };
        if !why.is_empty() {
            tracing::warn!(switch = id, "is not thrown: {why}");
            return Ok(None);
        }
    }
    let made = made_after(model, order, id, actor);
    change::activate(&made, now_ms, Some(order.for_ms)).map(Some).map_err(SendError::permanent)
}

/// The model with the alert's values as further conditions.
fn made_after(model: &Value, order: &SwitchOrder, id: &str, actor: &str) -> Value {
    let mut document = model.clone();
    let mut when = match model.get("when") {
        Some(Value::Array(items)) => items.clone(),
        other => other.cloned().into_iter().collect(),
    };
    when.extend(order.with.iter().map(|(field, value)| json!(format!("{field} == {}", json!(value)))));
    document["id"] = json!(id);
    if !order.with.is_empty() {
        document["when"] = Value::Array(when);
    }
    if !document.get("labels").is_some_and(Value::is_object) {
        document["labels"] = json!({});
    }
    document["labels"]["thrown_by"] = json!(actor);
    document
}

/// `block-bank`, or `block-bank.HSBC` for the values of an alert.
fn thrown_id(order: &SwitchOrder) -> String {
    if order.with.is_empty() {
        return order.switch.clone();
    }
    let values: Vec<&str> = order.with.iter().map(|(_, value)| value.as_str()).collect();
    let values = values.join(".");
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let mut id = format!(
        "{}.{}",
        order.switch,
        values.chars().map(|c| if fits(c) { c } else { '_' }).collect::<String>()
    );
    if !values.chars().all(fits) || id.len() > 180 {
        // Two values must not become one name.
        id.truncate(150);
        id.push_str(&format!(".{}", &content::sha256(values.as_bytes())[..12]));
    }
    id
}
