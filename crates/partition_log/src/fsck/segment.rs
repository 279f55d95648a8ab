//! A segment object: whether it is there, whole, and says of itself what lists say of it.

use super::{
    Depth, Failure, Finding, FindingKind,
    context::Context,
    slices::{ListedSlice, gap},
};
use crate::{
    index::SegmentSlice,
    object_read::{ObjectReadError, spans},
};
use bytes::Bytes;
use formats::segment::{Footer, HEADER_BYTES, Slice, TRAILER_BYTES, check_header, footer_range};
use model::SessionId;
use std::{ops::Range, sync::Arc};
use storage::{ObjectErrorKind, ObjectName};

/// So much is read of an object's end at first: it holds most footers.
const TAIL_BYTES: u64 = 64 << 10;

/// A segment as it is listed.
#[derive(Clone, Debug)]
pub(super) struct ListedSegment {
    pub(super) object: ObjectName,
    /// Its size, if the list has it.
    pub(super) size: Option<u64>,
    /// Where its footer lies, likewise.
    pub(super) footer: Option<Range<u64>>,
    pub(super) slices: Vec<ListedSlice>,
}

/// A segment that was checked.
#[derive(Debug, Default)]
pub(super) struct CheckedSegment {
    pub(super) findings: Vec<Finding>,
    /// What it says of itself, if that could be read.
    pub(super) footer: Option<Footer>,
}

/// Checks one segment.
pub(super) async fn check(
    context: &Context<'_>,
    listed: &ListedSegment,
) -> Result<CheckedSegment, Failure> {
    let mut checked = CheckedSegment::default();
    let about = About { context, listed };
    let Some(size) = context.size_of(&listed.object).await? else {
        checked.findings = about.everywhere(FindingKind::Missing, "it is not there");
        return Ok(checked);
    };
    if let Some(expected) = listed.size.filter(|&expected| expected != size) {
        let reason = format!("it has {size} bytes, {expected} were written");
        checked.findings = about.everywhere(FindingKind::Size, &reason);
        return Ok(checked);
    }
    match read_footer(context, listed, size).await? {
        Err(reason) => checked.findings = about.everywhere(FindingKind::Damaged, &reason),
        Ok((footer, range)) => {
            checked.findings = about.compare(&footer, &range);
            if context.options.depth == Depth::Batches {
                checked.findings.extend(about.read_batches(&footer).await?);
            }
            checked.footer = Some(footer);
        }
    }
    context.count(|summary| summary.checked += 1);
    Ok(checked)
}

/// The footer, and where it lies; or why it can't be read.
async fn read_footer(
    context: &Context<'_>,
    listed: &ListedSegment,
    size: u64,
) -> Result<Result<(Footer, Range<u64>), String>, Failure> {
    let tail_start = size.saturating_sub(TAIL_BYTES);
    let tail = match read(context, &listed.object, tail_start..size).await? {
        Ok(tail) => tail,
        Err(reason) => return Ok(Err(reason)),
    };
    if tail_start == 0
        && let Err(error) = check_header(&tail)
    {
        return Ok(Err(error.to_string()));
    }
    let range = match footer_range(&tail) {
        Ok(range) if range.end + TRAILER_BYTES as u64 == size && range.start <= range.end => range,
        Ok(_) => return Ok(Err("its trailer names an impossible footer".to_owned())),
        Err(error) => return Ok(Err(error.to_string())),
    };
    if let Some(expected) = listed.footer.as_ref().filter(|expected| **expected != range) {
        return Ok(Err(format!("its footer lies at {range:?}, the list says {expected:?}")));
    }
    let bytes = if range.start >= tail_start {
        let within = (range.start - tail_start) as usize..(range.end - tail_start) as usize;
        tail.slice(within)
    } else {
        match read(context, &listed.object, range.clone()).await? {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        }
    };
    Ok(Footer::decode(&bytes).map(|footer| (footer, range)).map_err(|error| error.to_string()))
}

