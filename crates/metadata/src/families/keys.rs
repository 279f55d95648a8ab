//! [`Keys`]: makes and reads the keys of one cluster. Each family adds its methods in its own file.

use bytes::Bytes;
use model::{PartitionId, PartitionIndex, TopicId};

/// Makes the keys of one cluster below its prefix, and reads them back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// Keys below `prefix`, which ends with `/` or is empty.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The prefix.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Every key of the cluster starts with it.
    pub fn everything(&self) -> Bytes {
        Bytes::from(self.prefix.clone())
    }

    /// The key `path` below the prefix.
    pub(super) fn at(&self, path: &str) -> Bytes {
        Bytes::from(format!("{}{path}", self.prefix))
    }

    /// What follows the prefix and `family` in `key`; `None` for another family's key.
    pub(super) fn rest<'a>(&self, family: &str, key: &'a [u8]) -> Option<&'a str> {
        std::str::from_utf8(key).ok()?.strip_prefix(self.prefix.as_str())?.strip_prefix(family)
    }
}

/// A number as keys carry it: 20 digits.
pub(super) fn digits(number: u64) -> String {
    format!("{number:020}")
}

/// Reads what [`digits`] wrote, and nothing else.
pub(super) fn parse_digits<T: TryFrom<u64>>(text: &str) -> Option<T> {
    if text.len() != 20 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    T::try_from(text.parse::<u64>().ok()?).ok()
}

/// Reads an id as `Display` writes it: 32 hex digits in lower case.
pub(super) fn parse_id<T: std::str::FromStr>(text: &str) -> Option<T> {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() != 32 || !text.bytes().all(hex) {
        return None;
    }
    text.parse().ok()
}

/// `{topic id}/{partition}`.
pub(super) fn partition_path(partition: PartitionId) -> String {
    format!("{}/{}", partition.topic, digits(u64::from(partition.partition.get())))
}

/// Reads `{topic id}/{partition}`.
pub(super) fn parse_partition_path(text: &str) -> Option<PartitionId> {
    let (topic, index) = text.split_once('/')?;
    let topic: TopicId = parse_id(topic)?;
    Some(PartitionId { topic, partition: PartitionIndex::new(parse_digits(index)?)? })
}

/// Free text as a part of a key: letters, digits, `.`, `_`, `-` as they are, other bytes as `%` and two hex digits. Empty
/// text is `%`.
pub(super) fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "%".to_owned();
    }
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            part.push(char::from(byte));
        } else {
            part.extend(['%', hex_digit(byte >> 4), hex_digit(byte & 15)]);
        }
    }
    part
}

fn hex_digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('0')
}

/// Reads what [`escaped`] wrote.
pub(super) fn unescaped(part: &str) -> Option<String> {
    if part == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part;
    while let Some((plain, coded)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        bytes.push(u8::from_str_radix(coded.get(..2)?, 16).ok()?);
        rest = coded.get(2..)?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).ok()
}
