//! [`Regions`]: the files of the cache. Each is filled from its start to its end and emptied as a whole.
//!
//! foyer makes them itself, but sparse: a disk would turn out to be full while it is written. So they are made here before it opens them, with
//! their bytes reserved.

use crate::OpenError;
use runtime::disk::{Disk, LocalDisk};
use rustix::{
    fs::{FallocateFlags, Mode, OFlags},
    io::Errno,
};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// foyer's name for a file, before its number.
const PREFIX: &str = "foyer-storage-direct-fs-";
/// The smallest region.
pub(crate) const REGION_MIN_BYTES: u64 = 16 << 20;
/// The largest one; positions in it have 32 bits.
const REGION_MAX_BYTES: u64 = 1 << 30;
/// As many regions are aimed at: each is an open file, and the oldest one goes as a whole.
const REGIONS: u64 = 64;
/// What foyer aligns to.
pub(crate) const PAGE_BYTES: usize = 4096;

/// How a capacity is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Regions {
    pub(crate) region_bytes: u64,
    pub(crate) count: u64,
}

impl Regions {
    /// Divides a capacity, which may be rounded down.
    pub(crate) fn of(capacity_bytes: u64) -> Self {
        let aimed_at = 1_u64 << (capacity_bytes / REGIONS).max(1).ilog2();
        let region_bytes = aimed_at.clamp(REGION_MIN_BYTES, REGION_MAX_BYTES);
        Self { region_bytes, count: capacity_bytes / region_bytes }
    }

    /// Bytes of all regions.
    pub(crate) fn capacity_bytes(&self) -> u64 {
        self.region_bytes * self.count
    }

    /// Has each region's file there, reserved, and no other. Files of another size are removed with what they hold.
    ///
    /// # Errors
    /// [`OpenError::NoRoom`], [`OpenError::Directory`]; nothing is reserved then that was not before.
    pub(crate) fn reserve(
        &self,
        disk: &LocalDisk,
        directory: &Path,
        left_free_bytes: u64,
    ) -> Result<(), OpenError> {
        let shown = || directory.display().to_string();
        let failed = |source| OpenError::Directory { directory: shown(), source };
        let present = self.present(disk, directory).map_err(failed)?;
        let missing: Vec<PathBuf> = (0..self.count)
            .filter(|number| !present.contains_key(number))
            .map(|number| path(directory, number))
            .collect();
        let missing_bytes = self.region_bytes * missing.len() as u64;
        let free_bytes = disk.free_bytes().map_err(failed)?;
        if missing_bytes > 0 && missing_bytes.saturating_add(left_free_bytes) > free_bytes {
            let directory = shown();
            return Err(OpenError::NoRoom {
                directory,
                free_bytes,
                missing_bytes,
                left_free_bytes,
            });
        }
        let made = missing.iter().try_for_each(|path| make(path, self.region_bytes));
        if made.is_err() {
            for path in &missing {
                let _ = fs::remove_file(path);
            }
        }
        made.map_err(failed)
    }

    /// The numbers of regions that are there as they should be. Others, of another capacity, are removed.
    fn present(&self, disk: &LocalDisk, directory: &Path) -> io::Result<BTreeMap<u64, PathBuf>> {
        let mut present = BTreeMap::new();
        for (name, length) in disk.list()? {
            let Some(number) = name.strip_prefix(PREFIX) else { continue };
            let number = number.parse().ok().filter(|number| *number < self.count);
            let file = directory.join(&name);
            match number {
                Some(number) if length == self.region_bytes => {
                    present.insert(number, file);
                }
                _ => fs::remove_file(file)?,
            }
        }
        Ok(present)
    }

    /// Empties the region that was written longest ago, if none is empty.
    ///
    /// foyer 0.22.6 empties the next region when it begins with the last empty one. If the process is killed between the two there is none
    /// after a restart, it waits for one, and nothing is ever written again (`BlockManager::get_clean_block` starts no reclaim while it waits).
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn leave_one_empty(&self, directory: &Path) -> io::Result<()> {
        let mut oldest: Option<(std::time::SystemTime, PathBuf)> = None;
        for number in 0..self.count {
            let path = path(directory, number);
            let file = File::open(&path)?;
            let mut page = [0; PAGE_BYTES];
            file.read_exact_at(&mut page, 0)?;
            if page.iter().all(|byte| *byte == 0) {
                return Ok(());
            }
            let written = file.metadata()?.modified()?;
            if oldest.as_ref().is_none_or(|(oldest, _)| written < *oldest) {
                oldest = Some((written, path));
            }
        }
        let Some((_, path)) = oldest else { return Ok(()) };
        File::options().write(true).open(path)?.write_all_at(&[0; PAGE_BYTES], 0)
    }

    /// Whether the file system lets regions be read and written past the page cache, as foyer would open them.
    pub(crate) fn allow_direct(directory: &Path) -> bool {
        let flags = OFlags::RDWR | OFlags::DIRECT | OFlags::NOATIME | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path(directory, 0), flags, Mode::empty());
        let Ok(file) = opened.map(File::from) else { return false };
        let mut buffer = vec![0; 2 * PAGE_BYTES];
        let aligned = buffer.as_ptr().align_offset(PAGE_BYTES);
        let Some(page) = buffer.get_mut(aligned..aligned + PAGE_BYTES) else { return false };
        file.read_exact_at(page, 0).and_then(|()| file.write_all_at(page, 0)).is_ok()
    }
}

fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{PREFIX}{number:08}"))
}

fn make(path: &Path, bytes: u64) -> io::Result<()> {
    let file = File::create_new(path)?;
    match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes) {
        // Some file systems can't reserve; there it is found out later whether there is room.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => file.set_len(bytes),
        reserved => Ok(reserved?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_is_divided_into_tens_of_regions_whatever_its_size() {
        let divided = |capacity: u64| {
            let Regions { region_bytes, count } = Regions::of(capacity);
            (region_bytes >> 20, count)
        };
        assert_eq!(divided(64 << 20), (16, 4));
        assert_eq!(divided((64 << 20) + 5), (16, 4));
        assert_eq!(divided(1 << 30), (16, 64));
        assert_eq!(divided(100 << 30), (1024, 100));
        assert_eq!(divided(10 << 30), (128, 80));
        assert_eq!(divided(1 << 40), (1024, 1024));
    }
}
