//! The kill switch of the demo: the alert activates it, and payments with the failing bank are refused.

use lanner_wire::api::{EvaluateSwitches, SwitchVerdicts, SwitchView, Time};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::payments::FAILING_BANK;
use crate::client::Client;
use crate::failure::Result;

/// What alerts throw copies of, one for each bank; named in the demo's rules as well.
const SWITCH: &str = "block-bank";

/// A bank that takes its payments.
const OTHER_BANK: &str = "ing";

/// The first payment that was refused.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    /// When it was asked for.
    pub(super) at: Time,
    /// The switch that the alert threw.
    pub(super) switch: String,
    /// What the caller is told.
    pub(super) reason: Option<String>,
    /// Whether a payment with another bank was let pass.
    pub(super) others_pass: bool,
}

/// Makes the switch that alerts throw for the bank that they name.
pub(super) async fn prepare(client: &Client) -> Result<()> {
    let switch = json!({
        "id": SWITCH, "description": "Payments with a bank that takes none", "when": "bank exists",
        "status": "inactive", "reason": "this bank takes no payments just now; offer another one",
    });
    let request = json!({ "switches": [switch] });
    client.post::<Value>(&["api", "v1", "switches"], &request).await.map(drop)
}

/// Asks for a payment with the failing bank, and for one with another, as a shop would, once a switch was thrown.
pub(super) async fn look(client: &Client, now_ms: i64) -> Result<Option<Refusal>> {
    let switches: Vec<SwitchView> = client.get(&["api", "v1", "switches"], &[]).await?;
    let is_thrown = |view: &SwitchView| view.switch.id != SWITCH;
    if !switches.iter().any(is_thrown) {
        return Ok(None);
    }
    let payment = |bank: &str| Map::from_iter([("bank".to_owned(), Value::from(bank))]);
    let contexts = vec![payment(FAILING_BANK), payment(OTHER_BANK)];
    let request = EvaluateSwitches { contexts, ..EvaluateSwitches::default() };
    let answer: SwitchVerdicts = client.post(&["api", "v1", "switches", "evaluate"], &request).await?;
    let [failing, other] = &answer.verdicts[..] else { return Ok(None) };
    Ok(failing.switches.first().map(|switch| Refusal {
        at: Time(now_ms),
        switch: switch.clone(),
        reason: failing.reason.clone(),
        others_pass: !other.blocked,
    }))
}
