//! A JSON object of which only some fields are kept: the others are read as strictly, and take no memory.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads an object, keeping the fields whose name `keep` accepts. Refuses exactly what reading it all would refuse.
pub(crate) fn read(json: &str, keep: impl Fn(&str) -> bool) -> serde_json::Result<Map<String, Value>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    let fields = reader.deserialize_map(Kept(&keep))?;
    reader.end()?;
    Ok(fields)
}

/// The fields that are kept.
struct Kept<'k, K>(&'k K);

impl<'de, K: Fn(&str) -> bool> Visitor<'de> for Kept<'_, K> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = object.next_key_seed(Name(self.0))? {
            match name {
                Some(name) => _ = fields.insert(name, object.next_value()?),
                None => object.next_value_seed(Passed)?,
            }
        }
        Ok(fields)
    }
}

/// A field's name, if it is kept.
struct Name<'k, K>(&'k K);

impl<'de, K: Fn(&str) -> bool> DeserializeSeed<'de> for Name<'_, K> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl<K: Fn(&str) -> bool> Visitor<'_> for Name<'_, K> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok((self.0)(name).then(|| name.to_owned()))
    }
}

/// A value that is read and forgotten. `IgnoredAny` would let numbers and escapes pass that no reader of the stored
/// text takes.
struct Passed;

impl<'de> DeserializeSeed<'de> for Passed {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Passed {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Passed)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        while object.next_key_seed(Passed)?.is_some() {
            object.next_value_seed(Passed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reading in part says what reading it all says, and keeps what is asked for.
    #[track_caller]
    fn check(json: &str) {
        let keep = |name: &str| name.len() == 1;
        let whole = serde_json::from_str::<Map<String, Value>>(json).map(|mut fields| {
            fields.retain(|name, _| keep(name));
            fields
        });
        let told = |error: serde_json::Error| error.to_string();
        assert_eq!(read(json, keep).map_err(told), whole.map_err(told), "{json}");
    }

    #[test]
    fn in_part_is_as_strict() {
        for json in [
            "{}",
            "",
            "[]",
            "{} x",
            r#"{"a":1,"bc":2,"a":3}"#,
            r#"{"bc":1e999}"#,
            r#"{"bc":"\ud800"}"#,
            r#"{"\ud800":1}"#,
            r#"{"bc":{"\ud800":1}}"#,
            r#"{"bc":{"d":[1,-1,1.5,null,true,"\u00e9",{}]},"\u0061":"\n"}"#,
            r#"{"bc":[1,]}"#,
            r#"{1:2}"#,
            "{\"bc\":\"\u{1}\"}",
            r#"{"bc":123456789012345678901234567890,"d":01}"#,
        ] {
            check(json);
        }
        check(&format!("{{\"bc\":{}{}}}", "[".repeat(126), "]".repeat(126)));
        check(&format!("{{\"bc\":{}{}}}", "[".repeat(127), "]".repeat(127)));
    }

    proptest! {
        #[test]
        fn any_near_json_is_read_alike(json in r#"\{("a"|"bc"|[\[\]{},: \n1]|:|,|"\\u|d8|00"|-|1e9|99|null){0,40}\}"#) {
            check(&json);
        }
    }
}
