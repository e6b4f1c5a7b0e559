//! Indices of Elasticsearch and OpenSearch: what documents there look like, and how they are to be indexed.

use serde_json::{Value, json};

use super::{ecs, vulntoes};
use crate::finding::Finding;

/// What documents in an index look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Elastic Common Schema.
    Ecs,
    /// Those of VulntoES.
    Vulntoes,
}

impl Shape {
    /// The index that documents are put into unless another is named.
    #[must_use]
    pub const fn index(self) -> &'static str {
        match self {
            Self::Ecs => "vulnerabilities",
            Self::Vulntoes => "vulns",
        }
    }

    /// Whether findings have to be read with [`Options::raw`](crate::Options::raw).
    #[must_use]
    pub const fn raw(self) -> bool {
        matches!(self, Self::Vulntoes)
    }

    /// A finding as such a document; `None` if it is none there.
    #[must_use]
    pub fn document(self, finding: &Finding) -> Option<Value> {
        match self {
            Self::Ecs => Some(ecs::document(finding)),
            Self::Vulntoes => vulntoes::document(finding),
        }
    }
}

/// The index template for documents of a shape in `index`, which may be a pattern: what is searched exactly or counted is a
/// keyword, what is read is text. A value that is no address or time is kept and not searched.
#[must_use]
pub fn template(shape: Shape, index: &str) -> Value {
    let keyword = json!({"type": "keyword", "ignore_above": 1024});
    let properties = match shape {
        Shape::Ecs => ecs_properties(&keyword),
        Shape::Vulntoes => vulntoes_properties(&keyword),
    };
    json!({
        "index_patterns": [index],
        "priority": 50,
        "template": {"mappings": {
            "date_detection": false,
            "dynamic_templates": [{"texts": {"match_mapping_type": "string", "mapping": keyword}}],
            "properties": properties,
        }},
    })
}

fn ecs_properties(keyword: &Value) -> Value {
    let text = json!({"type": "text"});
    let number = json!({"type": "float"});
    let address = json!({"type": "ip", "ignore_malformed": true});
    json!({
        "@timestamp": {"type": "date"},
        "message": text,
        "host": {"properties": {"ip": address, "name": keyword, "os": {"properties": {"full": keyword}}}},
        "destination": {"properties": {"ip": address, "port": {"type": "long"}}},
        "vulnerability": {"properties": {
            "id": keyword,
            "description": text,
            "severity": keyword,
            "score": {"properties": {"base": number, "temporal": number, "version": keyword}},
        }},
    })
}

/// Ports are numbers in documents of Nessus and texts such as `443/tcp` in others.
fn vulntoes_properties(keyword: &Value) -> Value {
    let mut properties = serde_json::Map::new();
    for name in ["port", "severity", "ip", "pluginID", "pluginName", "name", "osvdbid"] {
        properties.insert(name.to_owned(), keyword.clone());
    }
    for name in ["description", "synopsis", "solution", "plugin_output", "see_also"] {
        properties.insert(name.to_owned(), json!({"type": "text"}));
    }
    for name in ["cvss_base_score", "cvss_temporal_score"] {
        properties.insert(name.to_owned(), json!({"type": "float", "ignore_malformed": true}));
    }
    let time = json!({"type": "date", "format": "yyyy/MM/dd HH:mm:ss", "ignore_malformed": true});
    properties.insert("time".to_owned(), time);
    Value::Object(properties)
}
