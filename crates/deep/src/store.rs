//! The file of a detector: named tensors in the format "safetensors", which other programs read, too.
//!
//! What is not a number lies in the file's metadata, as JSON under the name `lanner`, with a checksum of everything.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// Its name, with its version.
pub const FORMAT: &str = "lanner-detector/3";

/// The name of a file of several detectors, with its version.
pub const SET_FORMAT: &str = "lanner-detectors/1";

/// The name of the file of a training that is not over.
pub(crate) const CHECKPOINT: &str = "lanner-training/1";

/// The name of a file of rows.
pub(crate) const ROWS: &str = "lanner-rows/1";

/// Why a file holds no detector that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// Something else.
    #[error("is no file of a detector")]
    Other,
    /// Another version wrote it.
    #[error("has the format \"{found}\", and \"{wanted}\" is read here; use the program that wrote it")]
    Version {
        /// Its format.
        found: String,
        /// The format that is read.
        wanted: &'static str,
    },
    /// It holds several detectors, and one is wanted.
    #[error("holds a detector for each of several entities, and one detector is wanted here")]
    Set,
    /// The checksum is not that of the contents.
    #[error("is damaged: its checksum does not match; copy it again, or train again")]
    Checksum,
    /// A kind that this program does not know.
    #[error("is a detector of the unknown kind \"{kind}\"; use the program that wrote it")]
    Kind {
        /// Its kind.
        kind: String,
    },
    /// Something is missing or has an impossible shape.
    #[error("is damaged: {what}; copy it again, or train again")]
    Content {
        /// What is wrong.
        what: String,
    },
}

/// Tensors by name.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

#[derive(Serialize, Deserialize)]
struct Head<T> {
    format: String,
    check: String,
    #[serde(flatten)]
    about: T,
}

/// Collects the tensors of a file.
#[derive(Debug, Default)]
pub(crate) struct Store {
    tensors: Tensors,
}

/// Writes tensors whose names begin alike.
pub(crate) struct Writer<'a> {
    store: &'a mut Store,
    prefix: String,
}

/// Reads tensors whose names begin alike.
pub(crate) struct Part<'a> {
    store: &'a Store,
    prefix: String,
}

impl Store {
    pub(crate) fn writer(&mut self, name: &str) -> Writer<'_> {
        Writer { store: self, prefix: format!("{name}.") }
    }

    /// All of it.
    pub(crate) fn whole(&mut self) -> Writer<'_> {
        Writer { store: self, prefix: String::new() }
    }

    /// All of it.
    pub(crate) const fn all(&self) -> Part<'_> {
        Part { store: self, prefix: String::new() }
    }

    pub(crate) fn part(&self, name: &str) -> Part<'_> {
        Part { store: self, prefix: format!("{name}.") }
    }

    /// The bytes of a file. The same contents give the same bytes.
    pub(crate) fn to_bytes(&self, format: &str, about: &impl Serialize) -> Vec<u8> {
        let check = self.checksum(about);
        let head =
            serde_json::to_string(&Head { format: format.to_owned(), check, about }).unwrap_or_default();
        let bytes: Vec<Vec<u8>> = self.tensors.values().map(|(_, values)| to_le(values)).collect();
        let views = self.tensors.iter().zip(&bytes).filter_map(|((name, (shape, _)), bytes)| {
            Some((name.clone(), TensorView::new(Dtype::F32, shape.clone(), bytes).ok()?))
        });
        let metadata = HashMap::from([("lanner".to_owned(), head)]);
        serialize(views, Some(metadata)).unwrap_or_default()
    }

    /// Reads what [`Store::to_bytes`] wrote. Time and memory are linear in the file.
    pub(crate) fn from_bytes<T: Serialize + DeserializeOwned>(
        format: &'static str,
        bytes: &[u8],
    ) -> Result<(T, Self), Damage> {
        let head = head(bytes)?;
        if (head.format.as_str(), format) == (SET_FORMAT, FORMAT) {
            return Err(Damage::Set);
        }
        if head.format != format {
            return Err(Damage::Version { found: head.format, wanted: format });
        }
        let content = |error: &dyn ToString| Damage::Content { what: error.to_string() };
        let file = SafeTensors::deserialize(bytes).map_err(|error| content(&error))?;
        let mut store = Self::default();
        for (name, tensor) in file.iter() {
            if tensor.dtype() != Dtype::F32 {
                return Err(Damage::Content { what: format!("{name} holds no numbers of 32 bits") });
            }
            store.tensors.insert(name.to_owned(), (tensor.shape().to_vec(), from_le(tensor.data())));
        }
        let about: T = serde_json::from_value(head.about).map_err(|error| content(&error))?;
        if store.checksum(&about) != head.check {
            return Err(Damage::Checksum);
        }
        Ok((about, store))
    }

    /// Of all that the file says.
    fn checksum(&self, about: &impl Serialize) -> String {
        let mut hash = Xxh3::new();
        hash.update(&serde_json::to_vec(about).unwrap_or_default());
        for (name, (shape, values)) in &self.tensors {
            hash.update(name.as_bytes());
            hash.update(format!("{shape:?}").as_bytes());
            hash.update(&to_le(values));
        }
        format!("{:016x}", hash.digest())
    }
}

