//! The WAL of this broker: opened once the cluster's id is known, renewed when metadata does not remember it.

use crate::{NodeError, Surroundings};
use cluster::{WalKeeper, wal_identity::WalOnDisk};
use model::{
    ClusterId, WalId,
    config::{broker, deployment},
};
use parking_lot::Mutex;
use runtime::{Randomness, disk::Disk};
use settings::Settings;
use std::sync::Arc;
use wal::{LocalWal, LocalWalOptions, Recovery, Start, Wal, WalError};

/// Holds the open WAL until the broker is joined.
pub(crate) struct WalSlot {
    disk: Arc<dyn Disk>,
    options: LocalWalOptions,
    randomness: Randomness,
    open: Mutex<Option<(LocalWal, Recovery)>>,
}

impl WalSlot {
    /// Opens the WAL on the disk, or starts one there.
    ///
    /// # Errors
    /// As [`WalError`] says, in one line.
    pub(crate) fn open(
        settings: &Settings,
        cluster: ClusterId,
        surroundings: &Surroundings,
    ) -> Result<Self, NodeError> {
        let mut options = LocalWalOptions::new(cluster);
        options.file_bytes =
            settings.number(&deployment::WAL_FILE_BYTES).unwrap_or(options.file_bytes);
        options.max_bytes = settings.number(&broker::WAL_MAX_BYTES).unwrap_or(options.max_bytes);
        options.drive = surroundings.wal_drive;
        let slot = Self {
            disk: Arc::clone(&surroundings.wal_disk),
            options,
            randomness: surroundings.randomness.clone(),
            open: Mutex::new(None),
        };
        let opened = slot.start(Start::Continue)?;
        *slot.open.lock() = Some(opened);
        Ok(slot)
    }

    fn start(&self, start: Start) -> Result<(LocalWal, Recovery), WalError> {
        let options = LocalWalOptions { start, ..self.options.clone() };
        LocalWal::open(Arc::clone(&self.disk), options, &self.randomness)
    }

    /// What lies on the disk, for the cluster to compare.
    pub(crate) fn on_disk(&self) -> Option<WalOnDisk> {
        self.open.lock().as_ref().map(|(wal, _)| {
            let identity = wal.identity();
            WalOnDisk {
                id: identity.id,
                generation: identity.generation,
                recovered_end: wal.end().0,
            }
        })
    }

    /// Takes the WAL out, with what was recovered.
    pub(crate) fn take(&self) -> Option<(LocalWal, Recovery)> {
        self.open.lock().take()
    }
}

impl WalKeeper for WalSlot {
    fn raise_generation(&self) -> Result<u64, String> {
        let open = self.open.lock();
        let (wal, _) = open.as_ref().ok_or("the WAL is not open")?;
        wal.raise_generation()
            .map(|identity| identity.generation)
            .map_err(|error| error.to_string())
    }

    fn renew(&self, reason: &str) -> Result<(WalId, u64), String> {
        let mut open = self.open.lock();
        if let Some((wal, recovery)) = open.take() {
            metrics::counter!("alluvium_wal_quarantines_total").increment(1);
            tracing::warn!(
                reason,
                wal = %wal.identity().id,
                frames = recovery.frames.len(),
                "the WAL is not the one that the cluster remembers: it takes a new id, its frames go to quarantine (alluvium wal salvage reads them)"
            );
            wal.close().map_err(|error| error.to_string())?;
        }
        let (wal, recovery) = self.start(Start::Afresh).map_err(|error| error.to_string())?;
        let identity = wal.raise_generation().map_err(|error| error.to_string())?;
        *open = Some((wal, recovery));
        Ok((identity.id, identity.generation))
    }
}
