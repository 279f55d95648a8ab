//! [`Message`] and [`Field`]: a schema as the tables have it.

use crate::Versions;

/// In-memory bytes of a `Vec`, and of the map that every decoded structure has for tagged fields that it does not know.
const COLLECTION_BYTES: usize = 24;
/// In-memory bytes of a string or of bytes: a slice of the request, which is not copied.
const SLICE_BYTES: usize = 32;

/// The requests of one API key.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The key.
    pub api_key: i16,
    /// Kafka's name of the API.
    pub name: &'static str,
    /// Versions that the schema has.
    pub versions: Versions,
    /// Versions in which lengths are varints and structures end in tagged fields (KIP-482).
    pub flexible: Versions,
    /// The body.
    pub fields: &'static [Field],
}

/// A field of a message or structure.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Versions that have it.
    pub versions: Versions,
    /// Versions in which it may be null.
    pub nullable: Versions,
    /// Where it is a tagged field.
    pub tag: Option<Tag>,
    /// What it holds.
    pub kind: Kind,
}

/// A field's number among the tagged fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag {
    /// The number.
    pub number: u32,
    /// Versions in which the field is tagged.
    pub versions: Versions,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One byte.
    Bool,
    /// One byte.
    Int8,
    /// Two bytes.
    Int16,
    /// Two bytes.
    Uint16,
    /// Four bytes.
    Int32,
    /// Eight bytes.
    Int64,
    /// Eight bytes.
    Float64,
    /// Sixteen bytes.
    Uuid,
    /// A length and UTF-8.
    String,
    /// The same; its length has two bytes in flexible versions too.
    LegacyString,
    /// A length and bytes.
    Bytes,
    /// A length and record batches.
    Records,
    /// A count and elements.
    Array(&'static Kind),
    /// Fields.
    Struct(&'static [Field]),
}

impl Message {
    /// Version of the request header that goes before the body.
    pub const fn header_version(&self, version: i16) -> i16 {
        if self.flexible.contains(version) { 2 } else { 1 }
    }
}

impl Field {
    /// Whether it lies among the plain fields of that version.
    pub(crate) const fn is_plain_in(&self, version: i16) -> bool {
        self.versions.contains(version) && !self.is_tagged_in(version)
    }

    /// Whether it lies among the tagged fields of that version.
    pub(crate) const fn is_tagged_in(&self, version: i16) -> bool {
        match self.tag {
            Some(tag) => tag.versions.contains(version),
            None => false,
        }
    }

    /// The same field, null allowed in `versions`.
    pub(crate) const fn nullable(mut self, versions: Versions) -> Self {
        self.nullable = versions;
        self
    }

    /// The same field, tagged in `versions`.
    pub(crate) const fn tagged(mut self, number: u32, versions: Versions) -> Self {
        self.tag = Some(Tag { number, versions });
        self
    }
}

impl Kind {
    /// Bytes on the wire, where these are always as many.
    pub(crate) const fn fixed_bytes(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Int8 => Some(1),
            Self::Int16 | Self::Uint16 => Some(2),
            Self::Int32 => Some(4),
            Self::Int64 | Self::Float64 => Some(8),
            Self::Uuid => Some(16),
            _ => None,
        }
    }

    /// Bytes of a decoded value in memory, without what it points to. Never too few; a test in `kafka` compares it with the decoder's.
    pub fn decoded_bytes(self) -> usize {
        match self {
            Self::String | Self::LegacyString | Self::Bytes | Self::Records => SLICE_BYTES,
            Self::Array(_) => COLLECTION_BYTES,
            Self::Struct(fields) => {
                let fields: usize = fields.iter().map(|field| field.kind.decoded_bytes()).sum();
                (fields + COLLECTION_BYTES).next_multiple_of(8)
            }
            fixed => fixed.fixed_bytes().unwrap_or_default(),
        }
    }
}

/// A message; for the tables.
pub(crate) const fn message(
    api_key: i16,
    name: &'static str,
    versions: Versions,
    flexible: Versions,
    fields: &'static [Field],
) -> Message {
    Message { api_key, name, versions, flexible, fields }
}

/// A field; for the tables.
pub(crate) const fn field(name: &'static str, versions: Versions, kind: Kind) -> Field {
    Field { name, versions, nullable: Versions::NONE, tag: None, kind }
}
