//! Merging: a partition's slices in shared segments become partition segments of its own (DESIGN 7).

mod choice;
mod output;
mod replacement;
mod rewrite;
mod throttle;
mod worker;

pub(crate) use output::Output;
pub(crate) use replacement::{Replacement, replace};
pub(crate) use rewrite::Rewrite;
pub(crate) use throttle::Throttle;
pub(crate) use worker::start;
