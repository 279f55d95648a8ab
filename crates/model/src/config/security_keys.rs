//! The keys by which listeners are secured, and which of them a listener can have for itself (`listener.name.{listener}.{key}`).

use super::{
    ConfigKey,
    ConfigType::{Boolean, Class, Int, List, Long, Password, String as Text},
    InvalidConfig,
    Validator::{AtLeast, EachOneOf, NotEmpty, OneOf, PositiveDuration},
    oauthbearer_keys::{self, SASL_SERVER_CALLBACK_HANDLER_CLASS},
};

/// `allow.everyone.if.no.acl.found`.
pub const ALLOW_EVERYONE_IF_NO_ACL_FOUND: ConfigKey =
    ConfigKey::broker("allow.everyone.if.no.acl.found", Boolean, "false").documented(
        "Whether everyone may do everything to a resource that no access rule is about.",
    );

/// `authorizer.class.name`.
pub const AUTHORIZER_CLASS_NAME: ConfigKey = ConfigKey::broker("authorizer.class.name", Class, "")
    .takes(OneOf(&["", STANDARD_AUTHORIZER]))
    .documented(
        "Whether access rules are gone by: Kafka's StandardAuthorizer, or nothing for no rules.",
    );

/// The value of [`AUTHORIZER_CLASS_NAME`] that there is.
const STANDARD_AUTHORIZER: &str = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

/// `super.users`.
pub const SUPER_USERS: ConfigKey = ConfigKey::broker("super.users", Text, "").documented(
    "Users who may do everything, whatever access rules say: `User:name`, parted by semicolons.",
);

/// `connection.failed.authentication.delay.ms`.
pub const CONNECTION_FAILED_AUTHENTICATION_DELAY_MS: ConfigKey =
    ConfigKey::broker("connection.failed.authentication.delay.ms", Int, "100")
        .takes(AtLeast(0))
        .documented("How long a client waits for the answer that its log-in failed.");

/// `connections.max.reauth.ms`.
pub const CONNECTIONS_MAX_REAUTH_MS: ConfigKey =
    ConfigKey::broker("connections.max.reauth.ms", Long, "0").takes(AtLeast(0)).documented(
        "A connection that logged in with SASL must do so again within this time; 0 is never.",
    );

