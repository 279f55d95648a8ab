//! Feeds every decoder its seeds and its corpus: what fuzzing reached, and what it once found.

use fuzzing::DECODERS;
use request_schema::REQUESTS;
use std::collections::BTreeSet;

#[test]
fn every_decoder_survives_its_seeds_and_its_corpus() {
    for decoder in DECODERS {
        let seeds = (decoder.seeds)();
        assert!(!seeds.is_empty(), "{} has no seeds", decoder.name);
        for input in seeds.iter().chain(&decoder.corpus().unwrap()) {
            (decoder.run)(input);
        }
    }
}

#[test]
fn requests_are_fuzzed_from_every_api_and_version_of_the_tables() {
    let seeds = (fuzzing::decoder("request").unwrap().seeds)();
    let found: BTreeSet<_> = seeds.iter().filter_map(|seed| fuzzing::pair(seed)).collect();
    let all = REQUESTS.iter().flat_map(|message| {
        (message.versions.min..=message.versions.max).map(|version| (message.api_key, version))
    });
    assert_eq!(found, all.collect());
}
