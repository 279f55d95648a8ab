//! [`KeyRange`]: a half-open range of keys, with etcd's `[0]` for "to the end".

use crate::RangeQuery;
use bytes::Bytes;
use std::ops::Bound;

/// Keys from `start` up to, not including, `end`; without an end, to the last key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KeyRange {
    start: Bytes,
    end: Option<Bytes>,
}

impl KeyRange {
    /// The keys in `start..end`, or `start` alone.
    pub(crate) fn new(start: &Bytes, end: Option<&Bytes>) -> Self {
        match end {
            None => Self::one(start),
            Some(end) if end.as_ref() == [0] => Self { start: start.clone(), end: None },
            Some(end) => Self { start: start.clone(), end: Some(end.clone()) },
        }
    }

    /// One key: the next possible one is itself with a zero byte behind.
    pub(crate) fn one(key: &Bytes) -> Self {
        let mut end = key.to_vec();
        end.push(0);
        Self { start: key.clone(), end: Some(end.into()) }
    }

    /// The keys a query is about.
    pub(crate) fn of(query: &RangeQuery) -> Self {
        Self::new(&query.start, query.end.as_ref())
    }

    /// Whether `key` lies in it.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        key >= self.start.as_ref() && self.end.as_ref().is_none_or(|end| key < end.as_ref())
    }

    /// As bounds that a `BTreeMap` takes; `None` when no key can lie in it.
    pub(crate) fn bounds(&self) -> Option<(Bound<&Bytes>, Bound<&Bytes>)> {
        match &self.end {
            Some(end) if *end <= self.start => None,
            Some(end) => Some((Bound::Included(&self.start), Bound::Excluded(end))),
            None => Some((Bound::Included(&self.start), Bound::Unbounded)),
        }
    }
}
