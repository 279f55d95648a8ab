//! Doors for `crates/fuzzing` to what is private otherwise. No part of the API.

use crate::{manifest_rest::Rest, producer_state::ProducerStates};
use formats::metadata::ProducerSnapshot;
use prost::Message;

/// Reads the part of a manifest that lies in an object, and writes what it understood. `None` when it refuses the bytes.
pub fn rewrite_manifest_rest(bytes: &[u8]) -> Option<Vec<u8>> {
    Rest::decode(bytes).ok().map(|rest| rest.encode().into())
}

/// The same for the producer state of a manifest.
pub fn rewrite_producer_snapshot(bytes: &[u8]) -> Option<Vec<u8>> {
    let states = ProducerStates::from_snapshot(&ProducerSnapshot::decode(bytes).ok()?)?;
    Some(states.to_snapshot().encode_to_vec())
}
