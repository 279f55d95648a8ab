//! [`Writer`]: puts groups on disk, one after another, and says how far they are durable.
//!
//! The only place that says so. A write or sync that fails poisons the WAL: what it left behind is unknown, so it is
//! neither retried nor acknowledged. A file that can't be made because the disk is full loses nothing: its group
//! waits until there is room.

use crate::{
    files::{Files, LiveFile},
    group::{Group, HEADER_BYTES, Placement},
    log_buffer::{BufferPool, Tail},
    queue::{Queue, Resume, Work},
};
use formats::wal_frame::BLOCK_BYTES;
use std::{
    collections::VecDeque,
    io,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

#[derive(Debug)]
pub(crate) struct Writer {
    queue: Arc<Queue>,
    files: Arc<Files>,
    /// The file that is written; `None` until the first group.
    active: Option<LiveFile>,
    /// Groups that the disk had no room for.
    backlog: VecDeque<Group>,
    next_sequence: u64,
    written: Reached,
    synced: Reached,
    /// The largest synced position that a group on disk carries.
    marked: u64,
}

/// How far something has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Reached {
    /// Position after the last group, padding included.
    position: u64,
    /// End of its last frame.
    frames_end: u64,
}

impl Writer {
    pub(crate) fn new(
        queue: Arc<Queue>,
        files: Arc<Files>,
        resume: Resume,
        next_sequence: u64,
    ) -> Self {
        let reached = Reached { position: resume.position, frames_end: resume.end };
        Self {
            queue,
            files,
            active: None,
            backlog: VecDeque::new(),
            next_sequence,
            written: reached,
            synced: reached,
            marked: resume.position,
        }
    }

    /// Works until the queue is closed or poisoned. A panic poisons it too: nobody may wait for a writer that is gone.
    pub(crate) fn run_or_fail(mut self) {
        let queue = self.queue.clone();
        if panic::catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
            queue.fail("its writer panicked".to_owned());
        }
    }

    fn run(&mut self) {
        while let Some(work) = self.queue.wait(!self.backlog.is_empty()) {
            self.perform(work);
        }
        self.finish();
    }

    /// Does what there is to do now, without waiting.
    pub(crate) fn step(&mut self) {
        if let Some(work) = self.queue.take() {
            self.perform(work);
        }
    }

    fn perform(&mut self, work: Work) {
        self.backlog.extend(work.groups);
        if let Err(error) = self.try_perform(work.sync) {
            tracing::error!(%error, "the WAL failed; the broker must be restarted");
            self.backlog.clear();
            self.queue.fail(error.to_string());
        }
    }

    fn try_perform(&mut self, sync: bool) -> io::Result<()> {
        self.write_backlog()?;
        if sync { self.sync() } else { Ok(()) }
    }

    /// Writes what waits, as far as the disk has room.
    fn write_backlog(&mut self) -> io::Result<()> {
        while let Some(group) = self.backlog.pop_front() {
            let Some(file) = self.file_for(group.total_bytes())? else {
                self.backlog.push_front(group);
                self.queue.set_disk_full();
                return Ok(());
            };
            let bytes = group.total_bytes() as u64;
            self.put(&file, group)?;
            self.queue.wrote(bytes);
        }
        Ok(())
    }

    fn put(&mut self, file: &LiveFile, group: Group) -> io::Result<()> {
        let offset = file.offset_of(group.position);
        let reached = Reached { position: group.end(), frames_end: group.frames_end };
        let placement = Placement {
            file_generation: file.generation,
            sequence: self.next_sequence,
            synced: self.synced.position,
        };
        file.file.write_at(offset, &group.encode(placement))?;
        self.next_sequence += 1;
        self.marked = self.synced.position;
        self.written = reached;
        self.queue.publish_written(reached.frames_end);
        Ok(())
    }

    /// The file that takes the next group, of `bytes`; `None` when the disk has no room for another file.
    fn file_for(&mut self, bytes: usize) -> io::Result<Option<LiveFile>> {
        if let Some(active) = &self.active
            && active.has_room(self.written.position, bytes)
        {
            if active.offset_of(self.written.position) > active.file.length() / 2 {
                self.files.want_spare();
            }
            return Ok(Some(active.clone()));
        }
        // The next file's header proves that everything before it is synced. Should this fail, for want of room or
        // otherwise, then frames are lost: only the making of a file may be tried again.
        self.sync()?;
        let next = self.files.begin(self.written.position, bytes)?;
        Ok(next.map(|next| self.active.insert(next).clone()))
    }

    fn sync(&mut self) -> io::Result<()> {
        let Some(active) = &self.active else { return Ok(()) };
        if self.synced == self.written {
            return Ok(());
        }
        active.file.sync()?;
        self.synced = self.written;
        self.queue.publish_synced(self.synced.frames_end);
        Ok(())
    }

    /// Ends a life that went well with an empty group, which carries that everything before it is synced: so damage
    /// of the last frames is told from a torn tail.
    fn finish(&mut self) {
        let Some(active) = self.active.clone() else { return };
        let unmarked = self.synced == self.written && self.marked < self.synced.position;
        if self.queue.check_durable().is_err()
            || !unmarked
            || !active.has_room(self.written.position, BLOCK_BYTES)
        {
            return;
        }
        let frames_end = self.written.frames_end;
        let put = self.put(&active, empty_group(self.written.position));
        if let Err(error) = put.and_then(|()| active.file.sync()) {
            tracing::warn!(%error, "the WAL was closed without its last mark");
        }
        self.written.frames_end = frames_end;
        self.synced = self.written;
    }

    /// Ends the writer's life in a step of its own.
    pub(crate) fn close(&mut self) {
        self.step();
        if self.backlog.is_empty() {
            self.finish();
        }
    }
}

fn empty_group(position: u64) -> Group {
    let mut tail = Tail::with_capacity(BLOCK_BYTES, &BufferPool::default());
    tail.reserve(HEADER_BYTES);
    Group {
        position,
        frames_end: position + HEADER_BYTES as u64,
        frames: Vec::new(),
        section: tail.end_section(),
    }
}
