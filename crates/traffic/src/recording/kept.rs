//! A recording as bytes: its names as a line of JSON, then 43 bytes for each call, and where the log names sessions, 4 more for each at
//! the end.

use serde::{Deserialize, Serialize};

use super::{Names, Recording};
use crate::call::{Call, Method, Object};
use crate::endpoints::UNKNOWN;

/// Bytes of a call, and of the session that the log names for it.
const RECORD: usize = 43;
const TAG: usize = 4;

#[derive(Serialize, Deserialize)]
struct Head {
    keys: Vec<String>,
    shapes: Vec<String>,
    n_found: Vec<u64>,
    n_calls: usize,
    /// Sessions that the log names; the first is that of calls without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

impl Recording {
    /// Writes it at the end of `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let texts = |names: &Names| -> Vec<String> { names.texts.iter().map(ToString::to_string).collect() };
        let has_tags = self.tags.texts.len() > 1;
        let head = Head {
            keys: texts(&self.keys),
            shapes: texts(&self.shapes),
            n_found: self.n_found.clone(),
            n_calls: self.calls.len(),
            tags: if has_tags { texts(&self.tags) } else { Vec::new() },
        };
        out.extend(serde_json::to_vec(&head).unwrap_or_default());
        out.push(b'\n');
        for (key, shape, call) in &self.calls {
            write_call(*key, *shape, call, out);
        }
        if has_tags {
            out.extend(self.calls.iter().flat_map(|(.., call)| call.tag.to_le_bytes()));
        }
    }

    /// Reads what [`Recording::write`] wrote; `None` if it is damaged.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let (head, records) = bytes.split_at_checked(end)?;
        let head: Head = serde_json::from_slice(head).ok()?;
        let records = records.get(1..)?;
        let (records, tags) = records.split_at_checked(head.n_calls.checked_mul(RECORD)?)?;
        let n_tags = if head.tags.is_empty() { 0 } else { head.n_calls };
        if tags.len() != n_tags.checked_mul(TAG)? || head.n_found.len() != head.shapes.len() {
            return None;
        }
        let mut recording = Self::new(super::KeyBy::default());
        head.keys.iter().for_each(|key| _ = recording.keys.number(key));
        head.shapes.iter().for_each(|shape| _ = recording.shapes.number(shape));
        head.tags.iter().for_each(|tag| _ = recording.tags.number(tag));
        recording.n_found = head.n_found;
        let is_known = |(key, shape, _): &(u32, u32, Call)| {
            (*key as usize) < recording.keys.texts.len() && (*shape as usize) < recording.shapes.texts.len()
        };
        let calls: Option<Vec<_>> = records.chunks_exact(RECORD).map(read_call).collect();
        recording.calls = calls.filter(|calls| calls.iter().all(is_known))?;
        for ((.., call), tag) in recording.calls.iter_mut().zip(tags.as_chunks::<TAG>().0) {
            call.tag = u32::from_le_bytes(*tag);
            recording.tags.texts.get(call.tag as usize)?;
        }
        Some(recording)
    }
}

fn write_call(key: u32, shape: u32, call: &Call, out: &mut Vec<u8>) {
    let method = match call.method {
        Method::Read => 0,
        Method::Write => 1,
        Method::Other => 2,
    };
    let (kind, object) = match call.object {
        None => (0, 0),
        Some(Object::Number(number)) => (1, number),
        Some(Object::Name(hash)) => (2, hash),
    };
    let flags = [call.is_polluted, call.is_marked, call.is_malformed, call.is_login];
    let flags = flags.iter().zip(4..).map(|(flag, bit)| u8::from(*flag) << bit).sum::<u8>();
    out.extend(key.to_le_bytes());
    out.extend(shape.to_le_bytes());
    out.extend(call.time_ms.to_le_bytes());
    out.extend(call.status.to_le_bytes());
    out.push(method | kind << 2 | flags);
    for hash in [object, call.path, call.agent] {
        out.extend(hash.to_le_bytes());
    }
}

fn read_call(record: &[u8]) -> Option<(u32, u32, Call)> {
    let (key, rest) = record.split_first_chunk()?;
    let (shape, rest) = rest.split_first_chunk()?;
    let (time_ms, rest) = rest.split_first_chunk()?;
    let (status, rest) = rest.split_first_chunk()?;
    let (flags, rest) = rest.split_first()?;
    let (object, rest) = rest.split_first_chunk()?;
    let (path, rest) = rest.split_first_chunk()?;
    let (agent, _) = rest.split_first_chunk()?;
    let has = |bit: u8| flags & (1 << bit) != 0;
    let object = u64::from_le_bytes(*object);
    let call = Call {
        time_ms: i64::from_le_bytes(*time_ms),
        endpoint: UNKNOWN,
        tag: 0,
        status: u16::from_le_bytes(*status),
        method: [Method::Read, Method::Write, Method::Other].get(usize::from(flags & 3)).copied()?,
        object: match flags >> 2 & 3 {
            0 => None,
            1 => Some(Object::Number(object)),
            _ => Some(Object::Name(object)),
        },
        path: u64::from_le_bytes(*path),
        agent: u64::from_le_bytes(*agent),
        is_polluted: has(4),
        is_marked: has(5),
        is_malformed: has(6),
        is_login: has(7),
    };
    Some((u32::from_le_bytes(*key), u32::from_le_bytes(*shape), call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyBy, Request};

    #[test]
    fn it_reads_back() {
        reads_back(false);
        reads_back(true);
    }

    fn reads_back(has_tags: bool) {
        let mut recording = Recording::new(KeyBy::default());
        for (i, line) in [
            "GET /users/7?a=1&a=2 HTTP/1.1",
            "POST /login HTTP/1.1",
            "OPTIONS /.env HTTP/1.1",
            "\\x16\\x03",
            "GET /c/9f86d081884c7d65 HTTP/1.1",
        ]
        .iter()
        .enumerate()
        {
            let mut request = Request { time_ms: i as i64 - 2, status: Some(404), ..Request::default() };
            request.set_line(line);
            if has_tags && i > 0 {
                request.session = format!("session {i}").into();
            }
            recording.add_of(&format!("client {i}"), &request);
        }
        let mut bytes = Vec::new();
        recording.write(&mut bytes);
        let again = Recording::read(&bytes).unwrap();
        assert_eq!((again.tag(0), again.tag(2)), ("", if has_tags { "session 2" } else { "" }));
        assert_eq!(format!("{:?}", again.calls), format!("{:?}", recording.calls));
        assert_eq!((again.keys.texts, again.shapes.texts), (recording.keys.texts, recording.shapes.texts));
        for length in 0..bytes.len() {
            assert!(Recording::read(&bytes[..length]).is_none(), "{length}");
        }
    }
}
