//! Path templates: `/users/17/orders` is `/users/{id}/orders`.
//!
//! What can only be an id is one at once ([`crate::shape`]). What is not obvious is told by how many there are: below a
//! place with many different names, each of them rare, the names are values too, and become `{name}`. Templates are frozen
//! once learned, so that their ids stay what they are; paths that fit none are told as such.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::shape::{ID, segments, shape};

/// More different names below one place are values, unless they are frequent.
const MAX_NAMES: usize = 40;

/// A name with this share of the requests of its place is a name however many others there are.
const FREQUENT_SHARE: f64 = 0.02;

/// More places are not remembered while learning; what comes after them fits no template.
const MAX_PLACES: usize = 100_000;

/// What stands for a name of many.
const NAME: &str = "{name}";

/// Templates of the paths of an API, such as `/users/{id}`, learned from paths or given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Templates {
    root: Place,
}

/// A place in the tree of paths.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    /// Whether a path ends here.
    #[serde(default, skip_serializing_if = "is_zero")]
    n_ends: u64,
    /// Requests here and below.
    #[serde(default, skip_serializing_if = "is_zero")]
    n: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    below: BTreeMap<String, Self>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Templates {
    /// Learns from paths and how often each was asked for. Cost: linear in the paths.
    ///
    /// ```
    /// use lanner_traffic::Templates;
    ///
    /// let mut paths: Vec<(String, u64)> = (0..100).map(|i| (format!("/shop/item-no-{i}x/price"), 1)).collect();
    /// paths.push(("/shop/cart".to_owned(), 50));
    /// let templates = Templates::learn(&paths, &[]);
    /// assert_eq!(templates.of("/shop/item-no-7x/price").as_deref(), Some("/shop/{name}/price"));
    /// assert_eq!(templates.of("/shop/cart").as_deref(), Some("/shop/cart"));
    /// assert_eq!(templates.of("/.env"), None);
    /// ```
    #[must_use]
    pub fn learn(paths: &[(String, u64)], known: &[String]) -> Self {
        let mut templates = Self::known(known);
        let mut n_places = 0;
        for (path, n) in paths {
            templates.add(&shape(path), *n, &mut n_places);
        }
        templates.root.collapse();
        templates
    }

    /// Templates that are given, such as those of an OpenAPI document: parameters in braces.
    #[must_use]
    pub fn known(known: &[String]) -> Self {
        let mut templates = Self::default();
        for template in known {
            let mut place = &mut templates.root;
            for segment in segments(template) {
                let name = if segment.contains('{') { ID } else { segment };
                place = place.below.entry(name.to_owned()).or_default();
            }
            place.n_ends += 1;
        }
        templates
    }

    fn add(&mut self, shape: &str, n: u64, n_places: &mut usize) {
        let mut place = &mut self.root;
        place.n += n;
        for segment in segments(shape) {
            let name =
                if place.below.contains_key(segment) || !place.below.contains_key(ID) { segment } else { ID };
            if !place.below.contains_key(name) {
                if *n_places >= MAX_PLACES {
                    return;
                }
                *n_places += 1;
            }
            place = place.below.entry(name.to_owned()).or_default();
            place.n += n;
        }
        place.n_ends += n;
    }

    /// The template of a path; `None` if it fits none. Cost: linear in the path.
    #[must_use]
    pub fn of(&self, path: &str) -> Option<String> {
        let shape = shape(path);
        let mut template = String::with_capacity(shape.len());
        let mut place = &self.root;
        for segment in segments(&shape) {
            let name = [segment, ID, NAME].into_iter().find(|name| place.below.contains_key(*name))?;
            place = &place.below[name];
            template.push('/');
            template.push_str(name);
        }
        if template.is_empty() {
            template.push('/');
        }
        (place.n_ends > 0).then_some(template)
    }

    /// All of them, in alphabetical order, with the number of requests each was learned from.
    #[must_use]
    pub fn all(&self) -> Vec<(String, u64)> {
        let mut all = Vec::new();
        self.root.collect("", &mut all);
        all
    }
}

impl Place {
    /// Puts rare names together where there are many, here and below.
    fn collapse(&mut self) {
        let is_name = |name: &str| !name.starts_with('{');
        if self.below.keys().filter(|name| is_name(name)).count() > MAX_NAMES {
            let frequent = self.n as f64 * FREQUENT_SHARE;
            let below = std::mem::take(&mut self.below);
            for (name, place) in below {
                let is_kept = !is_name(&name) || place.n as f64 >= frequent;
                let name = if is_kept { name } else { NAME.to_owned() };
                self.below.entry(name).or_default().take(place);
            }
        }
        self.below.values_mut().for_each(Self::collapse);
    }

    fn take(&mut self, other: Self) {
        self.n += other.n;
        self.n_ends += other.n_ends;
        for (name, place) in other.below {
            self.below.entry(name).or_default().take(place);
        }
    }

    fn collect(&self, path: &str, all: &mut Vec<(String, u64)>) {
        if self.n_ends > 0 {
            all.push((if path.is_empty() { "/".to_owned() } else { path.to_owned() }, self.n_ends));
        }
        for (name, place) in &self.below {
            place.collect(&format!("{path}/{name}"), all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ones_come_first() {
        let known = ["/users/{userId}".to_owned(), "/users/me".to_owned(), "/files/{path}/raw".to_owned()];
        let templates = Templates::learn(&[], &known);
        let of = |path| templates.of(path);
        assert_eq!(of("/users/ann").as_deref(), Some("/users/{id}"));
        assert_eq!(of("/users/me").as_deref(), Some("/users/me"));
        assert_eq!(of("/files/readme/raw").as_deref(), Some("/files/{id}/raw"));
        assert_eq!(of("/files/readme"), None);
        assert_eq!(of("/"), None);
    }

    #[test]
    fn learning_puts_values_together() {
        let mut paths = vec![("/".to_owned(), 10), ("/blog".to_owned(), 200)];
        paths.extend((0..60).map(|i| {
            (format!("/blog/post-{}", char::from(b'a' + i % 26).to_string().repeat(3 + i as usize / 2)), 2)
        }));
        paths.extend((0..500).map(|i| (format!("/orders/{i}"), 1)));
        let templates = Templates::learn(&paths, &[]);
        let names: Vec<String> = templates.all().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["/", "/blog", "/blog/{name}", "/orders/{id}"]);
        assert_eq!(templates.of("/blog/never-seen").as_deref(), Some("/blog/{name}"));
        assert_eq!(templates.of("/wp-login.php"), None);
    }
}
