//! [`KeyOffsets`]: the last offset of each key, in bounded memory.
//!
//! Keys are kept as 16 bytes of their SHA-256, so an entry takes 24 bytes whatever the key's length, and nobody can make two keys
//! that are taken for one.

use model::Offset;
use sha2::{Digest, Sha256};

const ENTRY_BYTES: u64 = 24;
const FREE: u64 = u64::MAX;

/// Of ten slots at most nine are taken, as Kafka's `log.cleaner.io.buffer.load.factor` has it.
const LOAD: (usize, usize) = (9, 10);

const FEWEST_SLOTS: usize = 16;

/// A hash table with linear probing; it never grows.
#[derive(Debug)]
pub(crate) struct KeyOffsets {
    hashes: Vec<u128>,
    offsets: Vec<u64>,
    count: usize,
}

impl KeyOffsets {
    /// Room for `keys` keys, as far as `max_bytes` allow.
    pub(crate) fn new(keys: u64, max_bytes: u64) -> Self {
        let wanted = keys.saturating_mul(LOAD.1 as u64) / LOAD.0 as u64 + 1;
        let slots = (wanted.min(max_bytes / ENTRY_BYTES) as usize).max(FEWEST_SLOTS);
        Self { hashes: vec![0; slots], offsets: vec![FREE; slots], count: 0 }
    }

    /// Notes that `key` was seen at `offset`, a later one than before; `false` when it is new and there is no room.
    pub(crate) fn put(&mut self, key: &[u8], offset: Offset) -> bool {
        let hash = hash(key);
        let slot = self.slot(hash);
        let is_full = self.count >= self.hashes.len() * LOAD.0 / LOAD.1;
        let (Some(known), Some(at)) = (self.hashes.get_mut(slot), self.offsets.get_mut(slot))
        else {
            return false;
        };
        if *at == FREE {
            if is_full {
                return false;
            }
            self.count += 1;
        }
        (*known, *at) = (hash, offset.get());
        true
    }

    /// Where `key` was seen last.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Offset> {
        let offset = *self.offsets.get(self.slot(hash(key)))?;
        if offset == FREE { None } else { Offset::new(offset) }
    }

    /// The slot that holds the hash, or the free one where it belongs. There always is a free one.
    fn slot(&self, hash: u128) -> usize {
        let slots = self.hashes.len();
        let mut slot = (hash % slots as u128) as usize;
        while let (Some(known), Some(offset)) = (self.hashes.get(slot), self.offsets.get(slot)) {
            if *offset == FREE || *known == hash {
                break;
            }
            slot = (slot + 1) % slots;
        }
        slot
    }
}

fn hash(key: &[u8]) -> u128 {
    let digest = Sha256::digest(key);
    digest.iter().take(16).fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(value: u64) -> Offset {
        Offset::new(value).expect("small")
    }

    #[test]
    fn a_key_has_its_last_offset() {
        let mut keys = KeyOffsets::new(2, 1 << 20);
        for (key, at) in [(b"a", 1), (b"b", 2), (b"a", 3)] {
            assert!(keys.put(key, offset(at)));
        }
        assert_eq!([keys.get(b"a"), keys.get(b"b")], [Some(offset(3)), Some(offset(2))]);
        assert_eq!(keys.get(b"c"), None);
    }

    #[test]
    fn memory_is_bounded_and_known_keys_still_move_when_there_is_no_room() {
        let mut keys = KeyOffsets::new(u64::MAX, 100 * ENTRY_BYTES);
        let taken = (0..1_000_u64).take_while(|n| keys.put(&n.to_be_bytes(), offset(*n))).count();
        assert_eq!(taken, 90);
        assert!(keys.put(&7_u64.to_be_bytes(), offset(5_000)));
        assert_eq!(keys.get(&7_u64.to_be_bytes()), Some(offset(5_000)));
        assert!((0..90_u64).all(|n| keys.get(&n.to_be_bytes()).is_some()));
        assert_eq!(keys.get(&90_u64.to_be_bytes()), None);
    }
}
