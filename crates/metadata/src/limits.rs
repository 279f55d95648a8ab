//! The port's limits and what no provider takes, checked before anything is sent: the same answer everywhere.

use crate::{MetadataError, Operation, RangeQuery, Revision, Transaction, machine::KeyRange};
use bytes::Bytes;

/// The most bytes one request takes: etcd's default, less room for its envelope.
pub(crate) const REQUEST_MAX_BYTES: usize = 1536 * 1024 - 4096;
/// The most compares, operations on success, and operations otherwise (each) that a transaction takes.
pub(crate) const TRANSACTION_MAX_OPERATIONS: usize = 128;

/// Checks a read.
pub(crate) fn check_query(query: &RangeQuery) -> Result<(), MetadataError> {
    match &query.end {
        None => check_key(&query.start)?,
        Some(end) => check_end(end)?,
    }
    if query.at == Some(Revision(0)) {
        return Err(MetadataError::Refused("revision 0 can't be read".to_owned()));
    }
    Ok(())
}

/// Checks a transaction.
pub(crate) fn check_transaction(transaction: &Transaction) -> Result<(), MetadataError> {
    let Transaction { compares, then, otherwise } = transaction;
    for (what, length) in
        [("compares", compares.len()), ("operations", then.len()), ("operations", otherwise.len())]
    {
        if length > TRANSACTION_MAX_OPERATIONS {
            return Err(MetadataError::TooLarge(format!(
                "{length} {what} in a transaction, at most {TRANSACTION_MAX_OPERATIONS} fit"
            )));
        }
    }
    let bytes: usize = compares.iter().map(|it| it.key().len() + it.value_bytes()).sum::<usize>()
        + then.iter().chain(otherwise).map(operation_bytes).sum::<usize>();
    if bytes > REQUEST_MAX_BYTES {
        return Err(MetadataError::TooLarge(format!(
            "a request of {bytes} bytes, at most {REQUEST_MAX_BYTES} fit"
        )));
    }
    compares.iter().try_for_each(|compare| check_key(compare.key()))?;
    check_branch(then)?;
    check_branch(otherwise)
}

/// A branch changes a key at most once, as with etcd; only deletes may overlap each other.
fn check_branch(branch: &[Operation]) -> Result<(), MetadataError> {
    let mut puts: Vec<&Bytes> = Vec::new();
    let mut deletes: Vec<KeyRange> = Vec::new();
    for operation in branch {
        match operation {
            Operation::Put { key, .. } => {
                check_key(key)?;
                puts.push(key);
            }
            Operation::Delete(key) => {
                check_key(key)?;
                deletes.push(KeyRange::one(key));
            }
            Operation::DeleteRange(start, end) => {
                check_end(end)?;
                deletes.push(KeyRange::new(start, Some(end)));
            }
            Operation::Read(query) => check_query(query)?,
        }
    }
    puts.sort_unstable();
    let twice = puts.windows(2).any(|pair| matches!(pair, [one, other] if one == other));
    if twice || puts.iter().any(|key| deletes.iter().any(|range| range.contains(key))) {
        return Err(MetadataError::Refused("a transaction changes a key twice".to_owned()));
    }
    Ok(())
}

fn check_key(key: &[u8]) -> Result<(), MetadataError> {
    if key.is_empty() {
        return Err(MetadataError::Refused("a key must not be empty".to_owned()));
    }
    Ok(())
}

/// etcd would read an empty end as none.
fn check_end(end: &[u8]) -> Result<(), MetadataError> {
    if end.is_empty() {
        return Err(MetadataError::Refused("a range's end must not be empty".to_owned()));
    }
    Ok(())
}

/// About what an operation takes in a request.
fn operation_bytes(operation: &Operation) -> usize {
    const ENVELOPE: usize = 24;
    ENVELOPE
        + match operation {
            Operation::Put { key, value, .. } => key.len() + value.len(),
            Operation::Delete(key) => key.len(),
            Operation::DeleteRange(start, end) => start.len() + end.len(),
            Operation::Read(query) => query.start.len() + query.end.as_ref().map_or(0, Bytes::len),
        }
}
