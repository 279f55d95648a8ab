//! Round trips, bombs, framings of other writers, and arbitrary bytes.

use super::*;
use proptest::prelude::*;

fn is_too_large(result: &Result<Vec<u8>, CompressionError>) -> bool {
    matches!(result, Err(CompressionError::TooLarge { .. }))
}

#[test]
fn a_bomb_is_an_error_with_every_codec() {
    let zeroes = vec![0; 1 << 20];
    for codec in Codec::ALL {
        let bomb = compress(codec, &zeroes).unwrap();
        assert!(is_too_large(&decompress(codec, &bomb, (1 << 20) - 1)), "{codec:?}");
        assert_eq!(decompress(codec, &bomb, 1 << 20).unwrap(), zeroes, "{codec:?}");
    }
}

#[test]
fn nothing_compresses_to_nothing() {
    for codec in Codec::ALL {
        let empty = compress(codec, b"").unwrap();
        assert_eq!(decompress(codec, &empty, 0).unwrap(), b"", "{codec:?}");
    }
}

#[test]
fn joined_gzip_members_are_one_stream() {
    let joined = [compress(Codec::Gzip, b"ab").unwrap(), compress(Codec::Gzip, b"cd").unwrap()];
    assert_eq!(decompress(Codec::Gzip, &joined.concat(), 9).unwrap(), b"abcd");
}

#[test]
fn joined_xerial_streams_are_one_stream() {
    let joined = [compress(Codec::Snappy, b"ab").unwrap(), compress(Codec::Snappy, b"cd").unwrap()];
    assert_eq!(decompress(Codec::Snappy, &joined.concat(), 9).unwrap(), b"abcd");
}

#[test]
fn a_bare_snappy_block_is_read() {
    let bare = snap::raw::Encoder::new().compress_vec(b"without a frame").unwrap();
    assert_eq!(decompress(Codec::Snappy, &bare, 99).unwrap(), b"without a frame");
}

#[test]
fn a_snappy_block_that_claims_too_much_takes_no_memory() {
    let claims_four_gigabytes = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    assert!(decompress(Codec::Snappy, &claims_four_gigabytes, usize::MAX).is_err());
}

#[test]
fn lz4_blocks_that_depend_on_each_other_are_read() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let frame = FrameInfo::new().block_mode(BlockMode::Linked).block_size(BlockSize::Max64KB);
    let text = b"as librdkafka may write them ".repeat(9000);
    let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
    encoder.write_all(&text).unwrap();
    let linked = encoder.finish().unwrap();
    assert_eq!(decompress(Codec::Lz4, &linked, text.len()).unwrap(), text);
}

#[test]
fn codecs_have_the_names_and_numbers_of_kafka() {
    for (id, codec) in Codec::ALL.into_iter().enumerate() {
        assert_eq!(Codec::from_id(id as u8), Some(codec));
        assert_eq!(codec.name().parse(), Ok(codec));
    }
    assert_eq!(Codec::from_id(5), None);
    assert!("GZIP".parse::<Codec>().is_err());
}

proptest! {
    #[test]
    fn every_codec_reads_what_it_wrote(bytes in proptest::collection::vec(any::<u8>(), 0..100_000)) {
        for codec in Codec::ALL {
            let compressed = compress(codec, &bytes).unwrap();
            prop_assert_eq!(&decompress(codec, &compressed, bytes.len()).unwrap(), &bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..100, at in 0usize..300, to: u8) {
        for codec in Codec::ALL {
            let _ = decompress(codec, &bytes, 4096);
            let mut damaged = compress(codec, &bytes).unwrap();
            damaged.truncate(damaged.len().saturating_sub(cut));
            if let Some(byte) = damaged.get_mut(at) {
                *byte = to;
            }
            let _ = decompress(codec, &damaged, 4096);
        }
    }
}
