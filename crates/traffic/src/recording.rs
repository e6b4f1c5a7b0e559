//! A log that is at hand: its requests in few bytes, from which endpoints are learned first and sessions made then.
//!
//! A request takes about 90 bytes, whatever its line was long.

mod kept;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use crate::call::Call;
use crate::endpoints::{Endpoints, FIRST_NEW, UNKNOWN};
use crate::request::Request;
use crate::session::Session;
use crate::sessions::{SessionSettings, Sessions, Tally};
use crate::shape::push_shape;
use crate::templates::Templates;
use crate::walks::{Walk, Walks};

/// More different paths, ids left out, are one.
const MAX_SHAPES: usize = 500_000;

/// What tells clients apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyBy {
    /// Address and agent: people behind one address are told apart as far as a log can.
    #[default]
    ClientAndAgent,
    /// The address alone.
    Client,
    /// The name that the client gave, or its address.
    User,
    /// The session that the log names, or address and agent.
    Session,
}

/// The requests of a log.
#[derive(Debug, Default)]
pub struct Recording {
    key_by: KeyBy,
    keys: Names,
    tags: Names,
    /// Method and path, ids left out.
    shapes: Names,
    /// Requests of each shape that were for something that exists.
    n_found: Vec<u64>,
    calls: Vec<(u32, u32, Call)>,
    /// Where names are put together, so that a request costs no memory of its own.
    key: String,
    name: String,
}

/// What clients did.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Their sessions, in the order in which they ended.
    pub sessions: Vec<Session>,
    /// Their walks through objects.
    pub walks: Vec<Walk>,
    /// What happened to sessions.
    pub tally: Tally,
}

/// Texts and their numbers, from 0 on.
#[derive(Debug, Default)]
struct Names {
    texts: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32, FixedState>,
}

impl Names {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let (number, text) = (self.texts.len() as u32, Arc::<str>::from(text));
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }
}

impl Recording {
    /// An empty one.
    #[must_use]
    pub fn new(key_by: KeyBy) -> Self {
        let mut tags = Names::default();
        tags.number(""); // number 0 is none
        Self { key_by, tags, ..Self::default() }
    }

    /// Adds a request. Cost: linear in its text.
    pub fn add(&mut self, request: &Request<'_>) {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        push_key(&mut key, request, self.key_by);
        self.add_of(&key, request);
        self.key = key;
    }

    /// Adds a request of the client that is told by this key.
    pub(crate) fn add_of(&mut self, key: &str, request: &Request<'_>) {
        let key = self.keys.number(key);
        let name = &mut self.name;
        name.clear();
        name.push_str(&request.method);
        name.push(' ');
        let object = push_shape(name, &request.path);
        let is_full =
            self.shapes.texts.len() >= MAX_SHAPES && !self.shapes.numbers.contains_key(name.as_str());
        let shape = self.shapes.number(if is_full { " " } else { name });
        let mut call = Call::about(object, request, UNKNOWN);
        if !request.session.is_empty() {
            call.tag = self.tags.number(&request.session);
        }
        self.n_found.resize(self.shapes.texts.len(), 0);
        self.n_found[shape as usize] += u64::from(call.exists());
        self.calls.push((key, shape, call));
    }

    /// Requests.
    #[must_use]
    pub fn n_calls(&self) -> usize {
        self.calls.len()
    }

    /// Clients.
    #[must_use]
    pub fn n_clients(&self) -> usize {
        self.keys.texts.len()
    }

    /// The first and the last time; milliseconds since the Unix epoch.
    #[must_use]
    pub fn span_ms(&self) -> Option<(i64, i64)> {
        let times = || self.calls.iter().map(|(.., call)| call.time_ms);
        Some((times().min()?, times().max()?))
    }

    /// The session that the log names by this number.
    #[must_use]
    pub fn tag(&self, tag: u32) -> &str {
        self.tags.texts.get(tag as usize).map_or("", |tag| tag)
    }

