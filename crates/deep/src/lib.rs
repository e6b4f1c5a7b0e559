//! Trained detectors over many columns: what is unusual is how they go together, or their course.
//!
//! A [`Detector`] of some [`Kind`] is trained on a [`Frame`] of usual rows, keeps a threshold by a [`Rule`] that may [`Follow`] the
//! scores, and scores rows in batches or in a [`Stream`]. A score of 1 is its threshold, whatever the kind; it tells what each column contributes, and
//! lives in one file. A [`DetectorSet`] is one for each entity, such as each host.
//!
//! Reading order: [`Frame`], [`RowStore`] (rows that are too many for memory), [`Aggregation`] (how documents become rows), [`Training`], [`Detector`],
//! [`DetectorSet`]; then `method` (the kinds, one file each), `scale`, `threshold`,
//! `limit` with `level` (how it goes on), `store` (the file), `net` (parts of networks), and `mtad`, `mvad`, `embed` (networks).
//!
//! Invariants: the same rows, settings and seed give the same detector on any number of threads; a score uses no later row;
//! a gap is judged as if the column were usual; any bytes are refused or read, in time and memory linear in their size.

mod aggregate;
mod alike;
mod checkpoint;
mod detector;
mod embed;
mod frame;
mod level;
mod limit;
mod method;
mod mtad;
mod mvad;
mod net;
mod packed;
mod product;
mod random;
mod rows;
mod rows_file;
mod scale;
mod set;
mod store;
mod stream;
mod symmetric;
mod threshold;
mod training;
mod unit;
mod weights;
mod wide;

pub use aggregate::{AggregateError, Aggregation, Cell, Feature, Fill, MAX_UNITS, Method, Units};
pub use checkpoint::Checkpoint;
pub use detector::{ColumnsError, Details, Detector, Judged};
pub use frame::{Frame, FrameError, MAX_COLUMNS};
pub use limit::{Follow, Limit};
pub use method::{KINDS, Kind, NetworkSettings, Progress};
pub use rows::{RowSource, RowStore};
pub use set::{DetectorFile, DetectorSet, MAX_ENTITIES};
pub use store::{Damage, FORMAT, SET_FORMAT, is_detector};
pub use stream::Stream;
pub use threshold::Rule;
pub use training::{TrainError, Training};
pub use weights::Weights;
