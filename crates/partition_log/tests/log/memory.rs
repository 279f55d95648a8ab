//! Memory stays within `log.buffer.max.bytes` whatever the store does; the WAL takes what does not fit.

use crate::{
    cluster::{Broker, Cluster},
    records::{append_and_wait, produced, read_all},
};
use model::config::DurabilityMode;
use partition_log::{Acks, AppendError, AppendOrigin, Partition};
use storage::{Fault, Operation};
use wal::Wal;

const BUFFER_BYTES: u64 = 1 << 20;
const WAL_BYTES: u64 = 4 << 20;

fn small_cluster(mode: DurabilityMode) -> Cluster {
    let mut cluster = Cluster::new(mode);
    cluster.options.buffer_max_bytes = BUFFER_BYTES;
    cluster.options.flush_max_bytes = 64 << 10;
    cluster.wal_max_bytes = WAL_BYTES;
    cluster
}

/// Appends to both partitions, in turn, until the broker refuses; answers what was appended to each.
async fn append_until_refused(broker: &Broker, partitions: &[Partition]) -> Vec<Vec<String>> {
    let mut logs: Vec<_> = partitions.iter().map(|partition| (partition, Vec::new())).collect();
    for number in 0_usize.. {
        let next = number % logs.len();
        let (partition, appended) = logs.get_mut(next).expect("in range");
        let value = format!("{number:010000}");
        let batch = produced(-1, -1, &[&value]);
        match partition.append(&batch, Acks::Leader, AppendOrigin::Client) {
            Ok(pending) => drop(pending.acknowledged().await.expect("acknowledged")),
            Err(AppendError::Overloaded(_)) => break,
            Err(error) => panic!("{error}"),
        }
        appended.push(value);
        let buffered = broker.logs.status().buffered_bytes;
        assert!(buffered <= BUFFER_BYTES + (16 << 10), "{buffered} bytes in memory");
    }
    logs.into_iter().map(|(_, appended)| appended).collect()
}

async fn values(partition: &Partition) -> Vec<String> {
    read_all(partition).await.into_iter().map(|(_, value)| value).collect()
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_down_the_wal_takes_what_memory_does_not_hold() {
    let cluster = small_cluster(DurabilityMode::Wal);
    let broker = cluster.start().await;
    let partitions = [0, 1].map(async |index| cluster.open(&broker, index).await.expect("open"));
    let partitions = futures::future::join_all(partitions).await;
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    let appended = append_until_refused(&broker, &partitions).await;
    let kept = broker.wal.unreleased_bytes();
    assert!(kept > WAL_BYTES - (32 << 10), "refused although the WAL holds only {kept} bytes");
    for (partition, appended) in partitions.iter().zip(&appended) {
        assert_eq!(&values(partition).await, appended, "consumers go on meanwhile");
    }

    cluster.object_faults.heal();
    broker.logs.flush().await.expect("flushed");
    assert_eq!(broker.wal.unreleased_bytes(), 0);
    append_and_wait(partitions.first().expect("two"), &["after"]).await.expect("acknowledged");
    broker.logs.flush().await.expect("flushed");
    let broker = cluster.restart_without_disk(broker).await;
    for (index, mut appended) in (0..).zip(appended) {
        let partition = cluster.open(&broker, index).await.expect("open");
        appended.extend((index == 0).then(|| "after".to_owned()));
        assert_eq!(values(&partition).await, appended);
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_with_a_full_wal_stays_within_the_budget() {
    let cluster = small_cluster(DurabilityMode::Object);
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    cluster.object_faults.fail_always(Operation::Put, Fault::Unavailable);
    let appended = append_until_refused(&broker, &[partition]).await.remove(0);
    let broker = cluster.restart_with_disk(broker).await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    assert!(broker.logs.status().buffered_bytes <= BUFFER_BYTES);
    cluster.object_faults.heal();
    broker.logs.flush().await.expect("flushed");
    assert_eq!(values(&partition).await, appended);
}
