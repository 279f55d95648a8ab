//! Reads the footer of a segment that no list describes, from the object's end.

use bytes::Bytes;
use formats::segment::{Footer, TRAILER_BYTES, check_header, footer_range};
use std::ops::Range;
use storage::{ObjectError, ObjectErrorKind, ObjectName, Objects};

/// So much is read of an object's end at first: it holds most footers.
const TAIL_BYTES: u64 = 64 << 10;

/// The footer of an object of `size` bytes, and where it lies; or why it can't be read.
///
/// # Errors
/// The store's, when it did not answer.
pub(crate) async fn read_footer(
    objects: &Objects,
    object: &ObjectName,
    size: u64,
) -> Result<Result<(Footer, Range<u64>), String>, ObjectError> {
    let tail_start = size.saturating_sub(TAIL_BYTES);
    let tail = match read(objects, object, tail_start..size).await? {
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
    let bytes = if range.start >= tail_start {
        let within = (range.start - tail_start) as usize..(range.end - tail_start) as usize;
        tail.slice(within)
    } else {
        match read(objects, object, range.clone()).await? {
            Ok(bytes) => bytes,
            Err(reason) => return Ok(Err(reason)),
        }
    };
    Ok(Footer::decode(&bytes).map(|footer| (footer, range)).map_err(|error| error.to_string()))
}

/// Reads bytes, or says why an object does not have them.
pub(crate) async fn read(
    objects: &Objects,
    object: &ObjectName,
    range: Range<u64>,
) -> Result<Result<Bytes, String>, ObjectError> {
    match objects.get_range(object, range).await {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(error)
            if matches!(error.kind, ObjectErrorKind::NotFound | ObjectErrorKind::Invalid) =>
        {
            Ok(Err(error.reason))
        }
        Err(error) => Err(error),
    }
}
