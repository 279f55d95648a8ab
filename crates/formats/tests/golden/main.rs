//! Golden files: bytes that a released broker may have written, and what they mean.
//!
//! Each `.hex` file is what the encoder of its version makes of the values here, and must be read for ever. A changed
//! file is a broken format: add a version and a file instead. To write a file that is missing, run the test with
//! `GOLDEN=write`.

#![expect(clippy::unwrap_used, reason = "tests, helpers included, say what broke by panicking")]

mod index_object;
mod inter_broker;
mod metadata;
mod offsets_topic;
mod record_batch;
mod segment;
mod snapshot;
mod transactions_topic;
mod wal;

use std::path::PathBuf;

/// The bytes of `tests/golden/{name}.hex`.
fn golden(name: &str) -> Vec<u8> {
    let text = std::fs::read_to_string(path(name))
        .unwrap_or_else(|error| panic!("{name}: {error}; GOLDEN=write makes a missing file"));
    hex::decode(text.split_whitespace().collect::<String>()).unwrap()
}

/// Compares `bytes` with the golden file.
fn assert_golden(name: &str, bytes: &[u8]) {
    if !path(name).exists() && std::env::var("GOLDEN").is_ok_and(|value| value == "write") {
        let lines: Vec<_> = bytes.chunks(32).map(hex::encode).collect();
        std::fs::write(path(name), lines.join("\n") + "\n").unwrap();
    }
    assert_eq!(hex::encode(bytes), hex::encode(golden(name)), "{name} is not what it was");
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.hex"))
}