/// `sasl.enabled.mechanisms`.
pub const SASL_ENABLED_MECHANISMS: ConfigKey =
    ConfigKey::broker("sasl.enabled.mechanisms", List, "SCRAM-SHA-256,SCRAM-SHA-512")
        .takes(EachOneOf(&["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]))
        .documented("How clients may log in at listeners with SASL.");

/// `sasl.jaas.config`: only below `listener.name.{listener}.{mechanism}.`.
pub const SASL_JAAS_CONFIG: ConfigKey =
    ConfigKey::unset("sasl.jaas.config", Password).takes(NotEmpty).documented(
        "Users of a mechanism at a listener, and as whom this broker logs in at other brokers.",
    );

/// `sasl.mechanism.inter.broker.protocol`.
pub const SASL_MECHANISM_INTER_BROKER_PROTOCOL: ConfigKey =
    ConfigKey::broker("sasl.mechanism.inter.broker.protocol", Text, "SCRAM-SHA-512")
        .takes(OneOf(&["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]))
        .documented("How brokers log in at each other.");

/// `sasl.plain.allow.plaintext`.
pub const SASL_PLAIN_ALLOW_PLAINTEXT: ConfigKey =
    ConfigKey::broker("sasl.plain.allow.plaintext", Boolean, "false").documented(
        "Whether PLAIN may be used at listeners without TLS, where everybody on the way can read passwords.",
    );

/// `ssl.client.auth`.
pub const SSL_CLIENT_AUTH: ConfigKey = ConfigKey::broker("ssl.client.auth", Text, "none")
    .takes(OneOf(&["none", "requested", "required"]))
    .documented("Whether clients show a certificate; one that is not trusted is refused.");

/// `ssl.enabled.protocols`.
pub const SSL_ENABLED_PROTOCOLS: ConfigKey =
    ConfigKey::broker("ssl.enabled.protocols", List, "TLSv1.2,TLSv1.3")
        .takes(EachOneOf(&["TLSv1.2", "TLSv1.3"]))
        .documented("Versions of TLS.");

/// `ssl.endpoint.identification.algorithm`.
pub const SSL_ENDPOINT_IDENTIFICATION_ALGORITHM: ConfigKey =
    ConfigKey::broker("ssl.endpoint.identification.algorithm", Text, "https")
        .takes(OneOf(&["https"]))
        .documented("A broker that is connected to must have its name in its certificate; this can't be turned off.");

/// `ssl.keystore.certificate.chain`.
pub const SSL_KEYSTORE_CERTIFICATE_CHAIN: ConfigKey =
    ConfigKey::unset("ssl.keystore.certificate.chain", Password).takes(NotEmpty).documented(
        "The broker's certificate and those that vouch for it, in PEM, instead of a file.",
    );

/// `ssl.keystore.key`.
pub const SSL_KEYSTORE_KEY: ConfigKey = ConfigKey::unset("ssl.keystore.key", Password)
    .takes(NotEmpty)
    .documented("The broker's private key in PEM, not encrypted, instead of a file.");

/// `ssl.keystore.location`.
pub const SSL_KEYSTORE_LOCATION: ConfigKey = ConfigKey::unset("ssl.keystore.location", Text)
    .takes(NotEmpty)
    .documented("A PEM file with the broker's private key, not encrypted, and its certificate chain; or a directory with both, as `tls.key` and `tls.crt`, which is how Kubernetes mounts such a secret. Read again while the broker runs.");

/// `ssl.keystore.type`.
pub const SSL_KEYSTORE_TYPE: ConfigKey = ConfigKey::broker("ssl.keystore.type", Text, "PEM")
    .takes(OneOf(&["PEM"]))
    .documented("Only PEM is read.");

/// `ssl.principal.mapping.rules`.
pub const SSL_PRINCIPAL_MAPPING_RULES: ConfigKey =
    ConfigKey::broker("ssl.principal.mapping.rules", Text, "DEFAULT").documented(
        "Which user a certificate's subject stands for: `RULE:pattern/replacement/[LU]` and `DEFAULT`, the first that takes it.",
    );

/// `ssl.refresh.interval`.
pub const SSL_REFRESH_INTERVAL: ConfigKey = ConfigKey::broker("ssl.refresh.interval", Text, "10s")
    .takes(PositiveDuration)
    .documented("How often files of keys and certificates are looked at again.");

/// `ssl.truststore.certificates`.
pub const SSL_TRUSTSTORE_CERTIFICATES: ConfigKey =
    ConfigKey::unset("ssl.truststore.certificates", Password)
        .takes(NotEmpty)
        .documented("The certificates that are trusted, in PEM, instead of a file.");

/// `ssl.truststore.location`.
pub const SSL_TRUSTSTORE_LOCATION: ConfigKey =
    ConfigKey::unset("ssl.truststore.location", Text).takes(NotEmpty).documented(
        "A PEM file with the certificates that are trusted; read again while the broker runs.",
    );

/// `ssl.truststore.type`.
pub const SSL_TRUSTSTORE_TYPE: ConfigKey = ConfigKey::broker("ssl.truststore.type", Text, "PEM")
    .takes(OneOf(&["PEM"]))
    .documented("Only PEM is read.");

/// What a listener can have for itself.
static OF_LISTENERS: [ConfigKey; 13] = [
    CONNECTIONS_MAX_REAUTH_MS,
    SASL_ENABLED_MECHANISMS,
    SASL_PLAIN_ALLOW_PLAINTEXT,
    SSL_CLIENT_AUTH,
    SSL_ENABLED_PROTOCOLS,
    SSL_KEYSTORE_CERTIFICATE_CHAIN,
    SSL_KEYSTORE_KEY,
    SSL_KEYSTORE_LOCATION,
    SSL_KEYSTORE_TYPE,
    SSL_PRINCIPAL_MAPPING_RULES,
    SSL_TRUSTSTORE_CERTIFICATES,
    SSL_TRUSTSTORE_LOCATION,
    SSL_TRUSTSTORE_TYPE,
];

/// What a listener's own keys begin with.
const LISTENER_PREFIX: &str = "listener.name.";

/// Mechanisms as keys spell them.
const MECHANISMS: [&str; 4] = ["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"];

/// The listener that a key is for, in lower case, and what follows it; `None` for a key that is for none.
pub fn listener_of(name: &str) -> Option<(&str, &str)> {
    let rest = name.strip_prefix(LISTENER_PREFIX).filter(|_| name != "listener.name.")?;
    Some(rest.split_once('.').unwrap_or((rest, "")))
}

/// The key that a listener has for itself under that name; `None` when the name is not of that form.
///
/// # Errors
/// [`InvalidConfig::UnknownKey`].
pub fn listener_key(name: &str) -> Option<Result<&'static ConfigKey, InvalidConfig>> {
    let (listener, key) = listener_of(name)?;
    if let Some(mechanism) = key.strip_suffix(".sasl.jaas.config") {
        return Some(if MECHANISMS.contains(&mechanism) {
            Ok(&SASL_JAAS_CONFIG)
        } else {
            Err(InvalidConfig::unknown(name, std::iter::empty()))
        });
    }
    if key == "oauthbearer.sasl.server.callback.handler.class" {
        return Some(Ok(&SASL_SERVER_CALLBACK_HANDLER_CLASS));
    }
    // As Kafka: the part for the listener is in lower case.
    let known =
        OF_LISTENERS.iter().chain(&oauthbearer_keys::OF_LISTENERS).find(|known| known.name == key);
    let is_lower = listener.chars().all(|letter| !letter.is_uppercase());
    Some(known.filter(|_| is_lower).ok_or_else(|| InvalidConfig::unknown(name, std::iter::empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_has_keys_of_its_own() {
        fn known(name: &str) -> &'static str {
            listener_key(name).unwrap().unwrap().name
        }
        assert_eq!(known("listener.name.outside.ssl.client.auth"), "ssl.client.auth");
        assert_eq!(known("listener.name.a.plain.sasl.jaas.config"), "sasl.jaas.config");
        for name in ["sasl.oauthbearer.expected.issuer", "sasl.oauthbearer.jwks.endpoint.url"] {
            assert_eq!(known(&format!("listener.name.a.{name}")), name);
        }
        for wrong in [
            "listener.name.outside.ssl.client.auht",
            "listener.name.OUTSIDE.ssl.client.auth",
            "listener.name.a.gssapi.sasl.jaas.config",
            "listener.name.a.plain.sasl.server.callback.handler.class",
            "listener.name.a.sasl.oauthbearer.expected.isuer",
            "listener.name.a.num.partitions",
            "listener.name.a",
        ] {
            assert!(listener_key(wrong).unwrap().is_err(), "{wrong}");
        }
        assert!(listener_key("ssl.client.auth").is_none());
    }
}
