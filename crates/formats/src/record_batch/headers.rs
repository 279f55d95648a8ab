//! [`Headers`]: the headers of one record, left as they lie.
//!
//! A header takes two bytes on the wire and 64 in memory, and compression hides the two: a batch of a few kilobytes may hold millions.
//! So they are checked where they lie, and read one by one by whoever wants them.

use super::{record::take_nullable, varint};
use bytes::Bytes;

/// A record's headers, in order. Keys may repeat and need not be UTF-8.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Headers {
    count: usize,
    /// All of them, checked.
    bytes: Bytes,
}

impl Headers {
    /// Takes the count and the headers off the front of `body`; `None` when they are damaged.
    pub(super) fn take(body: &mut Bytes) -> Option<Self> {
        let count = usize::try_from(varint::take_i32(body)?).ok()?;
        let all = body.clone();
        for _ in 0..count {
            take_one(body)?;
        }
        Some(Self { count, bytes: all.slice(..all.len() - body.len()) })
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Key and value of each.
    pub fn iter(&self) -> impl Iterator<Item = (Bytes, Option<Bytes>)> {
        let mut rest = self.bytes.clone();
        std::iter::from_fn(move || take_one(&mut rest))
    }
}

fn take_one(bytes: &mut Bytes) -> Option<(Bytes, Option<Bytes>)> {
    Some((take_nullable(bytes)??, take_nullable(bytes)?))
}
