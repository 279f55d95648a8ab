//! `DeleteRecords`: moves the log's start where a client says.

use crate::{LogError, ReadError, manifest::put_log_start, partition::Shared, shutdown};
use model::Offset;

/// Moves the log's start to `before`, or to the high watermark; durable on return.
pub(crate) async fn delete_records(
    partition: &Shared,
    before: Option<Offset>,
) -> Result<Offset, LogError> {
    let (target, durable) = {
        let sequencer = partition.sequencer.lock();
        sequencer.check_readable()?;
        let high_watermark = sequencer.high_watermark();
        let target = before.unwrap_or(high_watermark);
        if target > high_watermark {
            return Err(LogError::Read(ReadError::OffsetOutOfRange {
                offset: target,
                log_start: sequencer.log.log_start,
                end: high_watermark,
            }));
        }
        (target, sequencer.durable())
    };
    if target > durable {
        // A log never starts beyond what is stored: a replay would not know where to go on.
        shutdown::flush(&partition.engine).await?;
    }
    put_log_start(partition, target).await
}
