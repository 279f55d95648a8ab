//! [`DirectFile`]: a file that is written past the page cache where the file system can, and through it elsewhere.

use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

/// A file open for writing whole blocks.
#[derive(Debug)]
pub struct DirectFile(File);

impl DirectFile {
    /// Opens an existing file. Some file systems refuse to open past the cache (tmpfs before Linux 6.6, some network mounts).
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        let past_the_cache = OFlags::WRONLY | OFlags::DIRECT | OFlags::CLOEXEC;
        match rustix::fs::open(path, past_the_cache, Mode::empty()) {
            Ok(file) => Ok(Self(file.into())),
            Err(_) => File::options().write(true).open(path).map(Self),
        }
    }

    /// Writes `bytes`, whole blocks at a block-aligned address, at `offset`. Durable only after a sync.
    ///
    /// Others open past the cache and then refuse the write, because they want larger blocks or can't: nothing of it was written,
    /// so it goes through the cache, as all that follow.
    ///
    /// # Errors
    /// The operating system's; what was written is then unknown.
    pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.0.write_all_at(bytes, offset) {
            Err(error)
                if error.kind() == io::ErrorKind::InvalidInput && self.turn_to_cache()? =>
            {
                self.0.write_all_at(bytes, offset)
            }
            written => written,
        }
    }

    /// Makes every earlier write durable; not the file's length, unless reading needs it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    /// Whether it went past the cache until now.
    fn turn_to_cache(&self) -> io::Result<bool> {
        let flags = fcntl_getfl(&self.0)?;
        let was_direct = flags.contains(OFlags::DIRECT);
        if was_direct {
            fcntl_setfl(&self.0, flags.difference(OFlags::DIRECT))?;
        }
        Ok(was_direct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::BLOCK_BYTES;
    use std::fs;

    /// Bytes that start at no block's address, and end at none: refused past the cache by every file system.
    #[test]
    fn a_write_that_is_refused_past_the_cache_goes_through_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, [0; 2 * BLOCK_BYTES]).unwrap();
        let file = DirectFile::open(&path).unwrap();
        let bytes: Vec<u8> = (0..BLOCK_BYTES).map(|at| at as u8).collect();
        file.write_all_at(&bytes[1..101], 7).unwrap();
        file.sync_data().unwrap();
        assert!(!file.turn_to_cache().unwrap(), "it stays with the cache");
        let content = fs::read(&path).unwrap();
        assert_eq!(content[7..107], bytes[1..101]);
        assert!(content[..7].iter().chain(&content[107..]).all(|byte| *byte == 0));
    }
}
