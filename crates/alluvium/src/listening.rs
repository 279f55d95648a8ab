//! The listeners of this broker and the addresses that clients are told.

use crate::Failure;
use cluster::Endpoint;
use kafka::{AdvertisedListener, ListenerSpec, Listeners};
use model::config::broker;
use runtime::net::Tcp;
use settings::Settings;
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// Bound sockets, and what clients are told of them.
pub(crate) struct Listening {
    pub(crate) sockets: Listeners,
    pub(crate) endpoints: Vec<Endpoint>,
}

impl Listening {
    /// Binds `listeners` and works out `advertised.listeners`.
    ///
    /// # Errors
    /// One line that names the setting to change.
    pub(crate) async fn bind(settings: &Settings) -> Result<Self, Failure> {
        let listeners = settings.text(&broker::LISTENERS).unwrap_or_default();
        let map = settings.text(&broker::LISTENER_SECURITY_PROTOCOL_MAP).unwrap_or_default();
        let specs = ListenerSpec::parse_list(listeners, map).map_err(Failure::from_display)?;
        let sockets = Listeners::bind(&specs, &Tcp).await.map_err(Failure::from_display)?;
        let bound: BTreeMap<String, SocketAddr> = sockets.addresses().into_iter().collect();
        let mut endpoints: Vec<Endpoint> = specs
            .iter()
            .map(|spec| endpoint(&spec.name, &spec.host, bound.get(&spec.name)))
            .collect();
        if let Some(advertised) = settings.text(&broker::ADVERTISED_LISTENERS) {
            let advertised = AdvertisedListener::parse_list(advertised)
                .map_err(|error| Failure(format!("advertised.listeners: {error}")))?;
            advertise(&mut endpoints, advertised)?;
        }
        for endpoint in &endpoints {
            check(endpoint).await?;
        }
        Ok(Self { sockets, endpoints })
    }

    /// `host:port` of each listener, as clients are told.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.endpoints.iter().map(Endpoint::address).collect()
    }

    /// Where other brokers reach a port of another protocol: on the host of the first listener, if it is bound to all addresses. `None` for
    /// one on loopback, unless all of the cluster is there: others would find themselves.
    pub(crate) fn reached_at(&self, name: &str, bound: SocketAddr) -> Option<Endpoint> {
        let host = &self.endpoints.first()?.host;
        let ip = bound.ip();
        let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
        let open = ip.is_unspecified() || !ip.is_loopback() || local;
        let host = match ip {
            _ if ip.is_unspecified() => host.clone(),
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        open.then_some(Endpoint { listener: name.to_owned(), host, port: bound.port() })
    }
}

fn endpoint(name: &str, host: &str, bound: Option<&SocketAddr>) -> Endpoint {
    let everywhere = host.is_empty() || host == "0.0.0.0" || host == "::";
    let host = if everywhere { machine_name() } else { host.to_owned() };
    let port = bound.map_or(0, SocketAddr::port);
    Endpoint { listener: name.to_owned(), host, port }
}

fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn advertise(
    endpoints: &mut [Endpoint],
    advertised: Vec<AdvertisedListener>,
) -> Result<(), Failure> {
    for told in advertised {
        let known = endpoints.iter_mut().find(|endpoint| endpoint.listener == told.name);
        let endpoint = known.ok_or_else(|| {
            Failure(format!("advertised.listeners: {} is not one of listeners", told.name))
        })?;
        if told.host.is_empty() || told.host == "0.0.0.0" || told.host == "::" {
            return Err(Failure(format!(
                "advertised.listeners: {}://{}:{} names no host that a client could connect to",
                told.name, told.host, told.port
            )));
        }
        endpoint.host = told.host;
        if told.port != 0 {
            endpoint.port = told.port;
        }
    }
    Ok(())
}

/// A host that can't be resolved stops the start; one that resolves and does not answer from here may still be right
/// (a load balancer that waits for readiness), and is told in one line.
async fn check(endpoint: &Endpoint) -> Result<(), Failure> {
    let address = endpoint.address();
    let resolved = tokio::net::lookup_host(&address).await;
    let Ok(addresses) = resolved else {
        return Err(Failure(format!(
            "advertised.listeners: {}://{address} can't be resolved here; clients would be sent to it. Give --advertised-listeners a name that they can reach",
            endpoint.listener
        )));
    };
    for address in addresses {
        let connect = tokio::net::TcpStream::connect(address);
        if matches!(tokio::time::timeout(Duration::from_secs(1), connect).await, Ok(Ok(_))) {
            return Ok(());
        }
    }
    tracing::warn!(
        listener = endpoint.listener,
        %address,
        "the advertised address does not answer from this machine; if clients can't reach it either, change --advertised-listeners"
    );
    Ok(())
}
