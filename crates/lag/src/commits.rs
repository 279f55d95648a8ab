//! Records of `__consumer_offsets`, read: what tools and other clusters' brokers write there, of any version. Source: Kafka's
//! `OffsetCommitKey`, `OffsetCommitValue`, `GroupMetadataKey` and `GroupMetadataValue` schemas.
//!
//! Members write their assignments themselves: no length is believed before its bytes are there.

use bytes::Buf;
use kafka_client::assigned;
use std::collections::BTreeMap;

/// What a record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OffsetsRecord {
    /// A group committed an offset of a partition; without one the commit is gone.
    Offset {
        /// The group.
        group: String,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The offset, and when it was committed in milliseconds since 1970.
        committed: Option<(i64, i64)>,
    },
    /// A group's members, by partition; none when the group is gone or empty.
    Members {
        /// The group.
        group: String,
        /// Who has which partition.
        owners: BTreeMap<(String, u32), MemberOwner>,
    },
}

/// The member that has a partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemberOwner {
    /// Where it is.
    pub host: String,
    /// What its client calls itself.
    pub client_id: String,
}

/// Reads a record; `None` when it is of another kind (the consumer protocol's, for one) or damaged.
pub fn decode(key: &[u8], value: Option<&[u8]>) -> Option<OffsetsRecord> {
    let mut key = Fields(key);
    match key.int16()? {
        0 | 1 => {
            let (group, topic) = (key.string()?, key.string()?);
            let partition = u32::try_from(key.int32()?).ok()?;
            let committed = match value {
                None => None,
                Some(value) => Some(decode_offset(value)?),
            };
            Some(OffsetsRecord::Offset { group, topic, partition, committed })
        }
        2 => {
            let group = key.string()?;
            let owners = value.map_or_else(|| Some(BTreeMap::new()), decode_members)?;
            Some(OffsetsRecord::Members { group, owners })
        }
        _ => None,
    }
}

fn decode_offset(value: &[u8]) -> Option<(i64, i64)> {
    let mut value = Fields(value);
    let version = value.int16()?;
    if !(0..=4).contains(&version) {
        return None;
    }
    let offset = value.int64()?;
    if version >= 3 {
        value.int32()?;
    }
    // The first flexible version; its tagged fields come last.
    if version >= 4 {
        value.compact_string()?
    } else {
        value.string()?
    };
    Some((offset, value.int64()?))
}

fn decode_members(value: &[u8]) -> Option<BTreeMap<(String, u32), MemberOwner>> {
    let mut value = Fields(value);
    let version = value.int16()?;
    if !(0..=3).contains(&version) {
        return None;
    }
    let protocol_type = value.string()?;
    value.int32()?;
    value.nullable_string()?;
    value.nullable_string()?;
    if version >= 2 {
        value.int64()?;
    }
    let mut owners = BTreeMap::new();
    for _ in 0..value.int32()?.max(0) {
        value.string()?;
        if version >= 3 {
            value.nullable_string()?;
        }
        let (client_id, host) = (value.string()?, value.string()?);
        if version >= 1 {
            value.int32()?;
        }
        value.int32()?;
        value.bytes()?;
        let assignment = value.bytes()?;
        if protocol_type == "consumer" {
            let owner = MemberOwner { host, client_id };
            for (topic, partitions) in assigned(assignment) {
                let partitions = partitions.into_iter().map(i32::cast_unsigned);
                owners.extend(partitions.map(|it| ((topic.clone(), it), owner.clone())));
            }
        }
    }
    Some(owners)
}

