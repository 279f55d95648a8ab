//! [`Fields`]: values as Kafka's own records have them, of schemas that are not flexible.

use bytes::BufMut;

/// Fields behind each other.
pub(crate) struct Fields(pub(crate) Vec<u8>);

impl Fields {
    /// Begins with the schema's version.
    pub(crate) fn of_version(version: i16) -> Self {
        Self(version.to_be_bytes().into())
    }

    /// A text, behind its length; `None` when that does not fit.
    pub(crate) fn text(&mut self, text: &str) -> Option<()> {
        self.0.put_i16(i16::try_from(text.len()).ok()?);
        self.0.put_slice(text.as_bytes());
        Some(())
    }

    /// The same, or null.
    pub(crate) fn nullable(&mut self, text: Option<&str>) -> Option<()> {
        let Some(text) = text else {
            self.0.put_i16(-1);
            return Some(());
        };
        self.text(text)
    }

    /// Bytes, behind their length.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.0.put_i32(i32::try_from(bytes.len()).ok()?);
        self.0.put_slice(bytes);
        Some(())
    }
}
