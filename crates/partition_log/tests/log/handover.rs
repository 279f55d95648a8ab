//! Partitions that move between living brokers: what the one has committed the other serves, and goes on from.

use crate::{
    cluster::{Broker, Cluster},
    records::{
        append, append_and_wait, append_in_transaction, batch, numbered, produced,
        produced_in_transaction, read_all,
    },
};
use formats::{
    metadata::{Owner, Unfolded},
    record_batch::{EndTransactionMarker, TransactionResult::Commit},
};
use futures::FutureExt;
use model::{
    BrokerId, Offset, ProducerEpoch, ProducerId, TimestampMs,
    config::DurabilityMode::{self, Object, Wal},
};
use partition_log::{
    Acks, AppendError, AppendOrigin, EndTransaction, Isolation, Partition, TimestampQuery,
};
use std::{
    sync::Arc,
    task::{Context, Wake, Waker},
    time::Duration,
};
use storage::{Fault, Operation};

/// Two brokers that live, and a partition that the first one owns.
struct Pair {
    cluster: Cluster,
    brokers: [Broker; 2],
    partition: Partition,
    owner: usize,
}

impl Pair {
    async fn start(mode: DurabilityMode) -> Self {
        Self::start_in(Cluster::new(mode)).await
    }

    async fn start_in(cluster: Cluster) -> Self {
        let second = BrokerId::new(2).expect("a broker id");
        let brokers = [cluster.start().await, cluster.start_as(second).await];
        let partition = cluster.open(&brokers[0], 0).await.expect("open");
        Self { cluster, brokers, partition, owner: 0 }
    }

    fn owner(&self) -> &Broker {
        self.brokers.get(self.owner).expect("one of two")
    }

    /// Moves the partition to the other broker, as the cluster does.
    async fn move_over(&mut self) {
        let id = self.partition.id();
        let from = self.owner().logs.clone();
        let through_seq = from.seal(&[id]).await.expect("sealed");
        self.owner = 1 - self.owner;
        let record = self.record(through_seq).await;
        from.close_partition(id);
        let claim = self.cluster.claim_as(id, record).await;
        let opened = self.owner().logs.open(vec![claim]).await.remove(0);
        self.partition = opened.expect("open");
    }

