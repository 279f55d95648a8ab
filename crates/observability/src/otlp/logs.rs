//! [`LogQueue`]: log lines on their way to the collector.

use super::{
    collector::{Collector, Connection, reason},
    outbox::{Courier, Outbox},
    trouble::Trouble,
};
use opentelemetry::InstrumentationScope;
use opentelemetry_proto::{
    tonic::collector::logs::v1::{
        ExportLogsServiceRequest, logs_service_client::LogsServiceClient,
    },
    transform::{
        common::tonic::ResourceAttributesWithSchema, logs::tonic::group_logs_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    logs::{LogBatch, LogProcessor, SdkLogRecord},
};
use runtime::Tasks;
use std::time::Duration;

type Line = (SdkLogRecord, InstrumentationScope);

/// Takes log lines.
#[derive(Debug)]
pub(crate) struct LogQueue(Outbox<Line>);

impl LogQueue {
    /// Starts what sends them.
    pub(crate) fn start(
        collector: &Collector,
        resource: ResourceAttributesWithSchema,
        tasks: &Tasks,
    ) -> Self {
        let courier =
            LogCourier { client: LogsServiceClient::new(collector.connection()), resource };
        let trouble = Trouble::new("logs", &collector.endpoint);
        Self(Outbox::start("otlp_logs", trouble, courier, tasks))
    }
}

impl LogProcessor for LogQueue {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        self.0.post((record.clone(), scope.clone()));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    /// What is left is sent when the tasks shut down.
    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

struct LogCourier {
    client: LogsServiceClient<Connection>,
    resource: ResourceAttributesWithSchema,
}

impl Courier for LogCourier {
    type Item = Line;

    async fn deliver(&mut self, lines: Vec<Line>) -> Result<(), String> {
        let borrowed: Vec<_> = lines.iter().map(|(record, scope)| (record, scope)).collect();
        let batch = LogBatch::new(&borrowed);
        let resource_logs = group_logs_by_resource_and_scope(&batch, &self.resource);
        let sent = self.client.export(ExportLogsServiceRequest { resource_logs }).await;
        let answer = sent.map_err(|status| reason(&status))?.into_inner();
        match answer.partial_success {
            Some(partial) if partial.rejected_log_records > 0 => Err(partial.error_message),
            _ => Ok(()),
        }
    }
}
