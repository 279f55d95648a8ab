//! A WAL directory: every frame, where the stream of each file ends, and what lies beyond.

use super::{Damaged, Stopped, damaged};
use crate::Failure;
use cli::{Cell, OutputFormat, Report};
use formats::{record_batch::BatchHeader, wal_frame::Identity};
use runtime::disk::{Disk, LocalDisk};
use std::{
    io::{self, Write},
    path::Path,
};
use wal::{Content, ContentFile, ContentPlace, SalvagedFrame};

/// The file that says whose WAL a directory is.
const IDENTITY_FILE: &str = "identity";

const FRAME_COLUMNS: [&str; 11] = [
    "file",
    "at byte",
    "kind",
    "topic",
    "partition",
    "epoch",
    "base offset",
    "end offset",
    "records",
    "bytes",
    "state",
];

const FILE_COLUMNS: [&str; 9] = [
    "file",
    "bytes",
    "kind",
    "wal",
    "first position",
    "end position",
    "frames",
    "frames beyond",
    "state",
];

/// Tells what is in a WAL directory that no broker uses.
pub(crate) fn dump(
    directory: &Path,
    output: OutputFormat,
    out: &mut dyn Write,
) -> Result<Damaged, Stopped> {
    let in_directory = |error| Failure(format!("--wal-dir {}: {error}", directory.display()));
    let disk = LocalDisk::open(directory).map_err(in_directory)?;
    let mut contents = wal::contents(&disk).map_err(in_directory)?.peekable();
    if !directory.join(IDENTITY_FILE).exists() && contents.peek().is_none() {
        let reason =
            "no broker ever had its WAL here: there is neither an identity nor a file of frames";
        return Err(in_directory(io::Error::other(reason)).into());
    }
    let mut report = Report::new(output, out);
    report.fact("directory", disk.describe())?;
    let mut places = tell_identity(&disk, &mut report)?;
    let mut files = Vec::new();
    let mut table = report.table("frames", FRAME_COLUMNS);
    for content in contents {
        match content {
            Ok(Content::Frame(frame)) => table.push(frame_cells(&frame, "intact"))?,
            Ok(Content::Beyond(frame)) => {
                table.push(frame_cells(&frame, "intact, beyond the end"))?;
            }
            Ok(Content::Damage(place)) => {
                places += 1;
                table.push(place_cells(&place, "damage", damaged(&place.reason)))?;
            }
            Ok(Content::TornTail(place)) => {
                table.push(place_cells(&place, "torn tail", place.reason.as_str().into()))?;
            }
            Ok(Content::File(file)) => files.push(file_cells(&file)),
            Err(error) => {
                places += 1;
                files.push(unreadable(&error.to_string()));
            }
        }
    }
    table.end()?;
    report.lines("files", FILE_COLUMNS, files)?;
    report.finish()?;
    Ok(Damaged(places))
}

/// Tells whose WAL it is; how many places are damaged.
fn tell_identity(disk: &LocalDisk, report: &mut Report<'_>) -> Result<u64, Stopped> {
    let content = match disk.read(IDENTITY_FILE) {
        Ok(Some(content)) => content,
        Ok(None) => {
            report.fact("identity", Cell::Nothing)?;
            return Ok(0);
        }
        Err(error) => {
            report.fact("identity", damaged(error))?;
            return Ok(1);
        }
    };
    match Identity::decode(&content) {
        Ok(identity) => {
            report.fact("cluster", identity.cluster.to_string())?;
            report.fact("wal", identity.wal.to_string())?;
            report.fact("generation", identity.generation)?;
            Ok(0)
        }
        Err(error) => {
            report.fact("identity", damaged(error))?;
            Ok(1)
        }
    }
}

fn frame_cells(frame: &SalvagedFrame, state: &str) -> [Cell; FRAME_COLUMNS.len()] {
    let header = BatchHeader::parse(&frame.payload).ok();
    let is_control = header.is_some_and(|it| it.attributes.is_control());
    let is_transactional = header.is_some_and(|it| it.attributes.is_transactional());
    let meta = frame.meta;
    [
        frame.file.as_str().into(),
        frame.offset.into(),
        match (is_control, is_transactional) {
            (true, _) => "control".into(),
            (false, true) => "transactional".into(),
            (false, false) => "records".into(),
        },
        meta.partition.topic.to_string().into(),
        meta.partition.partition.get().into(),
        meta.leader_epoch.get().into(),
        meta.base_offset.get().into(),
        header.map(|it| it.next_offset()).into(),
        header.map(|it| it.record_count).into(),
        frame.payload.len().into(),
        state.into(),
    ]
}

fn place_cells(place: &ContentPlace, kind: &str, state: Cell) -> [Cell; FRAME_COLUMNS.len()] {
    let mut told = [place.file.as_str().into(), place.offset.into(), kind.into()].into_iter();
    let mut cells = FRAME_COLUMNS.map(|_| told.next().unwrap_or(Cell::Nothing));
    if let Some(last) = cells.last_mut() {
        *last = state;
    }
    cells
}

fn file_cells(file: &ContentFile) -> [Cell; FILE_COLUMNS.len()] {
    let stream = file.stream.as_ref();
    [
        file.file.as_str().into(),
        file.bytes.into(),
        if file.quarantined { "quarantine" } else { "live" }.into(),
        stream.map(|it| it.wal.to_string()).into(),
        stream.map(|it| it.first_position).into(),
        stream.map(|it| it.end_position).into(),
        file.frames.into(),
        file.frames_beyond.into(),
        if stream.is_some() { Cell::Nothing } else { "without a header".into() },
    ]
}

fn unreadable(reason: &str) -> [Cell; FILE_COLUMNS.len()] {
    let mut cells = FILE_COLUMNS.map(|_| Cell::Nothing);
    if let Some(last) = cells.last_mut() {
        *last = format!("could not be read: {reason}").into();
    }
    cells
}
