//! What a topic's bytes mean: schemas, their versions, and which may follow which.
//!
//! The crate is a library without a broker: [`Registry`] answers Confluent's REST API out of a [`State`] that the records of
//! `_schemas` make, and appends to them through the port [`Log`].

mod access;
mod avro;
mod compatibility;
mod error;
mod http;
mod json;
mod json_schema;
mod protobuf;
mod record;
mod registry;
mod schema;
mod state;
mod subject;

pub use access::{Access, Deed, Visitor};
pub use compatibility::{Difference, Level};
pub use error::RegistryError;
pub use http::{routes, serve};
pub use record::{
    ConfigValue, DeleteSubjectValue, Key, ModeValue, SchemaReference, SchemaValue, TOPIC,
};
pub use registry::{Log, LogRefusal, Record, Registration, Registry, Selector, Term};
pub use schema::{Fingerprint, MAX_SCHEMA_BYTES, Parsed, Referenced, SchemaType};
pub use state::State;
pub use subject::Subject;

#[cfg(test)]
mod tests;
