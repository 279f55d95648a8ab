//! One function for each decoder of untrusted bytes, and the replay of what fuzzing found.
//!
//! Each [`Decoder`] takes arbitrary bytes and may refuse them; it must not panic, hang or take memory that the bytes do not
//! justify. `fuzz/` drives them with libFuzzer; every test run feeds them the corpora of `fuzz/corpus`, as they are
//! (`tests/replay.rs`) and changed (`tests/mutations.rs`).

mod http;
mod log_ins;
mod peers;
mod records;
mod requests;
mod stored;
mod text;

pub use requests::pair;

use std::{fs, path::Path};

/// A decoder of untrusted bytes.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// Feeds it.
    pub run: fn(&[u8]),
    /// Valid input to start from, made by our own encoders.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

impl Decoder {
    /// What fuzzing has kept for it: `fuzz/corpus/{name}.hex`, one input a line.
    ///
    /// # Errors
    /// A sentence, when there is no such file or a line of it is not hex.
    pub fn corpus(&self) -> Result<Vec<Vec<u8>>, String> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        let path = directory.join(self.name).with_extension("hex");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let inputs = text.lines().map(hex::decode).collect::<Result<_, _>>();
        inputs.map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Every decoder.
pub const DECODERS: &[Decoder] = &[
    requests::REQUEST,
    log_ins::SASL_PLAIN,
    log_ins::SASL_SCRAM,
    log_ins::SASL_SCRAM_CLIENT,
    log_ins::SASL_OAUTHBEARER,
    log_ins::TOKEN,
    log_ins::KEY_SET,
    http::HTTP,
    peers::NOTICES,
    records::RECORD_BATCH,
    records::RECORDS,
    records::DECOMPRESSION,
    records::MARKER,
    stored::WAL_FILE_HEADER,
    stored::WAL_GROUP_HEADER,
    stored::WAL_FRAME_HEADER,
    stored::WAL_IDENTITY,
    stored::SEGMENT_FOOTER,
    stored::INDEX_DIRECTORY,
    stored::INDEX_PARTITION,
    stored::METADATA_VALUE,
    stored::MANIFEST_REST,
    stored::PRODUCER_SNAPSHOT,
    stored::SNAPSHOT_PART,
    stored::SNAPSHOT_HEAD,
    text::LISTENERS,
    text::CONFIG_VALUES,
    text::NAMES,
    text::SETTINGS_FILE,
    text::BOOTSTRAP_SERVERS,
    text::STORE_URL,
];

/// The decoder of that name.
pub fn decoder(name: &str) -> Option<&'static Decoder> {
    DECODERS.iter().find(|decoder| decoder.name == name)
}
