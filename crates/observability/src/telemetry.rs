//! Logs, traces and metrics of the process: set up once, before anything else runs.
//!
//! Logs go to standard error, for people or as JSON. Spans go to an OTLP collector when an endpoint is given. Metrics
//! are kept in memory and rendered for Prometheus by the HTTP port.

use crate::counters;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

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
    /// OTLP/gRPC collector, such as `http://127.0.0.1:4317`; `None` exports no traces.
    pub otlp_endpoint: Option<String>,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not in `tracing`'s syntax.
    #[error("log.filter {filter:?} is not understood: {reason}; try `info` or `info,kafka=debug`")]
    Filter {
        /// As given.
        filter: String,
        /// What is wrong.
        reason: String,
    },
    /// The collector's address makes no sense.
    #[error("otlp.endpoint {endpoint:?} can't be used: {reason}")]
    Otlp {
        /// As given.
        endpoint: String,
        /// What is wrong.
        reason: String,
    },
    /// Set up twice in one process.
    #[error("telemetry is set up already: {0}")]
    AlreadySet(String),
}

/// Telemetry in force. Call [`Telemetry::shut_down`] last, so that the newest spans leave.
#[derive(Debug)]
pub struct Telemetry {
    metrics: PrometheusHandle,
    traces: Option<SdkTracerProvider>,
}

/// Upper bounds of latency histograms, in seconds.
const LATENCY_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Telemetry {
    /// Sets up logs, traces and metrics for the process. Must run inside a tokio runtime when an OTLP endpoint is given.
    ///
    /// # Errors
    /// As [`TelemetryError`] says.
    pub fn set_up(options: &TelemetryOptions) -> Result<Self, TelemetryError> {
        let filter = EnvFilter::try_new(&options.filter).map_err(|error| {
            TelemetryError::Filter { filter: options.filter.clone(), reason: error.to_string() }
        })?;
        let traces = options.otlp_endpoint.as_deref().map(trace_provider).transpose()?;
        let logs = match options.format {
            LogFormat::Human => {
                tracing_subscriber::fmt::layer().with_writer(std::io::stderr).boxed()
            }
            LogFormat::Json => {
                tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr).boxed()
            }
        };
        let spans = traces.as_ref().map(|provider| {
            tracing_opentelemetry::layer().with_tracer(provider.tracer("alluvium"))
        });
        tracing_subscriber::registry()
            .with(spans)
            .with(logs.with_filter(filter))
            .try_init()
            .map_err(|error| TelemetryError::AlreadySet(error.to_string()))?;
        let prometheus = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| TelemetryError::AlreadySet(error.to_string()))?;
        counters::show();
        Ok(Self { metrics: prometheus, traces })
    }

    /// The metrics, for [`crate::HttpServer`].
    pub fn metrics(&self) -> PrometheusHandle {
        self.metrics.clone()
    }

    /// Sends what spans are left.
    pub fn shut_down(self) {
        if let Some(traces) = self.traces
            && let Err(error) = traces.shutdown()
        {
            tracing::warn!(%error, "the last traces could not be exported");
        }
    }
}

fn trace_provider(endpoint: &str) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter =
        SpanExporter::builder().with_tonic().with_endpoint(endpoint).build().map_err(|error| {
            TelemetryError::Otlp { endpoint: endpoint.to_owned(), reason: error.to_string() }
        })?;
    let resource = Resource::builder().with_service_name("alluvium").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
