//! What lies on disks, in buckets and in the metadata store. Seeds are the golden files of `formats`.

use crate::Decoder;
use bytes::Bytes;
use formats::{
    crc32c, index_object,
    metadata::{
        AccessRule, Broker, ClientQuota, Cluster, Commit, CommitHead, Configs, ConsumerGroupMember,
        Controller, DeletedTopic, Features, Garbage, Group, GroupCommits, GroupOffsets, Index,
        JournalHead, LastSnapshot, Load, Manifest, Move, Owner, ProducerIds, Recovery,
        Registration, ScramCredential, Session, StagedOffsets, Topic, TopicName,
        TransactionalProducer,
    },
    segment, snapshot,
    wal_frame::{FileHeader, FrameHeader, GroupHeader, Identity},
};
use metadata::{
    Entry, Revision,
    families::{Value, decode},
};
use partition_log::fuzzing::{rewrite_manifest_rest, rewrite_producer_snapshot};
use std::{fs, ops::Range, path::Path};

/// The head of a WAL file.
pub(crate) const WAL_FILE_HEADER: Decoder = Decoder {
    name: "wal_file_header",
    run: |bytes| each_checksum(bytes, |bytes| drop(FileHeader::decode(bytes))),
    seeds: || golden(&["wal-file-header-v1"]),
};

/// The head of a group of frames.
pub(crate) const WAL_GROUP_HEADER: Decoder = Decoder {
    name: "wal_group_header",
    run: |bytes| {
        each_checksum(bytes, |bytes| {
            let _ = GroupHeader::decode(bytes).map(|group| group.total_bytes());
        });
    },
    seeds: || golden(&["wal-group-header-v1"]),
};

/// The head of a frame.
pub(crate) const WAL_FRAME_HEADER: Decoder = Decoder {
    name: "wal_frame_header",
    run: |bytes| {
        each_checksum(bytes, |bytes| {
            let _ = FrameHeader::decode(bytes);
        });
    },
    seeds: || golden(&["wal-frame-header-v1"]),
};

/// Whose WAL a directory is.
pub(crate) const WAL_IDENTITY: Decoder = Decoder {
    name: "wal_identity",
    run: |bytes| each_checksum(bytes, |bytes| drop(Identity::decode(bytes))),
    seeds: || golden(&["wal-identity-v1"]),
};

/// A segment object from its end, or its footer alone.
pub(crate) const SEGMENT_FOOTER: Decoder = Decoder {
    name: "segment_footer",
    run: segment_footer,
    seeds: || golden(&["segment-v1", "segment-footer-extensions-v1", "segment-footer-author-v1"]),
};

/// An index object from its end, or its directory alone.
pub(crate) const INDEX_DIRECTORY: Decoder = Decoder {
    name: "index_directory",
    run: index_directory,
    seeds: || golden(&["index-object-v1"]),
};

/// A partition's part of an index object.
pub(crate) const INDEX_PARTITION: Decoder =
    Decoder { name: "index_partition", run: index_partition, seeds: index_runs };

/// A family's number, and a value of it.
pub(crate) const METADATA_VALUE: Decoder =
    Decoder { name: "metadata_value", run: metadata_value, seeds: metadata_seeds };

/// The part of a manifest that lies in an object.
pub(crate) const MANIFEST_REST: Decoder = Decoder {
    name: "manifest_rest",
    run: |bytes| each_checksum(bytes, manifest_rest),
    seeds: || {
        golden(&["metadata-manifest-rest", "metadata-manifest-rest-cleaned"])
            .into_iter()
            .map(with_checksum)
            .collect()
    },
};

/// A part of a snapshot of metadata.
pub(crate) const SNAPSHOT_PART: Decoder = Decoder {
    name: "snapshot_part",
    run: |bytes| {
        each_checksum(bytes, |bytes| {
            let _ = snapshot::decode_part(&Bytes::copy_from_slice(bytes));
        });
    },
    seeds: || golden(&["snapshot-part-v1"]),
};

/// The head of a snapshot of metadata.
pub(crate) const SNAPSHOT_HEAD: Decoder = Decoder {
    name: "snapshot_head",
    run: |bytes| {
        each_checksum(bytes, |bytes| {
            let _ = snapshot::decode_head(bytes);
        });
    },
    seeds: || golden(&["snapshot-head-v1"]),
};

/// Producer state as manifests keep it.
pub(crate) const PRODUCER_SNAPSHOT: Decoder = Decoder {
    name: "producer_snapshot",
    run: producer_snapshot,
    seeds: || golden(&["metadata-producer-snapshot"]),
};

fn segment_footer(bytes: &[u8]) {
    each_checksum(bytes, |bytes| drop(segment::Footer::decode(bytes)));
    let end = last(bytes, segment::TRAILER_BYTES);
    if let Some(footer) = segment::footer_range(end).ok().and_then(|range| part(bytes, range)) {
        each_checksum(footer, |bytes| drop(segment::Footer::decode(bytes)));
    }
}

fn index_directory(bytes: &[u8]) {
    each_checksum(bytes, |bytes| drop(index_object::decode_directory(bytes)));
    let end = last(bytes, index_object::TRAILER_BYTES);
    let range = index_object::directory_range(end).ok();
    if let Some(directory) = range.and_then(|range| part(bytes, range)) {
        each_checksum(directory, |bytes| drop(index_object::decode_directory(bytes)));
    }
}

fn index_partition(bytes: &[u8]) {
    each_checksum(bytes, |bytes| drop(index_object::decode_partition(bytes)));
}

