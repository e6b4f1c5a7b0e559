//! What was sent, decompressed.

use std::io::Read as _;

use bytes::Bytes;

use super::error::IntakeError;

/// The body, decompressed when its encoding is gzip; at most `limit` bytes either way.
///
/// # Errors
/// When it is too large, not gzip, or in another encoding.
pub(super) fn decoded(limit: usize, encoding: &str, body: Bytes) -> Result<Bytes, IntakeError> {
    match encoding {
        "identity" | "" => Ok(body),
        "gzip" => {
            let mut plain = Vec::new();
            let mut reader = flate2::read::MultiGzDecoder::new(&body[..]).take(limit as u64 + 1);
            let read = reader.read_to_end(&mut plain);
            read.map_err(|error| IntakeError::Unreadable(format!("the body is not gzip: {error}")))?;
            if plain.len() > limit { Err(IntakeError::TooLarge { limit }) } else { Ok(plain.into()) }
        }
        other => Err(IntakeError::Encoding(other.to_owned())),
    }
}

/// The body, decompressed from Snappy's block format; at most `limit` bytes, which the body says beforehand.
///
/// # Errors
/// When it is too large, or not Snappy.
pub(super) fn from_snappy(limit: usize, body: &[u8]) -> Result<Vec<u8>, IntakeError> {
    let failed = |error| IntakeError::Unreadable(format!("the body is not Snappy: {error}"));
    if snap::raw::decompress_len(body).map_err(failed)? > limit {
        return Err(IntakeError::TooLarge { limit });
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(failed)
}
