//! Frames: a length of four bytes, then a request or a response.
//!
//! The first eight bytes of every request are the same in all versions (key, version, correlation id); they are read by hand before
//! the protocol crate sees anything.

use crate::{
    answers::{Answer, Responding},
    budget::Reservation,
    rope::{Rope, RopeWriter},
};
use bytes::{Buf, BufMut, Bytes};
use kafka_protocol::{
    messages::ResponseHeader,
    protocol::{Encodable, HeaderVersion, StrBytes},
};
use std::collections::VecDeque;

/// Bytes of a request's fixed head.
const HEAD_BYTES: usize = 8;

/// Why bytes of a client are no request. The connection is closed: nothing after them can be trusted.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// A length outside the limits.
    #[error(
        "a frame of {length} bytes; at most {limit} are taken (socket.request.max.bytes, or less before logging in)"
    )]
    Length {
        /// As sent.
        length: i32,
        /// The limit.
        limit: usize,
    },
    /// Too short to say what it is.
    #[error("a request of {0} bytes has no header")]
    NoHeader(usize),
    /// A key that is not served.
    #[error("api key {0} is not served")]
    UnknownApi(i16),
    /// A version that is not served.
    #[error("version {version} of {api} is not served")]
    UnsupportedVersion {
        /// The API's name.
        api: &'static str,
        /// As sent.
        version: i16,
    },
    /// A request of somebody who has not logged in, or not lately.
    #[error("{0} was asked for before logging in")]
    NotAuthenticated(&'static str),
    /// It does not follow its schema.
    #[error("{api} version {version} does not parse: {error}")]
    Malformed {
        /// The API's name.
        api: &'static str,
        /// As sent.
        version: i16,
        /// Where, and what is wrong.
        error: request_schema::WalkError,
    },
    /// It follows its schema and can't be decoded: the schema and the decoder disagree, which is a bug here.
    #[error("{api} version {version} follows its schema and can't be decoded: {reason}")]
    Undecodable {
        /// The API's name.
        api: &'static str,
        /// As sent.
        version: i16,
        /// The decoder's words.
        reason: String,
    },
}

/// Checks a frame's length against `limit`, both in bytes.
///
/// # Errors
/// [`FrameError::Length`].
pub(crate) fn checked_length(length: i32, limit: usize) -> Result<usize, FrameError> {
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= limit)
        .ok_or(FrameError::Length { length, limit })
}

/// What every request says first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RequestHead {
    /// Which API.
    pub(crate) api_key: i16,
    /// Which version of it.
    pub(crate) version: i16,
    /// Repeated in the answer.
    pub(crate) correlation_id: i32,
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct RequestFrame {
    /// Its head.
    pub(crate) head: RequestHead,
    /// The rest of the header and the body.
    pub(crate) rest: Bytes,
    /// What it holds of the request budgets.
    pub(crate) held: Vec<Reservation>,
}

impl RequestFrame {
    /// Splits the head from the rest.
    ///
    /// # Errors
    /// [`FrameError::NoHeader`] below eight bytes.
    pub(crate) fn parse(mut bytes: Bytes, held: Vec<Reservation>) -> Result<Self, FrameError> {
        if bytes.len() < HEAD_BYTES {
            return Err(FrameError::NoHeader(bytes.len()));
        }
        let head = RequestHead {
            api_key: bytes.get_i16(),
            version: bytes.get_i16(),
            correlation_id: bytes.get_i32(),
        };
        Ok(Self { head, rest: bytes, held })
    }
}

/// Takes the rest of a request header of that version from the front of `rest` and answers the client id.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn take_client_id(
    rest: &mut Bytes,
    header_version: i16,
) -> Result<Option<StrBytes>, String> {
    let length = rest.try_get_i16().map_err(|_| "no client id".to_owned())?;
    let client_id = match usize::try_from(length) {
        Err(_) => None,
        Ok(length) if length > rest.len() => return Err("client id longer than the frame".into()),
        Ok(length) => {
            let text = StrBytes::try_from(rest.split_to(length));
            Some(unpinned(&text.map_err(|_| "client id is not UTF-8".to_owned())?))
        }
    };
    if header_version >= 2 {
        skip_tagged_fields(rest)?;
    }
    Ok(client_id)
}

/// A copy of what a request says: a slice would keep the whole request in memory until it is answered.
pub(crate) fn unpinned(text: &StrBytes) -> StrBytes {
    StrBytes::from_string(text.to_string())
}

fn skip_tagged_fields(rest: &mut Bytes) -> Result<(), String> {
    for _ in 0..take_varint(rest)? {
        take_varint(rest)?;
        let length = take_varint(rest)? as usize;
        if length > rest.len() {
            return Err("tagged field longer than the frame".into());
        }
        rest.advance(length);
    }
    Ok(())
}

fn take_varint(rest: &mut Bytes) -> Result<u32, String> {
    let mut value = 0_u32;
    for shift in (0..35).step_by(7) {
        let byte = rest.try_get_u8().map_err(|_| "header ends early".to_owned())?;
        value |= u32::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("number of more than five bytes".into())
}

/// A response that can be encoded for a version.
pub(crate) trait Reply: Send + 'static {
    /// Version of the header that goes before it.
    fn header_version(version: i16) -> i16;

    /// Splits it into a message, the records that its placeholders stand for, and what is to be held until it is written.
    fn into_parts(self) -> (impl Encodable, VecDeque<Rope>, Vec<Reservation>);
}

impl<T: Encodable + HeaderVersion + Send + 'static> Reply for T {
    fn header_version(version: i16) -> i16 {
        <T as HeaderVersion>::header_version(version)
    }

    fn into_parts(self) -> (impl Encodable, VecDeque<Rope>, Vec<Reservation>) {
        (self, VecDeque::new(), Vec::new())
    }
}

/// Encodes an answer, length first.
///
/// # Errors
/// In words, when a field has a value that the version can't carry: a bug of the handler.
pub(crate) fn encode_response<R: Reply>(head: RequestHead, reply: R) -> Result<Answer, String> {
    let header_version = R::header_version(head.version);
    let header = ResponseHeader::default().with_correlation_id(head.correlation_id);
    let (body, records, held) = reply.into_parts();
    let header_bytes = header.compute_size(header_version).map_err(|error| error.to_string())?;
    let body_bytes = body.compute_size(head.version).map_err(|error| error.to_string())?;
    let record_bytes: usize = records.iter().map(Buf::remaining).sum();
    let length = i32::try_from(header_bytes + body_bytes)
        .map_err(|_| "the answer is larger than a frame can be".to_owned())?;
    let mut writer =
        RopeWriter::new((4 + header_bytes + body_bytes).saturating_sub(record_bytes), records);
    writer.put_i32(length);
    header.encode(&mut writer, header_version).map_err(|error| error.to_string())?;
    body.encode(&mut writer, head.version).map_err(|error| error.to_string())?;
    let frame = writer.finish();
    if frame.remaining() == 4 + header_bytes + body_bytes {
        Ok(Answer { frame, held, responding: Responding::default() })
    } else {
        Err("the answer's size was computed wrongly".into())
    }
}
