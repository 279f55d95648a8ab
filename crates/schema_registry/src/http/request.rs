//! A request: its path's parts, its query, its body.

use crate::{
    access::{Deed, Visitor},
    error::RegistryError,
    registry::{Registration, WriteError},
    subject::{DEFAULT_CONTEXT, Subject},
};
use axum::http::{Method, Uri};
use serde_json::{Map, Value};

pub(super) struct Request {
    /// Whoever sent it.
    pub(super) visitor: Box<dyn Visitor>,
    pub(super) method: Method,
    /// Decoded, without a context in front.
    pub(super) path: Vec<String>,
    /// The context in front of the path, or the default one.
    context: String,
    query: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Longest name of a subject, in bytes.
const MAX_SUBJECT_BYTES: usize = 1024;

impl Request {
    pub(super) fn read(
        visitor: Box<dyn Visitor>,
        method: Method,
        uri: &Uri,
        body: &[u8],
    ) -> Result<Self, RegistryError> {
        let parts = uri.path().split('/').filter(|part| !part.is_empty());
        let mut path: Vec<String> = parts.map(|part| decoded(part, false)).collect();
        let mut context = DEFAULT_CONTEXT.to_owned();
        if path.len() > 2 && path.first().is_some_and(|first| first == "contexts") {
            path.remove(0);
            path.remove(0).trim_matches(':').clone_into(&mut context);
            if !context.starts_with('.') {
                return Err(RegistryError::new(
                    42208,
                    format!("The context {context} does not begin with a dot"),
                ));
            }
        }
        let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, true), decoded(value, true))
        });
        Ok(Self { visitor, method, path, context, query: query.collect(), body: body.to_vec() })
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A subject of the path, in the context of the path unless it carries one.
    pub(super) fn subject(&self, text: &str) -> Result<Subject, RegistryError> {
        let reserved = ["__GLOBAL", "__EMPTY"].contains(&text);
        if reserved || text.len() > MAX_SUBJECT_BYTES || text.chars().any(char::is_control) {
            return Err(RegistryError::new(
                42208,
                format!("The specified subject '{text}' is not a valid."),
            ));
        }
        Ok(Subject::within(text, &self.context))
    }

    /// In whose context an id is looked up.
    pub(super) fn subject_of_ids(&self) -> Result<Subject, RegistryError> {
        self.subject(self.query("subject").unwrap_or_default())
    }

    /// Whether whoever asks may see a subject, by its name with its context.
    pub(super) fn shows(&self, subject: &str) -> bool {
        self.visitor.may(Deed::Read, Some(Subject::read(subject).name()), false)
    }

    /// Whether a list shows a subject.
    pub(super) fn matches(&self, subject: &str) -> bool {
        self.is_asked_for(subject) && self.shows(subject)
    }

    fn is_asked_for(&self, subject: &str) -> bool {
        let subject_read = Subject::read(subject);
        if self.context != DEFAULT_CONTEXT && subject_read.context() != self.context {
            return false;
        }
        match self.query("subjectPrefix").unwrap_or(":*:") {
            prefix if prefix.starts_with(":*:") => {
                let prefix = prefix.trim_start_matches(":*:");
                subject_read.name().starts_with(prefix)
            }
            prefix => {
                let wanted = Subject::within(prefix, &self.context);
                wanted.context() == subject_read.context()
                    && subject_read.name().starts_with(wanted.name())
            }
        }
    }

    /// What `offset` and `limit` leave of a list.
    pub(super) fn page<T>(&self, list: impl Iterator<Item = T>) -> Vec<T> {
        let number = |name: &str| self.query(name).and_then(|value| value.parse::<usize>().ok());
        let list = list.skip(number("offset").unwrap_or(0));
        match number("limit").filter(|limit| *limit > 0) {
            Some(limit) => list.take(limit).collect(),
            None => list.collect(),
        }
    }

    pub(super) fn registration(&self) -> Result<Registration, RegistryError> {
        serde_json::from_slice(&self.body).map_err(|error| malformed(&error))
    }

    pub(super) fn object(&self) -> Result<Map<String, Value>, RegistryError> {
        serde_json::from_slice(&self.body).map_err(|error| malformed(&error))
    }

    pub(super) fn only(&self, method: &Method) -> Result<(), WriteError> {
        if self.method == *method { Ok(()) } else { Err(Self::not_allowed()) }
    }

    pub(super) fn not_allowed() -> WriteError {
        WriteError::Refused(RegistryError::new(405, "HTTP 405 Method Not Allowed"))
    }

    pub(super) fn not_found() -> WriteError {
        WriteError::Refused(RegistryError::new(404, "HTTP 404 Not Found"))
    }
}

fn malformed(error: &serde_json::Error) -> RegistryError {
    RegistryError::new(400, format!("The request is no JSON of the right kind: {error}"))
}

/// Percent-decodes; in a query `+` is a space.
fn decoded(text: &str, query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let code = tail.first_chunk::<2>().filter(|_| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.split_at(2).1;
            }
            None if query && *first == b'+' => bytes.push(b' '),
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
