//! Rules: read from the store, put in force, their past counted; what the API says of them.

pub(crate) mod delete;
pub mod document;
pub(crate) mod handlers;
pub(crate) mod past;
pub(crate) mod plan;
pub(crate) mod prefill;
pub(crate) mod register;
pub(crate) mod service;
pub(crate) mod stored;
pub(crate) mod unheard;
