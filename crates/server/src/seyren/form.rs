//! What identifiers and lists look like in Seyren's answers.

use crate::configuration::service::ConfigurationService;

/// A new id, as long as those of Seyren: 24 hexadecimal digits.
pub(super) fn new_id(service: &ConfigurationService, what: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now_ms = service.now_ms();
    let identity = format!("{:x}/{now_ms}/{count}/{what}", service.state.secret());
    let hash = lanner_core::alert::fingerprint(&identity, &lanner_core::Labels::default());
    format!("{:08x}{hash}", now_ms.div_euclid(1000) & 0xffff_ffff)
}

/// A page of a list, as Seyren writes it.
pub(super) fn page(values: &[serde_json::Value], start: usize, items: usize) -> serde_json::Value {
    let shown: Vec<&serde_json::Value> = values.iter().skip(start).take(items).collect();
    serde_json::json!({ "values": shown, "items": items, "start": start, "total": values.len() })
}
