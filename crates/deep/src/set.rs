//! A detector for each entity, such as each host: trained alike, on its own rows, kept in one file.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::detector::{About, Detector};
use crate::method::Progress;
use crate::rows::RowSource;
use crate::store::{Damage, SET_FORMAT, Store, is_set};
use crate::training::{TrainError, Training};

/// Entities at most: all detectors of a set are in memory together.
pub const MAX_ENTITIES: usize = 1_000;

/// A detector for each value of a field.
///
/// All are of one kind and look at the same columns and as many rows; what is usual, and the threshold, is each one's own.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use lanner_deep::{Detector, DetectorSet, Frame, Training};
///
/// // The same load is usual for one host, and ten times as much for the other.
/// let rows = |scale: f32| {
///     let value = move |i: u16| scale * (5.0 + (f32::from(i) / 10.0).sin() + f32::from(i * 7 % 11) / 20.0);
///     Frame::new(vec!["cpu".to_owned()], (0..600).map(value).collect())
/// };
/// let (small, large) = (rows(1.0)?, rows(10.0)?);
/// let hosts = vec![("a".to_owned(), (&small).into()), ("b".to_owned(), (&large).into())];
/// let (set, failed) = DetectorSet::train("host", &hosts, &|_| Training::default(), &|_, _| ());
/// let set = set.ok_or("nothing was trained")?;
/// assert!(failed.is_empty());
///
/// let highest = |host: &str| -> Result<f64, Box<dyn std::error::Error>> {
///     let detector = set.get(host).ok_or("no such host")?;
///     Ok(detector.scores(&large)?.into_iter().fold(0.0, f64::max))
/// };
/// assert!(highest("a")? > 10.0 && highest("b")? < 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DetectorSet {
    by: String,
    of: BTreeMap<String, Detector>,
}

/// What the file of a set says beside numbers.
#[derive(Serialize, Deserialize)]
struct Contents<A> {
    by: String,
    detectors: Vec<Entry<A>>,
}

#[derive(Serialize, Deserialize)]
struct Entry<A> {
    entity: String,
    about: A,
}

/// What training an entity came to.
type Trained = Result<Detector, TrainError>;

impl DetectorSet {
    /// Trains one detector for each entity, side by side, as many at once as there are threads. `by` is the field whose values the
    /// entities are. The same rows, settings and seeds give the same bytes on any number of threads.
    ///
    /// Entities that nothing can be learned from have none: they are returned beside the set, with why. There is no set if that are all.
    #[must_use]
    pub fn train(
        by: &str,
        entities: &[(String, RowSource<'_>)],
        training: &(dyn Fn(&str) -> Training + Sync),
        progress: &(dyn Fn(&str, Progress) + Sync),
    ) -> (Option<Self>, Vec<(String, TrainError)>) {
        let (mut of, mut failed) = (BTreeMap::new(), Vec::new());
        let train = |(entity, rows): &(String, RowSource<'_>)| {
            let trained = Detector::train_on(*rows, &training(entity), &mut |step| progress(entity, step));
            (entity.clone(), trained)
        };
        // So many at once, and no more: a thread that waits for parts of one must not begin another.
        for some in entities.chunks(rayon::current_num_threads().max(1)) {
            let trained: Vec<(String, Trained)> = some.par_iter().map(train).collect();
            for (entity, trained) in trained {
                match trained {
                    Ok(detector) => _ = of.insert(entity, detector),
                    Err(error) => failed.push((entity, error)),
                }
            }
        }
        let set = (!of.is_empty()).then(|| Self { by: by.to_owned(), of });
        (set, failed)
    }

    /// The field whose values have a detector each.
    #[must_use]
    pub fn by(&self) -> &str {
        &self.by
    }

    /// The detector of an entity; `None` for one that was not trained.
    #[must_use]
    pub fn get(&self, entity: &str) -> Option<&Detector> {
        self.of.get(entity)
    }

    /// All entities with their detectors, in the order of their names; at least one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Detector)> {
        self.of.iter().map(|(entity, detector)| (entity.as_str(), detector))
    }

    /// The detectors by entity; what is the same of all is that of any.
    #[must_use]
    pub fn into_detectors(self) -> BTreeMap<String, Detector> {
        self.of
    }

    /// The same set, of whose detectors something was made, such as ones with another threshold.
    ///
    /// # Errors
    /// What `change` says, with the entity before it.
    pub fn map(self, change: &dyn Fn(&str, Detector) -> Result<Detector, String>) -> Result<Self, String> {
        let changed = self.of.into_iter().map(|(entity, detector)| {
            let changed = change(&entity, detector).map_err(|why| format!("{entity}: {why}"))?;
            Ok((entity, changed))
        });
        Ok(Self { of: changed.collect::<Result<_, String>>()?, by: self.by })
    }

    /// The bytes of its file; the same set gives the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut store = Store::default();
        let entry = |(at, (entity, detector)): (usize, (&String, &Detector))| Entry {
            entity: entity.clone(),
            about: detector.write(&mut store.writer(&at.to_string())).clone(),
        };
        let detectors: Vec<Entry<About>> = self.of.iter().enumerate().map(entry).collect();
        store.to_bytes(SET_FORMAT, &Contents { by: self.by.clone(), detectors })
    }

