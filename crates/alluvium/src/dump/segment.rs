//! A segment: its footer, and on demand each batch, compared with what the footer says of it.

use super::{
    Damaged, Stopped, damaged,
    slices::{self, lies_in},
    source::{Contents, READ_BYTES, Source, kind_of_name},
    timestamp,
};
use cli::{Cell, Report};
use formats::{
    record_batch::{BatchHeader, verify_crc},
    segment::{self, BatchEntry, Footer, Slice},
};
use model::{LeaderEpoch, Offset};
use std::ops::Range;

const BATCH_COLUMNS: [&str; 14] = [
    "topic",
    "partition",
    "base offset",
    "end offset",
    "epoch",
    "records",
    "from byte",
    "bytes",
    "max timestamp",
    "producer",
    "producer epoch",
    "sequence",
    "kind",
    "state",
];

/// Tells what is in a segment.
pub(super) async fn dump(
    source: &Source,
    contents: &Contents,
    footer: &Footer,
    with_batches: bool,
    report: &mut Report<'_>,
) -> Result<Damaged, Stopped> {
    let data = segment::HEADER_BYTES as u64..contents.range.start;
    report.fact("kind", kind_of_name(&source.name).unwrap_or("segment"))?;
    let mut places = contents.tell(source, segment::VERSION, report)?;
    if let Some(author) = footer.author() {
        report.fact("wal", author.wal.to_string())?;
        report.fact("session revision", author.session_revision)?;
        report.fact("committed through", author.committed_through)?;
    }
    let lines = footer.slices.iter().map(|slice| slices::cells(slice, Some(&data)));
    report.lines("slices", slices::COLUMNS, lines)?;
    let whole: Vec<_> = footer.slices.iter().filter(|slice| lies_in(slice, &data)).collect();
    places += (footer.slices.len() - whole.len()) as u64;
    if with_batches {
        places += dump_batches(source, &whole, report).await?;
    }
    Ok(Damaged(places))
}

/// Reads all data, and tells of each batch; how many are damaged.
async fn dump_batches(
    source: &Source,
    slices: &[&Slice],
    report: &mut Report<'_>,
) -> Result<u64, Stopped> {
    let mut places = 0;
    let mut table = report.table("batches", BATCH_COLUMNS);
    for slice in slices {
        for batches in read_together(&slice.batches) {
            let range = bytes_of(slice, batches);
            let bytes = source.read(range.clone()).await?;
            for batch in batches {
                let start = slice.bytes.start + u64::from(batch.position);
                let checked = check(&bytes, (start - range.start) as usize, batch);
                places += u64::from(checked.is_err());
                table.push(cells(slice, batch, start, &checked))?;
            }
        }
    }
    table.end()?;
    Ok(places)
}

/// Batches that are read with one request.
fn read_together(batches: &[BatchEntry]) -> impl Iterator<Item = &[BatchEntry]> {
    let mut rest = batches;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let limit = u64::from(first.position) + READ_BYTES;
        let together = rest.iter().skip(1).take_while(|batch| batch.end_position() <= limit);
        let (batches, behind) = rest.split_at_checked(1 + together.count())?;
        rest = behind;
        Some(batches)
    })
}

/// Where consecutive batches lie in the object.
fn bytes_of(slice: &Slice, batches: &[BatchEntry]) -> Range<u64> {
    let start = batches.first().map_or(0, |batch| u64::from(batch.position));
    let end = batches.last().map_or(start, BatchEntry::end_position);
    slice.bytes.start + start..slice.bytes.start + end
}

/// The header of the batch at `start`, if it is intact and the one that the footer names.
fn check(bytes: &[u8], start: usize, entry: &BatchEntry) -> Result<BatchHeader, String> {
    let batch = bytes.get(start..start + entry.size as usize).ok_or("it is cut short")?;
    let header = BatchHeader::parse(batch).map_err(|error| error.to_string())?;
    if header.base_offset != entry.base_offset.to_wire() {
        return Err(format!("the batch there starts at offset {}", header.base_offset));
    }
    if LeaderEpoch::from_wire(header.leader_epoch) != Some(entry.leader_epoch) {
        return Err(format!("the batch there is of epoch {}", header.leader_epoch));
    }
    verify_crc(batch).map_err(|error| error.to_string())?;
    Ok(header)
}

fn cells(
    slice: &Slice,
    batch: &BatchEntry,
    from_byte: u64,
    checked: &Result<BatchHeader, String>,
) -> [Cell; BATCH_COLUMNS.len()] {
    let producer = batch.producer.as_ref();
    [
        slice.partition.topic.to_string().into(),
        slice.partition.partition.get().into(),
        batch.base_offset.get().into(),
        batch.next_offset().map(Offset::get).into(),
        batch.leader_epoch.get().into(),
        checked.as_ref().ok().map(|header| header.record_count).into(),
        from_byte.into(),
        batch.size.into(),
        timestamp(batch.max_timestamp),
        producer.map(|producer| producer.id.get()).into(),
        producer.map(|producer| u32::from(producer.epoch.get())).into(),
        producer.and_then(|producer| producer.base_sequence).into(),
        slices::kind(batch).into(),
        checked.as_ref().map_or_else(damaged, |_| "intact".into()),
    ]
}
