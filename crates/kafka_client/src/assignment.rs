//! A member's assignment under the classic protocol: which partitions of which topics it reads. Source: Kafka's
//! `ConsumerProtocolAssignment` schema, whose versions 0 to 3 begin alike.
//!
//! Members write it themselves, and brokers hand it on unread. No length is believed before its bytes are there, and what is read takes
//! no more memory than a small multiple of the bytes, however its topics are named.

use bytes::Buf;

/// The longest name that a topic may have (Kafka's `Topic.MAX_NAME_LENGTH`).
const MAX_TOPIC_BYTES: usize = 249;

/// Topics with their partitions, in the order in which they are written.
pub type Assigned = Vec<(String, Vec<i32>)>;

/// The partitions in an assignment; none when the bytes are not Kafka's consumers' (other applications write what they like), or when
/// they hold less than they say.
pub fn assigned(assignment: &[u8]) -> Assigned {
    read(assignment).unwrap_or_default()
}

fn read(mut bytes: &[u8]) -> Option<Assigned> {
    let _version = bytes.try_get_i16().ok()?;
    let topics = count(&mut bytes)?;
    let mut assigned = Vec::new();
    for _ in 0..topics {
        let name = topic_name(&mut bytes)?;
        let count = count(&mut bytes)?;
        let (partitions, rest) = bytes.split_at_checked(count.checked_mul(size_of::<i32>())?)?;
        bytes = rest;
        let (partitions, _) = partitions.as_chunks();
        let partitions: Vec<i32> = partitions.iter().map(|it| i32::from_be_bytes(*it)).collect();
        if partitions.iter().any(|&index| index < 0) {
            return None;
        }
        assigned.push((name.to_owned(), partitions));
    }
    Some(assigned)
}

fn count(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(bytes.try_get_i32().ok()?).ok()
}

fn topic_name<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
    let (name, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(name).ok().filter(|name| (1..=MAX_TOPIC_BYTES).contains(&name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BufMut;

    /// An assignment that says it has that many topics, each with so many partitions, and holds one with these.
    fn saying(topics: i32, name_length: i16, count: i32, partitions: &[i32]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.put_i16(1);
        bytes.put_i32(topics);
        bytes.put_i16(name_length);
        bytes.put_slice(b"logs");
        bytes.put_i32(count);
        for &partition in partitions {
            bytes.put_i32(partition);
        }
        // User data: null.
        bytes.put_i32(-1);
        bytes
    }

    fn none() -> Assigned {
        Vec::new()
    }

    #[test]
    fn topics_and_partitions_are_read_in_every_version() {
        let mut bytes = saying(1, 4, 2, &[0, 7]);
        for version in 0..=3 {
            bytes[1] = version;
            assert_eq!(assigned(&bytes), [("logs".to_owned(), vec![0, 7])]);
        }
        assert_eq!(assigned(&saying(0, 4, 0, &[])), none());
        assert_eq!(assigned(&saying(1, 4, 0, &[])), [("logs".to_owned(), vec![])]);
    }

    #[test]
    fn counts_that_the_bytes_do_not_bear_out_are_not_believed() {
        for count in [3, 4, i32::MAX, i32::MAX / 4 + 1, -1, i32::MIN] {
            assert_eq!(assigned(&saying(1, 4, count, &[0])), none(), "{count} partitions");
        }
        for topics in [2, i32::MAX, -1, i32::MIN] {
            assert_eq!(assigned(&saying(topics, 4, 1, &[0])), none(), "{topics} topics");
        }
        for length in [5_000, i16::MAX, -1, i16::MIN, 0] {
            assert_eq!(assigned(&saying(1, length, 1, &[0])), none(), "a name of {length} bytes");
        }
        assert_eq!(assigned(&saying(1, 4, 1, &[-1])), none());
    }

    #[test]
    fn bytes_that_end_anywhere_are_none() {
        let whole = saying(1, 4, 2, &[0, 1]);
        let user_data = 4;
        for end in 0..whole.len() - user_data {
            assert_eq!(assigned(&whole[..end]), none(), "{end}");
        }
        assert_eq!(assigned(b"something of another application's own"), none());
    }

    #[test]
    fn a_name_that_no_topic_can_have_is_none_so_that_it_is_not_told_for_each_partition() {
        let mut bytes = Vec::new();
        bytes.put_i16(1);
        bytes.put_i32(1);
        bytes.put_i16(250);
        bytes.put_bytes(b'a', 250);
        bytes.put_i32(0);
        assert_eq!(assigned(&bytes), none());
        bytes[6..8].copy_from_slice(&249_i16.to_be_bytes());
        bytes.remove(8);
        assert_eq!(assigned(&bytes).len(), 1);
        bytes[8] = 0xff;
        assert_eq!(assigned(&bytes), none());
    }
}
