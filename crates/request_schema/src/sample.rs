//! [`Sample`]: a request that follows its schema, with the places of its lengths. Tests and fuzzing start from these.

use crate::{Field, Kind, Message, REQUEST_HEADER};

/// A request without the length of its frame, and where its lengths are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sample {
    /// Fixed head, rest of the header, body.
    pub bytes: Vec<u8>,
    /// Every length, count and tag in them, by position.
    pub lengths: Vec<Length>,
}

/// A length within a sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Length {
    /// The field that it belongs to.
    pub field: &'static str,
    /// Its first byte.
    pub position: usize,
    /// How it is written.
    pub form: Form,
}

/// How a length is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Two bytes.
    Int16,
    /// Four bytes.
    Int32,
    /// One byte, of a variable-length number.
    Varint,
}

/// How much a sample holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// Null where that is allowed, else nothing; −1 as every number.
    Least,
    /// One element in every array, and the same short text and small number everywhere.
    Typical,
}

/// The text of every string in a [`Content::Typical`] sample.
pub const TEXT: &str = "sample";

impl Sample {
    /// A request of `message` in that version.
    pub fn new(message: &Message, version: i16, correlation_id: i32, content: Content) -> Self {
        let mut writer = Writer {
            sample: Self::default(),
            version: message.header_version(version),
            flexible: message.flexible.contains(version),
            content,
        };
        writer.put(&message.api_key.to_be_bytes());
        writer.put(&version.to_be_bytes());
        writer.put(&correlation_id.to_be_bytes());
        writer.structure(REQUEST_HEADER);
        writer.version = version;
        writer.structure(message.fields);
        writer.sample
    }

    /// The same bytes with another value where a length is: the nearest to `value` that its form can carry. Varints carry it as
    /// it is, without the one that they add to lengths.
    pub fn with_length(&self, length: &Length, value: i32) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let (end, replacement) = match length.form {
            Form::Int16 => {
                let value = value.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                (length.position + 2, value.to_be_bytes().to_vec())
            }
            Form::Int32 => (length.position + 4, value.to_be_bytes().to_vec()),
            Form::Varint => (length.position + 1, varint(value as u32)),
        };
        bytes.splice(length.position..end, replacement);
        bytes
    }
}

struct Writer {
    sample: Sample,
    version: i16,
    flexible: bool,
    content: Content,
}

impl Writer {
    fn structure(&mut self, fields: &[Field]) {
        for field in fields {
            if field.is_plain_in(self.version) {
                self.field(field);
            }
        }
        if self.flexible {
            self.tagged_fields(fields);
        }
    }

    fn field(&mut self, field: &Field) {
        let nullable = field.nullable.contains(self.version);
        self.value(field.name, field.kind, nullable);
    }

    fn value(&mut self, name: &'static str, kind: Kind, nullable: bool) {
        let absent = self.content == Content::Least;
        match kind {
            Kind::Struct(_) if nullable && absent => self.put(&[0xff]),
            Kind::Struct(fields) => {
                if nullable {
                    self.put(&[1]);
                }
                self.structure(fields);
            }
            Kind::Array(_) | Kind::String | Kind::LegacyString | Kind::Bytes | Kind::Records
                if absent =>
            {
                self.length(name, kind, if nullable { -1 } else { 0 });
            }
            Kind::Array(element) => {
                self.length(name, kind, 1);
                self.value(name, *element, false);
            }
            Kind::String | Kind::LegacyString | Kind::Bytes | Kind::Records => {
                self.length(name, kind, TEXT.len() as i32);
                self.put(TEXT.as_bytes());
            }
            number => self.number(number),
        }
    }

    fn number(&mut self, kind: Kind) {
        let bytes = kind.fixed_bytes().unwrap_or_default();
        let value: i128 = if self.content == Content::Least { -1 } else { 1 };
        self.put(value.to_be_bytes().split_at(16 - bytes).1);
    }

    fn length(&mut self, field: &'static str, kind: Kind, length: i32) {
        let position = self.sample.bytes.len();
        let form = match kind {
            Kind::LegacyString => Form::Int16,
            _ if self.flexible => Form::Varint,
            Kind::String => Form::Int16,
            _ => Form::Int32,
        };
        match form {
            Form::Int16 => self.put(&(length as i16).to_be_bytes()),
            Form::Int32 => self.put(&length.to_be_bytes()),
            Form::Varint => self.put(&varint((length + 1) as u32)),
        }
        self.sample.lengths.push(Length { field, position, form });
    }

    fn tagged_fields(&mut self, fields: &[Field]) {
        let version = self.version;
        let known = fields.iter().filter(|field| field.is_tagged_in(version));
        let known: Vec<_> =
            if self.content == Content::Least { Vec::new() } else { known.collect() };
        self.mark("tagged fields", known.len());
        for field in known {
            self.mark("tag", field.tag.map_or(0, |tag| tag.number as usize));
            let mut content = Self { sample: Sample::default(), ..*self };
            content.field(field);
            self.mark("tag size", content.sample.bytes.len());
            let base = self.sample.bytes.len();
            let lengths = content.sample.lengths.into_iter();
            let moved = lengths.map(|length| Length { position: base + length.position, ..length });
            self.sample.lengths.extend(moved);
            self.put(&content.sample.bytes);
        }
    }

    /// A number of one byte that says how long something is.
    fn mark(&mut self, field: &'static str, value: usize) {
        let position = self.sample.bytes.len();
        self.sample.lengths.push(Length { field, position, form: Form::Varint });
        self.put(&[value as u8]);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.sample.bytes.extend_from_slice(bytes);
    }
}

fn varint(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
