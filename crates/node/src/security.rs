//! What the settings say of listeners' security, checked as a whole before anything is served.

mod authorization;
mod key_sets;
mod tokens;

use crate::NodeError;
use kafka::{ListenerSecurity, ListenerSpec, SaslSettings, SecurityProtocol};
use key_sets::KeySets;
use model::config::{ConfigKey, broker, listener_of, parse_boolean, parse_list, security as keys};
use runtime::{Clock, Shutdown};
use security::{
    ClientSecurity, Credentials,
    acl::Authorizer,
    sasl::{Jaas, Mechanism, SaslListener},
    tls::{
        ClientAuth, KeySource, MappingRules, TlsClient, TlsError, TlsServer, TlsSettings,
        TrustSource,
    },
};
use settings::Settings;
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

/// How this broker's listeners are secured, and how it comes in at others'.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security {
    pub(crate) listeners: BTreeMap<String, ListenerSecurity>,
    pub(crate) peers: ClientSecurity,
    /// What checks the tokens of listeners with OAUTHBEARER.
    pub(crate) key_sets: Vec<KeySets>,
    /// Who may do what beside the cluster's access rules; without it everyone may do everything.
    pub(crate) authorizer: Option<Authorizer>,
}

impl Security {
    /// Reads settings and key files.
    ///
    /// # Errors
    /// [`NodeError::Security`], which names the setting to change.
    pub(crate) fn read(settings: &Settings, clock: &Clock) -> Result<Self, NodeError> {
        read(settings, clock).map_err(NodeError::Security)
    }

    /// Reads key files again and again. What can't be read is told, and what was read before stays in force.
    pub(crate) async fn keep_fresh(self, interval: Duration, shutdown: Shutdown) {
        if self.peers.tls.is_none()
            && self.listeners.values().all(|listener| listener.tls.is_none())
        {
            return;
        }
        loop {
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(interval) => {}
            }
            for (listener, security) in &self.listeners {
                if let Some(tls) = &security.tls {
                    tell(listener, tls.reload());
                }
            }
            if let Some(tls) = &self.peers.tls {
                tell("brokers", tls.reload());
            }
        }
    }
}

fn tell(listener: &str, reloaded: Result<bool, TlsError>) {
    match reloaded {
        Ok(false) => {}
        Ok(true) => tracing::info!(listener, "took new keys and certificates"),
        Err(error) => tracing::error!(
            listener, %error, "keys and certificates can't be read; those read before stay in force"
        ),
    }
}

fn read(settings: &Settings, clock: &Clock) -> Result<Security, String> {
    let text = settings.text(&broker::LISTENERS).unwrap_or_default();
    let map = settings.text(&broker::LISTENER_SECURITY_PROTOCOL_MAP).unwrap_or_default();
    let specs = ListenerSpec::parse_list(text, map).map_err(|error| error.to_string())?;
    check_listener_keys(settings, &specs)?;
    tokens::check_tokens_are_taken(settings, &specs)?;
    let mut key_sets = Vec::new();
    let mut listeners = BTreeMap::new();
    for spec in &specs {
        let security = listener_security(settings, spec, clock, &mut key_sets);
        listeners.insert(spec.name.clone(), security.map_err(|error| at(spec, &error))?);
    }
    let inter_broker = inter_broker_listener(settings, &specs)?;
    let peers = peer_security(settings, inter_broker);
    let peers = peers.map_err(|error| at(inter_broker, &error))?;
    let authorizer = authorization::authorizer(settings, &peers)?;
    Ok(Security { listeners, peers, key_sets, authorizer })
}

fn at(spec: &ListenerSpec, error: &str) -> String {
    format!("listener {}: {error}", spec.name)
}

/// A key for a listener that there is not would be overlooked.
fn check_listener_keys(settings: &Settings, specs: &[ListenerSpec]) -> Result<(), String> {
    for key in settings.values().keys() {
        let Some((listener, _)) = listener_of(key) else { continue };
        if !specs.iter().any(|spec| spec.name.to_lowercase() == listener) {
            return Err(format!("{key}: there is no listener {listener}"));
        }
    }
    Ok(())
}

fn inter_broker_listener<'a>(
    settings: &Settings,
    specs: &'a [ListenerSpec],
) -> Result<&'a ListenerSpec, String> {
    let name = settings.text(&broker::INTER_BROKER_LISTENER_NAME);
    let found = match name {
        Some(name) => specs.iter().find(|spec| spec.name == name),
        None => specs.first(),
    };
    found.ok_or_else(|| {
        format!("inter.broker.listener.name: {} is not one of listeners", name.unwrap_or_default())
    })
}

