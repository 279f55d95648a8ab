//! Telemetry, health and the admin HTTP port.

mod counters;
mod http;
mod otlp;
pub mod process;
mod telemetry;
mod utilization;

pub use http::{
    AdminRefused, AdmitAdmin, Health, HttpError, HttpParts, HttpServer, RenderDetail, RequestDrain,
};
pub use otlp::OtlpOptions;
pub use telemetry::{LogFormat, Telemetry, TelemetryError, TelemetryOptions};
pub use utilization::{Capacity, Shares, Used, Utilization, WINDOW};
