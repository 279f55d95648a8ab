//! [`SimulatedDisk`]: a directory in memory that forgets at a crash what was not synced, and fails on request.
//!
//! Each write that was not synced when the power went is kept, lost, or torn: some of its sectors kept and the rest
//! lost, by a seed. Names are durable at once, as the [`Disk`] port promises.

use super::{Disk, DiskFile};
use crate::Randomness;
use parking_lot::Mutex;
use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What a disk writes or loses as a whole, in bytes.
const SECTOR_BYTES: usize = 512;

/// A directory in memory. Clones are the same directory.
#[derive(Clone, Debug)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    files: BTreeMap<String, Arc<SimulatedFile>>,
    faults: Arc<Faults>,
    capacity: u64,
    locked: Arc<AtomicBool>,
}

/// What goes wrong next.
#[derive(Debug, Default)]
struct Faults {
    write: AtomicBool,
    sync: AtomicBool,
    ignores_syncs: AtomicBool,
    powered_off: AtomicBool,
}

impl Faults {
    fn check(&self, fault: &AtomicBool, kind: io::ErrorKind) -> io::Result<()> {
        self.check_power()?;
        if fault.swap(false, Ordering::SeqCst) { Err(kind.into()) } else { Ok(()) }
    }

    fn check_power(&self) -> io::Result<()> {
        if self.powered_off.load(Ordering::SeqCst) {
            return Err(io::Error::other("the simulated machine lost its power"));
        }
        Ok(())
    }
}

impl Default for SimulatedDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimulatedDisk {
    /// An empty directory on a disk without end.
    pub fn new() -> Self {
        Self::with_files(BTreeMap::new(), Arc::default(), u64::MAX)
    }

    fn with_files(
        files: BTreeMap<String, Arc<SimulatedFile>>,
        faults: Arc<Faults>,
        capacity: u64,
    ) -> Self {
        let locked = Arc::new(AtomicBool::new(false));
        Self(Arc::new(Mutex::new(State { files, faults, capacity, locked })))
    }

    /// Cuts the power: this value and its files answer errors from now on; the returned disk holds what survived.
    pub fn crash(&self, randomness: &Randomness) -> Self {
        self.survive(|content| Content::durable(content.after_crash(randomness)))
    }

    /// Kills the process but not the machine: as [`SimulatedDisk::crash`], but every write is still there to be read,
    /// and what was not synced can still be lost.
    pub fn restart(&self) -> Self {
        self.survive(Content::clone)
    }

    fn survive(&self, content_after: impl Fn(&Content) -> Content) -> Self {
        let state = self.0.lock();
        state.faults.powered_off.store(true, Ordering::SeqCst);
        let faults = Arc::<Faults>::default();
        let survivor = |file: &Arc<SimulatedFile>| {
            let content = Mutex::new(content_after(&file.content.lock()));
            Arc::new(SimulatedFile { length: file.length, content, faults: faults.clone() })
        };
        let survivors =
            state.files.iter().map(|(name, file)| (name.clone(), survivor(file))).collect();
        Self::with_files(survivors, faults.clone(), state.capacity)
    }

    /// Makes the next write of any file fail, having written nothing.
    pub fn fail_next_write(&self) {
        self.0.lock().faults.write.store(true, Ordering::SeqCst);
    }

    /// Makes the next sync of any file fail, as a thinly provisioned disk does: with `StorageFull`, which must not be
    /// taken for something that can be tried again. What it should have made durable is lost at a crash, or not.
    pub fn fail_next_sync(&self) {
        self.0.lock().faults.sync.store(true, Ordering::SeqCst);
    }

    /// From now on syncs are answered and not done, as a disk does that lies about its cache.
    pub fn ignore_syncs(&self) {
        self.0.lock().faults.ignores_syncs.store(true, Ordering::SeqCst);
    }

    /// Lets the files grow to `bytes` in all; making one beyond that answers `StorageFull`.
    pub fn set_capacity(&self, bytes: u64) {
        self.0.lock().capacity = bytes;
    }

    /// Flips one bit of a file, durably.
    ///
    /// # Panics
    /// When there is no such file or byte.
    pub fn flip_bit(&self, name: &str, byte: u64, bit: u8) {
        let file = self.0.lock().files.get(name).cloned();
        let file = file.unwrap_or_else(|| panic!("no file {name}"));
        file.content.lock().flip_bit(byte as usize, bit);
    }

