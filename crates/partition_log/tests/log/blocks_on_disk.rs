//! What a broker read from objects is on its disk after a restart, and nothing rests on that.

use crate::{
    cluster::Cluster,
    records::{append_and_wait, read_all},
};
use block_cache::{BlockCache, BlockCacheOptions, CAPACITY_MIN_BYTES};
use model::config::DurabilityMode;
use runtime::Tasks;
use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::Path,
};

const SEGMENTS: usize = 6;

async fn open(directory: &Path) -> Option<BlockCache> {
    let options = BlockCacheOptions {
        directory: directory.to_owned(),
        capacity_bytes: CAPACITY_MIN_BYTES,
        bytes_per_second: None,
        left_free_bytes: 0,
    };
    Some(BlockCache::open(options, &Tasks::new()).await.expect("a directory"))
}

/// Stores some segments, and reads them by a broker with a cache in `directory`, which is closed. Answers what was read.
async fn stored_and_read(cluster: &mut Cluster, directory: &Path) -> Vec<(u64, String)> {
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    for segment in 0..SEGMENTS {
        append_and_wait(&partition, &[&format!("value {segment}")]).await.expect("acknowledged");
        broker.logs.flush().await.expect("flushed");
    }
    cluster.block_cache = open(directory).await;
    let broker = cluster.restart_without_disk(broker).await;
    let read = read_all(&cluster.open(&broker, 0).await.expect("open")).await;
    assert_eq!(read.len(), SEGMENTS);
    broker.tasks.shut_down().await;
    cluster.block_cache.take().expect("a cache").close().await;
    read
}

/// Reads it by a new broker with the cache that lies in `directory`, and says how many GETs that took.
async fn read_again(cluster: &mut Cluster, directory: &Path) -> (Vec<(u64, String)>, u64) {
    cluster.block_cache = open(directory).await;
    let broker = cluster.start().await;
    let partition = cluster.open(&broker, 0).await.expect("open");
    let before = cluster.objects.request_counts().gets;
    let read = read_all(&partition).await;
    (read, cluster.objects.request_counts().gets - before)
}

#[tokio::test]
async fn a_broker_that_starts_again_reads_without_a_request_what_it_had_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cluster = Cluster::new(DurabilityMode::Object);
    let read = stored_and_read(&mut cluster, directory.path()).await;
    assert_eq!(read_again(&mut cluster, directory.path()).await, (read, 0));
}

#[tokio::test]
async fn blocks_that_are_damaged_on_disk_are_read_from_their_objects() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cluster = Cluster::new(DurabilityMode::Object);
    let read = stored_and_read(&mut cluster, directory.path()).await;
    let mut damaged = 0;
    for entry in fs::read_dir(directory.path()).expect("files") {
        let path = entry.expect("a file").path();
        let content = fs::read(&path).expect("its content");
        let Some(at) = content.windows(7).position(|window| window == b"value 3") else { continue };
        let file = File::options().write(true).open(path).expect("a file");
        file.write_all_at(b"VALUE", at as u64).expect("written");
        damaged += 1;
    }
    assert_eq!(damaged, 1);
    assert_eq!(read_again(&mut cluster, directory.path()).await, (read, 1));
}
