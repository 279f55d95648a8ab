//! Listeners: named addresses with a security protocol each, and the sockets bound to them.

use runtime::net::{Listener, Network};
use std::{
    collections::BTreeMap, fmt, io, net::IpAddr, net::Ipv4Addr, net::Ipv6Addr, net::SocketAddr,
};

/// How a connection is secured.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SecurityProtocol {
    /// Not at all.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL, readable by everybody on the way.
    SaslPlaintext,
    /// SASL within TLS.
    SaslSsl,
}

impl SecurityProtocol {
    const ALL: [Self; 4] = [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl];

    /// As Kafka names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Whether connections begin with a TLS handshake.
    pub fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    /// Whether clients log in.
    pub fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name)
    }
}

/// A listener that was asked for: `listeners`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenerSpec {
    /// Its name.
    pub name: String,
    /// Host name or address; empty is every address.
    pub host: String,
    /// Port; 0 picks a free one.
    pub port: u16,
    /// From `listener.security.protocol.map`.
    pub protocol: SecurityProtocol,
}

/// A listener as clients are told: `advertised.listeners`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdvertisedListener {
    /// The listener's name.
    pub name: String,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// A listener that can't be had. Each names the setting to change.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    /// Not of the form `NAME://host:port`.
    #[error("listeners: {0:?} is not of the form NAME://host:port")]
    Syntax(String),
    /// A name given twice.
    #[error("listeners: the name {0} is used twice")]
    Repeated(String),
    /// No listener at all.
    #[error("listeners: at least one listener is needed, such as PLAINTEXT://127.0.0.1:9092")]
    Empty,
    /// A name that the protocol map does not have.
    #[error("listener.security.protocol.map: no protocol for the listener {0}")]
    NoProtocol(String),
    /// Not of the form `NAME:PROTOCOL`.
    #[error("listener.security.protocol.map: {0:?} is not of the form NAME:PROTOCOL")]
    MapSyntax(String),
    /// A protocol that there is not.
    #[error(
        "listener {listener}: there is no security protocol {protocol}, only PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL"
    )]
    Protocol {
        /// The listener.
        listener: String,
        /// As given.
        protocol: String,
    },
    /// The address can't be bound.
    #[error("listeners: {name}://{address} can't be bound: {source}")]
    Bind {
        /// The listener.
        name: String,
        /// The address tried.
        address: String,
        /// Why.
        source: io::Error,
    },
}

impl ListenerSpec {
    /// Reads `listeners` (`NAME://host:port,…`) and `listener.security.protocol.map` (`NAME:PROTOCOL,…`; where it is silent, a
    /// listener called PLAINTEXT has that protocol).
    ///
    /// # Errors
    /// [`ListenerError`], naming the setting.
    pub fn parse_list(listeners: &str, protocol_map: &str) -> Result<Vec<Self>, ListenerError> {
        let protocols = parse_protocol_map(protocol_map)?;
        let mut specs: Vec<Self> = Vec::new();
        for text in items(listeners) {
            let (name, host, port) = parse_address(text)?;
            if specs.iter().any(|spec| spec.name == name) {
                return Err(ListenerError::Repeated(name));
            }
            let protocol = protocol_of(&name, &protocols)?;
            specs.push(Self { name, host, port, protocol });
        }
        if specs.is_empty() { Err(ListenerError::Empty) } else { Ok(specs) }
    }
}

impl AdvertisedListener {
    /// Reads `advertised.listeners` (`NAME://host:port,…`).
    ///
    /// # Errors
    /// [`ListenerError::Syntax`], [`ListenerError::Repeated`].
    pub fn parse_list(listeners: &str) -> Result<Vec<Self>, ListenerError> {
        let mut advertised: Vec<Self> = Vec::new();
        for text in items(listeners) {
            let (name, host, port) = parse_address(text)?;
            if advertised.iter().any(|other| other.name == name) {
                return Err(ListenerError::Repeated(name));
            }
            advertised.push(Self { name, host, port });
        }
        Ok(advertised)
    }
}

fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

fn parse_address(text: &str) -> Result<(String, String, u16), ListenerError> {
    let syntax = || ListenerError::Syntax(text.to_owned());
    let (name, address) = text.split_once("://").ok_or_else(syntax)?;
    let (host, port) = address.rsplit_once(':').ok_or_else(syntax)?;
    let port = port.parse().map_err(|_| syntax())?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if name.is_empty() { Err(syntax()) } else { Ok((name.to_owned(), host.to_owned(), port)) }
}

fn parse_protocol_map(map: &str) -> Result<BTreeMap<String, String>, ListenerError> {
    items(map)
        .map(|item| match item.split_once(':') {
            Some((name, protocol)) => Ok((name.trim().to_owned(), protocol.trim().to_owned())),
            None => Err(ListenerError::MapSyntax(item.to_owned())),
        })
        .collect()
}

fn protocol_of(
    name: &str,
    protocols: &BTreeMap<String, String>,
) -> Result<SecurityProtocol, ListenerError> {
    let Some(protocol) = protocols.get(name) else {
        return SecurityProtocol::from_name(name)
            .ok_or_else(|| ListenerError::NoProtocol(name.to_owned()));
    };
    SecurityProtocol::from_name(protocol).ok_or_else(|| ListenerError::Protocol {
        listener: name.to_owned(),
        protocol: protocol.clone(),
    })
}

