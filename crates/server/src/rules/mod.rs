//! Rules: read from the store, put in force, their past counted; what the API says of them.

pub mod document;
pub mod handlers;
pub mod past;
pub mod prefill;
pub mod register;
pub mod stored;
pub mod unheard;

pub use prefill::Prefill;
