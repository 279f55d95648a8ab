//! Telemetry, health and the admin HTTP port.

mod http;
mod otlp;
mod telemetry;

pub use http::{
    AdminRefused, AdmitAdmin, Health, HttpError, HttpParts, HttpServer, RenderDetail, RequestDrain,
};
pub use otlp::OtlpOptions;
pub use telemetry::{LogFormat, Telemetry, TelemetryError, TelemetryOptions};
