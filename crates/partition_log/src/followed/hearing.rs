//! What becomes of notices: slices, folds and log starts go to the partitions that follow their session.

use super::{
    FollowedPartitions,
    following::{Following, Told},
};
use crate::{
    Notice,
    index::{IndexRun, SegmentSlice},
};
use formats::{index_object::decode_directory, segment::Footer};
use model::{PartitionId, SessionId};
use std::{collections::HashMap, sync::Arc};
use storage::ObjectName;

/// Those that follow one session.
type OfSession<'a> = HashMap<PartitionId, &'a mut Following>;

impl FollowedPartitions {
    /// Takes in what the owner of `session` tells.
    pub fn take_notices(&self, session: SessionId, notices: &[Arc<Notice>]) {
        let mut partitions = self.follows().partitions.lock();
        let mut of_session: OfSession<'_> = partitions
            .iter_mut()
            .filter(|(_, following)| following.session == Some(session))
            .map(|(id, following)| (*id, following))
            .collect();
        if of_session.is_empty() {
            return;
        }
        for notice in notices {
            if let Err(reason) = self.take(&mut of_session, session, notice) {
                tracing::warn!(%session, %reason, "a notice can't be read; reading metadata instead");
                for following in of_session.values_mut() {
                    following.stale = true;
                }
            }
        }
        if of_session.values().any(|following| following.stale) {
            self.follows().due.notify_one();
        }
    }

    /// Notices of `session` were missed: its partitions are read anew.
    pub fn miss_notices(&self, session: SessionId) {
        metrics::counter!("alluvium_notice_gaps_total").increment(1);
        let mut partitions = self.follows().partitions.lock();
        for following in partitions.values_mut().filter(|it| it.session == Some(session)) {
            following.stale = true;
        }
        self.follows().due.notify_one();
    }

    /// Takes in one notice, for the partitions that follow its session.
    fn take(
        &self,
        partitions: &mut OfSession<'_>,
        session: SessionId,
        notice: &Notice,
    ) -> Result<(), String> {
        match notice {
            Notice::Committed { seq, object, footer } => {
                let object = object_name(object)?;
                let footer = Footer::decode(footer).map_err(|error| error.to_string())?;
                let slices = footer.slices.into_iter();
                let wanted = slices.filter(|slice| partitions.contains_key(&slice.partition));
                let segment = |slice| {
                    let (object, slice) = (object.clone(), Arc::new(slice));
                    SegmentSlice { object, session, seq: *seq, slice }
                };
                self.commit(partitions, wanted.map(segment).collect());
            }
            Notice::Folded { object, directory } => {
                fold(partitions, &object_name(object)?, directory)?;
            }
            Notice::LogStart { partition, offset } => {
                if let Some(following) = partitions.get_mut(partition) {
                    following.tell(Told::LogStart(*offset));
                }
            }
        }
        Ok(())
    }

    /// Adds slices of one segment to their logs. Who waits at the end of several of them is answered from one GET.
    fn commit(&self, partitions: &mut OfSession<'_>, segments: Vec<SegmentSlice>) {
        let now = self.now();
        let is_awaited = |segment: &&SegmentSlice| {
            let following = partitions.get(&segment.slice.partition);
            following.is_some_and(|following| following.is_awaited(now))
        };
        let awaited = segments.iter().filter(is_awaited).cloned().collect();
        for reading in self.engine.reader.read_together(awaited) {
            self.engine.parts.tasks.spawn("read-together", reading);
        }
        for segment in segments {
            if let Some(following) = partitions.get_mut(&segment.slice.partition) {
                following.tell(Told::Slice(segment));
            }
        }
    }
}

fn fold(
    partitions: &mut OfSession<'_>,
    object: &ObjectName,
    directory: &[u8],
) -> Result<(), String> {
    let directory = decode_directory(directory).map_err(|error| error.to_string())?;
    for row in &directory.entries {
        let following = partitions.get(&row.partition);
        let Some(log) = following.and_then(|it| it.log.as_ref()) else { continue };
        let run = IndexRun::of_row(object, &directory, row);
        if let Err(error) = log.sequencer.lock().log.index.fold(&run) {
            // Its slices stay listed one by one, which is as good.
            tracing::debug!(partition = %row.partition, %error, "a fold does not fit a followed log");
        }
    }
    Ok(())
}

fn object_name(name: &str) -> Result<ObjectName, String> {
    ObjectName::new(name).map_err(|error| error.to_string())
}
