//! Rules: read from the store, put in force, their past counted; what the API says of them.

pub mod delete;
pub mod document;
pub mod handlers;
pub mod past;
pub(crate) mod plan;
pub mod prefill;
pub mod register;
pub mod service;
pub mod stored;
pub mod unheard;
