//! The write path of one partition: validate, order, WAL, tail; and [`PendingAppend`], which waits for durability.
//!
//! Validation runs before the lock is taken. Under the lock: producer check against what is enqueued, offset, WAL, tail,
//! producer state, in that order, so that whatever refuses leaves nothing behind.

use crate::{
    Acknowledged, Acks, AppendError, AppendOrigin, AwaitedRequest, ProducerConnection,
    Verification,
    engine::Engine,
    partition::Shared,
    produced::produced_batch,
    producer_state::{Admission, Duplicate, ProducedBatch},
    sequencer::{Sequencer, Standing},
    tail::{TailBatch, WalPlace},
    validation::{ValidBatch, validate},
    waiters::WaitFor,
};
use bytes::Bytes;
use formats::record_batch::{BatchHeader, patched_head};
use model::{Offset, TimestampMs};
use runtime::traces;
use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering},
};
use tracing::Span;
use wal::{Appended, Durability, FrameMeta};

/// An append that has its offset and waits to be durable.
#[derive(Debug)]
pub struct PendingAppend {
    partition: Arc<Shared>,
    base_offset: Offset,
    end_offset: Offset,
    wait_for: WaitFor,
    log_append_time: Option<TimestampMs>,
    /// Says that nothing follows before this is committed; for as long as it waits.
    awaited: Option<AwaitedRequest>,
}

impl PendingAppend {
    /// The offset given to its first record (of the original, for a duplicate).
    pub fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// Whether it waits for a commit, not for the WAL alone.
    pub fn awaits_commit(&self) -> bool {
        self.wait_for == WaitFor::Commit
    }

    /// Says that its sender sends nothing more before this is committed: waiting for more gains nothing.
    pub(crate) fn with_nothing_to_follow(mut self) -> Self {
        self.awaited = Some(ProducerConnection::await_one(&self.partition.engine));
        self
    }

    /// Waits until it is durable as its acks ask. The one place where an append is acknowledged.
    ///
    /// # Errors
    /// `NotOwner` when ownership was lost first, `Storage` when the WAL failed, `Stopping`.
    ///
    /// # Cancel safety
    /// Dropping it (a request that timed out) leaves the records in the log.
    pub async fn acknowledged(self) -> Result<Acknowledged, AppendError> {
        let engine = &self.partition.engine;
        let stopping = engine.parts.tasks.shutdown();
        loop {
            let woken = match self.look(engine)? {
                Ok(acknowledged) => return Ok(acknowledged),
                Err(woken) => woken,
            };
            tokio::select! {
                // A sender that was dropped is a reason to look again, as a wake-up is.
                _ = woken => {}
                () = stopping.requested() => return Err(AppendError::Stopping),
            }
        }
    }

    fn look(
        &self,
        engine: &Engine,
    ) -> Result<Result<Acknowledged, tokio::sync::oneshot::Receiver<()>>, AppendError> {
        let mut sequencer = self.partition.sequencer.lock();
        let session = sequencer.ownership.session.id;
        let lease_holds = || engine.lease_holds(session);
        match sequencer.standing(self.end_offset, self.wait_for, lease_holds)? {
            Standing::Covered => Ok(Ok(Acknowledged {
                base_offset: self.base_offset,
                log_append_time: self.log_append_time,
                log_start: sequencer.log.log_start,
            })),
            Standing::Waiting(woken) => match engine.wal_failure() {
                Some(reason) if self.wait_for != WaitFor::Commit => {
                    Err(AppendError::Storage(reason))
                }
                _ => Ok(Err(woken)),
            },
            Standing::HeldBack(woken) => {
                engine.hold_back(self.partition.id);
                engine.ledger.look_again();
                Ok(Err(woken))
            }
            Standing::Withheld(woken) => {
                engine.terms.ask(self.partition.id);
                Ok(Err(woken))
            }
        }
    }
}

/// Appends one batch.
pub(crate) fn append(
    partition: &Arc<Shared>,
    records: &Bytes,
    acks: Acks,
    origin: AppendOrigin,
) -> Result<PendingAppend, AppendError> {
    let engine = &partition.engine;
    let settings = Arc::clone(&partition.sequencer.lock().settings);
    let now = TimestampMs(engine.parts.clock.unix_ms());
    let batch = validate(records, &settings, now, origin)?;
    let admitted = engine.has_room();

    let mut sequencer = partition.sequencer.lock();
    sequencer.check_appendable()?;
    let produced = produced_batch(&batch.header, &batch.bytes, sequencer.log_end())
        .map_err(AppendError::CorruptBatch)?;
    let wait_for = sequencer.wait_for(acks);
    if let Some(produced) = &produced {
        let checked = sequencer.log.producers.check(produced);
        let checked = checked.map_err(|error| unless_outdated(engine, &sequencer, error))?;
        if let Admission::Duplicate(original) = checked {
            let Duplicate { base_offset, last_offset, timestamp } = original;
            let stamp = batch.log_append_time.map(|_| timestamp);
            return Ok(await_earlier(partition, base_offset..last_offset.plus(1), wait_for, stamp));
        }
        match origin {
            AppendOrigin::Client => sequencer.log.producers.check_begun(produced, None)?,
            AppendOrigin::Transaction(verified) => {
                sequencer.log.producers.check_begun(produced, Some(verified))?;
            }
            AppendOrigin::Coordinator => {}
        }
    }
    enter(partition, &mut sequencer, &batch, produced.as_ref(), wait_for, admitted)
}

