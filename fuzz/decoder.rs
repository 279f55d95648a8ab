//! The decoder that `FUZZ_DECODER` names, driven by libFuzzer: one binary for all, since linking is what takes long. Writes the
//! decoder's seeds into the directory `FUZZ_SEEDS` first.

#![no_main]

use fuzzing::{Decoder, decoder};
use libfuzzer_sys::fuzz_target;
use std::{env, fs, path::Path, sync::LazyLock};

static DECODER: LazyLock<&Decoder> = LazyLock::new(|| {
    let name = env::var("FUZZ_DECODER").expect("FUZZ_DECODER names a decoder");
    decoder(&name).unwrap_or_else(|| panic!("{name} is none of the decoders in crates/fuzzing"))
});

fn write_seeds(directory: &Path) {
    for (position, seed) in (DECODER.seeds)().iter().enumerate() {
        fs::write(directory.join(format!("seed-{position:03}")), seed).expect("a directory for seeds");
    }
}

fuzz_target!(
    init: {
        if let Ok(directory) = env::var("FUZZ_SEEDS") {
            write_seeds(Path::new(&directory));
        }
    },
    |bytes: &[u8]| (DECODER.run)(bytes)
);
