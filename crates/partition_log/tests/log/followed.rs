//! Partitions that another broker serves to its zone: what their owner committed, no more, and soon.

use crate::{
    cluster::{BROKER, Broker, Cluster},
    compaction,
    records::{append, append_and_wait, batch, numbered, read_all, read_keys},
    transactions::{begin, committed, end, finish},
};
use formats::record_batch::TransactionResult::{Abort, Commit};
use futures::FutureExt;
use model::{BrokerId, LeaderEpoch, Offset, PartitionId, config::DurabilityMode};
use partition_log::{
    Acks, AppendError, AppendOrigin, Claim, FollowedPartitions, Isolation, NoticesFound,
    NoticesWanted, Partition, ReadError,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// An owner, and a broker of another zone that follows it.
struct Zones {
    cluster: Cluster,
    owner: Broker,
    log: Partition,
    reader: Broker,
    claim: Claim,
    wanted: NoticesWanted,
}

impl Zones {
    async fn start() -> Self {
        Self::start_in(Cluster::new(DurabilityMode::Object)).await
    }

    async fn start_in(cluster: Cluster) -> Self {
        let owner = cluster.start().await;
        let reader = cluster.start_as(BrokerId::new(2).expect("an id")).await;
        let claim = cluster.claim(&owner, 0).await;
        let log = owner.logs.open(vec![claim.clone()]).await.remove(0).expect("open");
        let mut zones =
            Self { cluster, owner, log, reader, claim, wanted: NoticesWanted::default() };
        zones.hear().await;
        zones
    }

    fn followed(&self) -> FollowedPartitions {
        self.reader.logs.followed()
    }

    fn id(&self) -> PartitionId {
        self.claim.partition
    }

    /// What the owner tells; forgotten when it is not taken.
    async fn ask(&mut self) -> NoticesFound {
        let id = self.reader.session.broker;
        let patience = Duration::from_millis(1);
        let found = self.owner.logs.notices(id, &self.wanted, patience).await.expect("a session");
        (self.wanted.session, self.wanted.position) = (Some(found.session), found.next);
        found
    }

    /// Hears everything that the owner tells.
    async fn hear(&mut self) {
        loop {
            let found = self.ask().await;
            if found.gap {
                self.followed().miss_notices(found.session);
                continue;
            }
            if found.notices.is_empty() {
                return;
            }
            self.followed().take_notices(found.session, &found.notices);
        }
    }

    /// Opens what is due, as the claim says.
    async fn review(&self) {
        let epoch = LeaderEpoch::new(self.claim.owner.leader_epoch);
        let due = self.followed().review(|_| epoch);
        let claims = due.iter().map(|_| self.claim.clone()).collect();
        self.followed().open(claims).await;
    }

    /// The partition as the reader serves it.
    async fn opened(&self) -> Partition {
        assert!(self.followed().get(self.id()).is_none(), "it is not open before it is asked for");
        self.review().await;
        self.followed().get(self.id()).expect("open")
    }

    async fn write(&self, value: &str) {
        append_and_wait(&self.log, &[value]).await.expect("acknowledged");
    }
}

#[tokio::test(start_paused = true)]
async fn a_followed_partition_has_what_was_committed_and_what_is_told_since() {
    let mut zones = Zones::start().await;
    zones.write("a").await;
    let followed = zones.opened().await;
    assert_eq!(read_all(&followed).await, numbered(&["a"]));
    let woken = Arc::new(Notify::new());
    followed.wake_on_advance(&woken);
    zones.write("b").await;
    zones.hear().await;
    assert!(woken.notified().now_or_never().is_some(), "who waits at the end is woken");
    assert_eq!(read_all(&followed).await, numbered(&["a", "b"]));
    assert_eq!(followed.watermarks().high_watermark, zones.log.watermarks().high_watermark);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_committed_is_served() {
    let mut zones = Zones::start_in(Cluster::new(DurabilityMode::Wal)).await;
    let followed = zones.opened().await;
    let appended = append(&zones.log, &["a"], Acks::All);
    appended.acknowledged().await.expect("acknowledged");
    zones.hear().await;
    let (own, of_zone) = (zones.log.watermarks(), followed.watermarks());
    assert_eq!((own.high_watermark.get(), of_zone.high_watermark.get()), (1, own.durable.get()));
    zones.owner.logs.flush().await.expect("flushed");
    zones.hear().await;
    assert_eq!(read_all(&followed).await, numbered(&["a"]));
}

#[tokio::test(start_paused = true)]
async fn what_is_told_while_a_partition_is_read_is_not_missed() {
    let mut zones = Zones::start().await;
    zones.write("a").await;
    zones.hear().await;
    assert!(zones.followed().get(zones.id()).is_none());
    let opening = zones.followed().open(vec![zones.claim.clone()]);
    zones.write("b").await;
    zones.hear().await;
    opening.await;
    let followed = zones.followed().get(zones.id()).expect("open");
    zones.write("c").await;
    zones.hear().await;
    assert_eq!(read_all(&followed).await, numbered(&["a", "b", "c"]));
}

#[tokio::test(start_paused = true)]
async fn missed_notices_are_made_up_for_from_metadata() {
    let mut zones = Zones::start().await;
    let followed = zones.opened().await;
    zones.write("a").await;
    zones.ask().await;
    zones.write("b").await;
    zones.hear().await;
    assert!(read_all(&followed).await.is_empty(), "nothing is served beyond a gap");
    zones.review().await;
    assert_eq!(read_all(&followed).await, numbered(&["a", "b"]));
}

#[tokio::test(start_paused = true)]
async fn readers_of_committed_records_see_the_same_as_at_the_owner() {
    let mut zones = Zones::start().await;
    let followed = zones.opened().await;
    let aborted = begin(&zones.log, 7, 0, "x").await;
    zones.write("a").await;
    zones.hear().await;
    assert_eq!(followed.watermarks().last_stable.get(), aborted, "it is open");
    finish(&zones.log, end(Abort)).await;
    begin(&zones.log, 7, 1, "y").await;
    finish(&zones.log, end(Commit)).await;
    begin(&zones.log, 7, 2, "z").await;
    zones.hear().await;
    let (own, of_zone) = (zones.log.watermarks(), followed.watermarks());
    assert_eq!(of_zone.last_stable, own.last_stable);
    assert!(of_zone.last_stable < of_zone.high_watermark);
    let (offsets, named) = committed(&followed, 0).await;
    assert_eq!(named, [(7, aborted)]);
    assert_eq!((offsets, named), committed(&zones.log, 0).await);
}

#[tokio::test(start_paused = true)]
async fn a_followed_partition_is_nobodys_to_write() {
    let zones = Zones::start().await;
    let followed = zones.opened().await;
    let refused = followed.append(&batch(&["x"]), Acks::All, AppendOrigin::Client);
    assert!(matches!(refused, Err(AppendError::NotOwner)), "{refused:?}");
    assert!(zones.reader.logs.get(zones.id()).is_none());
    assert!(followed.is_followed() && !zones.log.is_followed());
}

#[tokio::test(start_paused = true)]
async fn a_log_start_that_moves_is_told() {
    let mut zones = Zones::start().await;
    let followed = zones.opened().await;
    zones.write("a").await;
    zones.write("b").await;
    zones.log.delete_records(Offset::new(1)).await.expect("deleted");
    zones.hear().await;
    assert_eq!(followed.watermarks().log_start.get(), 1);
    assert_eq!(read_all(&followed).await, [(1, "b".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn folded_commits_are_read_from_index_objects() {
    let mut cluster = Cluster::new(DurabilityMode::Object);
    cluster.options.fold_fan_in = 2;
    let mut zones = Zones::start_in(cluster).await;
    let followed = zones.opened().await;
    let values: Vec<_> = (0..9).map(|number| number.to_string()).collect();
    for value in &values {
        zones.write(value).await;
        zones.hear().await;
    }
    // Index objects that were folded away are deleted; none of them may be named any more.
    tokio::time::sleep(Duration::from_secs(600)).await;
    zones.hear().await;
    let values: Vec<_> = values.iter().map(String::as_str).collect();
    assert_eq!(read_all(&followed).await, numbered(&values));
}

#[tokio::test(start_paused = true)]
async fn what_compaction_replaced_and_deleted_is_looked_up_again() {
    let mut zones = Zones::start_in(compaction::cluster()).await;
    let followed = zones.opened().await;
    compaction::fill(&zones.log).await;
    zones.hear().await;
    tokio::time::sleep(compaction::LONG).await;
    let read = read_keys(&followed, Isolation::ReadUncommitted).await;
    assert_eq!(read, compaction::survivors());
}

#[tokio::test(start_paused = true)]
async fn another_owner_is_followed_and_an_older_epoch_is_fenced() {
    let mut zones = Zones::start().await;
    let followed = zones.opened().await;
    zones.write("a").await;
    zones.owner = zones.cluster.restart_without_disk(zones.owner).await;
    zones.claim = zones.cluster.claim(&zones.owner, 0).await;
    let opened = zones.owner.logs.open(vec![zones.claim.clone()]).await.remove(0);
    zones.log = opened.expect("open");
    zones.write("b").await;
    assert!(read_all(&followed).await.len() <= 1, "the new owner was not heard of yet");
    zones.review().await;
    zones.hear().await;
    zones.review().await;
    zones.write("c").await;
    zones.hear().await;
    assert_eq!(read_all(&followed).await, numbered(&["a", "b", "c"]));
    let fenced = followed.check_epoch(LeaderEpoch::new(1));
    assert!(matches!(fenced, Err(ReadError::FencedEpoch { .. })), "{fenced:?}");
    assert_eq!(followed.epoch_at(Offset::ZERO), LeaderEpoch::new(1));
    assert_eq!(followed.epoch_at(Offset::new(1).expect("small")), LeaderEpoch::new(2));
}

#[tokio::test(start_paused = true)]
async fn what_is_served_no_more_is_closed_to_those_who_wait() {
    let zones = Zones::start().await;
    let followed = zones.opened().await;
    let woken = Arc::new(Notify::new());
    followed.wake_on_advance(&woken);
    assert!(zones.followed().review(|_| None).is_empty());
    assert!(woken.notified().now_or_never().is_some());
    assert!(!followed.is_followed());
    assert!(matches!(followed.producers(), Err(ReadError::NotOwner)));
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_can_not_be_read_is_named_and_tried_again() {
    let zones = Zones::start().await;
    zones.write("a").await;
    assert!(zones.followed().get(zones.id()).is_none());
    let mut damaged = zones.claim.clone();
    damaged.owner.session = vec![0; 3].into();
    zones.followed().open(vec![damaged]).await;
    assert_eq!(zones.followed().unserved(), [zones.id()]);
    assert!(zones.followed().review(|_| LeaderEpoch::new(1)).is_empty(), "after a pause");
    tokio::time::sleep(Duration::from_secs(1)).await;
    zones.review().await;
    assert!(zones.followed().unserved().is_empty());
    let followed = zones.followed().get(zones.id()).expect("open");
    assert_eq!(read_all(&followed).await, numbered(&["a"]));
}

#[tokio::test(start_paused = true)]
async fn one_that_follows_is_current_until_it_stops_to_ask() {
    let mut zones = Zones::start().await;
    let reader = zones.reader.session.broker;
    let is_current = |zones: &Zones| zones.owner.logs.is_current(reader, zones.id());
    assert!(is_current(&zones));
    assert!(!zones.owner.logs.is_current(BROKER, zones.id()), "who never asked is not");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!is_current(&zones));
    zones.hear().await;
    assert!(is_current(&zones));
}
