//! A schema as clients send it, and as its format's library reads it.

use crate::{
    avro::AvroSchema, json_schema::JsonSchema, protobuf::ProtobufSchema, record::SchemaReference,
};
use md5::{Digest, Md5};

/// Largest schema text, in bytes; with what it refers to, four times that.
pub const MAX_SCHEMA_BYTES: usize = 1 << 20;

/// The formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SchemaType {
    /// The default, which is not written out.
    #[default]
    Avro,
    /// A `.proto` file.
    Protobuf,
    /// JSON Schema.
    Json,
}

impl SchemaType {
    /// By the name in requests and records.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "AVRO" => Some(Self::Avro),
            "PROTOBUF" => Some(Self::Protobuf),
            "JSON" => Some(Self::Json),
            _ => None,
        }
    }

    /// The name in requests and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Protobuf => "PROTOBUF",
            Self::Json => "JSON",
        }
    }
}

/// A text that a schema refers to, under the name it uses.
#[derive(Clone, Debug)]
pub struct Referenced {
    /// The name of the reference: an Avro full name, an import path, a URL.
    pub name: String,
    /// The text.
    pub text: String,
}

/// A schema that its format's library understood.
#[derive(Clone, Debug)]
pub enum Parsed {
    /// Avro.
    Avro(AvroSchema),
    /// Protobuf.
    Protobuf(Box<ProtobufSchema>),
    /// JSON Schema.
    Json(JsonSchema),
}

impl Parsed {
    /// Reads `text`. `references` come in an order in which each stands after what it refers to.
    ///
    /// # Errors
    /// A sentence for whoever wrote the schema.
    pub fn read(kind: SchemaType, text: &str, references: &[Referenced]) -> Result<Self, String> {
        let size: usize = references.iter().map(|reference| reference.text.len()).sum();
        if text.len() > MAX_SCHEMA_BYTES || size > 4 * MAX_SCHEMA_BYTES {
            return Err(format!("larger than {MAX_SCHEMA_BYTES} bytes"));
        }
        let named: Vec<_> = references.iter().map(|r| (r.name.as_str(), r.text.as_str())).collect();
        match kind {
            SchemaType::Avro => {
                let texts: Vec<_> = named.iter().map(|(_, text)| *text).collect();
                AvroSchema::parse(text, &texts).map(Self::Avro)
            }
            SchemaType::Protobuf => {
                ProtobufSchema::parse(text, &named).map(|schema| Self::Protobuf(Box::new(schema)))
            }
            SchemaType::Json => JsonSchema::parse(text, &named).map(Self::Json),
        }
    }

    /// Its format.
    pub fn kind(&self) -> SchemaType {
        match self {
            Self::Avro(_) => SchemaType::Avro,
            Self::Protobuf(_) => SchemaType::Protobuf,
            Self::Json(_) => SchemaType::Json,
        }
    }

    /// The text that is stored.
    pub fn canonical(&self) -> String {
        match self {
            Self::Avro(schema) => schema.canonical(),
            Self::Protobuf(schema) => schema.canonical(),
            Self::Json(schema) => schema.canonical(),
        }
    }

    /// The text that is stored where `normalize` is asked for.
    pub fn normalized(&self) -> String {
        match self {
            Self::Avro(schema) => schema.normalized(),
            Self::Protobuf(schema) => schema.normalized(),
            Self::Json(schema) => schema.normalized(),
        }
    }

    /// A Protobuf descriptor in Base64; `None` for other formats.
    pub fn serialized(&self) -> Option<String> {
        match self {
            Self::Protobuf(schema) => Some(schema.serialized()),
            _ => None,
        }
    }

    /// The name of the type that the schema describes.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Avro(schema) => schema.name().map(str::to_owned),
            Self::Protobuf(schema) => schema.name(),
            Self::Json(_) => None,
        }
    }
}

/// What two schemas share if and only if they are the same: it decides whether they share an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of a schema as it is stored: format, text, references, and what else was registered with it (metadata, rules).
    pub fn of(kind: &str, text: &str, references: &[SchemaReference], more: &str) -> Self {
        let mut references: Vec<_> = references.iter().collect();
        references.sort_by(|left, right| left.name.cmp(&right.name));
        let mut hash = Md5::new();
        let mut add = |part: &str| {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        };
        add(kind);
        add(text);
        add(more);
        for reference in references {
            add(&reference.name);
            add(&reference.subject);
            add(&reference.version.to_string());
        }
        Self(hash.finalize().into())
    }
}
