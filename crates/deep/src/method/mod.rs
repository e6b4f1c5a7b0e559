//! Ways to score windows of scaled rows, one file each, and the list of them.
//!
//! A method only knows rows of numbers in which 0 is usual and the range of training is about 4 wide. To add one: a file here
//! with a `KIND`, and an entry in [`KINDS`].

mod cut_forest;
mod ensemble;
mod isolation;
pub(crate) mod kind;
mod kmeans;
mod mahalanobis;
mod mtad_gat;
mod mvad;
mod neighbours;
mod patches;
mod points;
mod window_pca;

pub(crate) use kind::{Expectations, Fit, Method, scores_of};
pub use kind::{Kind, NetworkSettings, Progress};
pub(crate) use points::WithPoints;

/// All kinds; the first is the default.
pub const KINDS: &[Kind] = &[
    ensemble::KIND,
    mahalanobis::KIND,
    window_pca::KIND,
    neighbours::KIND,
    kmeans::KIND,
    isolation::KIND,
    cut_forest::KIND,
    patches::KIND,
    mtad_gat::KIND,
    mvad::KIND,
];

impl Kind {
    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }
}
