//! Kafka's request schemas as tables, and the walk that checks a request against them.
//!
//! Decoders that trust a length allocate what a client says, not what it sent. So a request is walked before anything
//! decodes it: [`walk`] follows the table of its API key and version through the bytes, and takes a length only where as
//! many bytes are left. What passes can be decoded, and [`Walked::decoded_bytes`] bounds the memory that this takes. The
//! tables (`requests.rs`) are facts of Kafka's published schemas, written by `tools/request-schemas` (ADR 12).

mod cursor;
mod message;
#[rustfmt::skip]
mod requests;
pub mod sample;
mod versions;
mod walk;

pub use message::{Field, Kind, Message, Tag};
pub use requests::{REQUEST_HEADER, REQUESTS};
pub use versions::Versions;
pub use walk::{Reason, WalkError, Walked, walk};

/// The schema of an API's requests; `None` for a key that the tables do not have.
pub const fn request(api_key: i16) -> Option<&'static Message> {
    let mut rest = REQUESTS;
    while let [message, others @ ..] = rest {
        if message.api_key == api_key {
            return Some(message);
        }
        rest = others;
    }
    None
}
