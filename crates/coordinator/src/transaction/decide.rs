//! [`decide`]: what becomes of a transactional id when something happens, and what is answered. Pure.
//!
//! Nothing here is pending: a decision is taken into memory at once, and answered when the journal has it. What can't
//! follow the state is refused as Kafka refuses it.

use super::{
    TransactionError, TransactionResult, TransactionState, TransactionVersion,
    TransactionalProducer,
    state::{FIRST_EPOCH, is_exhausted, raised},
};
use TransactionState::{Empty, Ongoing, PrepareAbort, PrepareCommit};
use model::{PartitionId, ProducerEpoch, ProducerId, TimestampMs};
use std::collections::BTreeSet;

/// Partitions of one transaction: the journal keeps them in one value.
pub const PARTITIONS_MAX: usize = 20_000;

/// Something that happens to a transactional id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A producer takes the id, and fences whoever had it before.
    Init {
        /// How long its transactions may take.
        timeout_ms: u32,
        /// Who it was before, when it recovers from an error (KIP-360).
        expected: Option<(ProducerId, ProducerEpoch)>,
    },
    /// The producer is about to write to these partitions.
    AddPartitions {
        /// Who.
        producer: ProducerId,
        /// In which epoch.
        epoch: ProducerEpoch,
        /// Where.
        partitions: BTreeSet<PartitionId>,
    },
    /// The producer ends its transaction.
    End {
        /// Who.
        producer: ProducerId,
        /// In which epoch.
        epoch: ProducerEpoch,
        /// How.
        result: TransactionResult,
        /// By which rules.
        version: TransactionVersion,
    },
    /// Time passed.
    Tick,
    /// Every partition has its marker.
    Marked,
}

/// What is decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The id from now on; `None`: as it was.
    pub next: Option<TransactionalProducer>,
    /// What is answered once the journal has it.
    pub answer: Answer,
}

/// What is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// Done.
    Done,
    /// Go on as this producer, in this epoch.
    GoOn(ProducerId, ProducerEpoch),
    /// Try again when the transaction that is being aborted is.
    TryAgain,
    /// First a producer id is needed that nobody had; decide again with one.
    NeedsProducerId,
}

/// Decides. `fresh` is a producer id that nobody had, where [`Answer::NeedsProducerId`] asked for one.
///
/// # Errors
/// What the client is refused with; nothing changed.
pub fn decide(
    known: &TransactionalProducer,
    event: &Event,
    fresh: Option<ProducerId>,
    now: TimestampMs,
) -> Result<Decision, TransactionError> {
    match event {
        Event::Init { timeout_ms, expected } => init(known, *timeout_ms, *expected, fresh, now),
        Event::AddPartitions { producer, epoch, partitions } => {
            add_partitions(known, (*producer, *epoch), partitions, now)
        }
        Event::End { producer, epoch, result, version: TransactionVersion::V1 } => {
            end_v1(known, (*producer, *epoch), *result, now)
        }
        Event::End { producer, epoch, result, version: TransactionVersion::V2 } => {
            end_v2(known, (*producer, *epoch), *result, fresh, now)
        }
        Event::Tick => Ok(tick(known, now)),
        Event::Marked => Ok(marked(known, now)),
    }
}

impl Decision {
    fn unchanged(answer: Answer) -> Self {
        Self { next: None, answer }
    }

    fn to(next: TransactionalProducer, answer: Answer) -> Self {
        Self { next: Some(next), answer }
    }
}

fn init(
    known: &TransactionalProducer,
    timeout_ms: u32,
    expected: Option<(ProducerId, ProducerEpoch)>,
    fresh: Option<ProducerId>,
    now: TimestampMs,
) -> Result<Decision, TransactionError> {
    let may_be = |(producer, epoch): (ProducerId, ProducerEpoch)| {
        producer == known.producer
            || (Some(producer) == known.previous_producer && is_exhausted(epoch))
    };
    if !expected.is_none_or(may_be) {
        return Err(TransactionError::ProducerFenced);
    }
    let expected = expected.map(|(_, epoch)| epoch);
    match known.state {
        PrepareCommit | PrepareAbort => Err(TransactionError::ConcurrentTransactions),
        Ongoing if expected.is_some_and(|epoch| epoch != known.epoch) => {
            Err(TransactionError::ProducerFenced)
        }
        // Who names the present epoch may ask again with it.
        Ongoing => Ok(Decision::to(fenced(known, expected, now), Answer::TryAgain)),
        _ => take_over(known, timeout_ms, expected, fresh, now),
    }
}

