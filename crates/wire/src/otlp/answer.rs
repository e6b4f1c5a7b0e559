//! What the sender of a request is told.

use serde_json::json;

use super::encoding::Encoding;

/// The body of an answer with status 200: empty where everything was taken, else how many records were refused, and why.
/// - `rejected`: what the count is called in JSON, such as `rejectedSpans`
#[must_use]
pub fn success(encoding: Encoding, rejected: &'static str, n_rejected: u64, why: &str) -> Vec<u8> {
    let is_whole = n_rejected == 0 && why.is_empty();
    match encoding {
        Encoding::Json if is_whole => b"{}".to_vec(),
        // Whole numbers of 64 bits are text.
        Encoding::Json => {
            let count = n_rejected.to_string();
            json!({ "partialSuccess": { rejected: count, "errorMessage": why } }).to_string().into_bytes()
        }
        Encoding::Protobuf if is_whole => Vec::new(),
        Encoding::Protobuf => {
            let mut partial = Vec::new();
            if n_rejected > 0 {
                partial.push(1 << 3);
                varint(&mut partial, n_rejected);
            }
            bytes(&mut partial, 2, why.as_bytes());
            let mut answer = Vec::new();
            bytes(&mut answer, 1, &partial);
            answer
        }
    }
}

/// The body of an answer that refuses the request: a `Status` with the message.
/// - `code`: a code of gRPC
#[must_use]
pub fn failure(encoding: Encoding, code: u8, message: &str) -> Vec<u8> {
    match encoding {
        Encoding::Json => json!({ "code": code, "message": message }).to_string().into_bytes(),
        Encoding::Protobuf => {
            let mut status = vec![1 << 3, code & 127];
            bytes(&mut status, 2, message.as_bytes());
            status
        }
    }
}

fn bytes(out: &mut Vec<u8>, field: u8, content: &[u8]) {
    out.push(field << 3 | 2);
    varint(out, content.len() as u64);
    out.extend_from_slice(content);
}

/// Seven bits a byte, the lowest first.
fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 127 {
        out.push(number as u8 & 127 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::{Value, fields};

    #[test]
    fn answers_are_read_as_they_are_meant() {
        for encoding in [Encoding::Json, Encoding::Protobuf] {
            assert!(success(encoding, "rejectedSpans", 0, "").len() <= 2);
        }
        let json = success(Encoding::Json, "rejectedSpans", 3, "no");
        assert_eq!(json, br#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#);
        let why = "x".repeat(300);
        let answer = success(Encoding::Protobuf, "rejectedSpans", 300, &why);
        let Some(Ok((1, Value::Bytes(partial)))) = fields(&answer).next() else { panic!("{answer:?}") };
        let partial: Vec<_> = fields(partial).collect::<Result<_, _>>().unwrap();
        assert_eq!(partial, [(1, Value::Varint(300)), (2, Value::Bytes(why.as_bytes()))]);
        let status = failure(Encoding::Protobuf, 3, "no");
        let status: Vec<_> = fields(&status).collect::<Result<_, _>>().unwrap();
        assert_eq!(status, [(1, Value::Varint(3)), (2, Value::Bytes(b"no"))]);
    }
}
