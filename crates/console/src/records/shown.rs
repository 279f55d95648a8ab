//! [`Shown`]: a record as the page gets it, its parts cut where they are long.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use formats::record_batch::{BatchHeader, Record};
use serde::Serialize;

/// Headers of one record that are shown.
const HEADERS: usize = 50;
/// What Confluent's serializers begin with: a zero and the schema's id.
const SCHEMA_HEAD: usize = 5;

/// A record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Shown {
    pub(super) partition: i32,
    pub(super) offset: String,
    /// In ms since 1970.
    pub(super) timestamp: i64,
    /// Whether the broker set the time, not the producer.
    pub(super) append_time: bool,
    pub(super) transactional: bool,
    pub(super) key: Option<Part>,
    pub(super) value: Option<Part>,
    pub(super) headers: Vec<Header>,
    pub(super) headers_left_out: usize,
}

/// A header.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Header {
    pub(super) key: Part,
    pub(super) value: Option<Part>,
}

/// A key, a value: the beginning of it at least.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Part {
    /// All of its bytes, shown or not.
    pub(super) bytes: usize,
    /// Whether there is more than is shown.
    pub(super) cut: bool,
    #[serde(flatten)]
    pub(super) content: Content,
    /// The id of its schema, where it begins as Confluent's serializers begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) schema: Option<u32>,
    /// What comes behind that id, where it is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) json: Option<String>,
}

/// Text where it is UTF-8, else bytes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Content {
    Text(String),
    Base64(String),
}

impl Shown {
    /// With parts of `cut` bytes at most.
    pub(super) fn of(record: &Record, batch: &BatchHeader, partition: i32, cut: usize) -> Self {
        let part = |bytes: &Bytes| Part::of(bytes, cut);
        let headers = record
            .headers
            .iter()
            .take(HEADERS)
            .map(|(key, value)| Header { key: part(&key), value: value.as_ref().map(part) });
        Self {
            partition,
            offset: record.offset.to_string(),
            timestamp: record.timestamp,
            append_time: batch.attributes.timestamp_is_log_append(),
            transactional: batch.attributes.is_transactional(),
            key: record.key.as_ref().map(part),
            value: record.value.as_ref().map(part),
            headers: headers.collect(),
            headers_left_out: record.headers.len().saturating_sub(HEADERS),
        }
    }

    /// About how large it is in an answer.
    pub(super) fn weight(&self) -> usize {
        let part = |part: &Part| part.content.len() + part.json.as_ref().map_or(0, String::len);
        let headers = self
            .headers
            .iter()
            .map(|header| part(&header.key) + header.value.as_ref().map_or(0, part));
        let parts = [&self.key, &self.value].into_iter().flatten().map(part);
        200 + parts.chain(headers).sum::<usize>()
    }
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) | Self::Base64(text) => text.len(),
        }
    }
}

impl Part {
    pub(super) fn of(bytes: &[u8], cut: usize) -> Self {
        let shown = bytes.get(..cut).unwrap_or(bytes);
        let is_cut = shown.len() < bytes.len();
        let content = match text_of(shown, is_cut) {
            Some(text) => Content::Text(text.to_owned()),
            None => Content::Base64(BASE64_STANDARD.encode(shown)),
        };
        let schema = schema_of(bytes);
        let rest =
            schema.and_then(|_| bytes.get(SCHEMA_HEAD..cut.max(SCHEMA_HEAD).min(bytes.len())));
        let json = rest.and_then(|rest| text_of(rest, is_cut)).filter(|text| is_json(text, is_cut));
        Self { bytes: bytes.len(), cut: is_cut, content, schema, json: json.map(str::to_owned) }
    }
}

/// A cut may go through the middle of a character, which is left out then.
fn text_of(bytes: &[u8], is_cut: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if is_cut && error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).and_then(|bytes| std::str::from_utf8(bytes).ok())
        }
        Err(_) => None,
    }
}

fn schema_of(bytes: &[u8]) -> Option<u32> {
    let (head, _) = bytes.split_first_chunk::<SCHEMA_HEAD>()?;
    let [0, id @ ..] = *head else { return None };
    // Ids begin at 1, and what only happens to begin with a zero has large ones.
    Some(u32::from_be_bytes(id)).filter(|id| (1..1 << 24).contains(id))
}

/// What is cut can't be checked: how it begins decides.
fn is_json(text: &str, is_cut: bool) -> bool {
    match is_cut {
        true => text.trim_start().starts_with(['{', '[', '"']),
        false => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(part: &Part) -> &str {
        match &part.content {
            Content::Text(text) => text,
            Content::Base64(_) => panic!("{part:?} is no text"),
        }
    }

    #[test]
    fn text_is_text_and_the_rest_is_not() {
        let part = Part::of("größer <b>".as_bytes(), 100);
        assert_eq!((text(&part), part.bytes, part.cut), ("größer <b>", 12, false));
        let binary = Part::of(&[0xff, 0xfe, 0x00], 100);
        assert_eq!(binary.content, Content::Base64("//4A".to_owned()));
        assert_eq!(text(&Part::of(b"", 100)), "");
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        let part = Part::of("aaaü".as_bytes(), 4);
        assert_eq!((text(&part), part.bytes, part.cut), ("aaa", 5, true));
        // A broken character in the middle is no matter of the cut.
        let broken = Part::of(b"a\xc3aaaaa", 4);
        assert!(matches!(broken.content, Content::Base64(_)), "{broken:?}");
        let large = Part::of(&vec![b'x'; 1 << 20], 1_024);
        assert_eq!((text(&large).len(), large.bytes, large.cut), (1_024, 1 << 20, true));
    }

    #[test]
    fn values_of_confluent_s_serializers_name_their_schema() {
        let json = [&[0, 0, 0, 0, 7][..], br#"{"a":1}"#].concat();
        let part = Part::of(&json, 100);
        assert_eq!((part.schema, part.json.as_deref()), (Some(7), Some(r#"{"a":1}"#)));
        let avro = Part::of(&[0, 0, 0, 0, 7, 2, b'x'], 100);
        assert_eq!((avro.schema, avro.json), (Some(7), None));
        for no in
            [&[0, 0, 0, 0][..], &[1, 0, 0, 0, 7], &[0, 0, 0, 0, 0], &[0, 0xff, 0, 0, 0], b"text"]
        {
            assert_eq!(Part::of(no, 100).schema, None, "{no:?}");
        }
        let cut = Part::of(&json, 8);
        assert_eq!((cut.schema, cut.json.as_deref()), (Some(7), Some(r#"{"a"#)));
        assert_eq!(Part::of(&json, 3).json, None);
    }
}