/// The producer takes the id over: in the next epoch, or as another producer when there is none.
fn take_over(
    known: &TransactionalProducer,
    timeout_ms: u32,
    expected: Option<ProducerEpoch>,
    fresh: Option<ProducerId>,
    now: TimestampMs,
) -> Result<Decision, TransactionError> {
    let is_current = expected.is_none_or(|epoch| epoch == known.epoch);
    let mut next = TransactionalProducer {
        timeout_ms,
        state: Empty,
        started: None,
        updated: now,
        epoch_is_its_own: false,
        ..known.clone()
    };
    if is_current && known.epoch_is_exhausted() {
        let Some(fresh) = fresh else { return Ok(Decision::unchanged(Answer::NeedsProducerId)) };
        next.previous_producer = Some(known.producer);
        (next.producer, next.epoch) = (fresh, FIRST_EPOCH);
        next.last_epoch = expected.map(|_| known.epoch);
    } else if is_current {
        next.epoch = raised(known.epoch);
        next.last_epoch = expected.map(|_| known.epoch);
    } else if expected != known.last_epoch {
        return Err(TransactionError::ProducerFenced);
    }
    let answer = Answer::GoOn(next.producer, next.epoch);
    Ok(Decision::to(next, answer))
}

fn add_partitions(
    known: &TransactionalProducer,
    (producer, epoch): (ProducerId, ProducerEpoch),
    partitions: &BTreeSet<PartitionId>,
    now: TimestampMs,
) -> Result<Decision, TransactionError> {
    check_producer(known, producer, epoch)?;
    if known.state.ending().is_some() {
        return Err(TransactionError::ConcurrentTransactions);
    }
    let goes_on = known.state == Ongoing;
    if partitions.is_empty() || goes_on && partitions.is_subset(&known.partitions) {
        return Ok(Decision::unchanged(Answer::Done));
    }
    let mut next = TransactionalProducer {
        state: Ongoing,
        started: if goes_on { known.started } else { Some(now) },
        updated: now,
        ..known.clone()
    };
    next.partitions.extend(partitions);
    if next.partitions.len() > PARTITIONS_MAX {
        return Err(TransactionError::TooManyPartitions);
    }
    Ok(Decision::to(next, Answer::Done))
}

fn check_producer(
    known: &TransactionalProducer,
    producer: ProducerId,
    epoch: ProducerEpoch,
) -> Result<(), TransactionError> {
    if producer != known.producer {
        return Err(TransactionError::UnknownProducer);
    }
    if epoch != known.epoch {
        return Err(TransactionError::ProducerFenced);
    }
    Ok(())
}

/// Ends by the rules of version 1: the state tells a repeated request.
fn end_v1(
    known: &TransactionalProducer,
    (producer, epoch): (ProducerId, ProducerEpoch),
    result: TransactionResult,
    now: TimestampMs,
) -> Result<Decision, TransactionError> {
    check_producer(known, producer, epoch)?;
    match known.state {
        Ongoing => {
            let next = TransactionalProducer {
                state: TransactionState::preparing(result),
                updated: now,
                ..known.clone()
            };
            Ok(Decision::to(next, Answer::GoOn(producer, epoch)))
        }
        state if state.ending() == Some(result) => Err(TransactionError::ConcurrentTransactions),
        state if state.ended() == Some(result) => {
            Ok(Decision::unchanged(Answer::GoOn(producer, epoch)))
        }
        _ => Err(TransactionError::InvalidState),
    }
}

/// Ends by the rules of version 2: each end raises the epoch, which tells a repeated request.
fn end_v2(
    known: &TransactionalProducer,
    (producer, epoch): (ProducerId, ProducerEpoch),
    result: TransactionResult,
    fresh: Option<ProducerId>,
    now: TimestampMs,
) -> Result<Decision, TransactionError> {
    let repeated = is_repeated(known, producer, epoch);
    if producer != known.producer && !repeated {
        return Err(TransactionError::UnknownProducer);
    }
    if let Some(ending) = known.state.ending() {
        return Err(match (repeated, ending == result) {
            (false, _) => TransactionError::ProducerFenced,
            (true, true) => TransactionError::ConcurrentTransactions,
            (true, false) => TransactionError::InvalidState,
        });
    }
    if repeated && let Some(ended) = known.state.ended() {
        return match ended == result {
            true => Ok(Decision::unchanged(Answer::GoOn(known.producer, known.epoch))),
            false => Err(TransactionError::InvalidState),
        };
    }
    if epoch != known.epoch {
        return Err(TransactionError::ProducerFenced);
    }
    // A transaction that nothing was written to was never told of here: it can be aborted, and there is nothing to commit.
    if known.state != Ongoing && result == TransactionResult::Commit {
        return Err(TransactionError::InvalidState);
    }
    Ok(prepare_v2(known, result, fresh, now))
}