    /// Reads what [`DetectorSet::to_bytes`] wrote.
    ///
    /// # Errors
    /// The bytes are damaged, of another version, or something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let (contents, store): (Contents<About>, Store) = Store::from_bytes(SET_FORMAT, bytes)?;
        let wrong = |what: String| Damage::Content { what };
        let n = contents.detectors.len();
        if n == 0 || n > MAX_ENTITIES {
            return Err(wrong(format!("it holds {n} detectors, and 1 to {MAX_ENTITIES} are possible")));
        }
        let mut of: BTreeMap<String, Detector> = BTreeMap::new();
        for (at, Entry { entity, about }) in contents.detectors.into_iter().enumerate() {
            let read = Detector::read(about, &store.part(&at.to_string()))?;
            let is_alike = |other: &Detector| {
                (other.kind().name, other.columns(), other.window())
                    == (read.kind().name, read.columns(), read.window())
            };
            if !of.values().next().is_none_or(is_alike) {
                return Err(wrong(format!("the detector of {entity} is not like the others")));
            }
            if of.insert(entity, read).is_some() {
                return Err(wrong("two of its detectors are of one entity".to_owned()));
            }
        }
        Ok(Self { by: contents.by, of })
    }
}

/// What a file of `lanner detector train` holds.
#[derive(Debug)]
pub enum DetectorFile {
    /// One detector, for all rows.
    One(Box<Detector>),
    /// One for each entity.
    Set(DetectorSet),
}

impl DetectorFile {
    /// Reads a file of either.
    ///
    /// # Errors
    /// The bytes are damaged, of another version, or something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        if is_set(bytes) {
            return DetectorSet::from_bytes(bytes).map(Self::Set);
        }
        Detector::from_bytes(bytes).map(|detector| Self::One(Box::new(detector)))
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::One(detector) => detector.to_bytes(),
            Self::Set(set) => set.to_bytes(),
        }
    }

    /// The detector, or that of one entity, which has what is the same of all: kind, columns, window, notes.
    #[must_use]
    pub fn any(&self) -> &Detector {
        match self {
            Self::One(detector) => detector,
            #[expect(
                clippy::expect_used,
                reason = "a set is never empty: `train` and `from_bytes` see to it"
            )]
            Self::Set(set) => set.of.values().next().expect("a set has a detector"),
        }
    }

    /// The field whose values have a detector each; `None` for one detector.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        match self {
            Self::One(_) => None,
            Self::Set(set) => Some(set.by()),
        }
    }

    /// All detectors, each with its entity, if it has one.
    #[must_use]
    pub fn all(&self) -> Vec<(Option<&str>, &Detector)> {
        match self {
            Self::One(detector) => vec![(None, &**detector)],
            Self::Set(set) => set.iter().map(|(entity, detector)| (Some(entity), detector)).collect(),
        }
    }
}