    async fn record(&self, through_seq: u64) -> Owner {
        let before = self.cluster.owner(0).await;
        let to = self.owner();
        let mut unfolded = before.unfolded.clone();
        if before.from_seq <= through_seq {
            let (session, from_seq) = (before.session.clone(), before.from_seq);
            unfolded.push(Unfolded { session, from_seq, through_seq });
        }
        Owner {
            broker: to.session.broker.get(),
            session: to.session.id.as_bytes().to_vec().into(),
            session_create_revision: to.session.create_revision.0,
            wal_id: to.wal_id.as_bytes().to_vec().into(),
            leader_epoch: before.leader_epoch + 1,
            since_epoch: before.leader_epoch + 1,
            from_seq: self.cluster.head(to.session.id).await + 1,
            unfolded,
            ..before
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_partition_goes_on_at_another_broker_where_it_ended() {
    for mode in [Object, Wal] {
        let mut pair = Pair::start(mode).await;
        append_and_wait(&pair.partition, &["a", "b"]).await.expect("acknowledged");
        pair.move_over().await;
        append_and_wait(&pair.partition, &["c"]).await.expect("acknowledged");
        assert_eq!(read_all(&pair.partition).await, numbered(&["a", "b", "c"]), "{mode:?}");
        assert_eq!(pair.partition.watermarks().leader_epoch.get(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_when_a_partition_is_sealed_is_acknowledged() {
    for (mode, acks) in [(Object, Acks::All), (Object, Acks::Leader), (Wal, Acks::All)] {
        let mut pair = Pair::start(mode).await;
        let waiting = append(&pair.partition, &["a"], acks);
        pair.move_over().await;
        assert_eq!(waiting.acknowledged().await.expect("acknowledged").base_offset, Offset::ZERO);
        assert_eq!(read_all(&pair.partition).await, numbered(&["a"]), "{mode:?}");
    }
}

/// Holds up whoever wakes it.
struct SlowToWake;

impl Wake for SlowToWake {
    fn wake(self: Arc<Self>) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The first partition's slice is durable, and wakes the seal, while those of the others are still applied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seal_counts_the_commit_that_is_being_applied() {
    let pair = Pair::start(Object).await;
    let broker = &pair.brokers[0];
    let others = [1, 2, 3, 4].map(|index| pair.cluster.open(broker, index));
    let others = futures::future::try_join_all(others).await.expect("open");
    pair.cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    let waiting = append(&pair.partition, &["a"], Acks::All);
    let slow = Waker::from(Arc::new(SlowToWake));
    let mut beside: Vec<_> = others
        .iter()
        .map(|partition| Box::pin(append(partition, &["x"], Acks::All).acknowledged()))
        .collect();
    for acknowledged in &mut beside {
        assert!(acknowledged.as_mut().poll(&mut Context::from_waker(&slow)).is_pending());
    }
    pair.cluster.object_faults.heal();
    let through_seq = broker.logs.seal(&[pair.partition.id()]).await.expect("sealed");
    waiting.acknowledged().await.expect("acknowledged");
    futures::future::try_join_all(beside).await.expect("acknowledged");
    assert_eq!(through_seq, pair.cluster.head(broker.session.id).await);
}

fn refuses(partition: &Partition) {
    let refused = partition.append(&batch(&["x"]), Acks::All, AppendOrigin::Client);
    assert!(matches!(refused, Err(AppendError::NotReady)), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sealed_partition_takes_nothing_until_it_is_unsealed() {
    let pair = Pair::start(Object).await;
    let logs = &pair.brokers[0].logs;
    let id = pair.partition.id();
    logs.seal(&[id]).await.expect("sealed");
    assert!(pair.partition.is_sealed());
    refuses(&pair.partition);
    let settled = logs.settled();
    logs.unseal(&[id]);
    assert!(settled.now_or_never().is_some());
    append_and_wait(&pair.partition, &["b"]).await.expect("acknowledged");
    assert_eq!(read_all(&pair.partition).await, numbered(&["b"]));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_suspends_what_it_sealed() {
    let pair = Pair::start(Object).await;
    let logs = &pair.brokers[0].logs;
    logs.seal(&[pair.partition.id()]).await.expect("sealed");
    logs.session_lost(pair.brokers[0].session.id);
    assert!(!pair.partition.is_sealed());
    logs.unseal(&[pair.partition.id()]);
    refuses(&pair.partition);
}

#[tokio::test(start_paused = true)]
async fn the_next_owner_knows_what_idempotent_producers_wrote() {
    let mut pair = Pair::start(Object).await;
    let batch = produced(7, 0, &["a"]);
    let append = |partition: &Partition, batch: &bytes::Bytes| {
        partition.append(batch, Acks::All, AppendOrigin::Client)
    };
    append(&pair.partition, &batch).expect("new").acknowledged().await.expect("acknowledged");
    pair.move_over().await;
    let again = append(&pair.partition, &batch).expect("a duplicate");
    assert_eq!(again.acknowledged().await.expect("acknowledged").base_offset, Offset::ZERO);
    let gap = append(&pair.partition, &produced(7, 2, &["c"]));
    assert!(matches!(gap, Err(AppendError::OutOfOrderSequence { .. })), "{gap:?}");
    append(&pair.partition, &produced(7, 1, &["b"])).expect("the next");
}

#[tokio::test(start_paused = true)]
async fn an_open_transaction_moves_along() {
    let mut pair = Pair::start(Object).await;
    let begun = produced_in_transaction(7, 0, &["a"]);
    let begun = append_in_transaction(&pair.partition, &begun).expect("an append");
    begun.acknowledged().await.expect("acknowledged");
    pair.move_over().await;
    append_and_wait(&pair.partition, &["b"]).await.expect("acknowledged");
    assert_eq!(pair.partition.watermarks().last_stable, Offset::ZERO);
    let end = EndTransaction {
        producer: ProducerId::from_wire(7).expect("an id"),
        epoch: ProducerEpoch::from_wire(0).expect("an epoch"),
        marker: EndTransactionMarker { result: Commit, coordinator_epoch: 1 },
        leader_epoch: None,
        epoch_is_its_own: false,
    };
    let ended = pair.partition.end_transaction(end).expect("a marker");
    ended.acknowledged().await.expect("acknowledged");
    assert_eq!(pair.partition.watermarks().last_stable.get(), 3);
}

/// Both brokers fold commits of each of their times into one run, which lacks what the other one wrote in between.
#[tokio::test(start_paused = true)]
async fn a_partition_that_goes_to_and_fro_reads_whole_whatever_is_folded() {
    let mut cluster = Cluster::new(Object);
    cluster.options.fold_fan_in = 4;
    cluster.options.delete_delay = Duration::from_secs(1);
    cluster.options.retention_check_interval = Duration::from_secs(2);
    let mut pair = Pair::start_in(cluster).await;
    let values: Vec<_> = (0..150).map(|number| number.to_string()).collect();
    let values: Vec<_> = values.iter().map(String::as_str).collect();
    for (number, value) in values.iter().enumerate() {
        append_and_wait(&pair.partition, &[value]).await.expect("acknowledged");
        if number % 3 == 2 {
            pair.move_over().await;
        }
        if number % 10 == 9 {
            // Index objects that were folded on are deleted meanwhile.
            tokio::time::sleep(Duration::from_secs(10)).await;
            let written = numbered(&values[..=number]);
            assert_eq!(read_all(&pair.partition).await, written, "after {number}");
        }
    }
    pair.move_over().await;
    assert_eq!(read_all(&pair.partition).await, numbered(&values));
}

/// What the next owner wrote of other partitions before says nothing of one that it takes over.
#[tokio::test(start_paused = true)]
async fn the_next_owner_does_not_read_what_it_wrote_itself() {
    let mut cluster = Cluster::new(Object);
    cluster.options.fold_fan_in = 2;
    let mut pair = Pair::start_in(cluster).await;
    let other = pair.cluster.open(&pair.brokers[1], 1).await.expect("open");
    for _ in 0..4 {
        append_and_wait(&other, &["x"]).await.expect("acknowledged");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let next = pair.brokers[1].session.id;
    assert!(pair.cluster.count(pair.cluster.keys.indexes(next)).await > 0, "nothing was folded");
    append_and_wait(&pair.partition, &["a"]).await.expect("acknowledged");
    pair.cluster.object_faults.fail_always(Operation::Get, Fault::Unavailable);
    pair.move_over().await;
    pair.cluster.object_faults.heal();
    assert_eq!(read_all(&pair.partition).await, numbered(&["a"]));
}

/// The other broker goes on folding what it wrote: the list that the partition was opened with grows old.
#[tokio::test(start_paused = true)]
async fn a_list_that_grew_old_is_read_anew() {
    let mut cluster = Cluster::new(Object);
    cluster.options.fold_fan_in = 2;
    cluster.options.delete_delay = Duration::from_secs(1);
    cluster.options.retention_check_interval = Duration::from_secs(2);
    let mut pair = Pair::start_in(cluster).await;
    let other = pair.cluster.open(&pair.brokers[0], 1).await.expect("open");
    append_and_wait(&pair.partition, &["a"]).await.expect("acknowledged");
    append_and_wait(&pair.partition, &["b"]).await.expect("acknowledged");
    tokio::time::sleep(Duration::from_secs(1)).await;
    pair.move_over().await;
    for _ in 0..8 {
        append_and_wait(&other, &["x"]).await.expect("acknowledged");
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let by_time = TimestampQuery::AtOrAfter(TimestampMs(1_700_000_000_000));
    let found = pair.partition.offset_for_timestamp(by_time, Isolation::ReadUncommitted).await;
    assert_eq!(found.expect("a search").expect("a record").offset, Offset::ZERO);
    assert_eq!(read_all(&pair.partition).await, numbered(&["a", "b"]));
}
