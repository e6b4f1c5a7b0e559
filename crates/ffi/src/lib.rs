//! Kill switches for programs in other languages: the same evaluator behind a C interface.
//!
//! `include/lanner.h` is the interface as C sees it. Built for
//! `wasm32-unknown-unknown` the same functions are exports of a WebAssembly module; the package in `javascript/` calls
//! them. Python has a crate of its own, `lanner-python`.
//!
//! Reading order: [`Evaluator`], what there is without any pointer; [`c`], the interface; `memory`, what WebAssembly
//! needs besides.
//!
//! **Invariants.** No function panics across the border, keeps a pointer that it was given, or frees what it did not
//! allocate. `unsafe` is only in [`c`] and `memory`, each block with its reason.

pub mod c;
mod evaluator;
#[cfg(target_family = "wasm")]
pub mod memory;

pub use evaluator::Evaluator;
