//! Objects: opened by URL, with retry, limits, request counts and faults.
//!
//! The only crate that knows `object_store` and aws-sdk-s3. Everything above sees [`Objects`]: names, bytes, ranges.

mod counts;
mod error;
mod failure;
mod faults;
#[doc(hidden)]
pub mod fuzzing;
mod local;
mod location;
mod memory;
mod name;
mod objects;
mod operation;
mod options;
mod probe;
mod retry;
mod s3;
mod store;

pub use counts::RequestCounts;
pub use error::{ObjectError, ObjectErrorKind};
pub use faults::{Fault, FaultPlan};
pub use name::{InvalidObjectName, ObjectName};
pub use objects::{Listed, Objects};
pub use operation::Operation;
pub use options::ObjectsOptions;
pub use probe::{Check, ProbeReport, Verdict};
pub use store::Page;
