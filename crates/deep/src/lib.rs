//! Trained detectors over many columns: what is unusual is how they go together, or their course.
//!
//! A [`Detector`] of some [`Kind`] is trained on a [`Frame`] of usual rows, keeps a threshold by a [`Rule`], and scores rows in
//! batches or in a [`Stream`]. A score of 1 is its threshold, whatever the kind; it tells what each column contributes, and
//! lives in one file.
//!
//! Reading order: [`Frame`], [`Aggregation`] (how documents become one), [`Training`], [`Detector`]; then `method` (the kinds, one file each), `scale`, `threshold`, `store`
//! (the file), and `mtad` (the neural network).
//!
//! Invariants: the same rows, settings and seed give the same detector on any number of threads; a score uses no later row;
//! a gap is judged as if the column were usual; any bytes are refused or read, in time and memory linear in their size.

mod aggregate;
mod alike;
mod detector;
mod frame;
mod method;
mod mtad;
mod product;
mod random;
mod scale;
mod store;
mod symmetric;
mod threshold;
mod wide;

pub use aggregate::{AggregateError, Aggregation, Cell, Feature, Fill, MAX_UNITS, Method, Units};
pub use detector::{ColumnsError, Details, Detector, Stream, TrainError, Training};
pub use frame::{Frame, FrameError, MAX_COLUMNS};
pub use method::{KINDS, Kind, NetworkSettings, Progress};
pub use store::{Damage, FORMAT, is_detector};
pub use threshold::Rule;
