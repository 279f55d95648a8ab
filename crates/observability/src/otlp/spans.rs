//! [`SpanQueue`]: spans that ended, on their way to the collector.

use super::{
    collector::{Collector, Connection, reason},
    exemplars::Exemplars,
    outbox::{Courier, Outbox},
    trouble::Trouble,
};
use opentelemetry::Context;
use opentelemetry_proto::{
    tonic::collector::trace::v1::{
        ExportTraceServiceRequest, trace_service_client::TraceServiceClient,
    },
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use runtime::Tasks;
use std::{sync::Arc, time::Duration};

/// Takes spans when they end.
#[derive(Debug)]
pub(crate) struct SpanQueue {
    outbox: Outbox<SpanData>,
    exemplars: Arc<Exemplars>,
}

impl SpanQueue {
    /// Starts what sends them.
    pub(crate) fn start(
        collector: &Collector,
        resource: ResourceAttributesWithSchema,
        exemplars: Arc<Exemplars>,
        tasks: &Tasks,
    ) -> Self {
        let courier =
            SpanCourier { client: TraceServiceClient::new(collector.connection()), resource };
        let trouble = Trouble::new("traces", &collector.endpoint);
        Self { outbox: Outbox::start("otlp_traces", trouble, courier, tasks), exemplars }
    }
}

impl SpanProcessor for SpanQueue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.exemplars.note(&span);
            self.outbox.post(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    /// What is left is sent when the tasks shut down.
    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

struct SpanCourier {
    client: TraceServiceClient<Connection>,
    resource: ResourceAttributesWithSchema,
}

impl Courier for SpanCourier {
    type Item = SpanData;

    async fn deliver(&mut self, spans: Vec<SpanData>) -> Result<(), String> {
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let sent = self.client.export(ExportTraceServiceRequest { resource_spans }).await;
        let answer = sent.map_err(|status| reason(&status))?.into_inner();
        match answer.partial_success {
            Some(partial) if partial.rejected_spans > 0 => Err(partial.error_message),
            _ => Ok(()),
        }
    }
}
