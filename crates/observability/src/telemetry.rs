//! Logs, traces and metrics of the process: set up once, before anything else runs.
//!
//! Logs go to standard error, for people or as JSON. Metrics are kept in memory and rendered for Prometheus by the HTTP port. Traces go
//! to an OTLP collector when there is one; metrics and logs too, when that is asked for.

use crate::{
    counters,
    otlp::{Otlp, OtlpOptions, belongs},
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use runtime::{Shutdown, Tasks, traces};
use std::{sync::Arc, time::Duration};
use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    layer::{Filter, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For a person at a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

/// What to set up.
#[derive(Clone, Debug)]
pub struct TelemetryOptions {
    /// Log format.
    pub format: LogFormat,
    /// Filter in `tracing`'s syntax, such as `info` or `info,kafka=debug`.
    pub filter: String,
    /// What goes to an OTLP collector; `None` for nothing.
    pub otlp: Option<OtlpOptions>,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not in `tracing`'s syntax.
    #[error("{key} {filter:?} is not understood: {reason}; try `info` or `info,kafka=debug`")]
    Filter {
        /// Whose.
        key: &'static str,
        /// As given.
        filter: String,
        /// What is wrong.
        reason: String,
    },
    /// The collector's address makes no sense. It is not shown: a password may be in it.
    #[error("otlp.endpoint can't be used: {0}")]
    Otlp(String),
    /// Set up twice in one process.
    #[error("telemetry is set up already: {0}")]
    AlreadySet(String),
}

/// Telemetry in force. Call [`Telemetry::shut_down`] last, so that the newest spans leave.
#[derive(Debug)]
pub struct Telemetry {
    metrics: PrometheusHandle,
    otlp: Option<Otlp>,
    tasks: Tasks,
}

/// How often samples of histograms are counted into their buckets: until then each takes room of its own, scraped or not.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Crates that carry telemetry away: what they log would make more of it.
const CARRIERS: [&str; 5] = ["h2", "hyper", "hyper_util", "tonic", "tower"];

/// Upper bounds of latency histograms, in seconds.
const LATENCY_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Telemetry {
    /// Sets up logs, traces and metrics for the process. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// As [`TelemetryError`] says.
    pub fn set_up(options: &TelemetryOptions) -> Result<Self, TelemetryError> {
        let log_filter = filter("log.filter", &options.filter)?;
        let otlp = options.otlp.as_ref().map(set_up_otlp).transpose()?;
        let logs = match options.format {
            LogFormat::Human => {
                tracing_subscriber::fmt::layer().with_writer(std::io::stderr).boxed()
            }
            LogFormat::Json => {
                tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr).boxed()
            }
        };
        let exported = options.otlp.as_ref().zip(otlp.as_ref());
        let spans = otlp.as_ref().map(span_layer);
        let lines = exported.map(|(options, otlp)| line_layer(options, otlp)).transpose()?;
        tracing_subscriber::registry()
            .with(spans)
            .with(lines.flatten())
            .with(logs.with_filter(only(is_no_trace, log_filter)))
            .with(options.otlp.as_ref().map(Otlp::sampling))
            .try_init()
            .map_err(|error| TelemetryError::AlreadySet(error.to_string()))?;
        let prometheus = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| TelemetryError::AlreadySet(error.to_string()))?;
        counters::show();
        if let Some((options, otlp)) = exported
            && let Some(interval) = options.metrics_interval
        {
            let handle = prometheus.clone();
            otlp.send_metrics(interval, Arc::new(move || handle.render()));
        }
        let tasks = Tasks::new();
        tasks.spawn("metrics_upkeep", keep_up(prometheus.clone(), tasks.shutdown()));
        Ok(Self { metrics: prometheus, otlp, tasks })
    }

    /// The metrics, for [`crate::HttpServer`].
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Sends what traces and logs are left. Takes a few seconds at most.
    pub async fn shut_down(self) {
        self.tasks.request_shutdown();
        if let Some(otlp) = self.otlp {
            otlp.shut_down().await;
        }
    }
}

async fn keep_up(metrics: PrometheusHandle, shutdown: Shutdown) {
    while !shutdown.is_requested() {
        tokio::select! {
            () = shutdown.requested() => {}
            () = tokio::time::sleep(UPKEEP_INTERVAL) => metrics.run_upkeep(),
        }
    }
}

fn filter(key: &'static str, filter: &str) -> Result<EnvFilter, TelemetryError> {
    EnvFilter::try_new(filter).map_err(|error| TelemetryError::Filter {
        key,
        filter: filter.to_owned(),
        reason: error.to_string(),
    })
}

fn set_up_otlp(options: &OtlpOptions) -> Result<Otlp, TelemetryError> {
    Otlp::set_up(options).map_err(TelemetryError::Otlp)
}

fn is_no_trace(metadata: &Metadata<'_>) -> bool {
    metadata.target() != traces::TARGET
}

fn is_no_carriers(metadata: &Metadata<'_>) -> bool {
    let root = metadata.target().split("::").next().unwrap_or_default();
    !CARRIERS.contains(&root) && !root.starts_with("opentelemetry")
}

/// Spans of traced requests, to the collector.
fn span_layer<S>(otlp: &Otlp) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_tracer(otlp.tracer())
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
        .with_context_activation(false)
        .with_filter(filter_fn(belongs).with_max_level_hint(LevelFilter::INFO))
}

/// Log lines, to the collector, if they are asked for.
fn line_layer<S>(
    options: &OtlpOptions,
    otlp: &Otlp,
) -> Result<Option<impl Layer<S> + use<S>>, TelemetryError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let Some((provider, wanted)) = otlp.logs().zip(options.logs_filter.as_ref()) else {
        return Ok(None);
    };
    let wanted = filter("otlp.logs.filter", wanted)?;
    let ours = |metadata: &Metadata<'_>| is_no_trace(metadata) && is_no_carriers(metadata);
    Ok(Some(OpenTelemetryTracingBridge::new(provider).with_filter(only(ours, wanted))))
}

/// What `filter` lets through, if `condition` holds. With a hint of its own the condition leaves that of `filter` in force, so that what
/// is never logged costs one comparison.
fn only<S: Subscriber>(
    condition: impl Fn(&Metadata<'_>) -> bool + Send + Sync + 'static,
    filter: EnvFilter,
) -> impl Filter<S> {
    filter_fn(condition).with_max_level_hint(LevelFilter::TRACE).and(filter)
}
