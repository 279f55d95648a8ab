//! A whole index object, version 1.

use crate::{assert_golden, golden, segment::segment};
use formats::index_object::{
    IndexObject, IndexWriter, TRAILER_BYTES, decode_directory, decode_partition, directory_range,
};
use model::SessionId;

fn index() -> IndexObject {
    let mut writer = IndexWriter::new(SessionId::from_bytes([0xab; 16]), 1);
    writer.cover(3, 3).unwrap();
    writer.push_commit("ab/session/0004-name", 4, &segment().footer.slices).unwrap();
    writer.finish().unwrap()
}

#[test]
fn an_index_object_has_its_bytes() {
    assert_golden("index-object-v1", &index().parts.concat());
}

#[test]
fn an_index_object_is_read_from_its_end() {
    let object = golden("index-object-v1");
    let range = directory_range(&object[object.len() - TRAILER_BYTES..]).unwrap();
    let directory = decode_directory(&object[range.start as usize..range.end as usize]).unwrap();
    assert_eq!(directory, index().directory);
    for (entry, expected) in directory.entries.iter().zip(segment().footer.slices) {
        let run = &object[entry.bytes.start as usize..entry.bytes.end as usize];
        let history = decode_partition(run).unwrap();
        assert_eq!((history.len(), history[0].seq), (1, 4));
        assert_eq!(history[0].object, "ab/session/0004-name");
        assert_eq!(history[0].slice, expected);
    }
}