    /// Learns templates from paths that exist, beside those that are given. Paths that were only ever missing are not
    /// endpoints.
    #[must_use]
    pub fn learn(&self, known: &[String]) -> (Templates, Endpoints) {
        let named = || self.shapes.texts.iter().zip(&self.n_found).filter(|(_, n)| **n > 0);
        let paths: Vec<(String, u64)> = named().map(|(name, n)| (parts(name).1.to_owned(), *n)).collect();
        let templates = Templates::learn(&paths, known);
        let mut endpoints = Endpoints::default();
        for (name, _) in named() {
            let (method, path) = parts(name);
            endpoints.number(method, templates.of(path).as_deref());
        }
        (templates, endpoints)
    }

    /// Makes sessions, in the order of time, of requests at these endpoints. Cost: O(n log n).
    #[must_use]
    pub fn traffic(
        &self,
        templates: &Templates,
        endpoints: &Endpoints,
        settings: SessionSettings,
    ) -> Traffic {
        let (mut sessions, mut walks) = (Sessions::new(settings), Walks::default());
        let mut traffic = Traffic::default();
        self.each_call(templates, endpoints, &mut |key, call| {
            sessions.add(key, call, &mut |session| traffic.sessions.push(session));
            walks.add(key, call, &mut |walk| traffic.walks.push(walk));
        });
        sessions.finish(&mut |session| traffic.sessions.push(session));
        walks.finish(&mut |walk| traffic.walks.push(walk));
        traffic.tally = sessions.tally();
        traffic
    }

    /// Hands out the calls, with their keys, in the order of time, as calls of these endpoints. Cost: O(n log n).
    pub(crate) fn each_call(
        &self,
        templates: &Templates,
        endpoints: &Endpoints,
        on_call: &mut dyn FnMut(&Arc<str>, &Call),
    ) {
        let of_shape: Vec<u32> = self
            .shapes
            .texts
            .iter()
            .map(|name| {
                let (method, path) = parts(name);
                endpoints.get(method, templates.of(path).as_deref())
            })
            .collect();
        let mut order: Vec<usize> = (0..self.calls.len()).collect();
        order.sort_by_key(|&i| self.calls[i].2.time_ms);
        for i in order {
            let (key, shape, call) = &self.calls[i];
            let endpoint = match of_shape[*shape as usize] {
                UNKNOWN if call.exists() => FIRST_NEW + shape,
                known => known,
            };
            on_call(&self.keys.texts[*key as usize], &Call { endpoint, ..*call });
        }
    }

    /// The most called endpoints, with their calls.
    #[must_use]
    pub fn busiest(&self, templates: &Templates, endpoints: &Endpoints) -> Vec<(String, u64)> {
        let mut n_calls = vec![0; endpoints.len()];
        for (_, shape, _) in &self.calls {
            let (method, path) = parts(&self.shapes.texts[*shape as usize]);
            n_calls[endpoints.get(method, templates.of(path).as_deref()) as usize] += 1;
        }
        let named = (0..).zip(n_calls).filter(|(_, n)| *n > 0);
        let mut busiest: Vec<(String, u64)> =
            named.map(|(id, n)| (endpoints.name(id).to_owned(), n)).collect();
        busiest.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        busiest
    }
}

fn parts(name: &str) -> (&str, &str) {
    name.split_once(' ').unwrap_or(("", name))
}

/// Adds to a text whose request it is.
fn push_key(text: &mut String, request: &Request<'_>, by: KeyBy) {
    match by {
        KeyBy::User if !request.user.is_empty() => text.push_str(&request.user),
        KeyBy::Client | KeyBy::User => text.push_str(&request.client),
        KeyBy::Session if !request.session.is_empty() => text.push_str(&request.session),
        KeyBy::Session | KeyBy::ClientAndAgent => {
            text.push_str(&request.client);
            text.push(' ');
            text.push_str(&request.agent);
        }
    }
}
