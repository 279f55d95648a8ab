//! Feeds every decoder what its seeds and its corpus become when bytes are changed, doubled, joined and gone: what can be had
//! without a fuzzer's build.
//!
//! The changes are the same in every run, and as many: what takes half a second to five seconds a decoder. `FUZZ_ROUNDS` asks for another
//! number. What a decoder fell over is printed in hex: mended, it becomes a line of the corpus.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails says where")]

use fuzzing::{DECODERS, Decoder};
use runtime::Randomness;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

const LONGEST_BYTES: usize = 8 << 10;
/// Bytes at the edges of lengths and flags.
const EDGES: [u8; 7] = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff];

/// What a decoder is fed.
struct Mutations {
    from: Vec<Vec<u8>>,
    randomness: Randomness,
}

impl Mutations {
    fn of(decoder: &Decoder) -> Self {
        let from = [(decoder.seeds)(), decoder.corpus().unwrap()].concat();
        Self { from, randomness: Randomness::seeded(7) }
    }

    fn below(&self, bound: usize) -> usize {
        self.randomness.below(bound as u64) as usize
    }

    fn next(&self) -> Vec<u8> {
        let mut input = self.from[self.below(self.from.len())].clone();
        for _ in 0..=self.below(6) {
            self.change(&mut input);
        }
        input.truncate(LONGEST_BYTES);
        input
    }

    fn change(&self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match (self.below(6), input.get_mut(at)) {
            (0, Some(byte)) => *byte = EDGES[self.below(EDGES.len())],
            (1, Some(byte)) => *byte ^= 1 << self.below(8),
            (2, Some(_)) => drop(input.remove(at)),
            (3, _) => input.insert(at, EDGES[self.below(EDGES.len())]),
            (4, _) => input.truncate(at),
            _ => {
                let other = &self.from[self.below(self.from.len())];
                input.extend_from_slice(&other[self.below(other.len())..]);
            }
        }
    }
}

/// Says on a panic what the decoder was fed.
struct Feeding<'a>(&'a Decoder, Vec<u8>);

impl Drop for Feeding<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{} fell over {}", self.0.name, hex::encode(&self.1));
        }
    }
}

/// How many inputs a decoder is fed.
fn rounds(decoder: &Decoder) -> usize {
    let wanted = std::env::var("FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(match decoder.name {
        "settings_file" => 90_000,
        "http" => 2_000,
        name if name.starts_with("sasl_") || name == "token" => 50_000,
        _ => 500_000,
    })
}

fn feed(decoder: &Decoder) {
    let mutations = Mutations::of(decoder);
    for _ in 0..rounds(decoder) {
        let feeding = Feeding(decoder, mutations.next());
        (decoder.run)(&feeding.1);
    }
}

#[test]
fn every_decoder_survives_mutations_of_its_seeds_and_its_corpus() {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(decoder) = DECODERS.get(next.fetch_add(1, Relaxed)) {
            feed(decoder);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
}

#[test]
fn mutations_go_through_every_api_and_version_of_the_tables() {
    let request = fuzzing::decoder("request").unwrap();
    let mutations = Mutations::of(request);
    let seeds: BTreeSet<_> = (request.seeds)().into_iter().collect();
    let inputs = (0..rounds(request)).map(|_| mutations.next());
    let fed = inputs.filter(|input| !seeds.contains(input));
    let pairs: BTreeSet<_> = fed.filter_map(|input| fuzzing::pair(&input)).collect();
    let missed: Vec<_> = seeds
        .iter()
        .filter_map(|seed| fuzzing::pair(seed))
        .filter(|it| !pairs.contains(it))
        .collect();
    assert!(missed.is_empty(), "API keys and versions that were not fuzzed: {missed:?}");
}
