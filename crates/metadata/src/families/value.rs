//! [`Value`]: what a family's value must offer, and the one way in and out of bytes.

use crate::{Entry, MetadataError};
use bytes::Bytes;

/// A family's value: a message with a `format` field.
pub trait Value: prost::Message + Default {
    /// The highest format this program reads, and the one it writes.
    const FORMAT: u32 = 1;

    /// The message's `format` field.
    fn format_mut(&mut self) -> &mut u32;

    /// Checks what the schema can't say, such as the length of ids.
    ///
    /// # Errors
    /// What is wrong.
    fn check(&self) -> Result<(), &'static str> {
        Ok(())
    }
}

/// Reads an entry's value.
///
/// # Errors
/// [`MetadataError::Damaged`], naming the key: not a message, of a format this program does not know, or with a field
/// out of bounds.
pub fn decode<V: Value>(entry: &Entry) -> Result<V, MetadataError> {
    let damaged = |reason: String| MetadataError::Damaged {
        key: String::from_utf8_lossy(&entry.key).into_owned(),
        reason,
    };
    let mut value = V::decode(entry.value.clone()).map_err(|error| damaged(error.to_string()))?;
    match *value.format_mut() {
        0 => return Err(damaged("it has no format version".to_owned())),
        format if format > V::FORMAT => {
            return Err(damaged(format!(
                "its format is {format}, this program reads up to {}; run a newer one",
                V::FORMAT
            )));
        }
        _ => {}
    }
    value.check().map_err(|reason| damaged(reason.to_owned()))?;
    Ok(value)
}

/// Writes a value, with the format of this program. The same value always gives the same bytes.
pub fn encode<V: Value>(mut value: V) -> Bytes {
    *value.format_mut() = V::FORMAT;
    value.encode_to_vec().into()
}

/// Fails unless `bytes` is as long as an id.
pub(super) fn check_id(bytes: &[u8], what: &'static str) -> Result<(), &'static str> {
    if bytes.len() == 16 { Ok(()) } else { Err(what) }
}

/// Implements [`Value`] for a message, with a check when one is given.
macro_rules! value {
    ($message:ty) => {
        impl $crate::families::Value for $message {
            fn format_mut(&mut self) -> &mut u32 {
                &mut self.format
            }
        }
    };
    ($message:ty, $check:expr) => {
        impl $crate::families::Value for $message {
            fn format_mut(&mut self) -> &mut u32 {
                &mut self.format
            }

            fn check(&self) -> Result<(), &'static str> {
                let check: fn(&Self) -> Result<(), &'static str> = $check;
                check(self)
            }
        }
    };
}
pub(super) use value;
