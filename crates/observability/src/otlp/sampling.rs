//! [`Sampling`]: which spans are made at all: those of the requests that are drawn.

use runtime::traces;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{Layer, layer::Context};

/// Draws requests. Whatever belongs to a request that was not drawn is not even asked about.
#[derive(Debug)]
pub(crate) struct Sampling {
    /// A request is traced when its draw is below this; `None` traces all.
    threshold: Option<u64>,
    drawn: AtomicU64,
}

impl Sampling {
    /// Traces that part of all requests.
    pub(crate) fn new(ratio: f64, seed: u64) -> Self {
        let threshold = (ratio < 1.0).then_some((ratio.max(0.0) * u64::MAX as f64) as u64);
        Self { threshold, drawn: AtomicU64::new(seed) }
    }

    fn draw(&self) -> bool {
        let Some(threshold) = self.threshold else { return true };
        mixed(self.drawn.fetch_add(1, Relaxed)) < threshold
    }
}

/// Spreads consecutive numbers evenly, by the finalizer of `SplitMix64` (Steele, Lea and Flood, 2014).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A layer, not a filter of one: what a layer's own filter refuses is still made, for other layers.
impl<S: Subscriber> Layer<S> for Sampling {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.threshold {
            _ if !belongs(metadata) => Interest::always(),
            Some(0) => Interest::never(),
            Some(_) if metadata.name() == traces::REQUEST => Interest::sometimes(),
            _ => Interest::always(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        !belongs(metadata) || metadata.name() != traces::REQUEST || self.draw()
    }

    /// The level of traces' spans: they are made whatever the log takes, which may ask for more by itself.
    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

/// Whether it is a span of a trace.
pub(crate) fn belongs(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == traces::TARGET
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, atomic::AtomicUsize};
    use tracing::{Span, span};
    use tracing_subscriber::{Registry, filter::filter_fn, layer::SubscriberExt};

    #[derive(Clone, Default)]
    struct Made(Arc<AtomicUsize>);

    impl<S: Subscriber> Layer<S> for Made {
        fn on_new_span(&self, _: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    fn made(ratio: f64, make: impl Fn() -> Span) -> (usize, usize) {
        let made = Made::default();
        let layer = made.clone().with_filter(filter_fn(belongs));
        let subscriber = Registry::default().with(layer).with(Sampling::new(ratio, 7));
        let enabled = tracing::subscriber::with_default(subscriber, || {
            (0..10_000).filter(|_| !make().is_disabled()).count()
        });
        (enabled, made.0.load(Relaxed))
    }

    #[test]
    fn the_part_asked_for_is_made_and_the_rest_is_disabled_where_it_begins() {
        let request = || tracing::info_span!(target: traces::TARGET, "request");
        assert_eq!(made(0.0, request), (0, 0));
        assert_eq!(made(1.0, request), (10_000, 10_000));
        let (enabled, count) = made(0.01, request);
        assert_eq!(enabled, count);
        assert!((50..150).contains(&count), "{count}");
    }

    #[test]
    fn what_belongs_to_a_traced_request_is_made_and_nothing_else() {
        let flush = || tracing::info_span!(target: traces::TARGET, "flush");
        assert_eq!(made(0.01, flush), (10_000, 10_000));
        assert_eq!(made(1.0, || tracing::info_span!("request")).1, 0);
    }
}
