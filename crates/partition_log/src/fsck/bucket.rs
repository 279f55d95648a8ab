//! [`Bucket`]: which objects there are, how large, and which of them were named so far; by a hash of their names.

use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};
use storage::{ObjectError, ObjectName, Objects};

/// What a listing showed.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    objects: HashMap<u128, Known>,
    bytes: u64,
}

#[derive(Debug)]
struct Known {
    size: u64,
    named: AtomicBool,
}

impl Bucket {
    /// Lists the store.
    pub(super) async fn list(objects: &Objects) -> Result<Self, ObjectError> {
        let mut bucket = Self::default();
        let mut next = None;
        loop {
            let page = objects.list_page("", next).await?;
            for listed in page.objects {
                bucket.bytes += listed.size;
                let known = Known { size: listed.size, named: AtomicBool::new(false) };
                bucket.objects.insert(hash(&listed.name), known);
            }
            next = page.next;
            if next.is_none() {
                return Ok(bucket);
            }
        }
    }

    /// How many objects there are.
    pub(super) fn objects(&self) -> u64 {
        self.objects.len() as u64
    }

    /// Their bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Notes that something names the object; answers its size if it was listed.
    pub(super) fn name(&self, object: &ObjectName) -> Option<u64> {
        let known = self.objects.get(&hash(object))?;
        known.named.store(true, Relaxed);
        Some(known.size)
    }

    /// Whether it was listed, and nothing named it.
    pub(super) fn is_unnamed(&self, object: &ObjectName) -> bool {
        self.objects.get(&hash(object)).is_some_and(|known| !known.named.load(Relaxed))
    }
}

/// By which an object is known here.
pub(super) fn hash(object: &ObjectName) -> u128 {
    let digest = Sha256::digest(object.as_str().as_bytes());
    digest.iter().take(16).fold(0, |hash, byte| (hash << 8) | u128::from(*byte))
}
