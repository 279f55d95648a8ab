//! What brokers tell each other beyond Kafka's messages, in prost. Schema: `proto/inter_broker.proto`; words:
//! `docs/formats/inter-broker.md`. Nothing of it is kept.

#[expect(missing_docs, reason = "generated; the schema has the words")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/alluvium.inter_broker.v1.rs"));
}

pub use generated::*;

use bytes::Bytes;
use prost::Message;

/// The format that is written, and the highest that is read.
const FORMAT: u32 = 1;

/// A request of more bytes is refused: decoded, it would take many times as much.
const REQUEST_MAX_BYTES: usize = 1 << 20;

/// Bytes of another broker that are no message of this format.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum InterBrokerError {
    /// It is no message.
    #[error("not a message of a broker: {0}")]
    Malformed(String),
    /// It is of a newer broker.
    #[error("format {0} is not known")]
    Format(u32),
}

impl NoticesRequest {
    /// As bytes, under the format of this program.
    pub fn to_bytes(&self) -> Bytes {
        Self { format: FORMAT, ..self.clone() }.encode_to_vec().into()
    }

    /// Reads what [`NoticesRequest::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`InterBrokerError`].
    pub fn from_bytes(bytes: Bytes) -> Result<Self, InterBrokerError> {
        if bytes.len() > REQUEST_MAX_BYTES {
            return Err(InterBrokerError::Malformed(format!("{} bytes", bytes.len())));
        }
        let request: Self = read(bytes)?;
        checked(request.format).map(|()| request)
    }
}

impl NoticesAnswer {
    /// As bytes, under the format of this program.
    pub fn to_bytes(mut self) -> Bytes {
        self.format = FORMAT;
        self.encode_to_vec().into()
    }

    /// Reads what [`NoticesAnswer::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`InterBrokerError`].
    pub fn from_bytes(bytes: Bytes) -> Result<Self, InterBrokerError> {
        let answer: Self = read(bytes)?;
        checked(answer.format).map(|()| answer)
    }
}

fn read<M: Message + Default>(bytes: Bytes) -> Result<M, InterBrokerError> {
    M::decode(bytes).map_err(|error| InterBrokerError::Malformed(error.to_string()))
}

fn checked(format: u32) -> Result<(), InterBrokerError> {
    if format == FORMAT { Ok(()) } else { Err(InterBrokerError::Format(format)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_and_a_newer_one_is_refused() {
        let request = NoticesRequest { position: 7, ..NoticesRequest::default() };
        let read = NoticesRequest::from_bytes(request.to_bytes()).unwrap();
        assert_eq!((read.format, read.position), (1, 7));
        let newer = NoticesRequest { format: 2, ..request }.encode_to_vec().into();
        assert_eq!(NoticesRequest::from_bytes(newer), Err(InterBrokerError::Format(2)));
    }

    #[test]
    fn bytes_that_are_no_message_are_refused() {
        let refused = NoticesAnswer::from_bytes(Bytes::from_static(&[0xff; 9]));
        assert!(matches!(refused, Err(InterBrokerError::Malformed(_))), "{refused:?}");
        let unserved = vec![Partition::default(); REQUEST_MAX_BYTES / 2 + 1];
        let large = NoticesRequest { unserved, ..NoticesRequest::default() };
        let refused = NoticesRequest::from_bytes(large.to_bytes());
        assert!(matches!(refused, Err(InterBrokerError::Malformed(_))));
    }
}
