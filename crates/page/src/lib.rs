//! The web page: HTML and charts made of what the API shows.
//!
//! Everything here is a function from values to text: the server looks things up, and this crate says how they look. Pages
//! are whole without a script; scripts add a cursor to charts and keep what is shown up to date.
//!
//! Reading order: [`frame`] (what all pages share), [`now`] (what is wrong now), then a file for each page. [`chart`], [`graph`],
//! [`waterfall`] and [`spark`] draw, [`text`] writes numbers and times, [`assets`] holds scripts and styles.

pub mod access;
pub mod account;
pub mod alert;
pub mod assets;
pub mod chart;
pub mod detectors;
pub mod editor;
pub mod explore;
pub mod frame;
pub mod graph;
pub mod models;
pub mod more;
pub mod now;
pub mod profiles;
pub mod rules;
pub mod session;
pub mod sessions;
pub mod sign_in;
pub mod silences;
pub mod spark;
pub mod switches;
pub mod text;
pub mod training;
pub mod tree;
pub mod unlike;
pub mod vulnerabilities;
pub mod waterfall;
