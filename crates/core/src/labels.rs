//! Identity: label sets, and series named by a name and labels.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// An immutable set of `name=value` pairs, sorted by name, each name once. Cheap to clone.
///
/// An empty value is the same as an absent label, as in Prometheus: such pairs are dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Labels(Arc<[(Arc<str>, Arc<str>)]>);

impl Default for Labels {
    fn default() -> Self {
        Self(Arc::from(Vec::new()))
    }
}

impl Labels {
    /// Builds a set from pairs in any order; of a name given twice the last value wins.
    ///
    /// ```
    /// use lanner_core::Labels;
    /// let labels = Labels::new([("bank", "hsbc"), ("app", "pay"), ("bank", "ing")]);
    /// assert_eq!(labels.to_string(), r#"{app="pay",bank="ing"}"#);
    /// ```
    pub fn new<N: Into<Arc<str>>, V: Into<Arc<str>>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        pairs.reverse(); // a stable sort then keeps the last of equal names first
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.dedup_by(|later, first| later.0 == first.0);
        pairs.retain(|(_, value)| !value.is_empty());
        Self(pairs.into())
    }

    /// As [`Self::new`], but a set that would have no pairs left keeps those with empty values: groups are told apart
    /// by them.
    pub(crate) fn with_empty<N: Into<Arc<str>>, V: Into<Arc<str>>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let pairs: Vec<(Arc<str>, Arc<str>)> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let named = Self::new(pairs.iter().cloned());
        if !named.is_empty() {
            return named;
        }
        let mut pairs = pairs;
        pairs.sort();
        pairs.dedup();
        Self(pairs.into())
    }

    /// The value of `name`, if the set has it. Cost: O(log n).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.binary_search_by(|(n, _)| (**n).cmp(name)).ok().map(|at| &*self.0[at].1)
    }

    /// The pairs in order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether the set has no pairs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many pairs the set has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// This set and `other`'s pairs; of a name that both have `other`'s value counts. Cost: O(n log n).
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self::new(self.0.iter().chain(other.0.iter()).map(|(n, v)| (Arc::clone(n), Arc::clone(v))))
    }

    /// The pairs with one of `names`; the set itself, shared, where it has no others.
    ///
    /// ```
    /// use lanner_core::Labels;
    /// let labels = Labels::new([("bank", "hsbc"), ("app", "pay")]);
    /// assert_eq!(labels.only(&["bank", "zone"]), Labels::new([("bank", "hsbc")]));
    /// ```
    #[must_use]
    pub fn only(&self, names: &[impl AsRef<str>]) -> Self {
        let is_wanted =
            |(name, _): &&(Arc<str>, Arc<str>)| names.iter().any(|wanted| wanted.as_ref() == &**name);
        if self.0.iter().all(|pair| is_wanted(&pair)) {
            return self.clone();
        }
        Self(self.0.iter().filter(is_wanted).cloned().collect())
    }

    /// The same text for the same set, on every machine and in every release: for keys in a store.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.to_string()
    }
}

/// As the pairs one after the other; texts that are shared are not looked at.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        let text = |a: &Arc<str>, b: &Arc<str>| if Arc::ptr_eq(a, b) { Ordering::Equal } else { a.cmp(b) };
        let pairs = self.0.iter().zip(&*other.0);
        let mut differences = pairs.map(|(a, b)| text(&a.0, &b.0).then_with(|| text(&a.1, &b.1)));
        differences.find(|order| order.is_ne()).unwrap_or_else(|| self.len().cmp(&other.len()))
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `{name="value",...}` with `\`, `"` and line breaks escaped; `{}` when empty.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            f.write_str(name)?;
            f.write_str("=\"")?;
            for part in value.split_inclusive(['\\', '"', '\n']) {
                let plain = part.trim_end_matches(['\\', '"', '\n']);
                f.write_str(plain)?;
                f.write_str(match &part[plain.len()..] {
                    "\\" => "\\\\",
                    "\"" => "\\\"",
                    "\n" => "\\n",
                    nothing => nothing,
                })?;
            }
            f.write_str("\"")?;
        }
        f.write_str("}")
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs).map(Self::new)
    }
}

impl Labels {
    /// Reads the labels of a group, which may consist of empty values: `{"bank": ""}`.
    ///
    /// # Errors
    /// What is not a map of names to texts.
    pub fn deserialize_group<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs).map(Self::with_empty)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of label names to text values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}

/// What a series is called: a name and labels. Two samples with equal keys belong to one series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct SeriesKey {
    /// The name, such as `cpu.usage`; never empty.
    pub name: Arc<str>,
    /// The labels, such as `host="a"`.
    #[serde(default)]
    pub labels: Labels,
}

impl SeriesKey {
    /// A key from its two parts.
    pub fn new(name: impl Into<Arc<str>>, labels: Labels) -> Self {
        Self { name: name.into(), labels }
    }
}

/// `name` alone, or `name{label="value"}`.
impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.labels.is_empty() { Ok(()) } else { write!(f, "{}", self.labels) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_one_thing_however_written() {
        let a = Labels::new([("b", "2"), ("a", "1")]);
        let b: Labels = serde_json::from_str(r#"{"a":"1","b":"2","c":""}"#).unwrap();
        assert_eq!(a, b);
        assert_eq!(serde_json::to_string(&a).unwrap(), r#"{"a":"1","b":"2"}"#);
        assert_eq!((a.get("a"), a.get("c")), (Some("1"), None));
        assert_eq!(Labels::new([("q", "a\"\\\n")]).to_string(), r#"{q="a\"\\\n"}"#);
    }
}
