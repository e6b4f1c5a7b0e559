//! Paths without what is obviously an id, so that what remains can be counted.

/// Longer paths end in `{rest}`.
const MAX_SEGMENTS: usize = 12;

/// Longer segments are ids, whatever they hold.
const MAX_SEGMENT_BYTES: usize = 64;

/// What stands for an id.
pub(crate) const ID: &str = "{id}";

/// A path with `{id}` for each segment that can only be an id: numbers, UUIDs, hashes, tokens, addresses of people.
/// Parameters of segments (`;jsessionid=1`) and empty segments are left out.
pub(crate) fn shape(path: &str) -> String {
    let mut shape = String::with_capacity(path.len().min(128) + 1);
    push_shape(&mut shape, path);
    shape
}

/// Adds the shape of a path to a text. Returns the object that the path names: its last id.
pub(crate) fn push_shape<'a>(text: &mut String, path: &'a str) -> Option<&'a str> {
    let mut object = None;
    let before = text.len();
    for (i, segment) in segments(path).enumerate() {
        let is_id = is_id(segment);
        if is_id {
            object = Some(segment);
        }
        if i <= MAX_SEGMENTS {
            text.push('/');
            text.push_str(match (i, is_id) {
                (MAX_SEGMENTS, _) => "{rest}",
                (_, true) => ID,
                (_, false) => segment,
            });
        }
    }
    if text.len() == before {
        text.push('/');
    }
    object
}

/// The parts of a path between slashes.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .map(|segment| segment.split_once(';').map_or(segment, |(name, _)| name))
        .filter(|segment| !segment.is_empty())
}

/// The object that a path names: its last id.
pub(crate) fn object(path: &str) -> Option<&str> {
    segments(path).filter(|segment| is_id(segment)).last()
}

/// Whether a segment can only be an id.
fn is_id(segment: &str) -> bool {
    let length = segment.len();
    if length > MAX_SEGMENT_BYTES {
        return true;
    }
    let (mut n_digits, mut n_letters, mut is_hex, mut is_token) = (0, 0, true, true);
    for byte in segment.bytes() {
        match byte {
            b'0'..=b'9' => n_digits += 1,
            b'a'..=b'f' | b'A'..=b'F' => n_letters += 1,
            b'a'..=b'z' | b'A'..=b'Z' => (n_letters, is_hex) = (n_letters + 1, false),
            b'-' => {}
            b'_' | b'.' | b'~' | b'=' => is_hex = false,
            b'@' => return true,
            _ => (is_hex, is_token) = (false, false),
        }
    }
    (n_digits > 0 && n_digits == length)
        || (is_hex && n_digits > 0 && n_letters > 0 && length >= 8)
        || (is_token && n_digits >= 3 && n_letters >= 3 && length >= 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        #[track_caller]
        fn check(path: &str, expected: &str, id: Option<&str>) {
            assert_eq!((shape(path).as_str(), object(path)), (expected, id), "{path}");
        }
        check("/", "/", None);
        check("", "/", None);
        check("/api/v1/users/17/orders", "/api/v1/users/{id}/orders", Some("17"));
        check("//a//b/", "/a/b", None);
        check(
            "/u/3f2b8c1e-9d44-4c1a-8f43-1f2e3d4c5b6a",
            "/u/{id}",
            Some("3f2b8c1e-9d44-4c1a-8f43-1f2e3d4c5b6a"),
        );
        check("/v1/cafe/facade", "/v1/cafe/facade", None); // words, though made of hex digits
        check("/c/9f86d081884c7d65", "/c/{id}", Some("9f86d081884c7d65"));
        check("/people/ann@example.org", "/people/{id}", Some("ann@example.org"));
        check("/t/eyJhbGciOiJIUzI1NiJ9.e30.abc", "/t/{id}", Some("eyJhbGciOiJIUzI1NiJ9.e30.abc"));
        check("/cart;jsessionid=8A1/items", "/cart/items", None);
        check(&"/a".repeat(20), &format!("{}/{{rest}}", "/a".repeat(12)), None);
    }
}
