//! The identity file of a WAL directory: read, checked against what is expected, replaced whole.

use crate::{WalError, WalIdentity};
use formats::wal_frame::Identity;
use model::ClusterId;
use runtime::disk::Disk;

pub(crate) const IDENTITY_FILE: &str = "identity";

/// Reads the identity; `None` in a directory without one.
///
/// # Errors
/// [`WalError::OtherCluster`], [`WalError::Damaged`], [`WalError::Io`].
pub(crate) fn read(disk: &dyn Disk, expected: &ClusterId) -> Result<Option<Identity>, WalError> {
    let content = disk
        .read(IDENTITY_FILE)
        .map_err(|error| WalError::io("reading the identity", disk, error))?;
    let Some(content) = content else { return Ok(None) };
    let identity = Identity::decode(&content).map_err(|error| WalError::Damaged {
        file: format!("{}/{IDENTITY_FILE}", disk.describe()),
        offset: 0,
        reason: error.to_string(),
    })?;
    if identity.cluster != *expected {
        return Err(WalError::OtherCluster {
            directory: disk.describe(),
            found: identity.cluster,
            expected: expected.clone(),
        });
    }
    Ok(Some(identity))
}

/// Writes the identity, durably.
///
/// # Errors
/// [`WalError::Io`].
pub(crate) fn write(disk: &dyn Disk, identity: &Identity) -> Result<(), WalError> {
    disk.replace(IDENTITY_FILE, &identity.encode())
        .map_err(|error| WalError::io("writing the identity", disk, error))
}

pub(crate) fn as_port(identity: &Identity) -> WalIdentity {
    WalIdentity {
        cluster: identity.cluster.clone(),
        id: identity.wal,
        generation: identity.generation,
    }
}
