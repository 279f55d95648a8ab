//! Reading the newest snapshot that is whole.

use super::names::{PREFIX, Piece, SnapshotId};
use crate::Failure;
use formats::{
    metadata::{SnapshotHead, SnapshotPart},
    snapshot::{SnapshotError, decode_head, decode_part},
};
use metadata::{MetadataStore, Operation, Transaction, families::Keys};
use std::collections::BTreeSet;
use storage::{ObjectErrorKind, ObjectName, Objects};

/// Puts in one transaction, and their bytes: what the store takes.
const BATCH: usize = 100;
const BATCH_BYTES: usize = 1 << 20;

/// A snapshot that was put back.
#[derive(Clone, Debug)]
pub struct PutBack {
    /// Its head's name.
    pub object: String,
    /// Its head.
    pub head: SnapshotHead,
    /// Newer ones that are not whole, each with the reason.
    pub passed_over: Vec<(String, String)>,
}

/// Puts the newest whole snapshot of the bucket into `store`, which must be empty and may be thrown away on an error. `None`: there is
/// none.
///
/// # Errors
/// A store's.
pub async fn put_back(
    objects: &Objects,
    store: &dyn MetadataStore,
    keys: &Keys,
) -> Result<Option<PutBack>, Failure> {
    let listed = objects.list(PREFIX).await?;
    let ids: BTreeSet<_> = listed
        .iter()
        .filter_map(|it| SnapshotId::parse(&it.name))
        .filter_map(|(id, piece)| (piece == Piece::Head).then_some(id))
        .collect();
    let mut passed_over = Vec::new();
    for id in ids.into_iter().rev() {
        let object = id.head().to_string();
        let whole = match head(objects, &id.head()).await? {
            Ok(head) => check(objects, &head).await?.map(|()| head),
            Err(reason) => Err(reason),
        };
        match whole {
            Ok(head) => {
                fill(objects, &head, store, keys).await?;
                return Ok(Some(PutBack { object, head, passed_over }));
            }
            Err(reason) => passed_over.push((object, reason)),
        }
    }
    Ok(None)
}

async fn head(
    objects: &Objects,
    name: &ObjectName,
) -> Result<Result<SnapshotHead, String>, Failure> {
    let read = read(objects, name).await?;
    Ok(read.and_then(|bytes| decode_head(&bytes).map_err(|error| error.to_string())))
}

/// Whether all parts are there and as they were written.
async fn check(objects: &Objects, head: &SnapshotHead) -> Result<Result<(), String>, Failure> {
    for part in &head.parts {
        if let Err(reason) = entries(objects, part).await? {
            return Ok(Err(format!("{}: {reason}", part.object)));
        }
    }
    Ok(Ok(()))
}

async fn entries(
    objects: &Objects,
    part: &SnapshotPart,
) -> Result<Result<Vec<formats::snapshot::SnapshotEntry>, String>, Failure> {
    let Ok(name) = ObjectName::new(&part.object) else {
        return Ok(Err("that is no object's name".to_owned()));
    };
    let bytes = match read(objects, &name).await? {
        Ok(bytes) => bytes,
        Err(reason) => return Ok(Err(reason)),
    };
    let checksum = bytes.last_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    if bytes.len() as u64 != part.size || checksum != Some(part.checksum) {
        return Ok(Err("it is not what the head says of it".to_owned()));
    }
    Ok(decode_part(&bytes).map_err(|error| error.to_string()))
}

async fn read(
    objects: &Objects,
    name: &ObjectName,
) -> Result<Result<bytes::Bytes, String>, Failure> {
    match objects.get(name).await {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(error) if error.kind == ObjectErrorKind::NotFound => {
            Ok(Err("it is not there".to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

async fn fill(
    objects: &Objects,
    head: &SnapshotHead,
    store: &dyn MetadataStore,
    keys: &Keys,
) -> Result<(), Failure> {
    for part in &head.parts {
        let read = entries(objects, part).await?.map_err(|_| Failure::Snapshot {
            object: part.object.clone(),
            error: SnapshotError::Checksum,
        })?;
        let puts = read.into_iter().map(|it| (keys.of_snapshot(&it.key), it.value)).collect();
        put_all(store, puts, &Transaction::default()).await?;
    }
    Ok(())
}

/// Puts entries in as many transactions as it takes, each on the conditions of `on`.
///
/// # Errors
/// The store's; `Refused` when the conditions do not hold.
pub(crate) async fn put_all(
    store: &dyn MetadataStore,
    entries: Vec<(bytes::Bytes, bytes::Bytes)>,
    on: &Transaction,
) -> Result<(), metadata::MetadataError> {
    let mut transaction = on.clone();
    let mut bytes = 0;
    for (key, value) in entries {
        let more = key.len() + value.len();
        if transaction.then.len() == BATCH || bytes + more > BATCH_BYTES {
            send(store, std::mem::replace(&mut transaction, on.clone())).await?;
            bytes = 0;
        }
        bytes += more;
        transaction.then.push(Operation::put(key, value));
    }
    send(store, transaction).await
}

async fn send(
    store: &dyn MetadataStore,
    transaction: Transaction,
) -> Result<(), metadata::MetadataError> {
    if transaction.then.is_empty() {
        return Ok(());
    }
    match store.transact(transaction).await?.succeeded {
        true => Ok(()),
        false => Err(metadata::MetadataError::Refused(
            "another process changed the store that is being filled".to_owned(),
        )),
    }
}
