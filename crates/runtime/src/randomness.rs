//! Randomness: ids and jitter from the machine, or from a seed.

use parking_lot::Mutex;
use rand::{RngCore, SeedableRng, rngs::SmallRng};
use std::{fmt, sync::Arc};

/// A source of random numbers; clones share it. Not for secrets.
#[derive(Clone)]
pub struct Randomness(Arc<Mutex<SmallRng>>);

impl Randomness {
    /// Seeded by the operating system.
    pub fn system() -> Self {
        Self(Arc::new(Mutex::new(SmallRng::from_os_rng())))
    }

    /// The same sequence for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(SmallRng::seed_from_u64(seed))))
    }

    /// Sixteen random bytes, as an id takes them.
    pub fn bytes16(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.0.lock().fill_bytes(&mut bytes);
        bytes
    }

    /// A number in `0..bound`; zero when `bound` is zero. The bias is below 2^-32.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.lock().next_u64() % bound }
    }
}

impl fmt::Debug for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Randomness")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence_and_clones_share_it() {
        let draw = |randomness: &Randomness| randomness.below(u64::MAX);
        let (first, second) = (Randomness::seeded(5), Randomness::seeded(5));
        let clone = first.clone();
        let drawn = [draw(&first), draw(&clone), draw(&first)];
        assert_eq!(drawn, [draw(&second), draw(&second), draw(&second)]);
        assert_ne!(drawn[0], drawn[1]);
    }

    #[test]
    fn numbers_stay_below_the_bound() {
        let randomness = Randomness::seeded(6);
        assert_eq!(randomness.below(0), 0);
        assert!((0..1000).all(|_| randomness.below(7) < 7));
    }
}
