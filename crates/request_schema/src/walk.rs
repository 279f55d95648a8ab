//! [`walk`]: follows a schema through a request's bytes.
//!
//! Nothing is recursive but the tables, and these are finite: a request can't make the walk deeper. Bytes behind the last field
//! are let pass, as Kafka does. Where Kafka takes any negative length for null, only the −1 that clients write is taken here.

use crate::{Field, Kind, Message, REQUEST_HEADER, cursor::Cursor};

/// In-memory bytes of a structure's first tagged field that its decoder does not know: a node of a B-tree.
const FIRST_UNKNOWN_TAG_BYTES: usize = 448;
/// The same for each further one.
const UNKNOWN_TAG_BYTES: usize = 96;

/// Why a request does not follow its schema.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}, at byte {position}: {reason}")]
pub struct WalkError {
    /// The field.
    pub field: &'static str,
    /// Bytes between the request's fixed head and where the walk ended.
    pub position: usize,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong with a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reason {
    /// Fewer bytes are left than its length, or its kind, asks for.
    #[error("longer than what is left of the request")]
    TooShort,
    /// A length below −1.
    #[error("a length of {0}")]
    Length(i32),
    /// Null, in a version that does not allow it.
    #[error("null is not allowed")]
    Null,
    /// A string longer than Kafka's strings can be.
    #[error("a string of {0} bytes")]
    StringTooLong(usize),
    /// A string of other bytes than UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// A variable-length number of more than 32 bits.
    #[error("a number of more than 32 bits")]
    Varint,
    /// Neither there (1) nor null (−1).
    #[error("{0} says neither that a structure is there nor that it is null")]
    Marker(i8),
    /// A tagged field that other versions have.
    #[error("tag {0} is not one of this version")]
    Tag(u32),
    /// A tagged field whose content is not as long as it says.
    #[error("a tagged field of {0} bytes holds another number of bytes")]
    TagSize(u32),
    /// More elements than the memory for decoded requests may hold.
    #[error("more elements than {0} bytes hold once they are decoded")]
    DecodedTooLarge(usize),
}

/// What a walk found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walked {
    /// Most bytes of memory that decoding takes, besides the request itself.
    pub decoded_bytes: usize,
    /// Bytes behind the last field.
    pub trailing_bytes: usize,
}

/// Walks `bytes`, a request of `message` in that version without its fixed head (key, version, correlation id): the rest of the
/// header, then the body. At most `limit_decoded_bytes` may it take in memory once it is decoded.
///
/// # Errors
/// [`WalkError`], at the first field that does not follow the schema.
///
/// # Panics
/// Never; a version that the message does not have is walked as its fields say.
pub fn walk(
    message: &Message,
    version: i16,
    bytes: &[u8],
    limit_decoded_bytes: usize,
) -> Result<Walked, WalkError> {
    let flexible = message.flexible.contains(version);
    let cursor = Cursor::new(bytes);
    let (decoded_bytes, limit_bytes) = (0, limit_decoded_bytes);
    let mut walk =
        Walk { cursor, version, flexible, decoded_bytes, limit_bytes, field: message.name };
    walk.request(message).map_err(|reason| WalkError {
        field: walk.field,
        position: walk.cursor.position(),
        reason,
    })?;
    Ok(Walked { decoded_bytes: walk.decoded_bytes, trailing_bytes: walk.cursor.remaining() })
}

struct Walk<'a> {
    cursor: Cursor<'a>,
    version: i16,
    flexible: bool,
    decoded_bytes: usize,
    limit_bytes: usize,
    /// The field at hand, for errors.
    field: &'static str,
}

