//! A request, and the records in it.

use serde_json::{Map, Value};

use super::data;
use super::encoding::Encoding;
use super::error::OtlpError;
use super::message::{Message, Names};

/// A request, decompressed.
#[derive(Debug)]
pub enum Body<'a> {
    /// Protocol buffers, as they lie.
    Protobuf(&'a [u8]),
    /// A JSON object.
    Json(Map<String, Value>),
}

impl<'a> Body<'a> {
    /// The request in `bytes`. Protocol buffers are read later, as they are walked.
    ///
    /// # Errors
    /// [`OtlpError::Json`].
    pub fn new(encoding: Encoding, bytes: &'a [u8]) -> Result<Self, OtlpError> {
        match encoding {
            Encoding::Protobuf => Ok(Self::Protobuf(bytes)),
            Encoding::Json => serde_json::from_slice(bytes)
                .map(Self::Json)
                .map_err(|error| OtlpError::Json(error.to_string())),
        }
    }

    fn root(&self) -> Message<'_> {
        match self {
            Self::Protobuf(bytes) => Message::Protobuf(bytes),
            Self::Json(fields) => Message::Json(fields),
        }
    }

    /// Calls `on_record` for each record in it, with the resource that it belongs to: all requests are a list of resources, each
    /// with scopes, each with records.
    /// - `names`: what the three lists are called in JSON
    pub(super) fn each_record<'b, R>(
        &'b self,
        names: &[&'static str; 3],
        mut of_resource: impl FnMut(Map<String, Value>) -> R,
        mut on_record: impl FnMut(&R, Message<'b>),
    ) -> Result<(), OtlpError> {
        self.root().each(&[(1, names[0])], |_, resource| {
            let resource = resource.message()?;
            let mut attributes = Map::new();
            resource.each(RESOURCE, |_, field| {
                field.message()?.each(ATTRIBUTES_FIRST, |_, field| data::attribute(field, &mut attributes))
            })?;
            let of = of_resource(attributes);
            resource.each(&[(2, names[1])], |_, scope| {
                scope.message()?.each(&[(2, names[2])], |_, record| {
                    on_record(&of, record.message()?);
                    Ok(())
                })
            })
        })
    }
}

const RESOURCE: Names = &[(1, "resource")];
const ATTRIBUTES_FIRST: Names = &[(1, "attributes")];
