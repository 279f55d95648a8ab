//! Metrics: what `/metrics` says, once in an interval.
//!
//! They come from the text that Prometheus would get, so both say the same, and nothing is counted twice.

use super::{
    collector::{Collector, Connection, reason},
    exemplars::{API, Exemplars, HISTOGRAM},
    exposition::{self, Times},
    trouble::Trouble,
};
use opentelemetry_proto::{
    tonic::{
        collector::metrics::v1::{
            ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient,
        },
        common::v1::{InstrumentationScope, KeyValue, any_value::Value},
        metrics::v1::{Metric, ResourceMetrics, ScopeMetrics, metric::Data},
        resource::v1::Resource,
    },
    transform::common::tonic::ResourceAttributesWithSchema,
};
use runtime::{Clock, Tasks};
use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;

/// Says all metrics in Prometheus' text format.
pub(crate) type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// Starts what sends them.
pub(crate) fn start(
    collector: &Collector,
    resource: ResourceAttributesWithSchema,
    exemplars: Arc<Exemplars>,
    interval: Duration,
    render: Render,
    tasks: &Tasks,
) {
    let clock = Clock::system();
    let sender = MetricSender {
        client: MetricsServiceClient::new(collector.connection()),
        trouble: Trouble::new("metrics", &collector.endpoint),
        started: nanos(&clock),
        clock,
        resource,
        exemplars,
        render,
    };
    let shutdown = tasks.shutdown();
    tasks.spawn("otlp_metrics", async move {
        tokio::select! {
            () = sender.run(interval) => {}
            () = shutdown.requested() => {}
        }
    });
}

struct MetricSender {
    client: MetricsServiceClient<Connection>,
    trouble: Trouble,
    started: u64,
    clock: Clock,
    resource: ResourceAttributesWithSchema,
    exemplars: Arc<Exemplars>,
    render: Render,
}

impl MetricSender {
    async fn run(mut self, interval: Duration) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let render = Arc::clone(&self.render);
            let Ok(text) = runtime::beside(move || render()).await else { return };
            let times = Times { start: self.started, now: nanos(&self.clock) };
            let mut metrics = exposition::metrics(&text, times);
            add_exemplars(&mut metrics, &self.exemplars);
            let points = metrics.len();
            let sent = self.client.export(self.request(metrics)).await;
            match sent {
                Ok(_) => self.trouble.delivered(points),
                Err(status) => self.trouble.lost(points, &reason(&status)),
            }
        }
    }

    fn request(&self, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
        let scope =
            InstrumentationScope { name: "alluvium".to_owned(), ..InstrumentationScope::default() };
        let scope_metrics =
            vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }];
        let attributes = self.resource.attributes.0.clone();
        let resource = Some(Resource { attributes, ..Resource::default() });
        let schema_url = self.resource.schema_url.clone().unwrap_or_default();
        ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics { resource, scope_metrics, schema_url }],
        }
    }
}

/// Puts the newest traced requests to the durations of their API.
fn add_exemplars(metrics: &mut [Metric], exemplars: &Exemplars) {
    let requests = metrics.iter_mut().find(|metric| metric.name == HISTOGRAM);
    let Some(Data::Histogram(histogram)) = requests.and_then(|it| it.data.as_mut()) else {
        return;
    };
    for point in &mut histogram.data_points {
        if let Some(api) = label(&point.attributes, API) {
            point.exemplars = exemplars.take(api);
        }
    }
}

fn label<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn nanos(clock: &Clock) -> u64 {
    u64::try_from(clock.unix_ms()).unwrap_or_default() * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::{
        InstrumentationScope, SpanId, TraceFlags, TraceId,
        trace::{SpanContext, SpanKind, Status, TraceState},
    };
    use opentelemetry_proto::tonic::metrics::v1::exemplar::Value as ExemplarValue;
    use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
    use std::time::UNIX_EPOCH;

    fn span(number: u64, attributes: Vec<opentelemetry::KeyValue>) -> SpanData {
        let (trace, span) = (TraceId::from(u128::from(number)), SpanId::from(number));
        let state = TraceState::default();
        SpanData {
            span_context: SpanContext::new(trace, span, TraceFlags::SAMPLED, false, state),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Server,
            name: "Produce".into(),
            start_time: UNIX_EPOCH,
            end_time: UNIX_EPOCH + Duration::from_millis(250 * number),
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[test]
    fn the_newest_traced_requests_are_exemplars_of_their_apis_durations_once() {
        let text = format!(
            "# TYPE {HISTOGRAM} histogram\n{HISTOGRAM}_count{{api=\"Produce\"}} 9\n{HISTOGRAM}_count{{api=\"Fetch\"}} 1\n"
        );
        let exemplars = Exemplars::default();
        for number in 1..100 {
            exemplars.note(&span(number, vec![opentelemetry::KeyValue::new(API, "Produce")]));
            exemplars.note(&span(number, Vec::new()));
        }
        let points = || {
            let mut metrics = exposition::metrics(&text, Times { start: 1, now: 2 });
            add_exemplars(&mut metrics, &exemplars);
            let Some(Data::Histogram(histogram)) = metrics.remove(0).data else { panic!() };
            histogram.data_points
        };
        let first = points();
        assert_eq!(label(&first[0].attributes, API), Some("Fetch"));
        assert!(first[0].exemplars.is_empty());
        let found = &first[1].exemplars;
        assert_eq!(found.len(), 32);
        let newest = found.last().unwrap();
        assert_eq!(newest.trace_id, TraceId::from(99_u128).to_bytes());
        assert_eq!(newest.value, Some(ExemplarValue::AsDouble(24.75)));
        assert!(points()[1].exemplars.is_empty());
    }
}