fn is_repeated(known: &TransactionalProducer, producer: ProducerId, epoch: ProducerEpoch) -> bool {
    let raised_since = producer == known.producer && raised(epoch) == known.epoch;
    let replaced_since = Some(producer) == known.previous_producer && known.epoch == FIRST_EPOCH;
    known.last_epoch == Some(epoch) && (raised_since || replaced_since)
}

fn prepare_v2(
    known: &TransactionalProducer,
    result: TransactionResult,
    fresh: Option<ProducerId>,
    now: TimestampMs,
) -> Decision {
    let exhausted = known.epoch_is_exhausted();
    if exhausted && fresh.is_none() {
        return Decision::unchanged(Answer::NeedsProducerId);
    }
    let mut next = TransactionalProducer {
        state: TransactionState::preparing(result),
        epoch: raised(known.epoch),
        last_epoch: Some(known.epoch),
        next_producer: fresh.filter(|_| exhausted),
        updated: now,
        epoch_is_its_own: true,
        ..known.clone()
    };
    if next.partitions.is_empty() {
        next = completed(&next, result, now);
    }
    let (producer, epoch) = next.after_completion();
    Decision::to(next, Answer::GoOn(producer, epoch))
}

/// The ongoing transaction is to be aborted, and whoever wrote it fenced; unless it is `known_by` the producer itself, who is
/// then told the next epoch when it aborts or recovers under the one that it knows.
fn fenced(
    known: &TransactionalProducer,
    known_by: Option<ProducerEpoch>,
    now: TimestampMs,
) -> TransactionalProducer {
    TransactionalProducer {
        state: PrepareAbort,
        epoch: raised(known.epoch),
        last_epoch: known_by,
        updated: now,
        epoch_is_its_own: true,
        ..known.clone()
    }
}

fn tick(known: &TransactionalProducer, now: TimestampMs) -> Decision {
    match known.aborts_at() {
        // Nobody else has the id: its producer may abort what is aborted, and goes on.
        Some(at) if at <= now => {
            Decision::to(fenced(known, Some(known.epoch), now), Answer::TryAgain)
        }
        _ => Decision::unchanged(Answer::Done),
    }
}

fn marked(known: &TransactionalProducer, now: TimestampMs) -> Decision {
    match known.state.ending() {
        Some(result) => Decision::to(completed(known, result, now), Answer::Done),
        None => Decision::unchanged(Answer::Done),
    }
}

fn completed(
    known: &TransactionalProducer,
    result: TransactionResult,
    now: TimestampMs,
) -> TransactionalProducer {
    let (producer, epoch) = known.after_completion();
    let replaced = known.next_producer.is_some();
    TransactionalProducer {
        producer,
        epoch,
        previous_producer: if replaced { Some(known.producer) } else { known.previous_producer },
        next_producer: None,
        state: TransactionState::complete(result),
        partitions: BTreeSet::new(),
        updated: now,
        epoch_is_its_own: false,
        ..known.clone()
    }
}

impl TransactionalProducer {
    /// When its transaction has taken too long; `None` when none goes on.
    pub fn aborts_at(&self) -> Option<TimestampMs> {
        let started = self.started.filter(|_| self.state == Ongoing)?;
        Some(TimestampMs(started.0.saturating_add(self.timeout_ms.into())))
    }

    /// When the id is forgotten, if nothing happens before; `None` while a transaction goes on or is being ended.
    pub fn expires_at(&self, expiration_ms: u64) -> Option<TimestampMs> {
        let at_rest = self.state == Empty || self.state.ended().is_some();
        let expiration_ms = i64::try_from(expiration_ms).unwrap_or(i64::MAX);
        at_rest.then_some(TimestampMs(self.updated.0.saturating_add(expiration_ms)))
    }

    /// Whether the producer may write its first record of a transaction to `partition`: the transaction goes on, and
    /// the partition is part of it (KIP-890).
    ///
    /// # Errors
    /// What speaks against it.
    pub fn verify(
        &self,
        producer: ProducerId,
        epoch: ProducerEpoch,
        partition: PartitionId,
    ) -> Result<(), TransactionError> {
        check_producer(self, producer, epoch)?;
        if self.state.ending().is_some() {
            return Err(TransactionError::ConcurrentTransactions);
        }
        match self.state == Ongoing && self.partitions.contains(&partition) {
            true => Ok(()),
            false => Err(TransactionError::Abortable),
        }
    }
}
