//! Writes go on to the broker that orders them: the same request, and its answer back.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, Request, Uri, header},
    response::Response,
};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::{net::TcpStream, time::timeout};

/// Marks a request that was forwarded: it goes no further.
pub const FORWARDED: &str = "x-alluvium-forwarded";

/// How far the log was read where a forwarded request was answered: who forwarded it reads as far before they pass the answer on, so that
/// a client finds what it wrote where it wrote it.
pub const READ_TO: &str = "x-alluvium-read-to";

/// For the connection and for the answer each.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer is kept in memory on its way.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// Sends a request on; answers what came back, and how far the log was read there.
pub(super) async fn forward(
    address: &str,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<(Response, Option<u64>), String> {
    let exchange = async {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(|error| error.to_string())?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, address);
        for name in [header::CONTENT_TYPE, header::AUTHORIZATION, header::ACCEPT] {
            if let Some(value) = headers.get(&name) {
                request = request.header(name, value);
            }
        }
        let request = request.header(FORWARDED, HeaderValue::from_static("true"));
        let request = request.body(Body::from(body)).map_err(|error| error.to_string())?;
        let answering = async {
            let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts();
            let body = axum::body::to_bytes(Body::new(body), MAX_ANSWER_BYTES).await;
            let body = body.map_err(|error| error.to_string())?;
            let mut forwarded = Response::new(Body::from(body));
            *forwarded.status_mut() = head.status;
            if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
                forwarded.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
            }
            let read_to = head.headers.get(READ_TO).and_then(|value| value.to_str().ok());
            Ok((forwarded, read_to.and_then(|offset| offset.parse().ok())))
        };
        // The connection is driven here, so that no task outlives the request.
        tokio::pin!(connection);
        tokio::pin!(answering);
        tokio::select! {
            answered = &mut answering => answered,
            ended = &mut connection => match ended {
                Ok(()) => answering.await,
                Err(error) => Err(error.to_string()),
            },
        }
    };
    timeout(PATIENCE, exchange).await.map_err(|_| "no answer within 30 s".to_owned())?
}
