//! [`FollowedPartitions`]: partitions of other brokers, served to this zone's consumers from shared storage (KIP-392, ADR 20).
//!
//! A followed partition is the log that its owner's successor would open, read from metadata and objects alone, and kept up to date
//! by the owner's notices. It is opened when a consumer asks for it. Its end is the end of what is committed: nothing that could still
//! be lost is served. A notice that does not follow what is known is answered by reading metadata anew.

mod following;
mod hearing;

use crate::{
    Claim, Partition,
    engine::Engine,
    partition::Shared,
    recovery,
    sequencer::{OpenedLog, Ownership, Phase, Sequencer},
};
use following::Following;
use model::{LeaderEpoch, PartitionId};
use parking_lot::Mutex;
use runtime::BootTime;
use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU64},
};
use tokio::sync::Notify;

/// Partitions named in one question to an owner.
const UNSERVED_MAX: usize = 10_000;

/// What an engine has of other brokers' partitions.
#[derive(Debug, Default)]
pub(crate) struct Follows {
    partitions: Mutex<HashMap<PartitionId, Following>>,
    /// Told when something is to be read.
    due: Notify,
    /// Told when a partition is opened or closed.
    settled: Notify,
}

/// The partitions of other brokers that this one serves. Cheap to clone.
#[derive(Clone, Debug)]
pub struct FollowedPartitions {
    engine: Arc<Engine>,
}

impl FollowedPartitions {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// A followed partition. One that is not open yet is going to be: look again once [`FollowedPartitions::settled`].
    pub fn get(&self, partition: PartitionId) -> Option<Partition> {
        let now = self.now();
        let mut partitions = self.follows().partitions.lock();
        let following = partitions.entry(partition).or_insert_with(|| {
            self.follows().due.notify_one();
            Following::default()
        });
        following.used_at = now;
        following.log.clone().map(Partition::new)
    }

    /// Waits until a partition is opened or closed. Counts from the call on, not from the first poll.
    pub fn settled(&self) -> impl Future<Output = ()> + '_ {
        self.follows().settled.notified()
    }

    /// Waits until a partition is to be opened, or to be read anew.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn due(&self) {
        self.follows().due.notified().await;
    }

    /// Closes what is not to be served any more (`epoch_of` answers `None`) or was not asked for in a long time, and names what is
    /// to be opened, or read anew because it fell behind or its owner changed.
    pub fn review(
        &self,
        epoch_of: impl Fn(PartitionId) -> Option<LeaderEpoch>,
    ) -> Vec<PartitionId> {
        let now = self.now();
        let mut due = Vec::new();
        let mut closed = false;
        let mut partitions = self.follows().partitions.lock();
        partitions.retain(|id, following| {
            let epoch = epoch_of(*id).filter(|_| !following.is_forgotten(now));
            let Some(epoch) = epoch else {
                following.close();
                closed = true;
                return false;
            };
            if following.is_due(epoch, now) {
                due.push(*id);
            }
            true
        });
        metrics::gauge!("alluvium_followed_partitions").set(partitions.len() as f64);
        drop(partitions);
        if closed {
            self.follows().settled.notify_waiters();
        }
        due
    }

    /// Reads partitions from metadata and objects, and serves them. What is told of them from the call on is not missed.
    pub fn open(&self, claims: Vec<Claim>) -> impl Future<Output = ()> + Send + use<> {
        let begun: Vec<_> = claims.into_iter().filter(|claim| self.begin(claim)).collect();
        let this = self.clone();
        async move {
            let read = recovery::read_durable(&this.engine, &begun).await;
            for (claim, log) in begun.iter().zip(read) {
                let installed =
                    log.map_err(|error| error.to_string()).and_then(|log| this.install(claim, log));
                if let Err(reason) = installed {
                    tracing::warn!(partition = %claim.partition, %reason, "a partition could not be opened for this zone; trying again");
                    this.fail(claim.partition);
                }
            }
            this.follows().settled.notify_waiters();
        }
    }

    /// Partitions that could not be opened or brought up to date: nobody should be sent here for them. Not all, when they are very many.
    pub fn unserved(&self) -> Vec<PartitionId> {
        let partitions = self.follows().partitions.lock();
        let unserved = partitions.iter().filter(|(_, following)| following.failed_at.is_some());
        unserved.map(|(id, _)| *id).take(UNSERVED_MAX).collect()
    }

    fn begin(&self, claim: &Claim) -> bool {
        let mut partitions = self.follows().partitions.lock();
        partitions.get_mut(&claim.partition).is_some_and(|following| following.begin(claim))
    }

    fn fail(&self, id: PartitionId) {
        if let Some(following) = self.follows().partitions.lock().get_mut(&id) {
            following.fail(self.now());
        }
    }

    fn install(&self, claim: &Claim, log: OpenedLog) -> Result<(), String> {
        let mut partitions = self.follows().partitions.lock();
        // Closed meanwhile.
        let Some(following) = partitions.get_mut(&claim.partition) else { return Ok(()) };
        let opened = match following.log.clone() {
            Some(known) => {
                follow_anew(&known, claim, log)?;
                known
            }
            None => self.open_fresh(claim, log)?,
        };
        if !following.install(opened) {
            self.follows().due.notify_one();
        }
        metrics::counter!("alluvium_followed_opened_total").increment(1);
        Ok(())
    }

    fn open_fresh(&self, claim: &Claim, log: OpenedLog) -> Result<Arc<Shared>, String> {
        let (ownership, recorded) = Ownership::of_owner(claim)?;
        let settings = Arc::clone(&claim.settings);
        let mut sequencer = Sequencer::new(ownership, recorded, settings, log);
        sequencer.phase = Phase::Following;
        Ok(Arc::new(Shared {
            id: claim.partition,
            topic: claim.topic.clone(),
            engine: Arc::clone(&self.engine),
            sequencer: Mutex::new(sequencer),
            carried_bytes: AtomicU64::new(0),
            manifest_gate: tokio::sync::Mutex::new(()),
            upkeep_gate: tokio::sync::Mutex::new(()),
        }))
    }

    fn follows(&self) -> &Follows {
        &self.engine.follows
    }

    fn now(&self) -> BootTime {
        self.engine.parts.clock.boot_time()
    }
}

/// Puts what was read anew in the place of what is known, unless that is older.
fn follow_anew(known: &Shared, claim: &Claim, log: OpenedLog) -> Result<(), String> {
    let (ownership, recorded) = Ownership::of_owner(claim)?;
    let mut sequencer = known.sequencer.lock();
    sequencer.adopt_claim(ownership, recorded);
    sequencer.follow_anew(log);
    Ok(())
}
