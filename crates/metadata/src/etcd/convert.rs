//! The port's words in etcd's, and back.

use crate::{
    Compare, Entry, MetadataError, Operation, Outcome, Range, RangeQuery, Reply, Revision,
    Transaction,
};
use bytes::Bytes;
use etcd_client::{
    Compare as EtcdCompare, CompareOp, DeleteOptions, GetOptions, GetResponse, KeyValue,
    PutOptions, ResponseHeader, Txn, TxnOp, TxnOpResponse, TxnResponse,
};

/// One request of a range read.
pub(super) struct Page {
    pub(super) start: Vec<u8>,
    pub(super) options: GetOptions,
}

/// The request that goes on after what was `read`, for at most `entries`, at the revision of the first one.
pub(super) fn page(query: &RangeQuery, read: Option<&Range>, entries: usize) -> Page {
    let start = match read.and_then(|range| range.entries.last()) {
        Some(last) => [last.key.as_ref(), &[0]].concat(),
        None => first_key(&query.start),
    };
    let done = read.map_or(0, |range| range.entries.len());
    let limit = match query.limit {
        0 => entries,
        limit => entries.min(limit.saturating_sub(done)),
    };
    let at = query.at.or(read.map(|range| range.revision));
    let options = get_options(query, limit, at);
    Page { start, options }
}

/// What was `read` so far with another answer behind it.
pub(super) fn range(read: Option<Range>, answer: &GetResponse) -> Result<Range, MetadataError> {
    let now = revision(answer.header())?;
    let mut range = read.unwrap_or(Range { entries: Vec::new(), revision: now, more: false });
    range.entries.extend(answer.kvs().iter().map(entry));
    range.more = answer.more() && !answer.kvs().is_empty();
    Ok(range)
}

/// A transaction as etcd takes it.
pub(super) fn transaction(transaction: Transaction) -> Txn {
    let compares: Vec<_> = transaction.compares.into_iter().map(compare).collect();
    let then: Vec<_> = transaction.then.into_iter().map(operation).collect();
    let otherwise: Vec<_> = transaction.otherwise.into_iter().map(operation).collect();
    Txn::new().when(compares).and_then(then).or_else(otherwise)
}

/// What a transaction did.
pub(super) fn outcome(answer: &TxnResponse) -> Result<Outcome, MetadataError> {
    Ok(Outcome {
        succeeded: answer.succeeded(),
        revision: revision(answer.header())?,
        replies: answer.op_responses().iter().map(reply).collect::<Result<_, _>>()?,
    })
}

/// An entry as etcd gives it.
pub(super) fn entry(pair: &KeyValue) -> Entry {
    Entry {
        key: Bytes::copy_from_slice(pair.key()),
        value: Bytes::copy_from_slice(pair.value()),
        create_revision: Revision(pair.create_revision() as u64),
        mod_revision: Revision(pair.mod_revision() as u64),
        version: pair.version() as u64,
        lease: (pair.lease() != 0).then(|| pair.lease()),
    }
}

/// etcd has no empty key; the first possible one says the same at the start of a range.
pub(super) fn first_key(start: &[u8]) -> Vec<u8> {
    if start.is_empty() { vec![0] } else { start.to_vec() }
}

fn revision(header: Option<&ResponseHeader>) -> Result<Revision, MetadataError> {
    // It was answered, so it happened; only at which revision is not known.
    let header = header
        .ok_or_else(|| MetadataError::OutcomeUnknown("etcd's answer has no revision".to_owned()))?;
    Ok(Revision(header.revision() as u64))
}

fn get_options(query: &RangeQuery, limit: usize, at: Option<Revision>) -> GetOptions {
    let mut options = GetOptions::new().with_limit(limit as i64);
    if let Some(end) = &query.end {
        options = options.with_range(end.to_vec());
    }
    match at {
        Some(Revision(at)) => options.with_revision(at as i64),
        None => options,
    }
}

fn compare(compare: Compare) -> EtcdCompare {
    match compare {
        Compare::CreateRevision(key, Revision(is)) => {
            EtcdCompare::create_revision(key, CompareOp::Equal, is as i64)
        }
        Compare::CreateRevisionNot(key, Revision(is)) => {
            EtcdCompare::create_revision(key, CompareOp::NotEqual, is as i64)
        }
        Compare::ModRevision(key, Revision(is)) => {
            EtcdCompare::mod_revision(key, CompareOp::Equal, is as i64)
        }
        Compare::Value(key, value) => EtcdCompare::value(key, CompareOp::Equal, value),
        Compare::Exists(key) => EtcdCompare::version(key, CompareOp::Greater, 0),
        Compare::Absent(key) => EtcdCompare::version(key, CompareOp::Equal, 0),
    }
}

fn operation(operation: Operation) -> TxnOp {
    match operation {
        Operation::Put { key, value, lease } => {
            let options = lease.map(|lease| PutOptions::new().with_lease(lease));
            TxnOp::put(key, value, options)
        }
        Operation::Delete(key) => TxnOp::delete(key, None),
        Operation::DeleteRange(start, end) => {
            TxnOp::delete(first_key(&start), Some(DeleteOptions::new().with_range(end)))
        }
        Operation::Read(query) => {
            TxnOp::get(first_key(&query.start), Some(get_options(&query, query.limit, query.at)))
        }
    }
}

fn reply(response: &TxnOpResponse) -> Result<Reply, MetadataError> {
    match response {
        TxnOpResponse::Put(_) => Ok(Reply::Put),
        TxnOpResponse::Get(get) => Ok(Reply::Read(get.kvs().iter().map(entry).collect())),
        TxnOpResponse::Delete(delete) => Ok(Reply::Deleted(delete.deleted() as u64)),
        TxnOpResponse::Txn(_) => {
            Err(MetadataError::OutcomeUnknown("etcd answered what was not asked".to_owned()))
        }
    }
}
