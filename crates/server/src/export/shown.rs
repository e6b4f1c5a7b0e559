//! Alerts for a Prometheus that asks.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::alerts::Alerts;
use crate::evaluate::service::EvaluationService;

/// `/metrics/alerts`: what is pending and what fires, in Prometheus' text format.
pub(crate) async fn alerts(State(service): State<Arc<EvaluationService>>) -> Response {
    let text = text(&Alerts::now(&service));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

fn text(alerts: &Alerts) -> String {
    let mut text = String::from("# HELP ALERTS Alerts that are pending or firing.\n# TYPE ALERTS gauge\n");
    let mut is_second = false;
    for (key, value) in &alerts.series {
        if &*key.name == "ALERTS_FOR_STATE" && !std::mem::replace(&mut is_second, true) {
            text.push_str("# HELP ALERTS_FOR_STATE When an alert began, in seconds since 1970.\n# TYPE ALERTS_FOR_STATE gauge\n");
        }
        let _ = writeln!(text, "{key} {value}"); // a text takes everything
    }
    let n_left_out = alerts.n_left_out;
    let _ = write!(
        text,
        "# HELP lanner_alerts_left_out Alerts that are not shown here, as there are more than 10000.\n\
         # TYPE lanner_alerts_left_out gauge\nlanner_alerts_left_out {n_left_out}\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use lanner_core::{Labels, SeriesKey};

    use super::*;

    #[test]
    fn as_prometheus_reads_it() {
        let labels = Labels::new([("alertname", "a"), ("path", "C:\\ \"x\"\n")]);
        let series = [("ALERTS", 1.0), ("ALERTS_FOR_STATE", 1.5e9)];
        let series =
            series.into_iter().map(|(name, value)| (SeriesKey::new(name, labels.clone()), value)).collect();
        let expected = r#"# HELP ALERTS Alerts that are pending or firing.
# TYPE ALERTS gauge
ALERTS{alertname="a",path="C:\\ \"x\"\n"} 1
# HELP ALERTS_FOR_STATE When an alert began, in seconds since 1970.
# TYPE ALERTS_FOR_STATE gauge
ALERTS_FOR_STATE{alertname="a",path="C:\\ \"x\"\n"} 1500000000
# HELP lanner_alerts_left_out Alerts that are not shown here, as there are more than 10000.
# TYPE lanner_alerts_left_out gauge
lanner_alerts_left_out 2
"#;
        assert_eq!(text(&Alerts { series, n_left_out: 2 }), expected);
    }
}