    /// The names and whole contents of the files, as a process would read them.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.lock();
        let content = |file: &Arc<SimulatedFile>| file.content.lock().seen.clone();
        state.files.iter().map(|(name, file)| (name.clone(), content(file))).collect()
    }

    fn find(&self, name: &str) -> io::Result<Arc<SimulatedFile>> {
        let state = self.0.lock();
        state.faults.check_power()?;
        state.files.get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn insert(&self, name: &str, content: Vec<u8>) -> io::Result<Arc<SimulatedFile>> {
        let mut state = self.0.lock();
        state.faults.check_power()?;
        if content.len() as u64 > state.free_bytes() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = Arc::new(SimulatedFile {
            length: content.len() as u64,
            content: Mutex::new(Content::durable(content)),
            faults: state.faults.clone(),
        });
        state.files.insert(name.to_owned(), file.clone());
        Ok(file)
    }
}

impl State {
    fn free_bytes(&self) -> u64 {
        let used: u64 = self.files.values().map(|file| file.length).sum();
        self.capacity.saturating_sub(used)
    }
}

impl Disk for SimulatedDisk {
    fn describe(&self) -> String {
        "simulated".to_owned()
    }

    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        let locked = self.0.lock().locked.clone();
        if locked.swap(true, Ordering::SeqCst) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock(locked)))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let state = self.0.lock();
        state.faults.check_power()?;
        Ok(state.files.iter().map(|(name, file)| (name.clone(), file.length)).collect())
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match self.find(name) {
            Ok(file) => Ok(Some(file.content.lock().seen.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.insert(name, content.to_vec()).map(drop)
    }

    fn create(&self, name: &str, length: u64) -> io::Result<Arc<dyn DiskFile>> {
        if length > self.free_bytes()? {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(self.insert(name, vec![0; length as usize])?)
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.find(name)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let file = self.find(from)?;
        let mut state = self.0.lock();
        state.files.remove(from);
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.find(name)?;
        self.0.lock().files.remove(name);
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.0.lock();
        state.faults.check_power()?;
        Ok(state.free_bytes())
    }
}

/// The held lock of a directory.
struct Lock(Arc<AtomicBool>);

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct SimulatedFile {
    length: u64,
    content: Mutex<Content>,
    faults: Arc<Faults>,
}

impl DiskFile for SimulatedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.faults.check(&self.faults.write, io::ErrorKind::Other)?;
        self.content.lock().write(offset as usize, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.check(&self.faults.sync, io::ErrorKind::StorageFull)?;
        if !self.faults.ignores_syncs.load(Ordering::SeqCst) {
            self.content.lock().sync();
        }
        Ok(())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.faults.check_power()?;
        let content = self.content.lock();
        let end = offset as usize + bytes.len();
        let found = content.seen.get(offset as usize..end);
        bytes.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn length(&self) -> u64 {
        self.length
    }
}

/// A file's bytes: what a process reads, and what survives.
#[derive(Clone, Debug)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Write>,
}

#[derive(Clone, Debug)]
struct Write {
    offset: usize,
    bytes: Vec<u8>,
}

impl Content {
    fn durable(content: Vec<u8>) -> Self {
        Self { seen: content.clone(), durable: content, unsynced: Vec::new() }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        overwrite(&mut self.seen, offset, bytes)?;
        self.unsynced.push(Write { offset, bytes: bytes.to_vec() });
        Ok(())
    }

    fn sync(&mut self) {
        for write in self.unsynced.drain(..) {
            let fits = overwrite(&mut self.durable, write.offset, &write.bytes);
            debug_assert!(fits.is_ok(), "it fitted when it was written");
        }
    }

    fn flip_bit(&mut self, byte: usize, bit: u8) {
        for content in [&mut self.seen, &mut self.durable] {
            let place = content.get_mut(byte).unwrap_or_else(|| panic!("no byte {byte}"));
            *place ^= 1 << bit;
        }
    }

    fn after_crash(&self, randomness: &Randomness) -> Vec<u8> {
        let mut content = self.durable.clone();
        for write in &self.unsynced {
            match randomness.below(3) {
                0 => {}
                1 => drop(overwrite(&mut content, write.offset, &write.bytes)),
                _ => tear(&mut content, write, randomness),
            }
        }
        content
    }
}

/// Applies each sector of the write, or not.
fn tear(content: &mut [u8], write: &Write, randomness: &Randomness) {
    for (index, sector) in write.bytes.chunks(SECTOR_BYTES).enumerate() {
        if randomness.below(2) == 0 {
            let _ = overwrite(content, write.offset + index * SECTOR_BYTES, sector);
        }
    }
}

fn overwrite(content: &mut [u8], offset: usize, bytes: &[u8]) -> io::Result<()> {
    let place = content.get_mut(offset..offset + bytes.len()).ok_or(io::ErrorKind::InvalidInput)?;
    place.copy_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
#[path = "simulated_tests.rs"]
mod tests;
