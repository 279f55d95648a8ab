//! Snapshots of metadata, version 1.

use crate::{assert_golden, golden};
use bytes::Bytes;
use formats::{
    metadata::{SnapshotHead, SnapshotPart},
    snapshot::{PartWriter, SnapshotEntry, decode_head, decode_part, encode_head},
};

#[test]
fn a_part_has_its_bytes() {
    let entries = [
        SnapshotEntry { key: "cluster".into(), value: Bytes::from_static(b"\x08\x01") },
        SnapshotEntry { key: "topics/a".into(), value: Bytes::new() },
    ];
    let mut writer = PartWriter::new();
    for entry in &entries {
        writer.push(&entry.key, &entry.value).unwrap();
    }
    assert_golden("snapshot-part-v1", &writer.finish());
    assert_eq!(decode_part(&golden("snapshot-part-v1").into()).unwrap(), entries);
}

#[test]
fn a_head_has_its_bytes() {
    let part = SnapshotPart { object: "a".into(), size: 60, checksum: 0xdead_beef, entries: 2 };
    let head = SnapshotHead {
        format: 1,
        cluster_id: "golden".into(),
        generation: 2,
        revision: 77,
        written_unix_ms: 1_700_000_000_000,
        parts: vec![part],
    };
    assert_golden("snapshot-head-v1", &encode_head(&head));
    assert_eq!(decode_head(&golden("snapshot-head-v1")).unwrap(), head);
}
