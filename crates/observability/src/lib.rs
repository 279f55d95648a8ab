//! Telemetry, health and the admin HTTP port.
