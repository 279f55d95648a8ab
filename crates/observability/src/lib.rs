//! Telemetry, health and the admin HTTP port.

mod http;
mod telemetry;

pub use http::{Health, HttpError, HttpServer, RequestDrain};
pub use telemetry::{LogFormat, Telemetry, TelemetryError, TelemetryOptions};
