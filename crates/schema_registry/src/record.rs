//! The records of `_schemas`, as Confluent's registry writes them: JSON keys and values.
//!
//! Source: the storage format that Confluent documents, and Karapace's description of the same. Members that are not known
//! here are kept, so that what another registry wrote is given back whole.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The topic.
pub const TOPIC: &str = "_schemas";

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "keytype")]
pub enum Key {
    /// A subject's version.
    #[serde(rename = "SCHEMA")]
    Schema {
        /// The subject.
        subject: String,
        /// The version.
        version: u32,
        /// The key's format.
        magic: u8,
    },
    /// The compatibility level of a subject; of everything, if there is none.
    #[serde(rename = "CONFIG")]
    Config {
        /// The subject.
        subject: Option<String>,
        /// The key's format.
        magic: u8,
    },
    /// The mode of a subject; of everything, if there is none.
    #[serde(rename = "MODE")]
    Mode {
        /// The subject.
        subject: Option<String>,
        /// The key's format.
        magic: u8,
    },
    /// The soft deletion of all versions.
    #[serde(rename = "DELETE_SUBJECT")]
    DeleteSubject {
        /// The subject.
        subject: String,
        /// The key's format.
        magic: u8,
    },
    /// The permanent deletion of all versions.
    #[serde(rename = "CLEAR_SUBJECT")]
    ClearSubject {
        /// The subject.
        subject: String,
        /// The key's format.
        magic: u8,
    },
    /// Nothing: another registry finds out with it where the log ends.
    #[serde(rename = "NOOP")]
    Noop {
        /// The key's format.
        magic: u8,
    },
}

impl Key {
    /// Reads a key; `None` for kinds that are not known here.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The key's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        // Compaction compares keys byte by byte: members are in Confluent's order.
        let member = |name: &str, value: &Option<String>| {
            value.as_ref().map_or(String::new(), |value| {
                format!("\"{name}\":{},", Value::from(value.as_str()))
            })
        };
        let (kind, subject, version, magic) = match self {
            Self::Schema { subject, version, magic } => {
                ("SCHEMA", Some(subject.clone()), format!("\"version\":{version},"), magic)
            }
            Self::Config { subject, magic } => ("CONFIG", subject.clone(), String::new(), magic),
            Self::Mode { subject, magic } => ("MODE", subject.clone(), String::new(), magic),
            Self::DeleteSubject { subject, magic } => {
                ("DELETE_SUBJECT", Some(subject.clone()), String::new(), magic)
            }
            Self::ClearSubject { subject, magic } => {
                ("CLEAR_SUBJECT", Some(subject.clone()), String::new(), magic)
            }
            Self::Noop { magic } => ("NOOP", None, String::new(), magic),
        };
        let subject = member("subject", &subject);
        format!("{{\"keytype\":\"{kind}\",{subject}{version}\"magic\":{magic}}}").into_bytes()
    }
}

/// What a schema refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SchemaReference {
    /// What the schema calls it.
    pub name: String,
    /// The subject it is registered under.
    pub subject: String,
    /// Its version there; −1 is the latest, in requests.
    pub version: i32,
}

/// A version, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SchemaValue {
    /// The subject.
    pub subject: String,
    /// The version.
    pub version: u32,
    /// The id that records carry.
    pub id: u32,
    /// Left out for Avro.
    #[serde(rename = "schemaType", default, skip_serializing_if = "Option::is_none")]
    pub schema_type: Option<String>,
    /// What the schema refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub references: Vec<SchemaReference>,
    /// The text.
    pub schema: String,
    /// Whether the version is softly deleted.
    #[serde(default)]
    pub deleted: bool,
    /// Metadata, rules, and what else there is.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl SchemaValue {
    /// Its format's name.
    pub fn kind(&self) -> &str {
        self.schema_type.as_deref().unwrap_or("AVRO")
    }
}

fn or_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// A subject's rule, or everything's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfigValue {
    /// The level's name.
    #[serde(rename = "compatibilityLevel", default, skip_serializing_if = "Option::is_none")]
    pub compatibility_level: Option<String>,
    /// Whether schemas are normalized without being asked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    /// Whatever else there is.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A subject's mode, or everything's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeValue {
    /// The mode's name.
    pub mode: String,
    /// Whatever else there is.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Up to which version a subject is deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeleteSubjectValue {
    /// The subject.
    pub subject: String,
    /// The last version that is deleted.
    pub version: u32,
}
