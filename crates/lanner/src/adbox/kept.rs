//! Features, and how missing values are filled, as they are kept beside a detector.

use lanner_deep::{Feature, Fill, Method};
use serde::{Deserialize, Serialize};

/// A feature, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptFeature {
    pub(super) name: String,
    field: String,
    method: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
}

/// How missing values are filled, as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum KeptFill {
    Gap,
    Linear,
    Previous,
    Subsequent,
    Zero,
    Fixed(f64),
}

impl From<Fill> for KeptFill {
    fn from(fill: Fill) -> Self {
        match fill {
            Fill::Gap => Self::Gap,
            Fill::Linear => Self::Linear,
            Fill::Previous => Self::Previous,
            Fill::Subsequent => Self::Subsequent,
            Fill::Zero => Self::Zero,
            Fill::Fixed(value) => Self::Fixed(value),
        }
    }
}

impl KeptFill {
    pub(crate) const fn fill(self) -> Fill {
        match self {
            Self::Gap => Fill::Gap,
            Self::Linear => Fill::Linear,
            Self::Previous => Fill::Previous,
            Self::Subsequent => Fill::Subsequent,
            Self::Zero => Fill::Zero,
            Self::Fixed(value) => Fill::Fixed(value),
        }
    }
}

impl From<&Feature> for KeptFeature {
    fn from(feature: &Feature) -> Self {
        let (method, values) = match &feature.method {
            Method::Average => ("average", Vec::new()),
            Method::Max => ("max", Vec::new()),
            Method::Min => ("min", Vec::new()),
            Method::Count => ("count", Vec::new()),
            Method::Sum => ("sum", Vec::new()),
            Method::Distinct => ("cardinality", Vec::new()),
            Method::Equal(value) => ("equal", vec![value.clone()]),
            Method::Other(values) => ("other", values.iter().cloned().collect()),
        };
        Self { name: feature.name.clone(), field: feature.field.clone(), method: method.to_owned(), values }
    }
}

impl KeptFeature {
    pub(super) fn feature(&self) -> Option<Feature> {
        let method = match self.method.as_str() {
            "equal" => Method::Equal(self.values.first()?.clone()),
            "other" => Method::Other(self.values.iter().cloned().collect()),
            method => super::use_case::feature(&self.field, method)?.method,
        };
        Some(Feature { name: self.name.clone(), field: self.field.clone(), method })
    }
}