/// Fields of Kafka's encodings, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn int16(&mut self) -> Option<i16> {
        self.0.try_get_i16().ok()
    }

    fn int32(&mut self) -> Option<i32> {
        self.0.try_get_i32().ok()
    }

    fn int64(&mut self) -> Option<i64> {
        self.0.try_get_i64().ok()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.int32()?).ok()?;
        self.take(length)
    }

    fn string(&mut self) -> Option<String> {
        self.nullable_string()?
    }

    /// Text whose length and one is a varint (KIP-482).
    fn compact_string(&mut self) -> Option<String> {
        let length = usize::try_from(self.varint()?).ok()?.checked_sub(1)?;
        Some(std::str::from_utf8(self.take(length)?).ok()?.to_owned())
    }

    fn varint(&mut self) -> Option<u32> {
        let mut number = 0;
        for shift in (0..32).step_by(7) {
            let byte = self.0.try_get_u8().ok()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// `Some(None)` is null.
    #[expect(clippy::option_option, reason = "damage, null, and text are three things")]
    fn nullable_string(&mut self) -> Option<Option<String>> {
        let length = self.int16()?;
        if length < 0 {
            return Some(None);
        }
        let text = std::str::from_utf8(self.take(length as usize)?).ok()?;
        Some(Some(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::offsets_topic::{GroupKey, GroupValue, MemberValue, OffsetKey, OffsetValue};
    use proptest::{
        prelude::{any, prop_assert_eq},
        proptest,
    };

    fn key_of_offset() -> Vec<u8> {
        OffsetKey { group: "g", topic: "t", partition: 7 }.encode().expect("short names").to_vec()
    }

    fn value_of_offset(offset: i64, committed_unix_ms: i64) -> Vec<u8> {
        let value = OffsetValue { offset, leader_epoch: 3, metadata: "note", committed_unix_ms };
        value.encode().expect("a short note").to_vec()
    }

    fn assignment() -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2];
        bytes.extend([0, 0, 0, 7, 0, 0, 0, 8, 255, 255, 255, 255]);
        bytes
    }

    fn value_of_group(assignment: &[u8]) -> Vec<u8> {
        let member = MemberValue {
            id: "m",
            instance: None,
            client_id: "client",
            client_host: "/10.0.0.1",
            rebalance_timeout_ms: 1,
            session_timeout_ms: 1,
            subscription: &[],
            assignment,
        };
        let value = GroupValue {
            protocol_type: "consumer",
            generation: 1,
            protocol: Some("range"),
            leader: Some("m"),
            since_unix_ms: 5,
            members: vec![member],
        };
        value.encode().expect("short names").to_vec()
    }

    #[test]
    fn the_one_who_has_a_partition_is_named() {
        let key = GroupKey("g").encode().expect("a short name");
        let owner = MemberOwner { host: "/10.0.0.1".to_owned(), client_id: "client".to_owned() };
        let owners = [7, 8].map(|partition| (("t".to_owned(), partition), owner.clone()));
        let expected =
            OffsetsRecord::Members { group: "g".to_owned(), owners: owners.into_iter().collect() };
        assert_eq!(decode(&key, Some(&value_of_group(&assignment()))), Some(expected));
        let nobody = OffsetsRecord::Members { group: "g".to_owned(), owners: BTreeMap::new() };
        assert_eq!(decode(&key, None), Some(nobody.clone()));
        // A count that its bytes do not bear out: what the member says of itself is not believed.
        let hostile = [0, 1, 127, 255, 255, 255];
        assert_eq!(decode(&key, Some(&value_of_group(&hostile))), Some(nobody));
    }

    #[test]
    fn commits_are_read_as_kafka_4_writes_them() {
        let note = [&[0x81, 0x01][..], &[b'n'; 128]].concat();
        let topic_id = [&[1, 0, 16][..], &[9; 16]].concat();
        let fields: [&[u8]; 6] =
            [&[0, 4], &5_i64.to_be_bytes(), &[0; 4], &note, &6_i64.to_be_bytes(), &topic_id];
        let decoded = decode(&key_of_offset(), Some(&fields.concat()));
        assert!(
            matches!(decoded, Some(OffsetsRecord::Offset { committed: Some((5, 6)), .. })),
            "{decoded:?}"
        );
        let cut = &fields.concat()[..40];
        assert_eq!(decode(&key_of_offset(), Some(cut)), None);
    }

    #[test]
    fn a_record_without_a_value_takes_its_commit_away() {
        let gone = OffsetsRecord::Offset {
            group: "g".to_owned(),
            topic: "t".to_owned(),
            partition: 7,
            committed: None,
        };
        assert_eq!(decode(&key_of_offset(), None), Some(gone));
    }

    proptest! {
        #[test]
        fn commits_are_read_as_they_were_written(offset in any::<i64>(), time in any::<i64>()) {
            let expected = OffsetsRecord::Offset {
                group: "g".to_owned(),
                topic: "t".to_owned(),
                partition: 7,
                committed: Some((offset, time)),
            };
            let value = value_of_offset(offset, time);
            prop_assert_eq!(decode(&key_of_offset(), Some(&value)), Some(expected));
        }

        #[test]
        fn damage_is_refused_or_read_as_something_else(
            at in any::<usize>(), byte in any::<u8>(), cut in any::<usize>(), group: bool,
        ) {
            let key = if group { GroupKey("g").encode() } else { None };
            let mut key = key.map_or_else(key_of_offset, |key| key.to_vec());
            let mut value =
                if group { value_of_group(&assignment()) } else { value_of_offset(1, 2) };
            for bytes in [&mut key, &mut value] {
                let place = at % bytes.len();
                bytes[place] = byte;
                bytes.truncate(1 + cut % bytes.len());
            }
            decode(&key, Some(&value));
        }
    }
}
