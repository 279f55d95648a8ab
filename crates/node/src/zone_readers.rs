//! Serves other brokers' partitions to this zone: follows their owners, and opens what consumers ask for (KIP-392, ADR 20).
//!
//! The cluster says whose partitions this broker reads, the log engine reads them from metadata and objects, and owners tell what they
//! committed since. Here the three are joined.

use crate::{Surroundings, wiring::claim};
use cluster::{Cluster, Image};
use kafka::{Following, Peers};
use model::{BrokerId, LeaderEpoch, PartitionId};
use partition_log::{FollowedPartitions, NoticesFound, NoticesWanted, PartitionLogs};
use runtime::{Backoff, Randomness, Tasks};
use std::{collections::HashMap, time::Duration};
use tokio::task::JoinHandle;

/// How often what could not be opened is tried again, and what nobody asks for is looked for.
const REVIEW_INTERVAL: Duration = Duration::from_secs(1);

/// Partitions opened together.
const OPEN_BATCH: usize = 256;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Reads for this broker's zone until shutdown.
pub(crate) fn start(
    cluster: Cluster,
    logs: &PartitionLogs,
    peers: Peers,
    surroundings: &Surroundings,
) {
    let Surroundings { randomness, tasks, .. } = surroundings.clone();
    let followed = logs.followed();
    let readers = ZoneReaders {
        cluster,
        followed,
        peers,
        randomness,
        tasks: tasks.child(),
        owners: HashMap::new(),
    };
    let shutdown = tasks.shutdown();
    tasks.spawn("zone_readers", async move {
        tokio::select! {
            () = shutdown.requested() => {}
            () = readers.run() => {}
        }
    });
}

struct ZoneReaders {
    cluster: Cluster,
    followed: FollowedPartitions,
    peers: Peers,
    randomness: Randomness,
    tasks: Tasks,
    /// The task that follows each owner.
    owners: HashMap<BrokerId, JoinHandle<()>>,
}

impl ZoneReaders {
    async fn run(mut self) {
        let mut images = self.cluster.images();
        loop {
            let image = images.borrow_and_update().clone();
            self.follow_owners(&image);
            self.open_due(&image);
            tokio::select! {
                _ = images.changed() => {}
                () = self.followed.due() => {}
                () = tokio::time::sleep(REVIEW_INTERVAL) => {}
            }
        }
    }

    /// Each owner is followed by one task, which ends by itself when it is not to be followed any more.
    fn follow_owners(&mut self, image: &Image) {
        self.owners.retain(|_, task| !task.is_finished());
        for owner in image.followed_by(self.cluster.broker()) {
            self.owners.entry(owner.id).or_insert_with(|| {
                let follower = Follower {
                    owner: owner.id,
                    cluster: self.cluster.clone(),
                    followed: self.followed.clone(),
                    following: self.peers.following(self.cluster.broker()),
                    wanted: NoticesWanted::default(),
                };
                let backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE, self.randomness.clone());
                let shutdown = self.tasks.shutdown();
                self.tasks.spawn("follow_owner", async move {
                    tokio::select! {
                        () = shutdown.requested() => {}
                        () = follower.run(backoff) => {}
                    }
                })
            });
        }
    }

    /// Opens in the background: one store that hangs does not keep others from being followed.
    fn open_due(&self, image: &Image) {
        let this = self.cluster.broker();
        let due = self.followed.review(|partition| read_epoch(image, this, partition));
        for batch in due.chunks(OPEN_BATCH) {
            let claims = batch.iter().filter_map(|partition| self.cluster.claim_of(*partition));
            let opened = self.followed.open(claims.map(claim).collect());
            self.tasks.spawn("open_followed", opened);
        }
    }
}

/// The epoch at which this broker reads a partition for its zone; `None` when it does not.
fn read_epoch(image: &Image, this: BrokerId, partition: PartitionId) -> Option<LeaderEpoch> {
    let topic = image.topic_by_id(partition.topic)?;
    let info = topic.partitions.get(partition.partition.get() as usize)?;
    image.is_reader(this, topic, partition.partition).then_some(info.leader_epoch)
}

/// Hears what one owner committed.
struct Follower {
    owner: BrokerId,
    cluster: Cluster,
    followed: FollowedPartitions,
    following: Following,
    wanted: NoticesWanted,
}

impl Follower {
    async fn run(mut self, mut backoff: Backoff) {
        loop {
            let image = self.cluster.image();
            let mut owners = image.followed_by(self.cluster.broker());
            let Some(owner) = owners.find(|owner| owner.id == self.owner) else { return };
            self.wanted.unserved = self.followed.unserved();
            match self.following.notices(owner, &self.wanted).await {
                Ok(Some(found)) => {
                    backoff.reset();
                    self.take(&found);
                }
                Ok(None) => tokio::time::sleep(backoff.next_pause()).await,
                Err(reason) => {
                    tracing::debug!(owner = %self.owner, %reason, "an owner can't be followed; trying again");
                    tokio::time::sleep(backoff.next_pause()).await;
                }
            }
        }
    }

    fn take(&mut self, found: &NoticesFound) {
        if found.gap {
            self.followed.miss_notices(found.session);
        } else {
            self.followed.take_notices(found.session, &found.notices);
        }
        (self.wanted.session, self.wanted.position) = (Some(found.session), found.next);
    }
}