/// That a sequence or an epoch is wrong can be said only by who knows all that was appended. Without a lease another broker may own the
/// partition and know more: producers would take this one's word as final.
fn unless_outdated(engine: &Engine, sequencer: &Sequencer, error: AppendError) -> AppendError {
    let lease_holds = engine.lease_holds(sequencer.ownership.session.id);
    if lease_holds { error } else { AppendError::NotReady }
}

/// Waits for what was appended before.
pub(crate) fn await_earlier(
    partition: &Arc<Shared>,
    offsets: Range<Offset>,
    wait_for: WaitFor,
    log_append_time: Option<TimestampMs>,
) -> PendingAppend {
    if wait_for == WaitFor::Commit {
        partition.engine.flush_queue.note_waiter();
    }
    PendingAppend {
        partition: Arc::clone(partition),
        base_offset: offsets.start,
        end_offset: offsets.end,
        wait_for,
        log_append_time,
        awaited: None,
    }
}

/// Gives a batch that nothing speaks against its offset and its place in the WAL, if there is room (`admitted`).
pub(crate) fn enter(
    partition: &Arc<Shared>,
    sequencer: &mut Sequencer,
    batch: &ValidBatch,
    produced: Option<&ProducedBatch>,
    wait_for: WaitFor,
    admitted: bool,
) -> Result<PendingAppend, AppendError> {
    let engine = &partition.engine;
    if !admitted {
        return Err(AppendError::Overloaded("log.buffer.max.bytes is used up".to_owned()));
    }
    let base_offset = sequencer.log_end();
    let end_offset = base_offset.plus(batch.header.last_offset_delta as u64 + 1);
    let request = traces::current();
    let appended =
        to_wal(engine, partition, sequencer, batch, end_offset, wait_for, request.as_ref())?;
    take_in(sequencer, batch, produced, end_offset, appended);
    let bytes = batch.bytes.len() as u64;
    engine.buffers.appended(bytes);
    engine.buffers.batches_came(1);
    engine.flush_queue.add(
        partition.id,
        bytes,
        wait_for == WaitFor::Commit,
        engine.parts.clock.boot_time(),
    );
    engine.appended_bytes.increment(bytes);
    partition.carried_bytes.fetch_add(bytes, Ordering::Relaxed);
    if let Some(request) = request {
        engine.traced.add(partition.id, end_offset, request);
    }
    Ok(PendingAppend {
        partition: Arc::clone(partition),
        base_offset,
        end_offset,
        wait_for,
        log_append_time: batch.log_append_time,
        awaited: None,
    })
}

/// What is to be verified of a batch before it is appended; `None` also for what will be refused, or is there already.
pub(crate) fn question(partition: &Shared, records: &Bytes) -> Option<Verification> {
    let header = BatchHeader::parse(records).ok()?;
    if !header.attributes.is_transactional() || header.attributes.is_control() {
        return None;
    }
    let sequencer = partition.sequencer.lock();
    let produced = produced_batch(&header, records, sequencer.log_end()).ok()??;
    match sequencer.log.producers.check(&produced) {
        Ok(Admission::New) => sequencer.log.producers.question(&produced),
        Ok(Admission::Duplicate(_)) | Err(_) => None,
    }
}

fn to_wal(
    engine: &Engine,
    partition: &Shared,
    sequencer: &Sequencer,
    batch: &ValidBatch,
    end_offset: Offset,
    wait_for: WaitFor,
    request: Option<&Span>,
) -> Result<Appended, AppendError> {
    let base_offset = sequencer.log_end();
    let leader_epoch = sequencer.ownership.epoch;
    let head = patched_head(&batch.bytes, base_offset.to_wire(), leader_epoch.to_wire());
    let rest = batch.bytes.get(head.len()..).unwrap_or_default();
    let durability = match sequencer.needs_sync(wait_for) {
        true => Durability::Synced,
        false => Durability::Written,
    };
    let meta = FrameMeta { partition: partition.id, base_offset, leader_epoch };
    let traced = request.and_then(|request| {
        let spans = engine.ledger.spans()?;
        Some((spans, wal_span(request, meta, batch.bytes.len(), durability)))
    });
    let appended = engine.ledger.append(meta, end_offset, &[&head, rest], durability);
    let appended = appended.map_err(|error| match error {
        retryable if retryable.retryable() => AppendError::Overloaded(retryable.to_string()),
        other => AppendError::Storage(other.to_string()),
    })?;
    if let Some((spans, span)) = traced {
        spans.open(appended.end, durability, span);
    }
    Ok(appended)
}

fn wal_span(request: &Span, meta: FrameMeta, bytes: usize, durability: Durability) -> Span {
    tracing::info_span!(
        target: traces::TARGET,
        parent: request,
        "wal.append",
        partition = %meta.partition,
        base_offset = meta.base_offset.to_wire(),
        leader_epoch = meta.leader_epoch.to_wire(),
        bytes,
        synced = durability == Durability::Synced,
    )
}

fn take_in(
    sequencer: &mut Sequencer,
    batch: &ValidBatch,
    produced: Option<&ProducedBatch>,
    end_offset: Offset,
    appended: Appended,
) {
    let base_offset = sequencer.log_end();
    let max_timestamp = TimestampMs(batch.header.max_timestamp);
    let place = WalPlace { end: appended.end, bytes: appended.payload.len() };
    let bytes = Some(appended.payload);
    sequencer.log.tail.push(TailBatch { base_offset, end_offset, max_timestamp, place, bytes });
    let epoch = sequencer.ownership.epoch;
    sequencer.log.epochs.begin(epoch, base_offset);
    if let Some(produced) = produced {
        sequencer.log.producers.apply(produced);
    }
}
