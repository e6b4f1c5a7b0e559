//! The condition language, and those of others that are read into it.

mod export;
mod falco;
mod falco_meaning;
mod flagd;
mod getopt;
mod grammar;
mod import;
mod index;
mod json;
mod meaning;