fn index_runs() -> Vec<Vec<u8>> {
    let read = |object: &Vec<u8>| {
        let range =
            index_object::directory_range(last(object, index_object::TRAILER_BYTES)).ok()?;
        let directory = index_object::decode_directory(part(object, range)?).ok()?;
        let runs = directory.entries.iter().filter_map(|entry| part(object, entry.bytes.clone()));
        Some(runs.map(<[u8]>::to_vec).collect::<Vec<_>>())
    };
    golden(&["index-object-v1"]).iter().filter_map(read).flatten().collect()
}

fn manifest_rest(bytes: &[u8]) {
    if let Some(written) = rewrite_manifest_rest(bytes) {
        assert_eq!(rewrite_manifest_rest(&written).as_ref(), Some(&written));
    }
}

fn producer_snapshot(bytes: &[u8]) {
    if let Some(written) = rewrite_producer_snapshot(bytes) {
        assert_eq!(rewrite_producer_snapshot(&written).as_ref(), Some(&written));
    }
}

/// A family: its golden file, and how its values are read.
type Family = (&'static str, fn(&[u8]));

/// A test holds them against the golden files, as `formats` does those against its schema.
const FAMILIES: &[Family] = &[
    ("access-rule", value::<AccessRule>),
    ("broker", value::<Broker>),
    ("client-quota", value::<ClientQuota>),
    ("cluster", value::<Cluster>),
    ("commit", value::<Commit>),
    ("commit-head", value::<CommitHead>),
    ("commit-head-swept", value::<CommitHead>),
    ("configs", value::<Configs>),
    ("consumer-group-member", value::<ConsumerGroupMember>),
    ("controller", value::<Controller>),
    ("deleted-topic", value::<DeletedTopic>),
    ("features", value::<Features>),
    ("garbage", value::<Garbage>),
    ("group", value::<Group>),
    ("group-commits", value::<GroupCommits>),
    ("group-of-consumers", value::<Group>),
    ("group-offsets", value::<GroupOffsets>),
    ("index", value::<Index>),
    ("journal-head", value::<JournalHead>),
    ("last-snapshot", value::<LastSnapshot>),
    ("load", value::<Load>),
    ("manifest", value::<Manifest>),
    ("manifest-merged", value::<Manifest>),
    ("move", value::<Move>),
    ("owner", value::<Owner>),
    ("producer-ids", value::<ProducerIds>),
    ("recovery", value::<Recovery>),
    ("registration", value::<Registration>),
    ("scram-credential", value::<ScramCredential>),
    ("session", value::<Session>),
    ("staged-offsets", value::<StagedOffsets>),
    ("topic", value::<Topic>),
    ("topic-name", value::<TopicName>),
    ("transactional-producer", value::<TransactionalProducer>),
];

fn metadata_value(bytes: &[u8]) {
    let Some((family, bytes)) = bytes.split_first() else { return };
    if let Some((_, read)) = FAMILIES.get(usize::from(*family) % FAMILIES.len()) {
        read(bytes);
    }
}

fn value<V: Value>(bytes: &[u8]) {
    let entry = Entry {
        key: Bytes::from_static(b"key"),
        value: Bytes::copy_from_slice(bytes),
        create_revision: Revision(1),
        mod_revision: Revision(1),
        version: 1,
        lease: None,
    };
    let _ = decode::<V>(&entry);
}

fn metadata_seeds() -> Vec<Vec<u8>> {
    let seed = |(number, (name, _)): (u8, &Family)| {
        golden(&[&format!("metadata-{name}")])
            .into_iter()
            .map(move |bytes| [vec![number], bytes].concat())
            .collect::<Vec<_>>()
    };
    (0..).zip(FAMILIES).flat_map(seed).collect()
}

/// Runs it on the bytes as they are, and with the checksum at their end made right: chance would never find one.
fn each_checksum(bytes: &[u8], run: impl Fn(&[u8])) {
    run(bytes);
    if let Some((content, _)) = bytes.split_last_chunk::<4>() {
        run(&with_checksum(content.to_vec()));
    }
}

fn with_checksum(mut content: Vec<u8>) -> Vec<u8> {
    content.extend(crc32c::checksum(&content).to_le_bytes());
    content
}

fn last(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(length)..).unwrap_or_default()
}

fn part(bytes: &[u8], range: Range<u64>) -> Option<&[u8]> {
    bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

/// Golden files, read; what is missing or damaged is left out.
fn golden(names: &[&str]) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/golden");
    let read = |name: &&str| {
        let text = fs::read_to_string(directory.join(format!("{name}.hex"))).ok()?;
        hex::decode(text.split_whitespace().collect::<String>()).ok()
    };
    names.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not values of keys: manifests refer to them. They have decoders of their own.
    const REFERRED_TO: [&str; 4] =
        ["manifest-rest", "manifest-rest-cleaned", "producer-snapshot", "snapshot-head"];

    #[test]
    fn every_metadata_value_with_a_golden_file_is_fuzzed() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/golden");
        let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name());
        let files = files.map(|name| name.into_string().unwrap());
        let missed: Vec<_> = files
            .filter_map(|name| {
                Some(name.strip_prefix("metadata-")?.strip_suffix(".hex")?.to_owned())
            })
            .filter(|name| !REFERRED_TO.contains(&name.as_str()))
            .filter(|name| !FAMILIES.iter().any(|(family, _)| family == name))
            .collect();
        assert!(missed.is_empty(), "they are missing in FAMILIES: {missed:?}");
    }
}