fn listener_security(
    settings: &Settings,
    spec: &ListenerSpec,
    clock: &Clock,
    key_sets: &mut Vec<KeySets>,
) -> Result<ListenerSecurity, String> {
    let tls = spec.protocol.has_tls().then(|| {
        let tls = tls_settings(settings, spec)?;
        TlsServer::new(tls).map(Arc::new).map_err(|error| error.to_string())
    });
    let sasl = spec.protocol.has_sasl().then(|| sasl_settings(settings, spec, clock, key_sets));
    Ok(ListenerSecurity { tls: tls.transpose()?, sasl: sasl.transpose()? })
}

fn peer_security(settings: &Settings, spec: &ListenerSpec) -> Result<ClientSecurity, String> {
    let tls = spec.protocol.has_tls().then(|| {
        let tls = tls_settings(settings, spec)?;
        // A broker alone reaches none, and needs to trust none.
        if tls.trust.is_none() && settings.is_embedded() {
            return Ok(None);
        }
        TlsClient::new(tls).map(|tls| Some(Arc::new(tls))).map_err(|error| error.to_string())
    });
    let login = spec.protocol.has_sasl().then(|| peer_credentials(settings, spec));
    Ok(ClientSecurity { tls: tls.transpose()?.flatten(), login: login.transpose()?.flatten() })
}

fn tls_settings(settings: &Settings, spec: &ListenerSpec) -> Result<TlsSettings, String> {
    let text = |key: &ConfigKey| settings.listener_text(&spec.name, key);
    let key = match (
        text(&keys::SSL_KEYSTORE_LOCATION),
        text(&keys::SSL_KEYSTORE_KEY),
        text(&keys::SSL_KEYSTORE_CERTIFICATE_CHAIN),
    ) {
        (None, None, None) => None,
        (Some(file), None, None) => Some(KeySource::File(PathBuf::from(file))),
        (None, Some(key), Some(chain)) => {
            Some(KeySource::Inline { key: key.to_owned(), chain: chain.to_owned() })
        }
        _ => return Err("either ssl.keystore.location or both ssl.keystore.key and ssl.keystore.certificate.chain".to_owned()),
    };
    let trust =
        match (text(&keys::SSL_TRUSTSTORE_LOCATION), text(&keys::SSL_TRUSTSTORE_CERTIFICATES)) {
            (None, None) => None,
            (Some(file), None) => Some(TrustSource::File(PathBuf::from(file))),
            (None, Some(text)) => Some(TrustSource::Inline(text.to_owned())),
            _ => {
                return Err(
                    "either ssl.truststore.location or ssl.truststore.certificates".to_owned()
                );
            }
        };
    let versions = parse_list(text(&keys::SSL_ENABLED_PROTOCOLS).unwrap_or_default());
    let mapping = text(&keys::SSL_PRINCIPAL_MAPPING_RULES).unwrap_or_default();
    Ok(TlsSettings {
        key,
        trust,
        client_auth: match text(&keys::SSL_CLIENT_AUTH) {
            Some("required") => ClientAuth::Required,
            Some("requested") => ClientAuth::Requested,
            _ => ClientAuth::None,
        },
        tls12: versions.contains(&"TLSv1.2"),
        tls13: versions.contains(&"TLSv1.3"),
        mapping: MappingRules::parse(mapping).map_err(|error| error.to_string())?,
    })
}

