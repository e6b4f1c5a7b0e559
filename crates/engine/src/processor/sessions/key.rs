//! What tells clients apart: a field, or what is made of fields.
//!
//! ```text
//! client                                              a field
//! network(client)                                     the /24 of an IPv4 address, the /64 of an IPv6 address
//! first(claim(header.authorization, sub), client)     the first that has a value
//! hash(cookie(header.cookie, sid)) as session         under a name of one's own
//! ```

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lanner_core::{Event, content, nearest};
use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// An expression within an expression, at most.
const MAX_DEPTH: usize = 8;

/// Arguments of `first`, at most.
const MAX_ARGUMENTS: usize = 16;

/// Bytes of a compiled pattern.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// A longer token is not read.
const MAX_TOKEN_BYTES: usize = 16 << 10;

/// Hexadecimal digits of a hash.
const N_HASH: usize = 16;

const FUNCTIONS: [&str; 7] = ["first", "network", "cookie", "claim", "match", "lower", "hash"];

/// One part of a key.
#[derive(Debug, Clone)]
pub(super) struct KeyPart {
    /// The field of a session in which its value stands.
    pub(super) name: String,
    expression: Expression,
}

#[derive(Debug, Clone)]
enum Expression {
    Field(String),
    First(Vec<Expression>),
    Network(Box<Expression>, Option<u8>),
    Cookie(Box<Expression>, String),
    Claim(Box<Expression>, String),
    Match(Box<Expression>, Regex),
    Lower(Box<Expression>),
    Hash(Box<Expression>),
}

impl KeyPart {
    /// Reads a part: an expression, and `as` with a name where the last part of its first field will not do.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (written, name) = match text.rsplit_once(" as ") {
            Some((written, name)) => (written, Some(name.trim().to_owned())),
            None => (text, None),
        };
        let expression = Expression::parse(written, 0)?;
        let name = name.unwrap_or_else(|| last_part(expression.first_field()).to_owned());
        let is_plain = |c: char| c.is_alphanumeric() || "_-@".contains(c);
        if name.is_empty() || name.len() > 100 || !name.chars().all(is_plain) {
            return Err(format!("\"{name}\" is not a name for a field; write for example {written} as who"));
        }
        Ok(Self { name, expression })
    }

    /// Its value for an event whose request stands in `from`; `None` where it has none.
    pub(super) fn value<'e>(&self, event: &'e Event, from: Option<&str>) -> Option<Cow<'e, str>> {
        self.expression.value(event, from)
    }
}

impl Expression {
    fn parse(text: &str, depth: usize) -> Result<Self, String> {
        let text = text.trim();
        let Some((function, rest)) = text.split_once('(') else { return Self::field(text) };
        let function = function.trim();
        if depth >= MAX_DEPTH {
            return Err(format!("has more than {MAX_DEPTH} functions within one another"));
        }
        let inside =
            rest.strip_suffix(')').ok_or_else(|| format!("\"{text}\" does not end with a bracket"))?;
        let arguments =
            arguments(inside).ok_or_else(|| format!("the brackets or quotes of \"{text}\" do not match"))?;
        let first = || Self::parse(arguments.first().copied().unwrap_or_default(), depth + 1).map(Box::new);
        let second = |what: &str| match arguments[..] {
            [_, second] if !unquoted(second).is_empty() => Ok(unquoted(second).to_owned()),
            _ => Err(format!("{function} takes a field and {what}")),
        };
        match function {
            "first" if (2..=MAX_ARGUMENTS).contains(&arguments.len()) => {
                let all = arguments.iter().map(|argument| Self::parse(argument, depth + 1));
                Ok(Self::First(all.collect::<Result<_, _>>()?))
            }
            "first" => {
                Err(format!("first takes from 2 to {MAX_ARGUMENTS} fields, for example first(user, client)"))
            }
            "network" if arguments.len() == 1 => Ok(Self::Network(first()?, None)),
            "network" => {
                let bits = second("a number of bits")?.parse().ok().filter(|bits| (1..=128).contains(bits));
                let bits = bits.ok_or("a network has from 1 to 128 bits, for example network(client, 24)")?;
                Ok(Self::Network(first()?, Some(bits)))
            }
            "cookie" => Ok(Self::Cookie(
                first()?,
                second("the name of a cookie, for example cookie(header.cookie, sid)")?,
            )),
            "claim" => {
                let what = "the name of a claim, for example claim(header.authorization, sub)";
                Ok(Self::Claim(first()?, second(what)?))
            }
            "match" => Ok(Self::Match(
                first()?,
                pattern(&second("a pattern, for example match(path, '^/t/([^/]+)')")?)?,
            )),
            "lower" | "hash" if arguments.len() != 1 => Err(format!("{function} takes one field")),
            "lower" => Ok(Self::Lower(first()?)),
            "hash" => Ok(Self::Hash(first()?)),
            _ => {
                let hint = nearest(function, FUNCTIONS).map_or_else(
                    || format!("known are {}", FUNCTIONS.join(", ")),
                    |name| format!("did you mean {name}?"),
                );
                Err(format!("\"{function}\" is not a function here ({hint})"))
            }
        }
    }

