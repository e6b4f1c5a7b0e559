//! Files of models.

use std::path::Path;

use lanner_traffic::Model;

use crate::failure::{Failure, Result};
use crate::models::{self, API};

pub(super) fn load(path: &Path) -> Result<Model> {
    let wrong = |why: String| Failure::user(why).hint("`lanner api learn` writes models");
    let bytes = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    models::expect(&bytes, &API).map_err(|why| wrong(format!("{} {why}", path.display())))?;
    Model::from_json(&bytes).map_err(|error| wrong(format!("{}: {error}", path.display())))
}

pub(super) fn save(model: &Model, path: &Path) -> Result<()> {
    let text = model.to_json().to_string();
    std::fs::write(path, text).map_err(|error| Failure::file("write", path, &error))
}