fn sasl_settings(
    settings: &Settings,
    spec: &ListenerSpec,
    clock: &Clock,
    key_sets: &mut Vec<KeySets>,
) -> Result<SaslSettings, String> {
    let text = |key: &ConfigKey| settings.listener_text(&spec.name, key);
    let names = parse_list(text(&keys::SASL_ENABLED_MECHANISMS).unwrap_or_default());
    let mechanisms: Vec<Mechanism> = names.into_iter().filter_map(Mechanism::from_name).collect();
    if mechanisms.is_empty() {
        return Err("sasl.enabled.mechanisms is empty".to_owned());
    }
    let may_be_read = text(&keys::SASL_PLAIN_ALLOW_PLAINTEXT).and_then(parse_boolean) != Some(true);
    let in_the_open = spec.protocol == SecurityProtocol::SaslPlaintext;
    if in_the_open && may_be_read && mechanisms.contains(&Mechanism::Plain) {
        return Err("PLAIN over SASL_PLAINTEXT shows passwords to everybody on the way: use SASL_SSL, another mechanism, or sasl.plain.allow.plaintext=true".to_owned());
    }
    let mut plain = BTreeMap::new();
    let mut scram = Vec::new();
    for mechanism in Mechanism::ALL {
        let Some(jaas) = jaas(settings, spec, mechanism)? else { continue };
        if !mechanisms.contains(&mechanism) {
            return Err(format!(
                "{mechanism} has a sasl.jaas.config and is not one of sasl.enabled.mechanisms"
            ));
        }
        match mechanism {
            Mechanism::Plain => plain.extend(users(&jaas)),
            // So the first user can log in before the metadata store knows one, and brokers can at each other.
            Mechanism::Scram(hash) => {
                scram.extend(own(&jaas).map(|(user, password)| (hash, user, password)));
            }
            // Its module has no options.
            Mechanism::OAuthBearer => {}
        }
    }
    let takes_tokens = mechanisms.contains(&Mechanism::OAuthBearer);
    let mut listener = SaslListener::new(mechanisms, &plain, &scram).map_err(str::to_owned)?;
    if takes_tokens {
        let (tokens, keys) = tokens::tokens(settings, spec)?;
        listener = listener.with_tokens(tokens);
        key_sets.push(keys);
    }
    let reauth = text(&keys::CONNECTIONS_MAX_REAUTH_MS);
    let reauth = reauth.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let delay = settings.number(&keys::CONNECTION_FAILED_AUTHENTICATION_DELAY_MS);
    Ok(SaslSettings {
        listener: Arc::new(listener),
        max_reauth: (reauth > 0).then(|| Duration::from_millis(reauth)),
        failure_delay: Duration::from_millis(delay.unwrap_or_default()),
        clock: clock.clone(),
    })
}

/// As whom this broker logs in at others. In a cluster it must say so.
fn peer_credentials(
    settings: &Settings,
    spec: &ListenerSpec,
) -> Result<Option<Credentials>, String> {
    let name = settings.text(&keys::SASL_MECHANISM_INTER_BROKER_PROTOCOL).unwrap_or_default();
    let mechanism = Mechanism::from_name(name)
        .ok_or_else(|| format!("sasl.mechanism.inter.broker.protocol: there is no {name}"))?;
    let own = jaas(settings, spec, mechanism)?.and_then(|jaas| own(&jaas));
    match own {
        Some((user, password)) => Ok(Some(Credentials { mechanism, user, password })),
        None if settings.is_embedded() => Ok(None),
        None => Err(format!(
            "brokers log in at each other here by {name} (sasl.mechanism.inter.broker.protocol): listener.name.{}.{}.sasl.jaas.config must have a username and a password",
            spec.name.to_lowercase(),
            name.to_lowercase()
        )),
    }
}

fn jaas(
    settings: &Settings,
    spec: &ListenerSpec,
    mechanism: Mechanism,
) -> Result<Option<Jaas>, String> {
    let Some(text) = settings.jaas(&spec.name, mechanism.name()) else { return Ok(None) };
    let problem = |reason: &str| {
        let (listener, mechanism) = (spec.name.to_lowercase(), mechanism.name().to_lowercase());
        format!("listener.name.{listener}.{mechanism}.sasl.jaas.config: {reason}")
    };
    let jaas = Jaas::parse(text).map_err(|error| problem(&error.to_string()))?;
    let (module, takes_own, takes_users) = match mechanism {
        Mechanism::Plain => ("PlainLoginModule", true, true),
        Mechanism::Scram(_) => ("ScramLoginModule", true, false),
        Mechanism::OAuthBearer => ("OAuthBearerLoginModule", false, false),
    };
    if jaas.module != module {
        return Err(problem(&format!("the module must be {module}")));
    }
    for option in jaas.options.keys() {
        let known = takes_own && ["username", "password"].contains(&option.as_str())
            || takes_users && option.strip_prefix("user_").is_some_and(|user| !user.is_empty());
        if !known {
            return Err(problem(&format!("{option} is not known")));
        }
    }
    if jaas.options.contains_key("username") != jaas.options.contains_key("password") {
        return Err(problem("username and password belong together"));
    }
    if jaas.options.values().any(String::is_empty) {
        return Err(problem("a name or password is empty"));
    }
    Ok(Some(jaas))
}

fn users(jaas: &Jaas) -> impl Iterator<Item = (String, String)> {
    jaas.options.iter().filter_map(|(option, password)| {
        Some((option.strip_prefix("user_")?.to_owned(), password.clone()))
    })
}

fn own(jaas: &Jaas) -> Option<(String, String)> {
    Some((jaas.options.get("username")?.clone(), jaas.options.get("password")?.clone()))
}

#[cfg(test)]
mod tests;
