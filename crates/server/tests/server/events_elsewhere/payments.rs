//! Events that are compared, and the forms that they have elsewhere.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::asking::NOON_MS;

/// One event, and one row.
#[derive(Debug, Clone)]
pub(super) struct Payment {
    /// Microseconds since noon.
    pub(super) at_us: i64,
    pub(super) bank: Option<String>,
    pub(super) country: Option<String>,
    pub(super) n: Option<i64>,
    pub(super) m: Option<i64>,
    pub(super) ratio: Option<f64>,
    /// In quarters.
    pub(super) amount: Option<i64>,
    pub(super) ok: Option<bool>,
}

/// Texts that databases like to confuse: by case, by blanks at the end, by accents, as patterns.
pub(super) const TEXTS: &[&str] = &["hsbc", "HSBC", "hs", "", "a", "a ", "é", "e", "Z", "%", "_", "5"];
/// Whole numbers, some of which floating-point numbers confuse.
pub(super) const WHOLE: &[i64] = &[-2, -1, 0, 1, 2, 5, 9_007_199_254_740_992, 9_007_199_254_740_993];
/// Numbers whose sums are exact.
pub(super) const FLOATS: &[f64] = &[-2.25, -1.0, 0.0, 0.5, 1.0, 2.0, 1e10];

/// As many as are compared.
pub(super) fn payments() -> impl Strategy<Value = Vec<Payment>> {
    let text = || prop::option::weighted(0.8, prop::sample::select(TEXTS).prop_map(str::to_owned));
    let whole = || prop::option::weighted(0.8, prop::sample::select(WHOLE));
    let ratio = prop::option::weighted(0.8, prop::sample::select(FLOATS));
    let amount = prop::option::weighted(0.8, -8..8_i64);
    let ok = prop::option::weighted(0.8, any::<bool>());
    let payment = (0..600_000_000_i64, text(), text(), whole(), whole(), ratio, amount, ok);
    let payment = payment.prop_map(|(at_us, bank, country, n, m, ratio, amount, ok)| Payment {
        at_us,
        bank,
        country,
        n,
        m,
        ratio,
        amount,
        ok,
    });
    prop::collection::vec(payment, 300)
}

impl Payment {
    /// As an event.
    ///
    /// - `truth`: how a truth value is written
    pub(super) fn event(&self, truth: impl Fn(bool) -> Value) -> Value {
        json!({
            "time": NOON_MS + self.at_us.div_euclid(1_000),
            "bank": self.bank,
            "country": self.country,
            "n": self.n,
            "m": self.m,
            "ratio": self.ratio,
            "amount": self.amount.map(|quarters| quarters as f64 / 4.0),
            "ok": self.ok.map(truth),
        })
    }

    /// As a row: how it stands in SQL, whose texts escape a quote by another.
    pub(super) fn row(&self, time: &str) -> String {
        fn of<T>(value: Option<&T>, shown: impl Fn(&T) -> String) -> String {
            value.map_or_else(|| "NULL".to_owned(), shown)
        }
        let text = |text: &String| format!("'{}'", text.replace('\'', "''"));
        format!(
            "({time}, {}, {}, {}, {}, {}, {}, {})",
            of(self.bank.as_ref(), text),
            of(self.country.as_ref(), text),
            of(self.n.as_ref(), i64::to_string),
            of(self.m.as_ref(), i64::to_string),
            of(self.ratio.as_ref(), |ratio| format!("{ratio:e}")),
            of(self.amount.as_ref(), |quarters| (*quarters as f64 / 4.0).to_string()),
            of(self.ok.as_ref(), bool::to_string),
        )
    }

    /// As an event without what is `null`, and without empty texts where a place cannot hold them.
    pub(super) fn sparse(&self, with_empty: bool) -> Map<String, Value> {
        let Value::Object(mut event) = self.event(Value::Bool) else { return Map::new() };
        event.retain(|name, value| !value.is_null() && (with_empty || name == "country" || value != ""));
        event
    }
}
