//! Names of objects: `{kind}/{hash}/{session}/…-{random}`. The hash spreads them over the store's partitions, the random part
//! gives every upload a name of its own.

use model::SessionId;
use runtime::Randomness;
use storage::ObjectName;

/// A segment: `data/{hash}/{session}/{seq}-{random}`.
pub(crate) fn segment(session: SessionId, seq: u64, randomness: &Randomness) -> ObjectName {
    named("data", &format!("{session}/{seq:020}-{}", random(randomness)))
}

/// An index object: `index/{hash}/{session}/{level}/{from_seq}-{random}`.
pub(crate) fn index(
    session: SessionId,
    level: u32,
    from_seq: u64,
    randomness: &Randomness,
) -> ObjectName {
    named("index", &format!("{session}/{level}/{from_seq:020}-{}", random(randomness)))
}

fn named(kind: &str, rest: &str) -> ObjectName {
    let hash = formats::crc32c::checksum(rest.as_bytes()) & 0xff;
    #[expect(clippy::unwrap_used, reason = "digits, hex, '-' and '/' only, far below 512 bytes")]
    ObjectName::new(&format!("{kind}/{hash:02x}/{rest}")).unwrap()
}

fn random(randomness: &Randomness) -> String {
    randomness.bytes16().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
