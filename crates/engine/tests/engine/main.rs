//! The engine as rules drive it: scripts, cases of the manual, and what must hold for any input.

mod churn;
mod endings;
mod golden;
mod learning;
mod lookback;
mod manual;
mod measures;
mod problems;
mod processors;
mod vitals;
mod waiting;
