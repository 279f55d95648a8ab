//! Records: a page of a topic's from here on or up to its end, a single one, and the bytes of one.

mod budget;
mod fetching;
mod merge;
mod question;
mod scan;
mod searching;
mod shown;
mod single;

pub(crate) use question::{BytesQuestion, RecordQuestion, RecordsQuestion};
pub(crate) use searching::{RecordsPage, search};
pub(crate) use shown::Shown;
pub(crate) use single::{bytes, one};
