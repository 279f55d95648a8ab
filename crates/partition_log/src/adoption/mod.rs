//! Adoption: segments that metadata does not know, because it was put back from an older snapshot, become part of the logs again.
//!
//! What was acknowledged with acks=all is in a segment that was committed. A segment that nothing speaks against is taken for one:
//! at worst its records were never acknowledged, which a producer must expect of a broker that goes away. One that was not
//! committed before its session ended (it may have landed late) is told by what came after: a later epoch that begins where it
//! lies, or other values at its offsets. Then it is refused as a whole, and with it what its session cut later.
//!
//! Brokers must not run meanwhile.

mod candidates;
mod choice;
mod ends;
mod records;
mod topics;
mod transactions;

pub use topics::LostTopic;
pub use transactions::{OpenTransaction, TracedProducer};

use crate::Stores;
use candidates::Candidates;
use choice::{Choice, choose};
use metadata::MetadataError;
use model::PartitionId;
use std::ops::Range;
use storage::ObjectError;

/// What was adopted, and what was not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Adopted {
    /// Segments that were taken.
    pub segments: u64,
    /// Partitions that reach further than metadata said.
    pub partitions: u64,
    /// Records that were taken.
    pub records: u64,
    /// Segments that were refused, or can't be read; each with the reason.
    pub refused: Vec<(String, String)>,
    /// Offsets that no segment has, in front of others that can't be taken without them.
    pub gaps: Vec<(PartitionId, Range<u64>)>,
    /// Partitions whose log can't be put together from what metadata says; they stay as they are.
    pub broken: Vec<(PartitionId, String)>,
    /// Topics that metadata does not have, or has fewer partitions of.
    pub lost: Vec<LostTopic>,
    /// Slices of topics that were deleted: they come back no more.
    pub of_deleted_topics: u64,
    /// Producers with transactions in what was taken.
    pub producers: Vec<TracedProducer>,
}

/// How far reading segments came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// Segments that were listed.
    pub listed: u64,
    /// Those of them whose footers are read; it grows while they are being listed.
    pub to_read: u64,
    /// Footers that were read.
    pub read: u64,
}

/// Why nothing was adopted.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The metadata store's error.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The object store's error.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// A log could not be read now.
    #[error("{0}")]
    Unavailable(String),
}

/// Adopts what the bucket has beyond the metadata in `stores`, and writes commits and owner records there. `session` is an id that
/// nobody uses: owner records name it as the last session of what was adopted.
///
/// # Errors
/// A store's. Doing it again does what is left.
pub async fn adopt(
    stores: &Stores,
    session: model::SessionId,
    now_unix_ms: i64,
    report: impl FnMut(Progress) + Send,
) -> Result<Adopted, Failure> {
    let candidates = Candidates::find(stores, report).await?;
    let ends = ends::read(stores, candidates.partitions()).await?;
    let Choice { taken, mut attached, refused, gaps } = choose(&candidates.segments, &ends.known);
    let mut lost = topics::lost(&candidates.segments, &ends.lost, &attached);
    topics::restore(stores, &mut lost, now_unix_ms).await?;
    // What can't be given back is no partition's.
    attached.retain(|partition, it| !it.is_empty() || !ends.lost.contains(partition));
    let producers = transactions::trace(&candidates.segments, &attached, &ends.open);
    let owners = ends.owners;
    let adopted = Adopted {
        segments: taken.len() as u64,
        partitions: attached.values().filter(|it| !it.is_empty()).count() as u64,
        records: attached.values().flatten().map(|it| it.offsets.end.since(it.offsets.start)).sum(),
        refused: candidates.name(&refused),
        gaps,
        broken: ends.broken,
        lost,
        of_deleted_topics: candidates.slices_of(&ends.deleted),
        producers,
    };
    records::write(stores, session, &candidates, &taken, &attached, owners).await?;
    Ok(adopted)
}
