//! Sessions told again: from events that are stored to what a processor of sessions would say of them in full.

use lanner_core::Event;
use lanner_traffic::{Account, ModelDrift, Request};
use serde_json::{Map, Value};

/// Tells sessions again from the requests that they were made of. Nothing is learned by it.
pub trait Retold {
    /// Whose session an event on one of the processor's streams tells of, as [`Self::request`] wants it.
    fn key_of(&self, told: &Map<String, Value>) -> String;

    /// The names and values by which clients are told apart, of the session that an event tells of.
    fn client_of(&self, told: &Map<String, Value>) -> Vec<(String, String)>;

    /// The request that an event of the processor's stream is, if it is one of this client.
    fn request(&self, event: &Event, key: &str) -> Option<Request<'static>>;

    /// What can be said of a session, given its requests in the order in which they came.
    fn account(&self, requests: &[Request<'static>]) -> Account;

    /// How the sessions of late stand to those that the models in use were learned from.
    fn drift(&self) -> Vec<ModelDrift>;
}
