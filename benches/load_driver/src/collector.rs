//! The `collector` command: an OTLP collector that takes everything and keeps nothing.

use crate::{error::DriverError, report::CollectorReport};
use opentelemetry_proto::tonic::collector::{
    metrics::v1::{
        ExportMetricsServiceRequest, ExportMetricsServiceResponse,
        metrics_service_server::{MetricsService, MetricsServiceServer},
    },
    trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
};
use std::{
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tonic::{Request, Response, Status, transport::Server};

/// Where.
#[derive(Debug, clap::Args)]
pub(crate) struct Collector {
    /// Port, on the loopback address
    #[arg(long)]
    port: u16,
}

#[derive(Clone, Default)]
struct Counter(Arc<Counts>);

#[derive(Default)]
struct Counts {
    spans: AtomicU64,
    metrics: AtomicU64,
}

impl Collector {
    /// Serves until standard input ends, and says what came.
    pub(crate) fn run(&self) -> Result<CollectorReport, DriverError> {
        let counter = Counter::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(DriverError::io("a runtime"))?;
        let server = Server::builder()
            .add_service(TraceServiceServer::new(counter.clone()))
            .add_service(MetricsServiceServer::new(counter.clone()));
        runtime
            .block_on(async {
                let input =
                    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
                let until_the_end = async { drop(input.await) };
                let address = ([127, 0, 0, 1], self.port).into();
                server.serve_with_shutdown(address, until_the_end).await
            })
            .map_err(|error| DriverError::io("the collector")(std::io::Error::other(error)))?;
        let (spans, metrics) = (counter.0.spans.load(Relaxed), counter.0.metrics.load(Relaxed));
        Ok(CollectorReport { spans, metrics })
    }
}

#[tonic::async_trait]
impl TraceService for Counter {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.get_ref().resource_spans.iter().flat_map(|it| &it.scope_spans);
        let spans: usize = scopes.map(|scope| scope.spans.len()).sum();
        self.0.spans.fetch_add(spans as u64, Relaxed);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Counter {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let scopes = request.get_ref().resource_metrics.iter().flat_map(|it| &it.scope_metrics);
        let metrics: usize = scopes.map(|scope| scope.metrics.len()).sum();
        self.0.metrics.fetch_add(metrics as u64, Relaxed);
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
