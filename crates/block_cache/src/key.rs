//! [`BlockKey`]: which bytes of which object.

use foyer::{Code, Error, ErrorKind};
use std::{
    hash::{Hash, Hasher},
    io::{Read, Write},
    ops::Range,
    sync::Arc,
};

/// Raised when a key or what lies under it is written differently: it enters the hash, so that nothing older is found any more.
const FORMAT: u8 = 1;

/// Some bytes of one object. Objects never change, and their names are never used twice. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockKey {
    object: Arc<str>,
    bytes: Range<u64>,
}

impl BlockKey {
    /// The `bytes` of the object of that name, of at most 65,535 bytes.
    pub fn new(object: &str, bytes: Range<u64>) -> Self {
        Self { object: object.into(), bytes }
    }

    /// How many bytes it stands for.
    pub(crate) fn length(&self) -> u64 {
        self.bytes.end.saturating_sub(self.bytes.start)
    }
}

impl Hash for BlockKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        FORMAT.hash(state);
        self.object.hash(state);
        self.bytes.hash(state);
    }
}

impl Code for BlockKey {
    fn encode(&self, writer: &mut impl Write) -> foyer::Result<()> {
        let name = self.object.as_bytes();
        let length = u16::try_from(name.len())
            .map_err(|_| Error::new(ErrorKind::Parse, "the object's name is too long"))?;
        self.bytes.start.encode(writer)?;
        self.bytes.end.encode(writer)?;
        length.encode(writer)?;
        writer.write_all(name).map_err(Error::io_error)
    }

    fn decode(reader: &mut impl Read) -> foyer::Result<Self> {
        let (start, end) = (u64::decode(reader)?, u64::decode(reader)?);
        let mut name = vec![0; u16::decode(reader)?.into()];
        reader.read_exact(&mut name).map_err(Error::io_error)?;
        let name = String::from_utf8(name)
            .map_err(|_| Error::new(ErrorKind::Parse, "the object's name is no text"))?;
        Ok(Self { object: name.into(), bytes: start..end })
    }

    fn estimated_size(&self) -> usize {
        2 * size_of::<u64>() + size_of::<u16>() + self.object.len()
    }
}
