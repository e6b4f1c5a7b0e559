//! Detectors over one series: each a [`lanner_core::Scorer`], one file each. They score; a threshold decides.
