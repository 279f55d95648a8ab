//! Telemetry, health and the admin HTTP port.

mod http;
mod telemetry;

pub use http::{
    AdminRefused, AdmitAdmin, Health, HttpError, HttpParts, HttpServer, RenderDetail, RequestDrain,
};
pub use telemetry::{LogFormat, Telemetry, TelemetryError, TelemetryOptions};
