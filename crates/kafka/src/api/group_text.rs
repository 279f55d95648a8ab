//! Texts of groups: copied out of requests, whose memory they would keep, and into answers.

use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// A text of a request, of its own.
pub(super) fn shared(text: &StrBytes) -> Arc<str> {
    Arc::from(text.as_str())
}

/// A text for an answer.
pub(super) fn wire(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