/// Whether a file is that of a detector, of whatever version; its start is enough.
#[must_use]
pub fn is_detector(bytes: &[u8]) -> bool {
    bytes.get(8..).is_some_and(|header| header.starts_with(br#"{"__metadata__":{"lanner":"#))
}

/// Whether a file is that of several detectors, of the version that is read here.
pub(crate) fn is_set(bytes: &[u8]) -> bool {
    head(bytes).is_ok_and(|head| head.format == SET_FORMAT)
}

/// What the metadata says.
fn head(bytes: &[u8]) -> Result<Head<serde_json::Value>, Damage> {
    if !is_detector(bytes) {
        return Err(Damage::Other);
    }
    let what = "its header is incomplete".to_owned();
    let (_, metadata) =
        SafeTensors::read_metadata(bytes).map_err(|_| Damage::Content { what: what.clone() })?;
    let text = metadata.metadata().as_ref().and_then(|metadata| metadata.get("lanner"));
    serde_json::from_str(text.map(String::as_str).unwrap_or_default()).map_err(|_| Damage::Content { what })
}

impl Writer<'_> {
    pub(crate) fn put(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.store.tensors.insert(format!("{}{name}", self.prefix), (shape.to_vec(), values.to_vec()));
    }

    /// A part within this one.
    pub(crate) fn inner(&mut self, name: &str) -> Writer<'_> {
        Writer { prefix: format!("{}{name}.", self.prefix), store: self.store }
    }
}

impl<'a> Part<'a> {
    /// The tensor `name`, with its shape.
    pub(crate) fn get(&self, name: &str) -> Result<(&'a [usize], &'a [f32]), Damage> {
        let name = format!("{}{name}", self.prefix);
        let found =
            self.store.tensors.get(&name).map(|(shape, values)| (shape.as_slice(), values.as_slice()));
        let (shape, values) = found.ok_or_else(|| Damage::Content { what: format!("{name} is missing") })?;
        match values.iter().all(|value| value.is_finite()) {
            true => Ok((shape, values)),
            false => Err(Damage::Content { what: format!("{name} holds what is no number") }),
        }
    }

    /// The tensor `name` with the last dimensions given, and how many of these there are.
    pub(crate) fn rows(&self, name: &str, row: &[usize]) -> Result<(usize, &'a [f32]), Damage> {
        let (shape, values) = self.get(name)?;
        match shape.split_first() {
            Some((n, rest)) if rest == row && *n > 0 => Ok((*n, values)),
            _ => Err(self.misshapen(name)),
        }
    }

    /// A part within this one.
    pub(crate) fn inner(&self, name: &str) -> Self {
        Self { store: self.store, prefix: format!("{}{name}.", self.prefix) }
    }

    pub(crate) fn misshapen(&self, name: &str) -> Damage {
        Damage::Content { what: format!("{}{name} has an impossible shape", self.prefix) }
    }
}

fn to_le(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn from_le(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
