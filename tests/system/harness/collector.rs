//! A collector of OTLP, by the services of opentelemetry-proto: keeps what it is sent.

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{KeyValue, any_value::Value},
    logs::v1::LogRecord,
    metrics::v1::Metric,
    trace::v1::Span,
};
use services::free_port;
use std::sync::{Arc, Mutex, MutexGuard};
use tonic::{Request, Response, Status, metadata::MetadataMap};

/// What came so far.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    pub spans: Vec<Span>,
    pub metrics: Vec<Metric>,
    pub lines: Vec<LogRecord>,
    /// Of every call.
    pub resources: Vec<KeyValue>,
    /// Its header `authorization`, of every call.
    pub authorizations: Vec<String>,
}

/// A collector at work.
pub struct Collector {
    runtime: Option<tokio::runtime::Runtime>,
    port: u16,
    keeper: Keeper,
}

#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Collected>>);

impl Collector {
    pub fn start() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let (runtime, port, keeper) = (runtime.unwrap(), free_port().unwrap(), Keeper::default());
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(keeper.clone()))
            .add_service(MetricsServiceServer::new(keeper.clone()))
            .add_service(LogsServiceServer::new(keeper.clone()))
            .serve(([127, 0, 0, 1], port).into());
        runtime.spawn(server);
        Self { runtime: Some(runtime), port, keeper }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What came so far.
    pub fn collected(&self) -> Collected {
        self.keeper.collected().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Keeper {
    fn collected(&self) -> MutexGuard<'_, Collected> {
        self.0.lock().unwrap()
    }

    fn authorized(&self, metadata: &MetadataMap) {
        let found = metadata.get("authorization").and_then(|value| value.to_str().ok());
        self.collected().authorizations.push(found.unwrap_or_default().to_owned());
    }
}

#[tonic::async_trait]
impl TraceService for Keeper {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.authorized(request.metadata());
        for of_resource in request.into_inner().resource_spans {
            let mut collected = self.collected();
            collected.resources.extend(of_resource.resource.unwrap_or_default().attributes);
            collected.spans.extend(of_resource.scope_spans.into_iter().flat_map(|it| it.spans));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Keeper {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.authorized(request.metadata());
        for of_resource in request.into_inner().resource_metrics {
            let mut collected = self.collected();
            collected.resources.extend(of_resource.resource.unwrap_or_default().attributes);
            let metrics = of_resource.scope_metrics.into_iter().flat_map(|it| it.metrics);
            collected.metrics.extend(metrics);
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Keeper {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.authorized(request.metadata());
        for of_resource in request.into_inner().resource_logs {
            let mut collected = self.collected();
            collected.resources.extend(of_resource.resource.unwrap_or_default().attributes);
            let lines = of_resource.scope_logs.into_iter().flat_map(|it| it.log_records);
            collected.lines.extend(lines);
        }
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

/// The text of an attribute.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(truth) => truth.to_string(),
        other => format!("{other:?}"),
    })
}
