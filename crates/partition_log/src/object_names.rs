//! Names of objects: `{kind}/{hash}/{session}/…-{random}`. The hash spreads them over the store's partitions, the random part
//! gives every upload a name of its own.

use model::SessionId;
use runtime::Randomness;
use storage::ObjectName;

/// The first part of [`manifest_rests`]' names.
pub(crate) const MANIFEST_RESTS: &str = "manifest";

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

/// The cold parts of many manifests: `manifest/{hash}/{session}/{random}`.
pub(crate) fn manifest_rests(session: SessionId, randomness: &Randomness) -> ObjectName {
    named(MANIFEST_RESTS, &format!("{session}/{}", random(randomness)))
}

/// The session that wrote an object of [`manifest_rests`].
pub(crate) fn session_of_manifest_rests(object: &ObjectName) -> Option<SessionId> {
    let mut parts = object.as_str().split('/');
    let kind = parts.next()?;
    let (_hash, session) = (parts.next()?, parts.next()?);
    if kind == MANIFEST_RESTS { session.parse().ok() } else { None }
}

fn named(kind: &str, rest: &str) -> ObjectName {
    let hash = formats::crc32c::checksum(rest.as_bytes()) & 0xff;
    #[expect(clippy::unwrap_used, reason = "digits, hex, '-' and '/' only, far below 512 bytes")]
    ObjectName::new(&format!("{kind}/{hash:02x}/{rest}")).unwrap()
}

fn random(randomness: &Randomness) -> String {
    format!("{:016x}", u128::from_be_bytes(randomness.bytes16()) >> 64)
}
