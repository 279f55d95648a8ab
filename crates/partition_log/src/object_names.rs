//! Names of objects: `{kind}/{hash}/{session}/…-{random}`. The hash spreads them over the store's partitions, the random part
//! gives every upload a name of its own.

use model::{PartitionId, PartitionIndex, SessionId, TopicId};
use runtime::Randomness;
use storage::ObjectName;

/// The first part of [`segment`]'s names.
pub(crate) const SEGMENTS: &str = "data";

/// The first part of [`index`]'s names.
pub(crate) const INDEXES: &str = "index";

/// The first part of [`manifest_rests`]' names.
pub(crate) const MANIFEST_RESTS: &str = "manifest";

/// A segment: `data/{hash}/{session}/{seq}-{random}`.
pub(crate) fn segment(session: SessionId, seq: u64, randomness: &Randomness) -> ObjectName {
    named(SEGMENTS, &format!("{session}/{seq:020}-{}", random(randomness)))
}

/// The session and number of a segment; `None` for another kind of object.
pub(crate) fn parse_segment(object: &ObjectName) -> Option<(SessionId, u64)> {
    parse_numbered(SEGMENTS, object)
}

fn parse_numbered(wanted: &str, object: &ObjectName) -> Option<(SessionId, u64)> {
    let mut parts = object.as_str().split('/');
    let (kind, _hash) = (parts.next()?, parts.next()?);
    let session = parts.next()?.parse().ok()?;
    let (seq, _random) = parts.next()?.split_once('-')?;
    (kind == wanted).then_some((session, seq.parse().ok()?))
}

/// The first part of [`gathered`]'s names.
pub(crate) const GATHERED: &str = "gathered";

/// A segment that took the place of others: `gathered/{hash}/{session}/{from_seq}-{random}`, by the first commit of its fold.
pub(crate) fn gathered(session: SessionId, from_seq: u64, randomness: &Randomness) -> ObjectName {
    named(GATHERED, &format!("{session}/{from_seq:020}-{}", random(randomness)))
}

/// The session of a gathered segment, and the first commit of its fold; `None` for another kind of object.
pub(crate) fn parse_gathered(object: &ObjectName) -> Option<(SessionId, u64)> {
    parse_numbered(GATHERED, object)
}

/// An index object: `index/{hash}/{session}/{level}/{from_seq}-{random}`.
pub(crate) fn index(
    session: SessionId,
    level: u32,
    from_seq: u64,
    randomness: &Randomness,
) -> ObjectName {
    named(INDEXES, &format!("{session}/{level}/{from_seq:020}-{}", random(randomness)))
}

/// The first part of [`partition_segment`]'s and [`partition_rest`]'s names.
pub(crate) const PARTITIONS: &str = "partition";

/// A partition segment: `partition/{hash}/{topic}/{partition}/{session}/{random}`.
pub(crate) fn partition_segment(
    partition: PartitionId,
    session: SessionId,
    randomness: &Randomness,
) -> ObjectName {
    named(PARTITIONS, &format!("{}/{session}/{}", path(partition), random(randomness)))
}

/// The cold part of one manifest: `partition/{hash}/{topic}/{partition}/{session}/{random}-rest`.
pub(crate) fn partition_rest(
    partition: PartitionId,
    session: SessionId,
    randomness: &Randomness,
) -> ObjectName {
    named(PARTITIONS, &format!("{}/{session}/{}-rest", path(partition), random(randomness)))
}

/// The partition that an object of [`partition_segment`] or [`partition_rest`] belongs to.
pub(crate) fn partition_of(object: &ObjectName) -> Option<PartitionId> {
    let mut parts = object.as_str().split('/');
    let (kind, _hash) = (parts.next()?, parts.next()?);
    let topic: TopicId = parts.next()?.parse().ok()?;
    let partition = PartitionIndex::new(parts.next()?.parse().ok()?)?;
    (kind == PARTITIONS).then_some(PartitionId { topic, partition })
}

/// Whose an object is, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A segment, a gathered one, an index object, or manifests' rests.
    OfSession(SessionId),
    /// A partition segment, or its manifest's rest.
    OfPartition(PartitionId),
    /// The cluster's marker, and its notes.
    Marker,
    /// A piece of a snapshot of metadata.
    Snapshot,
    /// Left by a probe.
    Probe,
}

/// Reads a name; `None` for one that no broker gives.
pub(crate) fn kind(object: &ObjectName) -> Option<Kind> {
    if let Some(partition) = partition_of(object) {
        return Some(Kind::OfPartition(partition));
    }
    let mut parts = object.as_str().split('/');
    match parts.next()? {
        SEGMENTS | GATHERED | INDEXES | MANIFEST_RESTS => {
            Some(Kind::OfSession(parts.nth(1)?.parse().ok()?))
        }
        "marker" => Some(Kind::Marker),
        "snapshot" => Some(Kind::Snapshot),
        "probe" => Some(Kind::Probe),
        _ => None,
    }
}

fn path(PartitionId { topic, partition }: PartitionId) -> String {
    format!("{topic}/{:010}", partition.get())
}

/// Below which prefixes a session's segments, gathered ones and index objects lie: one for each kind and hash.
pub(crate) fn prefixes_of(session: SessionId) -> impl Iterator<Item = String> {
    let below = move |kind: &'static str| {
        (0..=u8::MAX).map(move |hash| format!("{kind}/{hash:02x}/{session}/"))
    };
    [SEGMENTS, GATHERED, INDEXES].into_iter().flat_map(below)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_says_whose_commit_it_is() {
        let (session, randomness) = (SessionId::from_bytes([1; 16]), Randomness::seeded(1));
        let name = segment(session, 42, &randomness);
        assert_eq!(parse_segment(&name), Some((session, 42)));
        assert_eq!(parse_segment(&index(session, 1, 42, &randomness)), None);
        let gathered = gathered(session, 42, &randomness);
        assert_eq!(parse_gathered(&gathered), Some((session, 42)));
        assert_eq!((parse_segment(&gathered), parse_gathered(&name)), (None, None));
    }

    #[test]
    fn whatever_a_session_names_lies_below_one_of_its_prefixes() {
        let (session, randomness) = (SessionId::from_bytes([1; 16]), Randomness::seeded(1));
        let prefixes: Vec<_> = prefixes_of(session).collect();
        assert_eq!(prefixes.len(), 768);
        for seq in 0..1_000 {
            let names = [
                segment(session, seq, &randomness),
                gathered(session, seq, &randomness),
                index(session, 0, seq, &randomness),
            ];
            for name in names {
                assert!(prefixes.iter().any(|prefix| name.as_str().starts_with(prefix)), "{name}");
            }
        }
    }

    #[test]
    fn an_object_of_a_partition_says_which_one() {
        let partition = PartitionId {
            topic: TopicId::from_bytes([7; 16]),
            partition: PartitionIndex::new(12).expect("small"),
        };
        let (session, randomness) = (SessionId::from_bytes([1; 16]), Randomness::seeded(1));
        let segment = partition_segment(partition, session, &randomness);
        assert_eq!(partition_of(&segment), Some(partition));
        assert_eq!(partition_of(&partition_rest(partition, session, &randomness)), Some(partition));
        assert_eq!(partition_of(&manifest_rests(session, &randomness)), None);
    }
}
