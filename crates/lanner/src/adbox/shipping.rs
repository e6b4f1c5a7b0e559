//! Results sent to Wazuh's indexer: into a data stream for each detector, by templates of ADBox's names. Each row has an id, so that
//! sending it again makes no second one.

use lanner_core::time::format_time;
use lanner_io::bulk::{Bulk, Documents, Taken};
use serde_json::{Map, Value, json};

use super::results::Verdict;
use super::trained::About;
use super::wazuh::{DataArgs, runtime};
use crate::failure::{Failure, Result};

/// Rows sent at once.
const BATCH: usize = 2_000;

/// The data stream of a detector.
pub(super) fn stream(about: &About) -> String {
    format!("adbox_detector_mtad_gat_{}", about.detector_id)
}

fn bulk(data: &DataArgs) -> Result<Bulk> {
    let Some(url) = &data.url else {
        return Err(
            Failure::user("there is nowhere to send results to").hint("name Wazuh's indexer with --url")
        );
    };
    Bulk::new(url, data.auth().as_ref(), data.ca_file.as_deref())
        .map_err(|problem| Failure::user(problem.to_string()))
}

/// Puts the templates there that all detectors share, the rollover policy, and those of one detector.
pub(crate) fn prepare(data: &DataArgs, about: &About, columns: &[String]) -> Result<()> {
    let (bulk, runtime) = (bulk(data)?, runtime()?);
    runtime.block_on(async {
        for (path, body) in shared().into_iter().chain(own(about, columns)) {
            let path: Vec<&str> = path.split('/').collect();
            bulk.put(&path, &body)
                .await
                .map_err(|error| Failure::program(format!("{}: {error}", path.join("/"))))?;
        }
        let (path, body) = policy();
        let path: Vec<&str> = path.split('/').collect();
        if let Err(error) = bulk.put_new(&path, &body).await {
            crate::failure::remark(&format!("the rollover policy was not taken: {error}"));
        }
        Ok(())
    })
}

pub(super) fn shared() -> Vec<(String, Value)> {
    let stream = json!({
        "index_patterns": ["adbox_detector_*"], "priority": 1,
        "data_stream": { "timestamp_field": { "name": "timestamp" } },
        "template": {
            "settings": { "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "30s" },
            "mappings": { "properties": { "timestamp": { "type": "date" }, "is_anomaly": { "type": "boolean" } } },
        },
    });
    let component = json!({ "template": { "mappings": { "properties": {
        "timestamp": { "type": "date" }, "is_anomaly": { "type": "boolean" },
        "anomaly_score": { "type": "float" }, "threshold": { "type": "float" },
    } } } });
    let of_method = json!({
        "index_patterns": ["adbox_detector_mtad_gat_*"], "priority": 2,
        "data_stream": { "timestamp_field": { "name": "timestamp" } },
        "composed_of": ["component_template_mtad_gat"],
        "template": { "settings": { "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "30s" } },
    });
    vec![
        ("_index_template/adbox_stream_template".to_owned(), stream),
        ("_component_template/component_template_mtad_gat".to_owned(), component),
        ("_index_template/adbox_stream_template_mtad_gat".to_owned(), of_method),
    ]
}

fn policy() -> (&'static str, Value) {
    let policy = json!({ "policy": {
        "description": "A data stream of a detector begins a new index with each 4000 documents.",
        "default_state": "rollover",
        "states": [{ "name": "rollover", "actions": [{ "rollover": { "min_doc_count": 4000 } }], "transitions": [] }],
        "ism_template": [{ "index_patterns": ["adbox_detector_*"], "priority": 100 }],
    } });
    ("_plugins/_ism/policies/adbox_detectors_rollover", policy)
}

pub(super) fn own(about: &About, columns: &[String]) -> Vec<(String, Value)> {
    const WHAT: [&str; 8] = ["Forecast", "Recon", "True", "A_Score", "Thresh", "A_Pred", "Value", "Expected"];
    let names = columns.iter().flat_map(|column| WHAT.map(|what| format!("{what}_{column}")));
    let properties: Map<String, Value> = names.map(|name| (name, json!({ "type": "float" }))).collect();
    let component = format!("component_template_{}", about.detector_id);
    let template = json!({
        "index_patterns": [stream(about)], "priority": 3,
        "data_stream": { "timestamp_field": { "name": "timestamp" } },
        "composed_of": ["component_template_mtad_gat", component],
        "template": { "settings": { "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "30s" } },
        "_meta": { "detector": about.display_name },
    });
    vec![
        (
            format!("_component_template/{component}"),
            // A feature's name may hold dots, which then lead into objects, as in the documents.
            json!({ "template": { "mappings": { "properties": properties } } }),
        ),
        (format!("_index_template/{}", stream(about)), template),
    ]
}

/// Sends rows; those that are there already are not sent twice.
pub(crate) fn send(data: &DataArgs, about: &About, verdicts: &[Verdict]) -> Result<Taken> {
    if !about.ships {
        let message = format!("the detector {} was trained without --ship", about.detector_id);
        return Err(Failure::user(message).hint("train it with --ship, which puts its templates there"));
    }
    let (bulk, runtime) = (bulk(data)?, runtime()?);
    let mut taken = Taken::default();
    for rows in verdicts.chunks(BATCH) {
        let mut documents = Documents::default();
        for row in rows {
            let id = format!("{}-{}", about.detector_id, format_time(row.time_ms));
            documents.create(&id, &row.flat());
        }
        let sent = runtime.block_on(bulk.send(&stream(about), documents));
        taken.merge(sent.map_err(|error| Failure::program(error.to_string()))?);
    }
    Ok(taken)
}
