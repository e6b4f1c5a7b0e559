//! Kinds of models that are kept in files, one file each, and the list of them.
//!
//! A model is immutable, so its id is the hash of its bytes. A kind says how its files are recognised and what there is to know
//! of one. To add one: a file here with a `KIND`, an entry in [`KINDS`], and a row of the test below.

mod api;
mod detector;
mod kind;
mod lightgbm;
mod profile;
mod trees;
mod xgboost;

use lanner_core::content;
use serde_json::Value;

pub(crate) use api::KIND as API;
pub(crate) use detector::KIND as DETECTOR;
use kind::{Facts, Kind, Start};
pub(crate) use profile::{KIND as PROFILE, filter};

/// All kinds. The first that recognises a file reads it.
const KINDS: &[Kind] = &[API, PROFILE, DETECTOR, trees::KIND, lightgbm::KIND, xgboost::KIND];

/// A model in a file.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Model {
    /// The SHA-256 of its bytes.
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) bytes: usize,
    #[serde(flatten)]
    pub(crate) facts: Facts,
}

/// Says what a file is.
///
/// # Errors
/// It is of no known kind, or of a version that this program does not read, or damaged.
pub(crate) fn read(bytes: &[u8]) -> Result<Model, String> {
    let start = Start::new(bytes);
    let kind = kind_of(&start)?;
    kind.check_version(&start)?;
    let facts = (kind.read)(bytes)?;
    Ok(Model { id: content::sha256(bytes), kind: kind.name, bytes: bytes.len(), facts })
}

/// Refuses a file of another kind, or version, by its name. What is of no kind may be a damaged one of this.
pub(crate) fn expect(bytes: &[u8], wanted: &Kind) -> Result<(), String> {
    let start = Start::new(bytes);
    match find(&start) {
        Some(found) if found.name == wanted.name => found.check_version(&start),
        Some(found) => {
            Err(format!("is a model of the kind {} ({}), not {}", found.name, found.about, wanted.name))
        }
        None => Ok(()),
    }
}

fn kind_of(start: &Start<'_>) -> Result<&'static Kind, String> {
    find(start).ok_or_else(|| {
        let known: Vec<String> = KINDS.iter().map(|kind| format!("{} ({})", kind.name, kind.about)).collect();
        let format =
            start.format.as_ref().map(|format| format!(": its format is \"{format}\"")).unwrap_or_default();
        format!("is no model of a known kind{format}; known are {}", known.join(", "))
    })
}

fn find(start: &Start<'_>) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| (kind.is_one)(start))
}

/// The texts and numbers of what is known beside the rest, as `f1 0.95, recall 1`.
pub(crate) fn in_words(metrics: &Value) -> String {
    let fields = metrics.as_object().into_iter().flatten();
    let fields = fields.map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        value => format!("{name} {value}"),
    });
    fields.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use lanner_core::document::{Check, Node};
    use lanner_profile::{Profile, Seed, Spec};

    use super::*;

    #[test]
    fn files_are_told_apart() {
        #[track_caller]
        fn check(bytes: &[u8], expected: Result<(&str, &str), &str>) {
            let found = read(bytes);
            match expected {
                Ok((kind, about)) => {
                    let model = found.unwrap();
                    assert_eq!((model.kind, model.facts.about.as_str()), (kind, about));
                    assert_eq!((model.bytes, model.id), (bytes.len(), content::sha256(bytes)));
                }
                Err(part) => {
                    let why = found.unwrap_err();
                    assert!(why.contains(part), "{why}");
                }
            }
        }
        let trees =
            br#"{"format":"lanner-boost/1","base_score":0.5,"feature_names":["requests"],"trees":[]}"#;
        check(trees, Ok(("trees", "0 trees over 1 feature")));
        check(&trees.map(|byte| if byte == b'1' { b'7' } else { byte }), Err("lanner-boost/7"));
        check(br#"{"format":"lanner-api-model/9"}"#, Err("lanner-api-model/9"));
        check(br#"{"format":"lanner-boost/1"}"#, Err("cannot be used: missing field `base_score`"));
        check(br#"{"format":"tea/1"}"#, Err("its format is \"tea/1\"; known are api ("));
        check(b"time,value\n1,2\n", Err("is no model of a known kind; known are"));
        check(b"", Err("is no model"));
        let document = Node::from_yaml("{ id: exec, fields: [proc.exepath] }").unwrap();
        let spec = Spec::read_document(&document, "", &filter, &mut Check::default()).unwrap();
        let (mut bytes, profile) = (Vec::new(), Profile::new(spec, &Seed::new(7)));
        profile.write(0, &mut bytes);
        check(&bytes, Ok(("profile", "1 profile: exec")));
        bytes[8] = 9;
        check(&bytes, Err("has version 9"));
        check(&bytes[..100], Err("version 9"));
        let frame = lanner_deep::Frame::new(vec!["cpu".to_owned()], vec![1.0; 300]).unwrap();
        let detector =
            lanner_deep::Detector::train(&frame, &lanner_deep::Training::default(), &mut |_| ()).unwrap();
        let mut bytes = detector.to_bytes();
        check(&bytes, Ok(("detector", "ensemble over 1 column, windows of 20 rows")));
        check(&bytes[..bytes.len() - 1], Err("is damaged"));
        let end = bytes.len() - 1;
        bytes[end] ^= 1;
        check(&bytes, Err("checksum"));
        assert_eq!(
            expect(trees, &API).unwrap_err(),
            format!("is a model of the kind trees ({}), not api", trees::KIND.about)
        );
        assert_eq!(expect(b"?", &API), Ok(()));
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
    }
}
