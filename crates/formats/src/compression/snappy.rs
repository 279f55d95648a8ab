//! Snappy in the framing of xerial's snappy-java, which Kafka's clients share.
//!
//! A stream is a 16-byte header (magic, version, lowest compatible version) and then blocks: a big-endian length and
//! that many bytes of bare snappy. Streams may be joined: a header where a length is due starts the next one. Bytes
//! without the magic are one bare block, as some clients write it.

use super::{Codec, CompressionError};

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_BYTES: usize = 16;
/// Version 1, readable by version 1.
const VERSIONS: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// What snappy-java puts into one block.
const BLOCK_BYTES: usize = 32 * 1024;

pub(super) fn compress(bytes: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let mut output = Vec::with_capacity(HEADER_BYTES + bytes.len() / 2);
    output.extend_from_slice(&MAGIC);
    output.extend_from_slice(&VERSIONS);
    let mut encoder = snap::raw::Encoder::new();
    for chunk in bytes.chunks(BLOCK_BYTES) {
        let block = encoder.compress_vec(chunk).map_err(|error| Codec::Snappy.damaged(&error))?;
        output.extend_from_slice(&(block.len() as u32).to_be_bytes());
        output.extend_from_slice(&block);
    }
    Ok(output)
}

pub(super) fn decompress(bytes: &[u8], limit_bytes: usize) -> Result<Vec<u8>, CompressionError> {
    let mut output = Vec::new();
    if !bytes.starts_with(&MAGIC) {
        append_block(&mut output, bytes, limit_bytes)?;
        return Ok(output);
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        if rest.starts_with(&MAGIC) {
            rest = rest.get(HEADER_BYTES..).ok_or_else(cut_short)?;
            continue;
        }
        let (length, after) = rest.split_first_chunk().ok_or_else(cut_short)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (block, after) = after.split_at_checked(length).ok_or_else(cut_short)?;
        append_block(&mut output, block, limit_bytes)?;
        rest = after;
    }
    Ok(output)
}

/// Decompresses one bare block behind what `output` has already.
fn append_block(
    output: &mut Vec<u8>,
    block: &[u8],
    limit_bytes: usize,
) -> Result<(), CompressionError> {
    let grown = snap::raw::decompress_len(block).map_err(|error| Codec::Snappy.damaged(&error))?;
    if grown > limit_bytes.saturating_sub(output.len()) {
        return Err(CompressionError::TooLarge { codec: Codec::Snappy, limit_bytes });
    }
    // The length is the block's claim: a block can't grow by more than snappy's best ratio (64 bytes out of 3), so
    // a larger claim is false and is not believed with memory.
    if grown > block.len().saturating_mul(64) {
        return Err(Codec::Snappy.damaged(&"a block claims more bytes than it can hold"));
    }
    let block = snap::raw::Decoder::new()
        .decompress_vec(block)
        .map_err(|error| Codec::Snappy.damaged(&error))?;
    output.extend_from_slice(&block);
    Ok(())
}

fn cut_short() -> CompressionError {
    Codec::Snappy.damaged(&"the stream is cut short")
}
