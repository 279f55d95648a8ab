//! The HTTP port: liveness, readiness, metrics, the request to drain, and what others serve there.
//!
//! Liveness never depends on etcd or object storage: a broker that waits for them must not be restarted.

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
    serve::ListenerExt,
};
use metrics_exporter_prometheus::PrometheusHandle;
use runtime::Tasks;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::net::TcpListener;

/// What the HTTP port asks about the broker.
pub trait Health: Send + Sync + 'static {
    /// Whether this process can still get well by itself; otherwise why it is to be started anew.
    ///
    /// # Errors
    /// The reason, for the answer's body.
    fn live(&self) -> Result<(), String>;

    /// Whether clients may be sent here; otherwise why not.
    ///
    /// # Errors
    /// The reason, for the answer's body.
    fn ready(&self) -> Result<(), String>;
}

/// The HTTP port could not be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "http.address {address}: {source}; free the port or give --http-address another one (port 0 picks a free one)"
)]
pub struct HttpError {
    address: SocketAddr,
    source: std::io::Error,
}

/// A bound HTTP port.
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpServer({})", self.address)
    }
}

/// Whether whoever sent these headers from that address may call `/admin/…`.
pub type AdmitAdmin = Box<dyn Fn(&HeaderMap, IpAddr) -> Result<(), AdminRefused> + Send + Sync>;

/// Somebody may not call `/admin/…`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdminRefused {
    /// The answer's status.
    pub status: StatusCode,
    /// What to do.
    pub reason: &'static str,
}

/// Has the broker drain and stop. It may be called again.
pub type RequestDrain = Box<dyn Fn() + Send + Sync>;

/// Metrics of single groups and partitions, in Prometheus' text format.
pub type RenderDetail = Box<dyn Fn() -> String + Send + Sync>;

/// What the HTTP port serves.
pub struct HttpParts {
    /// `/health`.
    pub health: Arc<dyn Health>,
    /// Who may call `/admin/drain`.
    pub admit: AdmitAdmin,
    /// `/admin/drain`.
    pub drain: RequestDrain,
    /// `/metrics`.
    pub metrics: PrometheusHandle,
    /// `/metrics/detail`.
    pub detail: RenderDetail,
    /// What else there is.
    pub routes: Router,
}

impl fmt::Debug for HttpParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpParts")
    }
}

#[derive(Clone)]
struct Served {
    health: Arc<dyn Health>,
    admit: Arc<AdmitAdmin>,
    drain: Arc<RequestDrain>,
    metrics: PrometheusHandle,
    detail: Arc<RenderDetail>,
}

impl HttpServer {
    /// Binds `address`.
    ///
    /// # Errors
    /// [`HttpError`] names the flag to change.
    pub async fn bind(address: SocketAddr) -> Result<Self, HttpError> {
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        };
        let (listener, address) = bound.await.map_err(|source| HttpError { address, source })?;
        Ok(Self { listener, address })
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `tasks` shut down.
    pub fn serve(self, parts: HttpParts, tasks: &Tasks) {
        let HttpParts { health, admit, drain, metrics, detail, routes: more } = parts;
        let (admit, drain, detail) = (Arc::new(admit), Arc::new(drain), Arc::new(detail));
        let served = Served { health, admit, drain, metrics, detail };
        let routes = Router::new()
            .route("/health/live", get(live))
            .route("/health/ready", get(ready))
            .route("/metrics", get(render))
            .route("/metrics/detail", get(render_detail))
            .route("/admin/drain", post(drain_and_stop))
            .with_state(served)
            .merge(more)
            .into_make_service_with_connect_info::<SocketAddr>();
        let shutdown = tasks.shutdown();
        tasks.spawn("http", async move {
            let end = async move { shutdown.requested().await };
            // An answer that waits for the client's acknowledgement of the one before it takes 40 ms.
            let listener = self.listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            let served = axum::serve(listener, routes).with_graceful_shutdown(end).await;
            if let Err(error) = served {
                tracing::error!(%error, "the HTTP port stopped serving");
            }
        });
    }
}

async fn live(State(served): State<Served>) -> (StatusCode, String) {
    answer("live", served.health.live())
}

async fn ready(State(served): State<Served>) -> (StatusCode, String) {
    answer("ready", served.health.ready())
}

/// The broker does what it does on SIGTERM; `/health/ready` says when it has begun, the end of the process that it is done.
async fn drain_and_stop(
    State(served): State<Served>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    if let Err(refused) = (served.admit)(&headers, peer.ip()) {
        return (refused.status, format!("{}\n", refused.reason));
    }
    (served.drain)();
    (StatusCode::ACCEPTED, "draining\n".to_owned())
}

fn answer(well: &str, health: Result<(), String>) -> (StatusCode, String) {
    match health {
        Ok(()) => (StatusCode::OK, format!("{well}\n")),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn render(State(served): State<Served>) -> String {
    served.metrics.run_upkeep();
    served.metrics.render()
}

/// May take a while with many groups: other work goes on meanwhile.
async fn render_detail(State(served): State<Served>) -> Result<String, StatusCode> {
    let rendered = runtime::beside(move || (served.detail)());
    rendered.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
