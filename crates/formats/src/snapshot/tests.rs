use super::*;
use crate::metadata::{SnapshotHead, SnapshotPart};
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn part(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Bytes {
    let mut writer = PartWriter::new();
    for (key, value) in entries {
        writer.push(key, value).unwrap();
    }
    writer.finish()
}

fn sealed(mut body: Vec<u8>) -> Bytes {
    body.extend(crate::crc32c::checksum(&body).to_le_bytes());
    body.into()
}

#[test]
fn a_part_of_another_version_is_refused() {
    let written = part(&BTreeMap::new());
    let mut body = written[..written.len() - 4].to_vec();
    body[8] = 2;
    assert_eq!(decode_part(&sealed(body)), Err(SnapshotError::Version(2)));
}

#[test]
fn an_entry_that_claims_more_bytes_than_there_are_is_refused() {
    let written = part(&BTreeMap::from([(b"key".to_vec(), b"value".to_vec())]));
    let mut body = written[..written.len() - 4].to_vec();
    body[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(decode_part(&sealed(body)), Err(SnapshotError::Truncated));
}

#[test]
fn keys_out_of_order_are_refused() {
    let mut writer = PartWriter::new();
    writer.push(b"b", b"").unwrap();
    writer.push(b"a", b"").unwrap();
    assert_eq!(decode_part(&writer.finish()), Err(SnapshotError::Field("order of keys")));
}

#[test]
fn a_head_of_a_later_format_is_refused() {
    let head = SnapshotHead { format: 2, ..SnapshotHead::default() };
    let body = prost::Message::encode_to_vec(&head);
    assert_eq!(decode_head(&sealed(body)), Err(SnapshotError::Version(2)));
    assert_eq!(decode_head(&sealed(Vec::new())), Err(SnapshotError::Field("format")));
}

#[test]
fn a_damaged_head_is_refused() {
    let parts = vec![SnapshotPart { object: "a".into(), ..SnapshotPart::default() }];
    let head = SnapshotHead { format: 1, revision: 7, parts, ..SnapshotHead::default() };
    let written = encode_head(&head);
    assert_eq!(decode_head(&written), Ok(head));
    let mut damaged = written.to_vec();
    damaged[1] ^= 1;
    assert_eq!(decode_head(&damaged), Err(SnapshotError::Checksum));
}

proptest! {
    #[test]
    fn a_part_reads_back_what_was_written(
        entries in proptest::collection::btree_map(
            proptest::collection::vec(any::<u8>(), 0..20),
            proptest::collection::vec(any::<u8>(), 0..50),
            0..20,
        ),
        flipped in any::<prop::sample::Index>(),
    ) {
        let written = part(&entries);
        let read = decode_part(&written).unwrap();
        let read: BTreeMap<_, _> =
            read.into_iter().map(|it| (it.key.to_vec(), it.value.to_vec())).collect();
        prop_assert_eq!(read, entries);
        let mut damaged = written.to_vec();
        let at = flipped.index(damaged.len());
        damaged[at] ^= 1;
        prop_assert!(decode_part(&damaged.into()).is_err());
    }
}
