//! [`Exemplars`]: the newest traced requests of each API, so that a slow bucket of a histogram leads to a trace of what was slow.

use opentelemetry::Value;
use opentelemetry_proto::tonic::metrics::v1::{Exemplar, exemplar::Value as ExemplarValue};
use opentelemetry_sdk::trace::SpanData;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, VecDeque},
    time::UNIX_EPOCH,
};

/// The histogram that has exemplars, and the label that says whose a bucket is.
pub(crate) const HISTOGRAM: &str = "kafka_request_duration_seconds";
/// Name of that label, and of the attribute of a request's span.
pub(crate) const API: &str = "api";

/// What is kept of an API until metrics are sent.
const OF_EACH: usize = 32;

/// Exemplars by API. APIs are those of the broker, so there are few.
#[derive(Debug, Default)]
pub(crate) struct Exemplars(Mutex<HashMap<String, VecDeque<Exemplar>>>);

impl Exemplars {
    /// Takes note of a request's span; of no other.
    pub(crate) fn note(&self, span: &SpanData) {
        let api = span.attributes.iter().find(|attribute| attribute.key.as_str() == API);
        let Some(Value::String(api)) = api.map(|attribute| &attribute.value) else { return };
        let lasted = span.end_time.duration_since(span.start_time).unwrap_or_default();
        let at = span.end_time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let exemplar = Exemplar {
            time_unix_nano: u64::try_from(at.as_nanos()).unwrap_or_default(),
            trace_id: span.span_context.trace_id().to_bytes().to_vec(),
            span_id: span.span_context.span_id().to_bytes().to_vec(),
            value: Some(ExemplarValue::AsDouble(lasted.as_secs_f64())),
            ..Exemplar::default()
        };
        let mut all = self.0.lock();
        let of_api = all.entry(api.as_str().to_owned()).or_default();
        if of_api.len() == OF_EACH {
            of_api.pop_front();
        }
        of_api.push_back(exemplar);
    }

    /// Takes out those of an API.
    pub(crate) fn take(&self, api: &str) -> Vec<Exemplar> {
        self.0.lock().remove(api).map(Vec::from).unwrap_or_default()
    }
}
