//! [`RecentReads`]: what openings read of objects a moment ago.
//!
//! The partitions of a broker that is gone come to another a few dozen at a time, and each time the same footers and index objects
//! say what they hold.

use crate::single_flight::{Load, SingleFlightCache};
use bytes::Bytes;
use futures::FutureExt;
use parking_lot::Mutex;
use std::{
    ops::Range,
    sync::{Arc, Weak},
};
use storage::{ObjectError, ObjectName, Objects};

/// The least recently used parts of objects go beyond so many bytes.
const LIMIT_BYTES: u64 = 16 << 20;

type Cache = SingleFlightCache<(ObjectName, Range<u64>), Bytes, Arc<ObjectError>>;

/// Parts of objects, each read once as long as somebody holds them. Objects never change.
#[derive(Debug)]
pub(crate) struct RecentReads(Arc<Cache>);

impl Default for RecentReads {
    fn default() -> Self {
        Self(Arc::new(SingleFlightCache::new(LIMIT_BYTES, |bytes| bytes.len() as u64)))
    }
}

impl RecentReads {
    pub(super) async fn get_range(
        &self,
        objects: &Objects,
        object: &ObjectName,
        range: Range<u64>,
    ) -> Result<Bytes, Arc<ObjectError>> {
        let part = (object.clone(), range);
        let load = || {
            let (objects, (object, range)) = (objects.clone(), part.clone());
            let read =
                async move { vec![objects.get_range(&object, range).await.map_err(Arc::new)] };
            Load { keys: vec![part.clone()], results: read.boxed() }
        };
        self.0.get(&part, |_| load()).await
    }
}

/// The reads that openings share while somebody holds on to them.
#[derive(Debug, Default)]
pub(crate) struct SharedReads(Mutex<Weak<Cache>>);

impl SharedReads {
    /// Those of the openings before this one, if they are still there.
    pub(crate) fn share(&self) -> RecentReads {
        let mut shared = self.0.lock();
        let reads = shared.upgrade().map(RecentReads).unwrap_or_default();
        *shared = Arc::downgrade(&reads.0);
        reads
    }
}
