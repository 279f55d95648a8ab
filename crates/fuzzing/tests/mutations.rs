//! Feeds every decoder its seeds with bytes changed, doubled, joined and gone: what can be had without a fuzzer's build.
//!
//! The changes are the same in every run. `FUZZ_ROUNDS` asks for more of them.

#![expect(clippy::indexing_slicing, reason = "a test that fails says where")]

use fuzzing::DECODERS;

const ROUNDS: usize = 50_000;
const LONGEST_BYTES: usize = 8 << 10;
/// Bytes at the edges of lengths and flags.
const EDGES: [u8; 7] = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff];

/// A fixed scatter of numbers.
struct Scatter(u64);

impl Scatter {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound.max(1)
    }

    fn mutate(&mut self, input: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(input.len() + 1);
        match (self.below(6), input.get_mut(at)) {
            (0, Some(byte)) => *byte = EDGES[self.below(EDGES.len())],
            (1, Some(byte)) => *byte ^= 1 << self.below(8),
            (2, Some(_)) => drop(input.remove(at)),
            (3, _) => input.insert(at, EDGES[self.below(EDGES.len())]),
            (4, _) => input.truncate(at),
            _ => input.extend_from_slice(&other[self.below(other.len())..]),
        }
        input.truncate(LONGEST_BYTES);
    }
}

#[test]
fn every_decoder_survives_mutations_of_its_seeds() {
    let rounds = std::env::var("FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok());
    for decoder in DECODERS {
        let seeds = (decoder.seeds)();
        let mut scatter = Scatter(7);
        for _ in 0..rounds.unwrap_or(ROUNDS) {
            let mut input = seeds[scatter.below(seeds.len())].clone();
            for _ in 0..=scatter.below(6) {
                let other = scatter.below(seeds.len());
                scatter.mutate(&mut input, &seeds[other]);
            }
            (decoder.run)(&input);
        }
    }
}
