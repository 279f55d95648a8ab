//! Reads histories as JSON lines.

use crate::{Conditions, Event, History, HistoryBuilder, HistoryError};
use std::io::{BufRead, Read};

/// The longest line of a history, in bytes: a line must not take the memory that histories do.
pub(crate) const LINE_BYTES_MAX: u64 = 16 << 20;

/// Reads a history. Empty lines are skipped.
///
/// # Errors
/// Whatever makes it no history, with the line or the operation.
pub fn read(mut input: impl BufRead) -> Result<History, HistoryError> {
    let mut builder = None;
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let read = input.by_ref().take(LINE_BYTES_MAX + 1).read_line(&mut text);
        match read.map_err(|source| HistoryError::Io { line, source })? as u64 {
            0 => break,
            bytes if bytes > LINE_BYTES_MAX => return Err(HistoryError::LongLine { line }),
            _ => {}
        }
        if text.trim().is_empty() {
            continue;
        }
        let malformed = |source| HistoryError::Malformed { line, source };
        match &mut builder {
            None => {
                let conditions: Conditions = serde_json::from_str(&text).map_err(malformed)?;
                builder = Some(HistoryBuilder::new(conditions)?);
            }
            Some(builder) => {
                let event: Event = serde_json::from_str(&text).map_err(malformed)?;
                builder.add(event)?;
            }
        }
    }
    builder.map(HistoryBuilder::finish).ok_or(HistoryError::Empty)
}
