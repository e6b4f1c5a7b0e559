//! Files of models.

use std::path::Path;

use lanner_traffic::Model;

use crate::failure::{Failure, Result};

pub(super) fn load(path: &Path) -> Result<Model> {
    let text = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    Model::from_json(&text).map_err(|error| {
        Failure::user(format!("{}: {error}", path.display())).hint("`lanner api learn` writes models")
    })
}

pub(super) fn save(model: &Model, path: &Path) -> Result<()> {
    let text = model.to_json().to_string();
    std::fs::write(path, text).map_err(|error| Failure::file("write", path, &error))
}
