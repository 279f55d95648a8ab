//! The four codecs of Kafka's batches, and none.
//!
//! Output is what Java's client reads; input is what any client writes. Decompression is bounded: what would grow
//! beyond the caller's limit is an error, found before the memory is taken.

mod snappy;

use std::io::{self, Read, Write};
use std::str::FromStr;

/// How a batch's records are compressed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Codec {
    /// As they are.
    #[default]
    None,
    /// RFC 1952, one or more members.
    Gzip,
    /// Snappy blocks in the framing of xerial's `SnappyOutputStream`; one bare block is read too.
    Snappy,
    /// The LZ4 frame format.
    Lz4,
    /// RFC 8878, one or more frames.
    Zstd,
}

/// Why bytes can't be compressed or decompressed.
#[derive(Debug, thiserror::Error)]
pub enum CompressionError {
    /// The bytes are not what the codec writes.
    #[error("{codec:?} data is damaged: {reason}")]
    Damaged {
        /// The codec.
        codec: Codec,
        /// What the decoder said.
        reason: String,
    },
    /// The data would decompress to more than the limit.
    #[error("{codec:?} data decompresses to more than {limit_bytes} bytes")]
    TooLarge {
        /// The codec.
        codec: Codec,
        /// The limit.
        limit_bytes: usize,
    },
}

/// A name that is not one of Kafka's codecs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not a codec: none, gzip, snappy, lz4 or zstd")]
pub struct UnknownCodec(pub String);

impl Codec {
    /// Every codec.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec of the lowest three bits of a batch's attributes; `None` for 5 to 7.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its number in a batch's attributes.
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// Its name in `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    fn damaged(self, reason: &dyn std::fmt::Display) -> CompressionError {
        CompressionError::Damaged { codec: self, reason: reason.to_string() }
    }
}

impl FromStr for Codec {
    type Err = UnknownCodec;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|codec| codec.name() == text);
        known.ok_or_else(|| UnknownCodec(text.to_owned()))
    }
}

/// Compresses `bytes`, at each codec's default level.
///
/// # Errors
/// [`CompressionError::Damaged`] when a codec's library fails, for want of memory.
pub fn compress(codec: Codec, bytes: &[u8]) -> Result<Vec<u8>, CompressionError> {
    match codec {
        Codec::None => Ok(bytes.to_vec()),
        Codec::Gzip => gzip(bytes).map_err(|error| codec.damaged(&error)),
        Codec::Snappy => snappy::compress(bytes),
        Codec::Lz4 => lz4(bytes).map_err(|error| codec.damaged(&error)),
        Codec::Zstd => zstd::bulk::compress(bytes, zstd::DEFAULT_COMPRESSION_LEVEL)
            .map_err(|e| codec.damaged(&e)),
    }
}

/// Decompresses `bytes` to at most `limit_bytes`.
///
/// # Errors
/// [`CompressionError`].
pub fn decompress(
    codec: Codec,
    bytes: &[u8],
    limit_bytes: usize,
) -> Result<Vec<u8>, CompressionError> {
    match codec {
        Codec::None if bytes.len() > limit_bytes => {
            Err(CompressionError::TooLarge { codec, limit_bytes })
        }
        Codec::None => Ok(bytes.to_vec()),
        Codec::Gzip => read_bounded(codec, flate2::read::MultiGzDecoder::new(bytes), limit_bytes),
        Codec::Snappy => snappy::decompress(bytes, limit_bytes),
        Codec::Lz4 => read_bounded(codec, lz4_flex::frame::FrameDecoder::new(bytes), limit_bytes),
        Codec::Zstd => {
            let decoder =
                zstd::Decoder::with_buffer(bytes).map_err(|error| codec.damaged(&error))?;
            read_bounded(codec, decoder, limit_bytes)
        }
    }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Java's decoder reads independent blocks only, and allocates by the block size that the frame names.
fn lz4(bytes: &[u8]) -> Result<Vec<u8>, lz4_flex::frame::Error> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let frame = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(frame, Vec::new());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Reads a decoder to its end, unless that lies beyond the limit.
fn read_bounded(
    codec: Codec,
    decoder: impl Read,
    limit_bytes: usize,
) -> Result<Vec<u8>, CompressionError> {
    let mut output = Vec::new();
    let one_more = (limit_bytes as u64).saturating_add(1);
    decoder.take(one_more).read_to_end(&mut output).map_err(|error| codec.damaged(&error))?;
    if output.len() > limit_bytes {
        return Err(CompressionError::TooLarge { codec, limit_bytes });
    }
    Ok(output)
}

#[cfg(test)]
mod tests;
