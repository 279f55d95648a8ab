//! A segment object: whether it is there, whole, and says of itself what lists say of it.

use super::{
    Depth, Failure, Finding, FindingKind,
    context::Context,
    slices::{ListedSlice, gap},
};
use crate::{
    footer_read,
    index::SegmentSlice,
    object_read::{ObjectReadError, spans},
};
use bytes::Bytes;
use formats::segment::{Footer, HEADER_BYTES, Slice};
use model::SessionId;
use std::{ops::Range, sync::Arc};
use storage::ObjectName;

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
                about.verify(&footer, &mut checked.findings).await?;
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
    let objects = &context.stores.objects;
    Ok(match footer_read::read_footer(objects, &listed.object, size).await? {
        Ok((_, range)) if listed.footer.as_ref().is_some_and(|expected| *expected != range) => {
            Err(format!(
                "its footer lies at {range:?}, the list says {:?}",
                listed.footer.clone().unwrap_or_default()
            ))
        }
        read => read,
    })
}

/// Reads bytes, or says why an object does not have them.
pub(super) async fn read(
    context: &Context<'_>,
    object: &ObjectName,
    range: Range<u64>,
) -> Result<Result<Bytes, String>, Failure> {
    Ok(footer_read::read(&context.stores.objects, object, range).await?)
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
            if let Some(reason) = slice.contradiction(footer.slices_of(slice.partition)) {
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

    /// Reads the data, unless an earlier check did.
    async fn verify(&self, footer: &Footer, findings: &mut Vec<Finding>) -> Result<(), Failure> {
        let Self { context, listed } = self;
        if context.options.verified.contains(&listed.object) {
            context.count(|summary| summary.bytes_passed_over += footer.slice_bytes());
            return Ok(());
        }
        let found = self.read_batches(footer).await?;
        if found.is_empty() {
            context.verified(&listed.object);
        }
        findings.extend(found);
        Ok(())
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
