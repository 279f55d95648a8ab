//! Requests over HTTP, as the schema registry and the lag evaluator get them.

use crate::Decoder;
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use lag::{Evaluator, LagOptions};
use parking_lot::Mutex;
use runtime::Clock;
use schema_registry::{Log, LogRefusal, Record, Registry, Term};
use std::sync::Arc;
use tower::ServiceExt;

/// Requests one after the other, parted by a zero byte: `METHOD /path?query`, a line end, the body.
pub(crate) const HTTP: Decoder = Decoder { name: "http", run, seeds };

/// So many requests of an input are made.
const MOST: usize = 16;

/// A log in memory, that its registry reads at once. The two hold each other until the reader is taken out.
#[derive(Default)]
struct Memory {
    records: Mutex<u64>,
    reader: Mutex<Option<Registry>>,
}

#[async_trait]
impl Log for Memory {
    async fn begin(&self) -> Result<Term, LogRefusal> {
        Ok(Term { token: 1, end: *self.records.lock() })
    }

    async fn append(&self, _: Term, records: Vec<Record>) -> Result<u64, LogRefusal> {
        let mut end = self.records.lock();
        *end += records.len() as u64;
        self.reader.lock().as_ref().expect("it was set").apply(&records, *end);
        Ok(end.saturating_sub(1))
    }
}

fn routes(log: &Arc<Memory>) -> Router {
    let registry = Registry::new(Arc::clone(log) as Arc<dyn Log>);
    registry.caught_up();
    *log.reader.lock() = Some(registry.clone());
    let evaluator = Evaluator::new(LagOptions::default(), None, Vec::new(), Clock::driven(0));
    lag::router(evaluator, "host").fallback_service(schema_registry::routes(registry, None))
}

fn run(bytes: &[u8]) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let log = Arc::<Memory>::default();
    let routes = routes(&log);
    for input in bytes.split(|byte| *byte == 0).take(MOST) {
        if let Some(request) = request(input) {
            let shown = String::from_utf8_lossy(input).into_owned();
            runtime.block_on(async {
                let Ok(answer) = routes.clone().oneshot(request).await;
                let status = answer.status().as_u16();
                assert_ne!(status, 500, "{shown}");
                to_bytes(answer.into_body(), 16 << 20).await.expect("a whole answer");
            });
        }
    }
    drop(log.reader.lock().take());
}

/// `None` for what an HTTP server would not hand on.
fn request(input: &[u8]) -> Option<Request<Body>> {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, body) = input.split_at(end);
    let (method, path) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/vnd.schemaregistry.v1+json");
    let body = body.get(1..).unwrap_or_default().to_vec();
    request.body(Body::from(body)).ok()
}

fn seeds() -> Vec<Vec<u8>> {
    let record = r#"{"schema":"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}"}"#;
    let protobuf =
        r#"{"schemaType":"PROTOBUF","schema":"syntax = \"proto3\"; message M { int32 a = 1; }"}"#;
    let json = r#"{"schemaType":"JSON","schema":"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}"}"#;
    let seeds = [
        format!("POST /subjects/t-value/versions\n{record}\0GET /subjects/t-value/versions/1\0GET /schemas/ids/1"),
        format!("POST /subjects/p/versions?normalize=true\n{protobuf}\0POST /compatibility/subjects/p/versions/latest?verbose=true\n{protobuf}"),
        format!("POST /subjects/j/versions\n{json}\0DELETE /subjects/j?permanent=false\0GET /subjects?deleted=true&subjectPrefix=j"),
        "PUT /config/t-value\n{\"compatibility\":\"FULL_TRANSITIVE\"}\0GET /config/t-value?defaultToGlobal=true\0DELETE /config".to_owned(),
        "PUT /mode?force=true\n{\"mode\":\"IMPORT\"}\0GET /mode\0GET /contexts\0GET /schemas/types".to_owned(),
        "GET /v3/kafka/%2e%2e/consumer/a%00b/lag\0GET /v3/kafka\0DELETE /v3/kafka/c/consumer/g\0GET /burrow/admin".to_owned(),
    ];
    seeds.map(String::into_bytes).into()
}
