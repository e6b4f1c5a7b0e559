//! What every engine is asked, and what it takes for that.

/// A context of a payment, as a text. A peer that needs ready fields gets the two that conditions read.
pub(crate) fn context(workflow: &str, bank: &str) -> String {
    format!(
        r#"{{"USER":"u-1234","WORKFLOW":"{workflow}","AMOUNT":129.95,"CURRENCY":"EUR","BANK":"{bank}","card":{{"type":"debit","country":"DE"}},"items":["a","b"],"RETRY":false}}"#
    )
}

/// The values of a context that hits one condition, and of one that hits none.
pub(crate) const HIT: (&str, &str) = ("WF0", "BANK0");
pub(crate) const MISS: (&str, &str) = ("WFx", "BANKx");

/// What an engine takes for one context, nanoseconds; `None` where it cannot be asked or takes too long.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) build_ms: Option<f64>,
    pub(crate) hit_ns: Option<f64>,
    pub(crate) miss_ns: Option<f64>,
    pub(crate) text_hit_ns: Option<f64>,
    pub(crate) text_miss_ns: Option<f64>,
}

/// The conditions in a language of the peers: how equality and `and` are written there.
pub(crate) fn conditions(n: usize, equal: &str, and: &str) -> Vec<String> {
    (0..n).map(|id| format!("WORKFLOW {equal} \"WF{id}\" {and} BANK {equal} \"BANK{id}\"")).collect()
}
