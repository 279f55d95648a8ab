//! [`LogBuffer`]: aligned memory that is written once, front to back, and shared while it fills.
//!
//! The only unsafe code of this crate. Its argument: every byte has at any time at most one way to write it, and no
//! byte that can still be written can be read.
//! - [`Tail`] alone writes beyond what is filled; it is neither `Clone` nor shared.
//! - [`Tail::append`] hands out exactly the bytes it has just filled; nothing writes them again.
//! - [`Tail::reserve`] fills nothing and hands out nothing: the hole belongs to the open [`Section`], which is written
//!   by [`Section::fill`] before anything can read it. `fill` consumes the section, so that it happens once.

use bytes::Bytes;
use parking_lot::Mutex;
use std::{
    alloc::{self, Layout},
    fmt,
    mem::ManuallyDrop,
    ops::Range,
    ptr::NonNull,
    slice,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Sections start at multiples of this, in memory as on disk.
pub(crate) const ALIGNMENT: usize = runtime::disk::BLOCK_BYTES;

/// Capacity of a buffer, but for frames that need more.
pub(crate) const BUFFER_BYTES: usize = 2 << 20;

/// Idle buffers that are kept for the next: memory that is used again is not cleared and faulted in again.
const IDLE_BUFFERS: usize = 4;

/// Where the buffers of one WAL come from and go back to. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct BufferPool(Arc<Pool>);

#[derive(Debug, Default)]
struct Pool {
    alive: AtomicUsize,
    idle: Mutex<Vec<Memory>>,
}

impl BufferPool {
    /// Bytes of the buffers that are in use.
    pub(crate) fn bytes_in_use(&self) -> usize {
        self.0.alive.load(Ordering::Relaxed)
    }

    fn take(&self, capacity: usize) -> LogBuffer {
        let capacity = capacity.max(1).next_multiple_of(ALIGNMENT);
        let idle = if capacity == BUFFER_BYTES { self.0.idle.lock().pop() } else { None };
        let memory = idle.unwrap_or_else(|| Memory::zeroed(capacity));
        self.0.alive.fetch_add(capacity, Ordering::Relaxed);
        LogBuffer { memory: ManuallyDrop::new(memory), pool: self.clone() }
    }

    fn give_back(&self, memory: Memory) {
        self.0.alive.fetch_sub(memory.layout.size(), Ordering::Relaxed);
        if memory.layout.size() == BUFFER_BYTES {
            let mut idle = self.0.idle.lock();
            if idle.len() < IDLE_BUFFERS {
                idle.push(memory);
            }
        }
    }
}

/// Aligned memory of its own, initialised from the start.
#[derive(Debug)]
struct Memory {
    start: NonNull<u8>,
    layout: Layout,
}

// SAFETY: the memory belongs to the value.
unsafe impl Send for Memory {}

impl Memory {
    fn zeroed(capacity: usize) -> Self {
        let Ok(layout) = Layout::from_size_align(capacity, ALIGNMENT) else {
            unreachable!("a buffer is far smaller than the address space")
        };
        // SAFETY: the layout's size is at least one block.
        let start = unsafe { alloc::alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start) else { alloc::handle_alloc_error(layout) };
        Self { start, layout }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and nothing refers to it any more.
        unsafe { alloc::dealloc(self.start.as_ptr(), self.layout) }
    }
}

/// Memory that goes back to its pool when the last slice of it is dropped.
struct LogBuffer {
    memory: ManuallyDrop<Memory>,
    pool: BufferPool,
}

// SAFETY: the memory belongs to the value; who may read or write which byte is settled by `Tail`, `Section` and
// `Slice`, whose ranges do not overlap where one of them writes.
unsafe impl Send for LogBuffer {}
// SAFETY: as above.
unsafe impl Sync for LogBuffer {}

impl LogBuffer {
    fn capacity(&self) -> usize {
        self.memory.layout.size()
    }

    /// # Safety
    /// Nobody else reads or writes the range, which lies inside the buffer.
    unsafe fn write(&self, at: usize, bytes: &[u8]) {
        debug_assert!(at + bytes.len() <= self.capacity(), "a write outside the buffer");
        // SAFETY: in bounds and unshared by the caller's promise; `bytes` can't overlap what nobody else can read.
        unsafe {
            self.memory
                .start
                .as_ptr()
                .add(at)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
    }
}

impl Drop for LogBuffer {
    fn drop(&mut self) {
        // SAFETY: taken once, here, and not used afterwards.
        let memory = unsafe { ManuallyDrop::take(&mut self.memory) };
        self.pool.give_back(memory);
    }
}

/// Bytes of a buffer that nothing will ever write again.
struct Slice {
    buffer: Arc<LogBuffer>,
    range: Range<usize>,
}

impl AsRef<[u8]> for Slice {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: in bounds, initialised (memory began as zeroes, whatever it held since), and written by nobody from now on.
        unsafe {
            slice::from_raw_parts(
                self.buffer.memory.start.as_ptr().add(self.range.start),
                self.range.len(),
            )
        }
    }
}

/// The end of a buffer that is not filled yet, and the one right to fill it.
pub(crate) struct Tail {
    buffer: Arc<LogBuffer>,
    filled: usize,
    section_start: usize,
    holes: Vec<Range<usize>>,
}

impl Tail {
    /// A buffer of at least `capacity` bytes.
    pub(crate) fn with_capacity(capacity: usize, pool: &BufferPool) -> Self {
        let buffer = Arc::new(pool.take(capacity));
        Self { buffer, filled: 0, section_start: 0, holes: Vec::new() }
    }

    /// Bytes that the buffer holds in all.
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Bytes that can still be filled.
    pub(crate) fn room(&self) -> usize {
        self.capacity() - self.filled
    }

    /// Bytes in the open section.
    pub(crate) fn section_bytes(&self) -> usize {
        self.filled - self.section_start
    }

    /// Leaves `count` bytes to be written by [`Section::fill`].
    pub(crate) fn reserve(&mut self, count: usize) {
        let start = self.advance(count);
        self.holes.push(start..self.filled);
    }

    /// Copies `parts` one after another and returns them as one slice.
    pub(crate) fn append(&mut self, parts: &[&[u8]]) -> Bytes {
        let start = self.advance(parts.iter().map(|part| part.len()).sum());
        let mut at = start;
        for part in parts {
            // SAFETY: `advance` checked the bounds and gives a range that was never given before.
            unsafe { self.buffer.write(at, part) };
            at += part.len();
        }
        Bytes::from_owner(Slice { buffer: self.buffer.clone(), range: start..at })
    }

    /// Ends the open section, padded with zeroes to whole blocks, and starts the next.
    pub(crate) fn end_section(&mut self) -> Section {
        let padding = self.filled.next_multiple_of(ALIGNMENT) - self.filled;
        let start = self.advance(padding);
        // SAFETY: as in `append`; used memory is not zero by itself.
        unsafe { self.buffer.write(start, [0; ALIGNMENT].get(..padding).unwrap_or_default()) };
        let range = self.section_start..self.filled;
        self.section_start = self.filled;
        let holes = std::mem::take(&mut self.holes);
        Section { buffer: self.buffer.clone(), range, holes }
    }

    /// Takes the next `count` bytes and returns where they start.
    fn advance(&mut self, count: usize) -> usize {
        assert!(count <= self.room(), "the caller looks for room first");
        let start = self.filled;
        self.filled += count;
        start
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("filled", &self.filled).finish_non_exhaustive()
    }
}

/// A filled stretch of a buffer, whole but for its holes.
pub(crate) struct Section {
    buffer: Arc<LogBuffer>,
    range: Range<usize>,
    holes: Vec<Range<usize>>,
}

impl Section {
    /// Length with padding.
    pub(crate) fn len(&self) -> usize {
        self.range.len()
    }

    /// Writes the holes, in the order in which they were reserved, and returns the whole section.
    pub(crate) fn fill<const N: usize>(self, contents: impl Iterator<Item = [u8; N]>) -> Bytes {
        let mut contents = contents;
        for hole in &self.holes {
            let Some(content) = contents.next() else { panic!("a hole without content") };
            assert_eq!(content.len(), hole.len(), "a hole is filled whole");
            // SAFETY: a hole is in no slice that was handed out, and only its section, consumed here, may write it.
            unsafe { self.buffer.write(hole.start, &content) };
        }
        Bytes::from_owner(Slice { buffer: self.buffer, range: self.range })
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Section").field("range", &self.range).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_stay_what_they_were_while_the_buffer_fills_on() {
        let pool = BufferPool::default();
        let mut tail = Tail::with_capacity(ALIGNMENT, &pool);
        tail.reserve(2);
        let first = tail.append(&[b"ab", b"", b"cd"]);
        let second = tail.append(&[b"ef"]);
        assert_eq!((&first[..], &second[..]), (&b"abcd"[..], &b"ef"[..]));
        let whole = tail.end_section().fill([*b"xy"].into_iter());
        assert_eq!(&whole[..8], b"xyabcdef");
        assert_eq!(whole.len(), ALIGNMENT);
        assert!(whole[8..].iter().all(|byte| *byte == 0), "padding is zero");
        assert_eq!(whole.as_ptr() as usize % ALIGNMENT, 0);
        assert_eq!(&first[..], b"abcd");
    }

    #[test]
    fn memory_is_counted_until_the_last_slice_is_dropped() {
        let pool = BufferPool::default();
        let mut tail = Tail::with_capacity(1, &pool);
        let slice = tail.append(&[b"a"]);
        drop(tail);
        assert_eq!(pool.bytes_in_use(), ALIGNMENT);
        drop(slice);
        assert_eq!(pool.bytes_in_use(), 0);
    }

    #[test]
    fn a_buffer_that_is_used_again_is_padded_with_zeroes() {
        let pool = BufferPool::default();
        let mut tail = Tail::with_capacity(BUFFER_BYTES, &pool);
        let slice = tail.append(&[&[7; 2 * ALIGNMENT]]);
        let address = slice.as_ptr();
        drop((tail, slice));
        let mut tail = Tail::with_capacity(BUFFER_BYTES, &pool);
        assert_eq!(tail.append(&[b"a"]).as_ptr(), address);
        let section = tail.end_section().fill(std::iter::empty::<[u8; 0]>());
        assert!(section[1..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn sections_are_aligned() {
        let mut tail = Tail::with_capacity(3 * ALIGNMENT, &BufferPool::default());
        tail.append(&[b"a"]);
        assert_eq!(tail.end_section().len(), ALIGNMENT);
        let next = tail.append(&[b"b"]);
        assert_eq!(next.as_ptr() as usize % ALIGNMENT, 0);
    }
}
