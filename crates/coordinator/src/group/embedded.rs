//! What consumers of the classic protocol say to each other: Kafka's `ConsumerProtocolSubscription` and
//! `ConsumerProtocolAssignment`, in any version.

use std::collections::BTreeMap;

/// A consumer's subscription.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Subscription {
    /// Of its layout; assignments for the consumer have the same.
    pub(super) version: i16,
    /// Topics that it reads.
    pub(super) topics: Vec<String>,
    /// What it holds; `None` when its version does not say.
    pub(super) owned: Option<Vec<(String, Vec<u32>)>>,
    /// Its zone.
    pub(super) rack: Option<String>,
}

/// A consumer's share.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Assignment {
    /// By topic.
    pub(super) partitions: Vec<(String, Vec<u32>)>,
    /// Whether its leader's assignor put something of its own with it.
    pub(super) has_user_data: bool,
}

/// The topics of a subscription; `None` for bytes that are none.
pub(super) fn topics(metadata: &[u8]) -> Option<Vec<String>> {
    Some(beginning(&mut Reader(metadata))?.topics)
}

impl Subscription {
    /// Reads one; `None` for bytes that are none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let mut subscription = beginning(&mut reader)?;
        reader.nullable_bytes()?;
        if subscription.version >= 1 {
            subscription.owned = Some(reader.partitions()?);
        }
        if subscription.version >= 2 {
            reader.i32()?;
        }
        if subscription.version >= 3 {
            subscription.rack = Some(reader.nullable_string()?).filter(|rack| !rack.is_empty());
        }
        Some(subscription)
    }
}

fn beginning(reader: &mut Reader<'_>) -> Option<Subscription> {
    let version = reader.i16().filter(|version| *version >= 0)?;
    let topics = reader.array(Reader::string)?;
    Some(Subscription { version, topics, ..Subscription::default() })
}

impl Assignment {
    /// Reads one; no bytes are an empty one. `None` for bytes that are none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self::default());
        }
        let mut reader = Reader(bytes);
        reader.i16().filter(|version| *version >= 0)?;
        let partitions = reader.partitions()?;
        let has_user_data = !reader.nullable_bytes()?.is_empty();
        Some(Self { partitions, has_user_data })
    }
}

/// Writes an assignment without user data. What does not fit into the layout is not in any topic's name.
pub(super) fn assignment(version: i16, partitions: &BTreeMap<&str, Vec<u32>>) -> Vec<u8> {
    let mut bytes = version.min(3).to_be_bytes().to_vec();
    bytes.extend((partitions.len() as u32).to_be_bytes());
    for (topic, partitions) in partitions {
        bytes.extend((topic.len() as u16).to_be_bytes());
        bytes.extend(topic.as_bytes());
        bytes.extend((partitions.len() as u32).to_be_bytes());
        bytes.extend(partitions.iter().flat_map(|partition| partition.to_be_bytes()));
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes
}

/// Reads from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn i16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn string(&mut self) -> Option<String> {
        let length = self.i16()?;
        self.text(length)
    }

    /// None is empty.
    fn nullable_string(&mut self) -> Option<String> {
        let length = self.i16()?;
        if length == -1 { Some(String::new()) } else { self.text(length) }
    }

    fn text(&mut self, length: i16) -> Option<String> {
        let text = self.take(usize::try_from(length).ok()?)?;
        Some(std::str::from_utf8(text).ok()?.to_owned())
    }

    /// None are empty.
    fn nullable_bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.i32()?;
        if length == -1 { Some(&[]) } else { self.take(usize::try_from(length).ok()?) }
    }

    /// An array; its length alone reserves nothing.
    fn array<T>(&mut self, element: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.i32()?).ok()?;
        let mut elements = Vec::new();
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Some(elements)
    }

    fn partitions(&mut self) -> Option<Vec<(String, Vec<u32>)>> {
        self.array(|reader| {
            let topic = reader.string()?;
            let partitions = reader.array(|reader| u32::try_from(reader.i32()?).ok())?;
            Some((topic, partitions))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_and_whatever_follows_is_not() {
        let bytes = [&[0, 1, 0, 0, 0, 2, 0, 1][..], b"a", &[0, 2], b"bc", &[0xff; 9]].concat();
        assert_eq!(topics(&bytes), Some(vec!["a".to_owned(), "bc".to_owned()]));
        assert_eq!(topics(&[0, 0, 0, 0, 0, 0]), Some(Vec::new()));
    }

    #[test]
    fn bytes_that_are_no_subscription_have_no_topics() {
        for bytes in [
            &[][..],
            &[0, 1, 0x7f, 0xff, 0xff, 0xff],
            &[0xff, 0xff, 0, 0, 0, 0],
            &[0, 1, 0, 0, 0, 1, 0, 9, b'a'],
            &[0, 1, 0, 0, 0, 1, 0, 1, 0xff],
        ] {
            assert_eq!(topics(bytes), None);
        }
    }

    #[test]
    fn a_subscription_of_the_newest_version_is_read_whole() {
        let owned = [&[0, 0, 0, 1, 0, 1][..], b"a", &[0, 0, 0, 1, 0, 0, 0, 7]].concat();
        let head = [&[0, 3, 0, 0, 0, 1, 0, 1][..], b"a", &[0, 0, 0, 1, 9]].concat();
        let bytes = [&head[..], &owned, &[0, 0, 0, 5, 0, 2], b"az"].concat();
        let expected = Subscription {
            version: 3,
            topics: vec!["a".to_owned()],
            owned: Some(vec![("a".to_owned(), vec![7])]),
            rack: Some("az".to_owned()),
        };
        assert_eq!(Subscription::decode(&bytes), Some(expected));
        for length in 0..bytes.len() {
            assert_eq!(Subscription::decode(&bytes[..length]), None, "{length}");
        }
    }

    #[test]
    fn an_assignment_is_read_as_it_was_written() {
        let bytes = assignment(1, &BTreeMap::from([("a", vec![0, 2]), ("b", vec![1])]));
        let partitions = vec![("a".to_owned(), vec![0, 2]), ("b".to_owned(), vec![1])];
        let expected = Assignment { partitions, has_user_data: false };
        assert_eq!(Assignment::decode(&bytes), Some(expected));
        assert_eq!(Assignment::decode(&[]), Some(Assignment::default()));
        assert_eq!(Assignment::decode(&bytes[..bytes.len() - 1]), None);
    }
}