/// Bound sockets that nobody serves yet: clients connect and wait.
pub struct Listeners {
    pub(crate) bound: Vec<Bound>,
}

/// One bound socket.
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) protocol: SecurityProtocol,
    pub(crate) address: SocketAddr,
    pub(crate) socket: Box<dyn Listener>,
}

impl Listeners {
    /// Binds every listener. `localhost` and the empty host are bound for IPv4 and IPv6 (on the same port); a machine without IPv6 is
    /// no error.
    ///
    /// # Errors
    /// [`ListenerError::Bind`].
    pub async fn bind(
        specs: &[ListenerSpec],
        network: &dyn Network,
    ) -> Result<Self, ListenerError> {
        let mut bound = Vec::new();
        for spec in specs {
            bind_one(spec, network, &mut bound).await?;
        }
        Ok(Self { bound })
    }

    /// Listener names and the addresses bound, with the ports that were picked.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.bound.iter().map(|bound| (bound.name.clone(), bound.address)).collect()
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.addresses()).finish()
    }
}

async fn bind_one(
    spec: &ListenerSpec,
    network: &dyn Network,
    bound: &mut Vec<Bound>,
) -> Result<(), ListenerError> {
    let failed = |address: &dyn fmt::Display, source| ListenerError::Bind {
        name: spec.name.clone(),
        address: address.to_string(),
        source,
    };
    let hosts = hosts(spec).await.map_err(|error| failed(&spec.host, error))?;
    let mut port = spec.port;
    for (position, host) in hosts.into_iter().enumerate() {
        let wanted = SocketAddr::new(host, port);
        let socket = match network.bind(wanted).await {
            Ok(socket) => socket,
            Err(error) if position > 0 && no_such_family(&error) => continue,
            Err(error) => return Err(failed(&wanted, error)),
        };
        let address = socket.local_address().map_err(|error| failed(&wanted, error))?;
        port = address.port();
        let (name, protocol) = (spec.name.clone(), spec.protocol);
        bound.push(Bound { name, protocol, address, socket });
    }
    Ok(())
}

/// The addresses that a host stands for.
async fn hosts(spec: &ListenerSpec) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = spec.host.parse() {
        return Ok(vec![address]);
    }
    match spec.host.as_str() {
        "" => Ok(vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]),
        "localhost" => Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
        name => {
            let found = tokio::net::lookup_host((name, spec.port)).await?;
            let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
            addresses.dedup();
            if addresses.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
            }
            Ok(addresses)
        }
    }
}

fn no_such_family(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error() == Some(EAFNOSUPPORT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::net::Tcp;

    #[test]
    fn several_named_listeners_are_read() {
        let specs = ListenerSpec::parse_list(
            "PLAINTEXT://:9092, INTERNAL://[::1]:9093",
            "INTERNAL:PLAINTEXT",
        )
        .unwrap();
        assert_eq!(specs[0].host, "");
        assert_eq!((specs[1].name.as_str(), specs[1].host.as_str()), ("INTERNAL", "::1"));
    }

    #[test]
    fn a_listener_has_the_protocol_of_the_map_or_of_its_name() {
        let specs = ListenerSpec::parse_list("SSL://:1,OUT://:2", "OUT:SASL_SSL").unwrap();
        assert_eq!(specs[0].protocol, SecurityProtocol::Ssl);
        assert_eq!(specs[1].protocol, SecurityProtocol::SaslSsl);
        let error = ListenerSpec::parse_list("SSL://:9093", "SSL:TLS").unwrap_err();
        assert!(error.to_string().contains("no security protocol TLS"), "{error}");
        let error = ListenerSpec::parse_list("OUTSIDE://:9093", "").unwrap_err();
        assert!(matches!(error, ListenerError::NoProtocol(name) if name == "OUTSIDE"));
    }

    #[test]
    fn a_listener_without_a_port_is_refused() {
        assert!(matches!(
            ListenerSpec::parse_list("PLAINTEXT://localhost", ""),
            Err(ListenerError::Syntax(_))
        ));
    }

    #[tokio::test]
    async fn localhost_is_bound_for_both_families_on_one_port() {
        let specs = ListenerSpec::parse_list("PLAINTEXT://localhost:0", "").unwrap();
        let bound = Listeners::bind(&specs, &Tcp).await.unwrap();
        let addresses = bound.addresses();
        assert!(addresses.iter().any(|(_, address)| address.is_ipv4()));
        assert!(addresses.iter().all(|(_, address)| address.port() == addresses[0].1.port()));
    }

    #[tokio::test]
    async fn a_busy_port_names_the_listener() {
        let first = Listeners::bind(
            &ListenerSpec::parse_list("PLAINTEXT://127.0.0.1:0", "").unwrap(),
            &Tcp,
        )
        .await
        .unwrap();
        let taken = format!("PLAINTEXT://{}", first.addresses()[0].1);
        let error = Listeners::bind(&ListenerSpec::parse_list(&taken, "").unwrap(), &Tcp)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(&taken), "{error}");
    }
}
