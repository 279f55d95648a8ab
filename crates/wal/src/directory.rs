//! Opens a WAL directory: lock, identity, recovery, quarantine. In this order, and nothing on disk changes before
//! damage is ruled out.

use crate::{
    LocalWalOptions, Start, WalError,
    file_name::{FileName, Role},
    files::{Found, Spare},
    identity,
    recovery::{Recovered, recover},
};
use formats::wal_frame::{BLOCK_BYTES, Identity};
use model::WalId;
use runtime::{Randomness, disk::Disk};
use std::io;

/// What opening found and decided.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) identity: Identity,
    pub(crate) recovered: Recovered,
    pub(crate) found: Found,
    pub(crate) quarantined_files: usize,
}

/// Takes the directory's lock.
///
/// # Errors
/// [`WalError::Locked`], [`WalError::Io`].
pub(crate) fn lock(disk: &dyn Disk) -> Result<Box<dyn Send + Sync>, WalError> {
    disk.lock().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => WalError::Locked(disk.describe()),
        _ => WalError::io("taking the lock", disk, error),
    })
}

/// Opens a directory whose lock is held.
///
/// # Errors
/// [`WalError::OtherCluster`], [`WalError::Damaged`], [`WalError::Io`].
pub(crate) fn open(
    disk: &dyn Disk,
    options: &LocalWalOptions,
    randomness: &Randomness,
) -> Result<Directory, WalError> {
    let files = list(disk)?;
    let next_generation = files.iter().map(|file| file.name.generation + 1).max().unwrap_or(0);
    let stored = identity::read(disk, &options.cluster)?;
    if stored.is_none() {
        refuse_files_without_identity(disk, &files)?;
    }
    let identity = match stored {
        Some(stored) if options.start == Start::Continue => stored,
        _ => {
            let identity = Identity {
                cluster: options.cluster.clone(),
                wal: WalId::from_random_bytes(randomness.bytes16()),
                generation: 0,
                first_file_generation: next_generation,
            };
            identity::write(disk, &identity)?;
            identity
        }
    };
    let is_own = |file: &&Spare| file.name.generation >= identity.first_file_generation;
    let live: Vec<_> = with_role(&files, Role::Live).filter(is_own).map(|file| file.name).collect();
    let recovered = recover(disk, identity.wal, &live)?;
    let quarantined_files = quarantine(disk, &files, &identity)?;
    let spares = spares(disk, &files, &recovered.unstarted)?;
    let live = recovered.live.clone();
    let found = Found { live, spares, next_generation, released: recovered.resume.released };
    Ok(Directory { identity, recovered, found, quarantined_files })
}

fn list(disk: &dyn Disk) -> Result<Vec<Spare>, WalError> {
    let names = disk.list().map_err(|error| WalError::io("listing files", disk, error))?;
    let parse = |(name, length): (String, u64)| Some(Spare { name: name.parse().ok()?, length });
    let mut files: Vec<_> = names.into_iter().filter_map(parse).collect();
    files.sort_by_key(|file| file.name);
    Ok(files)
}

fn with_role(files: &[Spare], role: Role) -> impl Iterator<Item = &Spare> {
    files.iter().filter(move |file| file.name.role == role)
}

/// Without its identity, nobody knows whose frames these are.
fn refuse_files_without_identity(disk: &dyn Disk, files: &[Spare]) -> Result<(), WalError> {
    match with_role(files, Role::Live).next() {
        None => Ok(()),
        Some(_) => Err(WalError::Damaged {
            file: format!("{}/{}", disk.describe(), identity::IDENTITY_FILE),
            offset: 0,
            reason: "it is missing, though there are WAL files".to_owned(),
        }),
    }
}

/// Puts the files of earlier WALs aside; how many there are.
fn quarantine(disk: &dyn Disk, files: &[Spare], identity: &Identity) -> Result<usize, WalError> {
    let before = with_role(files, Role::Quarantine).count();
    let strangers: Vec<_> = with_role(files, Role::Live)
        .filter(|file| file.name.generation < identity.first_file_generation)
        .collect();
    for file in &strangers {
        rename(disk, file.name, FileName { role: Role::Quarantine, ..file.name })?;
    }
    Ok(before + strangers.len())
}

/// The spares, with files that were named but never begun among them; those too short to be of use are removed.
fn spares(
    disk: &dyn Disk,
    files: &[Spare],
    unstarted: &[FileName],
) -> Result<Vec<Spare>, WalError> {
    let mut spares = Vec::new();
    for file in files {
        let spare = Spare { name: FileName { role: Role::Spare, ..file.name }, ..*file };
        if unstarted.contains(&file.name) {
            rename(disk, file.name, spare.name)?;
        } else if file.name.role != Role::Spare {
            continue;
        }
        if spare.length < 2 * BLOCK_BYTES as u64 {
            disk.remove(&spare.name.to_string())
                .map_err(|error| WalError::io("removing a file", disk, error))?;
            continue;
        }
        spares.push(spare);
    }
    Ok(spares)
}

fn rename(disk: &dyn Disk, from: FileName, to: FileName) -> Result<(), WalError> {
    disk.rename(&from.to_string(), &to.to_string())
        .map_err(|error| WalError::io("renaming a file", disk, error))
}