/// Reads bytes, or says why an object does not have them.
pub(super) async fn read(
    context: &Context<'_>,
    object: &ObjectName,
    range: Range<u64>,
) -> Result<Result<Bytes, String>, Failure> {
    match context.stores.objects.get_range(object, range).await {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(error)
            if matches!(error.kind, ObjectErrorKind::NotFound | ObjectErrorKind::Invalid) =>
        {
            Ok(Err(error.reason))
        }
        Err(error) => Err(error.into()),
    }
}

/// Findings about one segment.
struct About<'a, 'b> {
    context: &'a Context<'b>,
    listed: &'a ListedSegment,
}

impl About<'_, '_> {
    fn finding(
        &self,
        kind: FindingKind,
        slice: Option<&ListedSlice>,
        reason: impl Into<String>,
    ) -> Finding {
        let place = slice.map(|it| self.context.place(it.partition, Some(it.offsets.clone())));
        let object = Some(self.listed.object.to_string());
        Finding { kind, place, object, reason: reason.into() }
    }

    /// One finding for each slice that is listed: all of them are lost.
    fn everywhere(&self, kind: FindingKind, reason: &str) -> Vec<Finding> {
        if self.listed.slices.is_empty() {
            return vec![self.finding(kind, None, reason)];
        }
        let slices = self.listed.slices.iter();
        slices.map(|slice| self.finding(kind, Some(slice), reason)).collect()
    }

    /// Compares lists with the footer, and the footer with itself.
    fn compare(&self, footer: &Footer, range: &Range<u64>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for slice in &self.listed.slices {
            if let Some(reason) = slice.contradiction(footer.slice(slice.partition)) {
                findings.push(self.finding(FindingKind::Differs, Some(slice), reason));
            }
        }
        let mut end = HEADER_BYTES as u64;
        for slice in &footer.slices {
            let listed = ListedSlice::of(slice);
            if slice.bytes.start < end || slice.bytes.end > range.start {
                let reason = "its bytes lie in another slice's, or outside the segment's data";
                findings.push(self.finding(FindingKind::Damaged, Some(&listed), reason));
            }
            end = slice.bytes.end.max(end);
            if let Some(gap) = gap(slice) {
                let reason = format!("offsets {}..{} are in no batch", gap.start, gap.end);
                findings.push(self.finding(FindingKind::Log, Some(&listed), reason));
            }
        }
        findings
    }

    /// Reads the data of every slice, and checks each batch.
    async fn read_batches(&self, footer: &Footer) -> Result<Vec<Finding>, Failure> {
        let mut findings = Vec::new();
        for slice in &footer.slices {
            findings.extend(self.read_slice(slice).await?);
        }
        Ok(findings)
    }

    async fn read_slice(&self, slice: &Slice) -> Result<Option<Finding>, Failure> {
        let segment = SegmentSlice {
            object: self.listed.object.clone(),
            session: SessionId::from_bytes([0; 16]),
            seq: 0,
            slice: Arc::new(slice.clone()),
        };
        let listed = ListedSlice::of(slice);
        for span in spans(&segment) {
            let bytes = span.bytes();
            let read = self.context.reader.read_span(&segment, span).await;
            self.context.count(|summary| summary.bytes_read += bytes);
            return Ok(Some(match read {
                Ok(_) => continue,
                Err(ObjectReadError::Damaged { from, to, reason, .. }) => {
                    let offsets = from.get()..to.get();
                    let listed = ListedSlice { offsets, ..listed };
                    self.finding(FindingKind::Damaged, Some(&listed), reason)
                }
                Err(ObjectReadError::Missing(_)) => {
                    self.finding(FindingKind::Missing, Some(&listed), "it is not there")
                }
                Err(ObjectReadError::Unavailable(reason)) => {
                    return Err(Failure::Unreadable(reason));
                }
            }));
        }
        Ok(None)
    }
}
