//! Request frames, of any API and version.

use crate::Decoder;
use kafka::FrameError;
use request_schema::{
    REQUESTS,
    sample::{Content, Sample},
};

/// A request without its frame's length; API key and version are part of the input.
pub(crate) const REQUEST: Decoder = Decoder { name: "request", run, seeds };

fn run(bytes: &[u8]) {
    let checked = kafka::check_request(bytes.to_vec().into());
    if let Err(error @ FrameError::Undecodable { .. }) = checked {
        panic!("{error}");
    }
    // The tables of APIs that are not served yet are walked too.
    if let (Some((api_key, version)), Some(rest)) = (pair(bytes), bytes.get(8..))
        && let Some(message) = request_schema::request(api_key)
    {
        let _ = request_schema::walk(message, version, rest, 1 << 20);
    }
}

/// API key and version of a request.
pub fn pair(bytes: &[u8]) -> Option<(i16, i16)> {
    let (key, rest) = bytes.split_first_chunk()?;
    let (version, _) = rest.split_first_chunk()?;
    Some((i16::from_be_bytes(*key), i16::from_be_bytes(*version)))
}

fn seeds() -> Vec<Vec<u8>> {
    let pairs = REQUESTS.iter().flat_map(|message| {
        (message.versions.min..=message.versions.max).map(move |version| (message, version))
    });
    pairs
        .map(|(message, version)| Sample::new(message, version, 1, Content::Typical).bytes)
        .collect()
}
