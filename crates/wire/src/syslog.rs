//! Syslog: messages as RFC 5424 has them, as RFC 3164 describes them, and as devices really write them.
//!
//! Reading order: [`parse`] (a message), [`Message`] (its parts, and the event that it becomes), [`Frames`] (messages in a stream of
//! bytes). Nothing is refused: what cannot be told from a text stays in its message, because a log line that is missing
//! is worse than one without a host.

mod frames;
mod message;
mod read;
mod rfc3164;
mod rfc5424;
mod stamp;
#[cfg(test)]
mod tests;

pub use frames::{Frames, MAX_MESSAGE_BYTES};
pub use message::{Message, Received};
pub use read::parse;
