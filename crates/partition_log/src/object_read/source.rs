//! [`Source`]: the store, and the lane in which what comes from it is checked.

use super::ObjectReadError;
use bytes::Bytes;
use std::{ops::Range, sync::Arc};
use storage::{ObjectError, ObjectName, Objects};
use tokio::sync::Semaphore;

/// Bytes that are checked where they are, as that takes no longer than going to a lane and back: tens of microseconds.
const IN_PLACE_BYTES: usize = 128 << 10;

/// Where blocks come from. Cheap to clone.
///
/// A checksum over megabytes takes milliseconds, for which a thread does nothing else: a few readers of history would have producers
/// wait. So large reads are checked beside the tasks, one at a time.
#[derive(Clone, Debug)]
pub(super) struct Source {
    objects: Objects,
    lane: Arc<Semaphore>,
}

impl Source {
    pub(super) fn new(objects: Objects) -> Self {
        Self { objects, lane: Arc::new(Semaphore::new(1)) }
    }

    /// As [`Objects::get_range`].
    pub(super) async fn get_range(
        &self,
        object: &ObjectName,
        range: Range<u64>,
    ) -> Result<Bytes, ObjectError> {
        self.objects.get_range(object, range).await
    }

    /// Does `work` on `bytes` that were read.
    ///
    /// # Errors
    /// `Unavailable` when the broker ends meanwhile.
    pub(super) async fn check<T: Send + 'static>(
        &self,
        bytes: Bytes,
        work: impl FnOnce(Bytes) -> T + Send + 'static,
    ) -> Result<T, ObjectReadError> {
        if bytes.len() <= IN_PLACE_BYTES {
            return Ok(work(bytes));
        }
        let ended = || ObjectReadError::Unavailable("the broker ends".to_owned());
        let _turn = self.lane.acquire().await.map_err(|_| ended())?;
        runtime::beside(move || work(bytes)).await.map_err(|_| ended())
    }
}