    fn field(text: &str) -> Result<Self, String> {
        let is_name = |c: char| c.is_alphanumeric() || "._-@[]/".contains(c);
        if text.is_empty() || text.len() > 200 || !text.chars().all(is_name) {
            return Err(format!("\"{text}\" is not the name of a field; write for example client"));
        }
        Ok(Self::Field(text.to_owned()))
    }

    fn first_field(&self) -> &str {
        match self {
            Self::Field(field) => field,
            Self::First(all) => all.first().map_or("", Self::first_field),
            Self::Network(of, _) | Self::Cookie(of, _) | Self::Claim(of, _) | Self::Match(of, _) => {
                of.first_field()
            }
            Self::Lower(of) | Self::Hash(of) => of.first_field(),
        }
    }

    fn value<'e>(&self, event: &'e Event, from: Option<&str>) -> Option<Cow<'e, str>> {
        let value: Cow<'e, str> = match self {
            Self::Field(field) => {
                let path = from.map_or(Cow::Borrowed(field), |from| Cow::Owned(format!("{from}.{field}")));
                match event.field(&path)? {
                    Value::Null => return None,
                    Value::String(text) => Cow::Borrowed(text),
                    other => Cow::Owned(other.to_string()),
                }
            }
            Self::First(all) => all.iter().find_map(|one| one.value(event, from))?,
            Self::Network(of, bits) => {
                let value = of.value(event, from)?;
                // What is no address is told apart as it is.
                network(&value, *bits).map_or(value, Cow::Owned)
            }
            Self::Cookie(of, name) => Cow::Owned(cookie(&of.value(event, from)?, name)?),
            Self::Claim(of, name) => Cow::Owned(claim(&of.value(event, from)?, name)?),
            Self::Match(of, pattern) => {
                let value = of.value(event, from)?;
                let found = pattern.captures(&value)?;
                Cow::Owned(found.get(1).or_else(|| found.get(0))?.as_str().to_owned())
            }
            Self::Lower(of) => Cow::Owned(of.value(event, from)?.to_lowercase()),
            Self::Hash(of) => {
                let hash = content::sha256(of.value(event, from)?.as_bytes());
                Cow::Owned(hash.get(..N_HASH)?.to_owned())
            }
        };
        (!value.is_empty()).then_some(value)
    }
}

/// The last part of a field's name.
fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// What stands between commas that are in no bracket and no quotes; `None` where these do not match.
fn arguments(text: &str) -> Option<Vec<&str>> {
    let (mut found, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.checked_sub(1)?,
            (None, ',') if depth == 0 => {
                found.push(text.get(start..at)?.trim());
                start = at + 1;
            }
            (None, _) => {}
        }
    }
    found.push(text.get(start..)?.trim());
    (depth == 0 && quote.is_none()).then_some(found)
}

/// A text without the quotes around it.
fn unquoted(text: &str) -> &str {
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    within('\'').or_else(|| within('"')).unwrap_or(text)
}

fn pattern(text: &str) -> Result<Regex, String> {
    let built =
        RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES).build();
    built.map_err(|error| format!("\"{text}\" is not a pattern: {error}"))
}

