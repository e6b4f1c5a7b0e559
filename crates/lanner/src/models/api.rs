//! Models of sessions of API traffic, which `lanner api learn` writes.

use lanner_traffic::{Model, NORMAL_PROBABILITIES};
use serde_json::Value;

use super::kind::{Facts, Kind};

/// What its files name.
const FORMAT: &str = "lanner-api-model/1";

pub(crate) const KIND: Kind = Kind {
    name: "api",
    about: "sessions of API traffic, from `lanner api learn`",
    format: Some(FORMAT),
    is_one: |start| start.is_format(FORMAT),
    read,
};

fn read(bytes: &[u8]) -> Result<Facts, String> {
    let model = Model::from_json(bytes).map_err(|error| format!("cannot be used: {error}"))?;
    let (n_endpoints, mut metrics) = (model.endpoints.len(), model.notes);
    metrics.as_object_mut().map(|notes| notes.remove(NORMAL_PROBABILITIES));
    let data = metrics.as_object_mut().and_then(|notes| notes.remove("data"));
    Ok(Facts {
        about: format!("scores sessions at {n_endpoints} endpoints"),
        data: data.as_ref().and_then(Value::as_str).map(str::to_owned),
        threshold: Some(model.threshold),
        metrics,
    })
}
