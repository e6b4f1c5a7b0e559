//! What is asked: rows drawn by chance, with the features of the model that the server scores by.

use std::path::Path;

use bytes::Bytes;
use lanner_boost::{Ensemble, Feature, Settings, Table, train};
use lanner_traffic::{FEATURES, Model, SEED_FEATURES};
use lanner_wire::api::{ModelView, PromoteModel};
use serde_json::{Value, json};

use super::super::chance::Chance;
use crate::client::Client;
use crate::failure::{Failure, Result};

/// Different bodies, so that no answer is one of the cache.
const N_BODIES: usize = 64;

/// Rows that the trees of a server without a model are learned from.
const N_ROWS: usize = 1_157;

/// Values drawn by chance lie between 1 and e to the power of this.
const DECADES: f64 = 7.0;

const MODELS: [&str; 3] = ["api", "v1", "models"];

/// A column of rows: its name, and where most values lie, if that is known.
type Column = (String, Option<(f64, f64)>);

/// The body in a file.
pub(super) fn of_file(path: &Path) -> Result<Vec<Bytes>> {
    let text = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    if let Err(error) = serde_json::from_slice::<Value>(&text) {
        return Err(Failure::user(format!("{} is not JSON: {error}", path.display())));
    }
    Ok(vec![text.into()])
}

/// Has a server score by the model in a file, or by trees that are made up.
pub(super) async fn promote(client: &Client, file: Option<&Path>) -> Result<()> {
    let bytes = match file {
        Some(path) => std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?,
        None => trees()?,
    };
    let kept: Result<ModelView> = client.post_lines(&MODELS, bytes).await;
    let name = file.map_or_else(|| "the model".to_owned(), |path| path.display().to_string());
    let kept = kept.map_err(|failure| failure.of(&name))?;
    let wanted = PromoteModel { to: "champion".to_owned(), message: "lanner api bench".to_owned() };
    let _: ModelView = client.post(&[&MODELS[..], &[&kept.id, "promote"]].concat(), &wanted).await?;
    Ok(())
}

/// Bodies with rows for the model that a server scores by.
pub(super) async fn drawn(client: &Client, n_rows: usize, n_reasons: usize) -> Result<Vec<Bytes>> {
    let models: Vec<ModelView> = client.get(&MODELS, &[]).await?;
    let champion = |kind: &str| {
        models.iter().find(|model| model.kind == kind && model.role.as_deref() == Some("champion"))
    };
    let Some(model) = champion("api").or_else(|| champion("trees")) else {
        return Err(Failure::user("the server has no champion of the kind api or trees")
            .hint("keep a model with `lanner model import`, and promote it with `lanner model promote`"));
    };
    let file = client.stream(&[&MODELS[..], &[&model.id, "file"]].concat(), &[]).await?;
    let file = file.bytes().await.map_err(|error| client.unreachable(&error))?;
    let columns = columns(&model.kind, &file)?;
    let mut chance = Chance::new(0);
    let body = |_| {
        let mut row = || Value::Object(columns.iter().map(|column| value(column, &mut chance)).collect());
        let mut body = match n_rows {
            1 => json!({ "features": row() }),
            n => json!({ "batch": (0..n).map(|_| json!({ "features": row() })).collect::<Vec<_>>() }),
        };
        body["kind"] = model.kind.as_str().into();
        body["reasons"] = n_reasons.into();
        Bytes::from(body.to_string())
    };
    // Large bodies are held fewer times.
    Ok((0..N_BODIES.div_ceil(n_rows)).map(body).collect())
}

fn columns(kind: &str, file: &[u8]) -> Result<Vec<Column>> {
    let wrong = |why: String| Failure::program(format!("the server's model cannot be read: {why}"));
    if kind == "trees" {
        let trees = Ensemble::from_json(file).map_err(|problems| wrong(problems.to_string()))?;
        return Ok(trees.features().iter().map(|feature| (feature.name.clone(), None)).collect());
    }
    let model = Model::from_json(file).map_err(|error| wrong(error.to_string()))?;
    let range = |i| model.baseline.normal(i).map(|normal| (normal.low, normal.high));
    Ok((0..).zip(FEATURES).map(|(i, feature)| (feature.name.to_owned(), range(i))).collect())
}

/// A value of a column: within its range or, once in eight times, far above.
fn value((name, range): &Column, chance: &mut Chance) -> (String, Value) {
    let value = match range {
        Some((low, high)) if chance.share() < 0.875 => low + (high - low) * chance.share(),
        Some((_, high)) => high * (1.0 + 4.0 * chance.share()),
        None => (chance.share() * DECADES).exp(),
    };
    (name.clone(), ((value * 1e3).round() / 1e3).into())
}

/// Trees over nine columns like those of the published data on call graphs, learned from rows that are made up.
fn trees() -> Result<Vec<u8>> {
    let failed = |why: String| Failure::program(format!("no model could be made: {why}"));
    let mut chance = Chance::new(1);
    let mut column = |_| (0..N_ROWS).map(|_| (chance.share() * DECADES).exp()).collect::<Vec<f64>>();
    let columns: Vec<Vec<f64>> = SEED_FEATURES.iter().map(&mut column).collect();
    let label = |row: usize| columns[0][row].ln() + 0.5 * columns[1][row].ln() + 3.0 * chance.share() < 4.5;
    let labels = (0..N_ROWS).map(label).collect();
    let features = SEED_FEATURES.iter().map(|name| Feature::number(*name)).collect();
    let table = Table::new(features, columns.clone(), labels).map_err(|error| failed(error.to_string()))?;
    let settings = Settings { n_trees: 60, max_leaves: 16, max_depth: 9, ..Settings::default() };
    let trees = train(&table, &table.all_rows(), &settings).map_err(|error| failed(error.to_string()))?;
    Ok(trees.to_json().to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    #[test]
    fn rows_have_the_columns_of_the_model() {
        let columns = columns("trees", &trees().unwrap()).unwrap();
        let mut chance = Chance::new(7);
        let row: Map<String, Value> = columns.iter().map(|column| value(column, &mut chance)).collect();
        assert!(SEED_FEATURES.iter().all(|name| row[*name].as_f64().is_some_and(|value| value >= 1.0)));
        assert_eq!(row.len(), SEED_FEATURES.len());
        assert!(super::columns("api", b"{}").is_err());
    }
}