/// The network of an address, as `203.0.113.0/24`.
fn network(text: &str, bits: Option<u8>) -> Option<String> {
    let address = match text.parse::<IpAddr>().ok()? {
        // The same client, seen through another socket.
        IpAddr::V6(address) => address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4),
        address @ IpAddr::V4(_) => address,
    };
    Some(match address {
        IpAddr::V4(address) => {
            let bits = bits.unwrap_or(24).min(32);
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            format!("{}/{bits}", Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let bits = bits.unwrap_or(64).min(128);
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            format!("{}/{bits}", Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    })
}

/// The value of a cookie in a header `Cookie`.
fn cookie(header: &str, name: &str) -> Option<String> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    Some(value.trim_matches('"').to_owned())
}

/// A claim of a JSON Web Token, with or without `Bearer` before it. Whether it is genuine is for whoever serves the request to check.
fn claim(token: &str, name: &str) -> Option<String> {
    let token = token.rsplit(' ').next().filter(|token| token.len() <= MAX_TOKEN_BYTES)?;
    let claims = token.split('.').nth(1)?;
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    match serde_json::from_slice::<Value>(&claims).ok()?.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example of RFC 7519, section 3.1: issued by joe.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                         cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    #[track_caller]
    fn check(text: &str, name: &str, value: Option<&str>) {
        let part = KeyPart::parse(text).unwrap();
        let Value::Object(fields) = json!({
            "client": "203.0.113.7", "user": null, "agent": "Curl/8", "tenant": 7, "path": "/t/acme/orders/5", "six": "2001:db8:1:2:3::4",
            "header": { "cookie": "theme=dark; sid=\"abc\"; x", "authorization": format!("Bearer {TOKEN}") },
        }) else {
            panic!()
        };
        let event = Event { time_ms: 0, fields };
        assert_eq!((&*part.name, part.value(&event, None).as_deref()), (name, value), "{text}");
    }

    #[test]
    fn keys_are_made_of_fields() {
        check("client", "client", Some("203.0.113.7"));
        check("header.cookie", "cookie", Some("theme=dark; sid=\"abc\"; x"));
        check("tenant", "tenant", Some("7"));
        check("user", "user", None);
        check("first(user, client)", "user", Some("203.0.113.7"));
        check("first( user , missing )", "user", None);
        check("network(client)", "client", Some("203.0.113.0/24"));
        check("network(client, 32)", "client", Some("203.0.113.7/32"));
        check("network(six)", "six", Some("2001:db8:1:2::/64"));
        check("network(agent)", "agent", Some("Curl/8"));
        check("cookie(header.cookie, sid) as session", "session", Some("abc"));
        check("cookie(header.cookie, si)", "cookie", None);
        check("claim(header.authorization, iss) as issuer", "issuer", Some("joe"));
        check("claim(header.authorization, exp)", "authorization", Some("1300819380"));
        check("claim(client, iss)", "client", None);
        check("match(path, '^/t/([^/,)]+)/') as who", "who", Some("acme"));
        check("match(path, orders)", "path", Some("orders"));
        check("lower(agent)", "agent", Some("curl/8"));
        // The hash is that of `printf abc | sha256sum`.
        check("hash(cookie(header.cookie, sid)) as session", "session", Some("ba7816bf8f01cfea"));
        check(
            "first(claim(header.authorization, sub), user, network(client)) as who",
            "who",
            Some("203.0.113.0/24"),
        );
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, why) in [
            ("", "is not the name of a field"),
            ("client agent", "is not the name of a field"),
            ("frist(user, client)", "did you mean first?"),
            ("first(user)", "takes from 2"),
            ("network(client, 0)", "from 1 to 128 bits"),
            ("network(client", "does not end with a bracket"),
            ("first(user, network(client)", "do not match"),
            ("match(path, '(')", "is not a pattern"),
            ("cookie(header.cookie)", "the name of a cookie"),
            ("lower(agent, client)", "takes one field"),
            ("client as a.b", "is not a name for a field"),
            ("lower(lower(lower(lower(lower(lower(lower(lower(lower(x)))))))))", "more than 8"),
        ] {
            let problem = KeyPart::parse(text).unwrap_err();
            assert!(problem.contains(why), "{text}: {problem}");
        }
    }
}
