//! OTLP: traces, metrics and logs to a collector, over gRPC.
//!
//! A collector that is slow, hangs or is not there costs a bounded queue and a task: what does not fit is dropped and counted, and a
//! line in the log says so once. Nothing here waits for it but [`Otlp::shut_down`], and that for a moment.

mod collector;
mod exemplars;
mod exposition;
mod logs;
mod metrics;
mod outbox;
mod sampling;
mod spans;
mod trouble;

pub(crate) use metrics::Render;
pub(crate) use sampling::{Sampling, belongs};

use collector::Collector;
use exemplars::Exemplars;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use runtime::{Randomness, Tasks};
use std::{sync::Arc, time::Duration};

/// How long the end of the process may wait for what is left.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// What goes to a collector.
#[derive(Clone, PartialEq, Debug)]
pub struct OtlpOptions {
    /// OTLP/gRPC endpoint, such as `http://127.0.0.1:4317`.
    pub endpoint: String,
    /// What tells this process from others of its kind: the broker's number.
    pub instance: String,
    /// The part of all requests that is traced, from 0 to 1.
    pub sample_ratio: f64,
    /// How often metrics are sent; `None` for never.
    pub metrics_interval: Option<Duration>,
    /// Which log lines are sent, in `tracing`'s syntax; `None` for none.
    pub logs_filter: Option<String>,
}

/// The way to a collector.
#[derive(Debug)]
pub(crate) struct Otlp {
    collector: Collector,
    exemplars: Arc<Exemplars>,
    resource: Resource,
    traces: SdkTracerProvider,
    logs: Option<SdkLoggerProvider>,
    tasks: Tasks,
}

impl Otlp {
    /// Prepares it; nothing is connected yet. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// In words, when the endpoint makes no sense.
    pub(crate) fn set_up(options: &OtlpOptions) -> Result<Self, String> {
        let collector = Collector::new(&options.endpoint)?;
        let tasks = Tasks::new();
        let exemplars = Arc::<Exemplars>::default();
        let resource = Resource::builder()
            .with_service_name("alluvium")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", options.instance.clone()))
            .build();
        let spans = spans::SpanQueue::start(
            &collector,
            attributes(&resource),
            Arc::clone(&exemplars),
            &tasks,
        );
        let traces = SdkTracerProvider::builder()
            // Whether a request is traced was decided before a span was made.
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(spans)
            .with_resource(resource.clone())
            .build();
        let logs = options.logs_filter.as_ref().map(|_| {
            let queue = logs::LogQueue::start(&collector, attributes(&resource), &tasks);
            SdkLoggerProvider::builder()
                .with_log_processor(queue)
                .with_resource(resource.clone())
                .build()
        });
        Ok(Self { collector, exemplars, resource, traces, logs, tasks })
    }

    /// Where spans go.
    pub(crate) fn tracer(&self) -> SdkTracer {
        self.traces.tracer("alluvium")
    }

    /// Which spans are made.
    pub(crate) fn sampling(options: &OtlpOptions) -> Sampling {
        Sampling::new(options.sample_ratio, Randomness::system().below(u64::MAX))
    }

    /// Where log lines go.
    pub(crate) fn logs(&self) -> Option<&SdkLoggerProvider> {
        self.logs.as_ref()
    }

    /// Sends what `render` says, in Prometheus' text format, once in an interval.
    pub(crate) fn send_metrics(&self, interval: Duration, render: Render) {
        let resource = attributes(&self.resource);
        let exemplars = Arc::clone(&self.exemplars);
        metrics::start(&self.collector, resource, exemplars, interval, render, &self.tasks);
    }

    /// Sends what is left, for a moment.
    pub(crate) async fn shut_down(self) {
        // What does not go out in time is lost with the process; `outbox` counts it.
        let _ = tokio::time::timeout(LAST_PATIENCE, self.tasks.shut_down()).await;
    }
}

fn attributes(resource: &Resource) -> ResourceAttributesWithSchema {
    resource.into()
}