impl Walk<'_> {
    fn request(&mut self, message: &Message) -> Result<(), Reason> {
        let version = self.version;
        self.version = message.header_version(version);
        self.structure(REQUEST_HEADER)?;
        self.version = version;
        self.structure(message.fields)
    }

    fn structure(&mut self, fields: &[Field]) -> Result<(), Reason> {
        for field in fields {
            if field.is_plain_in(self.version) {
                self.field(field)?;
            }
        }
        if self.flexible { self.tagged_fields(fields) } else { Ok(()) }
    }

    fn field(&mut self, field: &Field) -> Result<(), Reason> {
        self.field = field.name;
        let nullable = field.nullable.contains(self.version);
        self.value(field.kind, nullable)
    }

    fn value(&mut self, kind: Kind, nullable: bool) -> Result<(), Reason> {
        match kind {
            Kind::String | Kind::LegacyString => self.string(kind, nullable),
            Kind::Bytes | Kind::Records => {
                let length = self.length()?;
                present(length, nullable)?.map_or(Ok(()), |length| self.skip(length))
            }
            Kind::Array(element) => {
                let count = self.length()?;
                present(count, nullable)?.map_or(Ok(()), |count| self.elements(*element, count))
            }
            Kind::Struct(fields) if nullable => match self.cursor.i8()? {
                -1 => Ok(()),
                1 => self.structure(fields),
                other => Err(Reason::Marker(other)),
            },
            Kind::Struct(fields) => self.structure(fields),
            fixed => self.skip(fixed.fixed_bytes().unwrap_or_default()),
        }
    }

    /// A length or count; `None` is null.
    fn length(&mut self) -> Result<Option<usize>, Reason> {
        if self.flexible {
            return Ok(self.cursor.varint()?.checked_sub(1).map(|length| length as usize));
        }
        nullable_length(self.cursor.i32()?)
    }

    fn string(&mut self, kind: Kind, nullable: bool) -> Result<(), Reason> {
        let length = if self.flexible && !matches!(kind, Kind::LegacyString) {
            self.length()?
        } else {
            nullable_length(self.cursor.i16()?.into())?
        };
        let Some(length) = present(length, nullable)? else { return Ok(()) };
        if length > i16::MAX as usize {
            return Err(Reason::StringTooLong(length));
        }
        let text = self.cursor.take(length)?;
        if text.is_ascii() || std::str::from_utf8(text).is_ok() {
            Ok(())
        } else {
            Err(Reason::NotUtf8)
        }
    }

    fn elements(&mut self, element: Kind, count: usize) -> Result<(), Reason> {
        // Every element has a byte at least; Kafka refuses such a count too.
        if count > self.cursor.remaining() {
            return Err(Reason::TooShort);
        }
        self.charge(count.saturating_mul(element.decoded_bytes()))?;
        if let Some(bytes) = element.fixed_bytes() {
            return self.skip(count.saturating_mul(bytes));
        }
        let field = self.field;
        for _ in 0..count {
            self.field = field;
            self.value(element, false)?;
        }
        Ok(())
    }

    fn tagged_fields(&mut self, fields: &[Field]) -> Result<(), Reason> {
        self.field = "tagged fields";
        let mut charge = FIRST_UNKNOWN_TAG_BYTES;
        for _ in 0..self.cursor.varint()? {
            let number = self.cursor.varint()?;
            let size = self.cursor.varint()?;
            let known =
                fields.iter().find(|field| field.tag.is_some_and(|tag| tag.number == number));
            if let Some(field) = known {
                if !field.is_tagged_in(self.version) {
                    return Err(Reason::Tag(number));
                }
                self.known_tag(field, size)?;
            } else {
                self.charge(charge)?;
                charge = UNKNOWN_TAG_BYTES;
                self.skip(size as usize)?;
            }
        }
        Ok(())
    }

    fn known_tag(&mut self, field: &Field, size: u32) -> Result<(), Reason> {
        let start = self.cursor.position();
        self.field(field)?;
        if self.cursor.position() - start == size as usize {
            Ok(())
        } else {
            Err(Reason::TagSize(size))
        }
    }

    fn skip(&mut self, length: usize) -> Result<(), Reason> {
        self.cursor.take(length).map(drop)
    }

    fn charge(&mut self, bytes: usize) -> Result<(), Reason> {
        self.decoded_bytes = self.decoded_bytes.saturating_add(bytes);
        if self.decoded_bytes > self.limit_bytes {
            return Err(Reason::DecodedTooLarge(self.limit_bytes));
        }
        Ok(())
    }
}

fn nullable_length(length: i32) -> Result<Option<usize>, Reason> {
    match length {
        -1 => Ok(None),
        length => usize::try_from(length).map(Some).map_err(|_| Reason::Length(length)),
    }
}

/// A length that may be null, if the field may be.
fn present(length: Option<usize>, nullable: bool) -> Result<Option<usize>, Reason> {
    if length.is_none() && !nullable { Err(Reason::Null) } else { Ok(length) }
}

#[cfg(test)]
mod tests;
