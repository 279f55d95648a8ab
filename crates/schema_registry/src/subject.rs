//! [`Subject`]: a subject's name and the context it lies in.
//!
//! `:.staging:orders-value` is `orders-value` in the context `.staging`; a name without a context lies in `.`, the default.

use std::fmt;

/// The default context.
pub const DEFAULT_CONTEXT: &str = ".";

/// A subject's name, and its context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    context: String,
    name: String,
}

impl Subject {
    /// Reads a name that may carry its context.
    pub fn read(text: &str) -> Self {
        Self::within(text, DEFAULT_CONTEXT)
    }

    /// Reads a name that lies in `context` unless it carries another.
    pub fn within(text: &str, context: &str) -> Self {
        let qualified = text.strip_prefix(":.").and_then(|rest| rest.split_once(':'));
        let (context, name) = match qualified {
            Some((context, name)) => (format!(".{context}"), name),
            None => (context.to_owned(), text),
        };
        Self { context, name: name.to_owned() }
    }

    /// The context, with its leading dot.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The name without the context.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Subject {
    /// With the context, unless it is the default one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.context == DEFAULT_CONTEXT {
            f.write_str(&self.name)
        } else {
            write!(f, ":{}:{}", self.context, self.name)
        }
    }
}
