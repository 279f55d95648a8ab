//! One function for each decoder of untrusted bytes, and the replay of what fuzzing found.
//!
//! Each [`Decoder`] takes arbitrary bytes and may refuse them; it must not panic, hang or take memory that the bytes do not
//! justify. `fuzz/` drives them with libFuzzer, `tests/replay.rs` feeds them the corpora of `fuzz/corpus` on every test run.

mod records;
mod requests;
mod settings;
mod stored;

pub use requests::pair;

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

/// Every decoder.
pub const DECODERS: &[Decoder] = &[
    requests::REQUEST,
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
    settings::LISTENERS,
    settings::CONFIG_VALUES,
    settings::NAMES,
];

/// The decoder of that name.
pub fn decoder(name: &str) -> Option<&'static Decoder> {
    DECODERS.iter().find(|decoder| decoder.name == name)
}
