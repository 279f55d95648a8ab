//! The read cache on disk: opened where the settings want one, and done without where that fails.

use crate::Failure;
use block_cache::{BlockCache, BlockCacheOptions};
use model::config::broker;
use runtime::{
    Tasks,
    disk::{Disk, LocalDisk},
};
use settings::Settings;
use std::{
    fs,
    num::NonZeroU64,
    os::unix::fs::MetadataExt,
    path::{Path, absolute},
};

/// Opens it, beside a WAL on `wal_disk`. `None` where none is wanted, or none can be had: a broker serves without.
///
/// # Errors
/// Settings that contradict each other.
pub(crate) async fn open(
    settings: &Settings,
    objects_are_local: bool,
    wal_disk: &LocalDisk,
    tasks: &Tasks,
) -> Result<Option<BlockCache>, Failure> {
    let capacity_bytes = settings.cache_bytes(objects_are_local);
    if capacity_bytes == 0 {
        return Ok(None);
    }
    let (directory, wal) = (settings.cache_directory(), settings.wal_directory());
    if is_same(&directory, &wal) {
        return Err(Failure(format!(
            "cache.dir {} is the write-ahead log's directory: give it one of its own",
            directory.display()
        )));
    }
    let left_free_bytes = if share_a_disk(&directory, &wal) {
        room_of_wal(settings, objects_are_local, wal_disk)
    } else {
        0
    };
    let rate = settings.number(&broker::CACHE_IO_MAX_BYTES_PER_SECOND).unwrap_or_default();
    let bytes_per_second = NonZeroU64::new(rate);
    let options =
        BlockCacheOptions { directory, capacity_bytes, bytes_per_second, left_free_bytes };
    let directory = options.directory.display().to_string();
    match BlockCache::open(options, tasks).await {
        Ok(cache) => {
            tracing::info!(directory, bytes = capacity_bytes, "the read cache on disk is open");
            Ok(Some(cache))
        }
        Err(error) => {
            tracing::warn!(
                %error,
                "there is no read cache on disk until the next start: what memory does not have is read from the object store. cache.max.bytes=0 does without for good"
            );
            Ok(None)
        }
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| fs::canonicalize(path).or_else(|_| absolute(path)).ok();
    resolved(one) == resolved(other)
}

/// Whether two directories lie on one file system. The first need not be there yet.
fn share_a_disk(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| {
        let path = absolute(path).ok()?;
        path.ancestors().find_map(|it| fs::metadata(it).ok()).map(|it| it.dev())
    };
    device(one) == device(other)
}

/// What the WAL may still take, and the copies that are gathered from: a cache must not be what fills their disk.
fn room_of_wal(settings: &Settings, objects_are_local: bool, wal_disk: &LocalDisk) -> u64 {
    let number = |key| settings.number(key).unwrap_or_default();
    let files = wal_disk.list().unwrap_or_default();
    let taken = files.iter().map(|(_, length)| length).sum();
    let copies = if objects_are_local { 0 } else { number(&broker::GATHER_SPOOL_MAX_BYTES) };
    number(&broker::WAL_MAX_BYTES).saturating_sub(taken).saturating_add(copies)
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Sources;

    fn settings(pairs: &[(&str, &Path)]) -> Settings {
        let text = |path: &Path| path.display().to_string();
        let flags = pairs.iter().map(|(key, path)| ((*key).to_owned(), text(path))).collect();
        let mut settings = Settings::resolve(Sources { flags, ..Sources::default() }).unwrap();
        settings.insert(&model::config::deployment::CACHE_MAX_BYTES, "67108864".to_owned());
        settings.insert(&broker::WAL_MAX_BYTES, "67108864".to_owned());
        settings
    }

    async fn opened(settings: &Settings) -> Result<Option<BlockCache>, Failure> {
        let disk = LocalDisk::open(settings.wal_directory()).unwrap();
        open(settings, true, &disk, &Tasks::new()).await
    }

    #[tokio::test]
    async fn a_broker_starts_whatever_becomes_of_its_read_cache() {
        let directory = tempfile::tempdir().unwrap();
        let wal = directory.path().join("wal");
        let there = opened(&settings(&[("wal.dir", &wal)])).await.unwrap();
        assert!(there.is_some() && directory.path().join("cache").is_dir());
        assert!(opened(&settings(&[("wal.dir", &wal)])).await.unwrap().is_none(), "it is taken");
        let file = directory.path().join("file");
        fs::write(&file, "x").unwrap();
        let no_directory = settings(&[("wal.dir", &wal), ("cache.dir", &file)]);
        assert!(opened(&no_directory).await.unwrap().is_none());
        let mut large = settings(&[("wal.dir", &wal), ("cache.dir", &directory.path().join("c"))]);
        large.insert(&broker::WAL_MAX_BYTES, (1_u64 << 60).to_string());
        assert!(opened(&large).await.unwrap().is_none(), "the WAL may need the room");
    }

    #[tokio::test]
    async fn the_write_ahead_logs_directory_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let both = [("wal.dir", directory.path()), ("cache.dir", directory.path())];
        let Err(Failure(line)) = opened(&settings(&both)).await else { panic!("it is refused") };
        assert!(line.contains("cache.dir"), "{line}");
    }
}
