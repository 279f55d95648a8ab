//! Segments go before the index that names them, as soon as no reader reaches anything of them: what is kept for ever does not keep what
//! was written at the same time (ADR 23).
//!
//! The index object stays as it is, and goes on listing slices that are gone, below log starts. Producers are remembered by it. Metadata
//! says how many of its segments went; what is found gone is only ever more.

use super::{
    change,
    inventory::{self, Listed},
    liveness::Liveness,
    note_ahead, notes,
    remembered::Remembered,
};
use crate::{engine::Engine, fold::Freed, pipeline::ActiveSession};
use formats::metadata::Index;
use metadata::{Operation, families};
use model::SessionId;
use std::collections::BTreeMap;

/// An index object is read once this part of the bytes that it lists went since it was read before, or all are gone.
const PART: u64 = 4;

/// Index objects read in one pass.
const LOOKS_MAX: usize = 64;

/// When index objects were looked into.
#[derive(Debug, Default)]
pub(super) struct FreedSegments {
    /// How many bytes of what each lists were unreachable.
    looked: Remembered<u64>,
    /// In this pass.
    looks: usize,
}

impl FreedSegments {
    /// Ends a pass over all indexes: what it did not meet is forgotten.
    pub(super) fn end_pass(&mut self) {
        self.looked.end_pass();
        self.looks = 0;
    }

    /// Notes the segments that an index of session `of` names and nobody reaches, if they may have become more.
    pub(super) async fn free(
        &mut self,
        engine: &Engine,
        session: &ActiveSession,
        of: SessionId,
        (listed, liveness): (&Listed, &Liveness),
    ) -> Result<(), String> {
        let Some(index) = &listed.index else { return Ok(()) };
        let bytes = liveness.unreachable_bytes(&listed.held);
        let looked = self.looked.get(&listed.object).unwrap_or(0);
        let total = listed.held.iter().map(|it| it.bytes).sum();
        if !is_due(looked.max(index.freed_bytes), bytes, total) || self.looks == LOOKS_MAX {
            return Ok(());
        }
        self.looks += 1;
        let segments = unreachable_segments(engine, listed, index, liveness).await?;
        self.looked.insert(listed.object.clone(), bytes);
        let freed = Freed { segments: segments.len() as u32, bytes };
        if freed.segments > index.freed_segments {
            tracing::debug!(index = %listed.object, segments = freed.segments, bytes, "segments go before the index that names them");
            note(engine, session, (of, listed), index, (freed, &segments)).await?;
        }
        Ok(())
    }
}

/// Whether to look into an index that lists `total` bytes, of which `bytes` can't be reached, and `looked` could not the last time.
fn is_due(looked: u64, bytes: u64, total: u64) -> bool {
    bytes > looked && (bytes - looked >= total.div_ceil(PART) || bytes == total)
}

/// The segments in which the index lists nothing that can be reached.
async fn unreachable_segments(
    engine: &Engine,
    listed: &Listed,
    index: &Index,
    liveness: &Liveness,
) -> Result<Vec<String>, String> {
    let mut segments: BTreeMap<String, bool> = BTreeMap::new();
    inventory::each_slice(engine, &listed.object, index, |it| {
        let is_gone = liveness.is_unreachable(it.slice.partition, it.slice.end_offset);
        segments.entry(it.object).and_modify(|all| *all &= is_gone).or_insert(is_gone);
    })
    .await?;
    Ok(segments.into_iter().filter_map(|(object, is_gone)| is_gone.then_some(object)).collect())
}

/// Says in metadata that these segments go, all of them again: some may have been noted before.
async fn note(
    engine: &Engine,
    session: &ActiveSession,
    (of, listed): (SessionId, &Listed),
    index: &Index,
    (freed, segments): (Freed, &[String]),
) -> Result<(), String> {
    let value = Index { freed_segments: freed.segments, freed_bytes: freed.bytes, ..index.clone() };
    let mut then = notes(engine, note_ahead(engine, session, segments).await?);
    then.push(Operation::put(listed.key.clone(), families::encode(value)));
    if change(engine, session, listed, then).await? && of == session.stamp.id {
        session.commits.lock().note_freed(&listed.object, freed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_looked_into_for_a_quarter_and_for_the_last_of_it() {
        assert!(!is_due(0, 0, 100) && !is_due(0, 0, 0));
        assert!(!is_due(0, 24, 100) && is_due(0, 25, 100));
        assert!(!is_due(25, 49, 100) && is_due(25, 50, 100));
        assert!(is_due(90, 100, 100) && !is_due(100, 100, 100));
    }
}
