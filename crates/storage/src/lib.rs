//! Objects: opened by URL, with retry, limits, request counts and faults.
//!
//! The only crate that knows object_store and aws-sdk-s3. Everything above sees [`Objects`]: names, bytes, ranges.

mod error;
mod name;
mod objects;

pub use error::{ObjectError, ObjectErrorKind};
pub use name::ObjectName;
pub use objects::{Listed, Objects, ObjectsOptions, RequestCounts};
