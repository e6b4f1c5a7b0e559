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
    for (i, segment) in segments(path).enumerate() {
        shape.push('/');
        if i == MAX_SEGMENTS {
            shape.push_str("{rest}");
            break;
        }
        shape.push_str(if is_id(segment) { ID } else { segment });
    }
    if shape.is_empty() { "/".to_owned() } else { shape }
}

/// The parts of a path between slashes.
pub(crate) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .map(|segment| segment.split(';').next().unwrap_or(""))
        .filter(|segment| !segment.is_empty())
}

/// The object that a path names: its last id.
pub(crate) fn object(path: &str) -> Option<&str> {
    segments(path).filter(|segment| is_id(segment)).last()
}

/// Whether a segment can only be an id.
fn is_id(segment: &str) -> bool {
    let n_digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let n_letters = segment.bytes().filter(u8::is_ascii_alphabetic).count();
    let length = segment.len();
    let is_hex = segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let is_token = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~=".contains(&byte));
    (n_digits > 0 && n_digits == length)
        || (is_hex && n_digits > 0 && n_letters > 0 && length >= 8)
        || (is_token && n_digits >= 3 && n_letters >= 3 && length >= 20)
        || segment.contains('@')
        || length > MAX_SEGMENT_BYTES
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
