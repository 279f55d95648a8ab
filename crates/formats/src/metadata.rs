//! Values of the metadata store, in prost. Schema: `proto/metadata.proto`; keys: `docs/formats/metadata.md`.

#[expect(missing_docs, clippy::pedantic, reason = "generated; the schema has the words")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/alluvium.metadata.v1.rs"));
}

pub use generated::*;
