//! The lines that a person sees when a broker has started: where it is, what an acknowledgement means, what to try.

use crate::deployment::Deployment;
use model::config::broker;
use settings::Settings;
use std::net::SocketAddr;

/// The start-up lines. `listeners` are the addresses that clients use; `http` is the HTTP port's, and whether it serves the console.
pub(crate) fn lines(
    settings: &Settings,
    deployment: &Deployment,
    listeners: &[String],
    http: Option<(SocketAddr, bool)>,
    schemas: Option<SocketAddr>,
) -> Vec<String> {
    let first = listeners.first().map_or("localhost:9092", String::as_str);
    let mut lines = vec![format!("Kafka      {}", listeners.join(", "))];
    if let Some((http, has_console)) = http {
        if has_console {
            lines.push(format!("console    http://{http}/"));
        }
        lines.push(format!("HTTP       http://{http} (/health/ready, /metrics)"));
    }
    if let Some(schemas) = schemas {
        lines.push(format!("schemas    http://{schemas} (Confluent's schema registry API)"));
    }
    lines.push(format!("metadata   {}", deployment.metadata_description));
    lines.push(format!("objects    {}", deployment.objects_description));
    lines.push(format!("WAL        {}", settings.wal_directory().display()));
    lines.push(match settings.text(&broker::DURABILITY_MODE) {
        Some("wal") => "acks=all answers at fsync, durability.mode=wal".to_owned(),
        _ => "acks=all waits for object storage, durability.mode=object".to_owned(),
    });
    let server = if first == "localhost:9092" { String::new() } else { format!(" -b {first}") };
    lines.push("try:".to_owned());
    lines.push(format!("  echo hello | alluvium produce{server} greetings"));
    lines.push(format!("  alluvium consume{server} greetings"));
    lines.push(format!("  kcat -b {first} -L"));
    lines
}
