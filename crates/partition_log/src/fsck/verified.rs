//! [`Verified`]: segments whose batches an earlier check read and found whole. Objects never change, so they are not read again.

use super::bucket::hash;
use std::collections::HashSet;
use storage::ObjectName;

/// Names of segments, by their hashes: 16 bytes each.
#[derive(Clone, Default, Debug)]
pub struct Verified {
    objects: HashSet<u128>,
}

impl Verified {
    /// Takes one in.
    pub fn insert(&mut self, object: &ObjectName) {
        self.objects.insert(hash(object));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn contains(&self, object: &ObjectName) -> bool {
        self.objects.contains(&hash(object))
    }
}
