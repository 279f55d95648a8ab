//! Traces: what became of single requests, for a collector of traces.
//!
//! Whether a request is traced is decided once, where it begins. Its span is disabled otherwise, and whoever works for it finds no
//! trace to add to: that costs a look at the thread's current span, and nothing for each record. Spans of traces have a target of
//! their own, which logs never show.

use tracing::Span;

/// Target of all spans of traces.
pub const TARGET: &str = "traces";

/// Name of the span that a trace begins with. All others belong to one.
pub const REQUEST: &str = "request";

/// The request at work here, if it is traced.
pub fn current() -> Option<Span> {
    let span = Span::current();
    let traced = span.metadata().is_some_and(|metadata| metadata.target() == TARGET);
    traced.then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_subscriber_nothing_is_traced() {
        let span = tracing::info_span!(target: TARGET, "request");
        let _entered = span.enter();
        assert!(current().is_none());
    }
}
