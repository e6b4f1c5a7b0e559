//! The OpenAPI document that is served is the one that the code describes. To write it anew:
//! `UPDATE_GOLDEN=1 cargo test -p lanner-server --test openapi`

use std::collections::BTreeSet;
use std::path::Path;

use lanner_server::api::routes::{ROUTES, document};
use serde_json::Value;

#[test]
fn the_served_document_is_what_the_code_describes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let described = document().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &described).unwrap();
    }
    let served = std::fs::read_to_string(&file).unwrap();
    assert!(
        served == described,
        "openapi.json is not what the code describes; write it with UPDATE_GOLDEN=1"
    );
}

#[test]
fn every_route_is_described_where_it_is() {
    let document: Value = serde_json::to_value(document()).unwrap();
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(|m| (m.clone(), path.clone())))
        .collect();
    let routed = ROUTES.iter().map(|(method, path)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(described, routed);
}
