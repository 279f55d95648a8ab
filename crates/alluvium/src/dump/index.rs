//! An index object: its directory, and on demand the slices that each run lists.

use super::{
    Damaged, Stopped, damaged, slices,
    source::{Contents, READ_BYTES, Source},
    timestamp,
};
use cli::{Cell, Report};
use formats::index_object::{
    self, Directory, DirectoryEntry, IndexedSlice, VERSION, decode_partition,
};
use std::{array, ops::Range};

const RUN_COLUMNS: [&str; 10] = [
    "topic",
    "partition",
    "base offset",
    "end offset",
    "slices",
    "data bytes",
    "max timestamp",
    "from byte",
    "to byte",
    "state",
];

/// Those of a slice, behind the segment that it lies in and its commit.
const SLICE_COLUMNS: usize = 2 + slices::COLUMNS.len();

/// Tells what is in an index object.
pub(super) async fn dump(
    source: &Source,
    contents: &Contents,
    directory: &Directory,
    with_slices: bool,
    report: &mut Report<'_>,
) -> Result<Damaged, Stopped> {
    report.fact("kind", "index object")?;
    let mut places = contents.tell(source, VERSION, report)?;
    report.fact("level", directory.level)?;
    report.fact("session", directory.session.to_string())?;
    report.fact("from seq", directory.from_seq)?;
    report.fact("through seq", directory.through_seq)?;
    let runs = index_object::HEADER_BYTES as u64..contents.range.start;
    let lines = directory.entries.iter().map(|row| run_cells(row, &runs));
    report.lines("runs", RUN_COLUMNS, lines)?;
    let whole: Vec<_> = directory.entries.iter().filter(|row| lies_in(row, &runs)).collect();
    places += (directory.entries.len() - whole.len()) as u64;
    if with_slices {
        places += dump_slices(source, &whole, report).await?;
    }
    Ok(Damaged(places))
}

fn lies_in(row: &DirectoryEntry, runs: &Range<u64>) -> bool {
    runs.start <= row.bytes.start && row.bytes.end <= runs.end
}

fn run_cells(row: &DirectoryEntry, runs: &Range<u64>) -> [Cell; RUN_COLUMNS.len()] {
    [
        row.partition.topic.to_string().into(),
        row.partition.partition.get().into(),
        row.base_offset.get().into(),
        row.end_offset.get().into(),
        row.slices.into(),
        row.size_bytes.into(),
        timestamp(row.max_timestamp),
        row.bytes.start.into(),
        row.bytes.end.into(),
        if lies_in(row, runs) { Cell::Nothing } else { damaged("its bytes lie outside the runs") },
    ]
}

/// Reads all runs, and tells the slices of each; how many runs are damaged.
async fn dump_slices(
    source: &Source,
    rows: &[&DirectoryEntry],
    report: &mut Report<'_>,
) -> Result<u64, Stopped> {
    let mut places = 0;
    let mut table = report.table("slices", slice_columns());
    for rows in rows.chunk_by(|one, next| are_read_together(one, next)) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { continue };
        let start = first.bytes.start;
        let bytes = source.read(start..last.bytes.end).await?;
        for row in rows {
            let within = (row.bytes.start - start) as usize..(row.bytes.end - start) as usize;
            match run(bytes.get(within).unwrap_or_default(), row) {
                Ok(slices) => {
                    for indexed in &slices {
                        table.push(slice_cells(indexed))?;
                    }
                }
                Err(reason) => {
                    places += 1;
                    table.push(damaged_run(row, &reason))?;
                }
            }
        }
    }
    table.end()?;
    Ok(places)
}

/// Whether the second of two runs is read with the first: they meet, and none is worth a request of its own.
fn are_read_together(one: &DirectoryEntry, next: &DirectoryEntry) -> bool {
    let block = |row: &DirectoryEntry| row.bytes.start / READ_BYTES;
    one.bytes.end == next.bytes.start && block(one) == block(next)
}

/// The slices of a run, if they are those of which the directory tells.
fn run(bytes: &[u8], row: &DirectoryEntry) -> Result<Vec<IndexedSlice>, String> {
    let run = decode_partition(bytes).map_err(|error| error.to_string())?;
    let ends = run.first().zip(run.last()).map(|(first, last)| (&first.slice, &last.slice));
    let is_of_row = ends.is_some_and(|(first, last)| {
        first.partition == row.partition
            && first.base_offset == row.base_offset
            && last.end_offset == row.end_offset
            && run.len() == row.slices as usize
    });
    if is_of_row { Ok(run) } else { Err("the directory says otherwise of this run".to_owned()) }
}

fn slice_columns() -> [&'static str; SLICE_COLUMNS] {
    let mut columns = ["segment", "seq"].into_iter().chain(slices::COLUMNS);
    array::from_fn(|_| columns.next().unwrap_or_default())
}

fn slice_cells(indexed: &IndexedSlice) -> [Cell; SLICE_COLUMNS] {
    let own = [indexed.object.as_str().into(), indexed.seq.into()];
    let mut cells = own.into_iter().chain(slices::cells(&indexed.slice, None));
    array::from_fn(|_| cells.next().unwrap_or(Cell::Nothing))
}

/// What there is to tell of a run that can't be read.
fn damaged_run(row: &DirectoryEntry, reason: &str) -> [Cell; SLICE_COLUMNS] {
    slice_columns().map(|column| match column {
        "topic" => row.partition.topic.to_string().into(),
        "partition" => row.partition.partition.get().into(),
        "base offset" => row.base_offset.get().into(),
        "end offset" => row.end_offset.get().into(),
        "state" => damaged(reason),
        _ => Cell::Nothing,
    })
}
