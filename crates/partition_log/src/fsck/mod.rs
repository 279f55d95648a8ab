//! Checks what is stored against itself: metadata, objects, and what each says of the other. Reads only.
//!
//! A partition's log is put together by the code that opens partitions, so what is found here is what a broker would meet. An
//! object is reachable when a commit, an index, a run of an index object or a manifest's rest names it; it is on its way out
//! when a note of the garbage collector names it. Any other that is older than the grace is an orphan.
//!
//! Memory: about 64 bytes for each object, the content of one index object, and the history of 64 partitions at a time.
//! Brokers may run meanwhile: what contradicts is read again before it is told, and what was replaced meanwhile is passed over.

mod bucket;
mod context;
mod finding;
mod log;
mod orphans;
mod segment;
mod session;
mod slices;
mod verified;

pub use context::{Depth, Event, Failure, Options, Summary};
pub use finding::{Finding, FindingKind, Place};
pub use verified::Verified;

use crate::Stores;
use context::Context;

/// Checks a cluster; findings and progress go to `report` as they come.
///
/// # Errors
/// When a store did not answer: what is not reported by then was not checked.
pub async fn check<'a>(
    stores: &'a Stores,
    options: Options,
    report: impl FnMut(Event) + Send + 'a,
) -> Result<Summary, Failure> {
    let mut context = Context::open(stores, options, Box::new(report)).await?;
    session::check_all(&mut context).await?;
    log::check_all(&mut context).await?;
    orphans::find(&context).await?;
    Ok(context.into_summary())
}
