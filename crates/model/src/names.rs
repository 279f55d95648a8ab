//! Topic names, under Kafka's rules.

use std::{borrow::Borrow, fmt, sync::Arc};

/// A legal topic name: 1 to 249 characters of `[A-Za-z0-9._-]`, neither `.` nor `..`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicName(Arc<str>);

/// Why a topic name is refused (Kafka's `INVALID_TOPIC_EXCEPTION`).
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidTopicName {
    /// The name has no character.
    #[error("a topic name must not be empty")]
    Empty,
    /// The name has this many bytes.
    #[error("a topic name has at most 249 characters, this one has {0}")]
    TooLong(usize),
    /// The name is `.` or `..`.
    #[error("a topic name must not be '.' or '..'")]
    Dots,
    /// The name has a character that Kafka does not allow.
    #[error("a topic name has only letters, digits, '.', '_' and '-'; this one has {0:?}")]
    Character(char),
}

impl TopicName {
    /// Checks and wraps `name`.
    ///
    /// # Errors
    /// [`InvalidTopicName`], naming the rule that is broken.
    pub fn new(name: &str) -> Result<Self, InvalidTopicName> {
        match name {
            "" => Err(InvalidTopicName::Empty),
            "." | ".." => Err(InvalidTopicName::Dots),
            _ if name.len() > 249 => Err(InvalidTopicName::TooLong(name.len())),
            _ => match name.chars().find(|c| !c.is_ascii_alphanumeric() && !"._-".contains(*c)) {
                Some(other) => Err(InvalidTopicName::Character(other)),
                None => Ok(Self(Arc::from(name))),
            },
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with `.` read as `_`: two topics must not share it, because metric names can't tell them apart.
    pub fn collision_key(&self) -> String {
        self.0.replace('.', "_")
    }
}

impl Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_249_characters_is_the_longest() {
        assert!(TopicName::new(&"a".repeat(249)).is_ok());
        assert_eq!(TopicName::new(&"a".repeat(250)), Err(InvalidTopicName::TooLong(250)));
    }

    #[test]
    fn names_outside_kafkas_alphabet_are_refused() {
        assert_eq!(TopicName::new("a b"), Err(InvalidTopicName::Character(' ')));
        assert_eq!(TopicName::new(".."), Err(InvalidTopicName::Dots));
        assert_eq!(TopicName::new(""), Err(InvalidTopicName::Empty));
    }
}
