//! [`read`]: reads a part of a file past the page cache.
//!
//! Segments are written past the page cache ([`super::file_write`]), so a first read would find nothing there, and a page that is
//! read once costs more than the copy out of it: `benches/profiles.md` has the figures. What is read again lies in the broker's own cache.

use bytes::Bytes;
use runtime::disk::BLOCK_BYTES;
use rustix::fs::{OFlags, fcntl_setfl};
use std::{fs::File, io, ops::Range, os::unix::fs::FileExt, path::Path};

/// Shorter reads go through the page cache: footers and indexes, which are read again.
const DIRECT_FROM_BYTES: u64 = 64 << 10;

/// What a read came to.
pub(super) enum Read {
    /// The bytes.
    Content(Bytes),
    /// The range does not lie in the file, which has so many bytes.
    Outside(Range<u64>, u64),
}

/// Reads `range`, or everything.
///
/// # Errors
/// The operating system's; `NotFound` for a directory, `UnexpectedEof` for a file that became shorter meanwhile.
pub(super) fn read(path: &Path, range: Option<Range<u64>>) -> io::Result<Read> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let range = range.unwrap_or(0..metadata.len());
    if range.start > range.end || range.end > metadata.len() {
        return Ok(Read::Outside(range, metadata.len()));
    }
    if range.end - range.start >= DIRECT_FROM_BYTES && fcntl_setfl(&file, OFlags::DIRECT).is_ok() {
        if let Ok(content) = read_direct(&file, &range) {
            return Ok(Read::Content(content));
        }
        fcntl_setfl(&file, OFlags::empty())?;
    }
    let mut content = vec![0; (range.end - range.start) as usize];
    file.read_exact_at(&mut content, range.start)?;
    Ok(Read::Content(Bytes::from(content)))
}

/// Reads the blocks that hold `range` into aligned memory, and answers the range as a slice of it.
fn read_direct(file: &File, range: &Range<u64>) -> io::Result<Bytes> {
    let from = range.start - range.start % BLOCK_BYTES as u64;
    let wanted = (range.end - from) as usize;
    let blocks = wanted.next_multiple_of(BLOCK_BYTES);
    let mut memory = vec![0; blocks + BLOCK_BYTES];
    let aligned = memory.as_ptr().align_offset(BLOCK_BYTES);
    let mut filled = 0;
    // The file may end inside of the last block.
    while filled < wanted {
        let room = memory.get_mut(aligned + filled..aligned + blocks).unwrap_or_default();
        match file.read_at(room, from + filled as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    let start = aligned + (range.start - from) as usize;
    Ok(Bytes::from(memory).slice(start..aligned + wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn content(read: Read) -> Bytes {
        match read {
            Read::Content(bytes) => bytes,
            Read::Outside(range, size) => panic!("{range:?} is not in {size} bytes"),
        }
    }

    #[test]
    fn ranges_of_any_place_and_length_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("object");
        let written: Vec<u8> = (0..1_000_003_u32).map(|at| (at % 251) as u8).collect();
        fs::write(&path, &written).unwrap();
        let end = written.len() as u64;
        for start in [0, 1, 4_095, 4_096, 500_000] {
            for length in [1, DIRECT_FROM_BYTES - 1, DIRECT_FROM_BYTES, 300_001, end - start] {
                let range = start..start + length;
                let expected = &written[start as usize..(start + length) as usize];
                assert!(content(read(&path, Some(range)).unwrap()) == expected, "{start}+{length}");
            }
        }
        assert!(content(read(&path, None).unwrap()) == written);
    }

    #[test]
    fn a_range_outside_of_the_file_is_told_with_its_size() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("object");
        fs::write(&path, [0; 10]).unwrap();
        assert!(matches!(read(&path, Some(5..11)).unwrap(), Read::Outside(_, 10)));
        let missing = read(&directory.path().join("other"), None).map(content);
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
        let not_a_file = read(directory.path(), None).map(content);
        assert_eq!(not_a_file.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
