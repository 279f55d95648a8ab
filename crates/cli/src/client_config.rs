//! `--command-config`: how to come in at a secured cluster, in the keys that Kafka's own tools read.

use crate::CliError;
use security::{
    ClientSecurity, Credentials,
    sasl::{Jaas, Mechanism},
    tls::{ClientAuth, KeySource, MappingRules, TlsClient, TlsSettings, TrustSource},
};
use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

/// What is read of the file. A key about security that is none of these is refused; any other is left to other programs.
const KEYS: [&str; 20] = [
    "security.protocol",
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.oauthbearer.jwt.retriever.class",
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.password",
    "sasl.username",
    "ssl.ca.location",
    "ssl.enabled.protocols",
    "ssl.endpoint.identification.algorithm",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.type",
    "ssl.protocol",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.type",
];

/// Reads a file in Java's properties format.
///
/// # Errors
/// [`CliError::Usage`], which names the file and the key.
pub(crate) fn read(path: &Path) -> Result<ClientSecurity, CliError> {
    let problem =
        |text: String| CliError::Usage(format!("--command-config {}: {text}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| problem(error.to_string()))?;
    let mut values = settings::parse_properties(&text);
    settings::provide(&mut values).and_then(|()| parse(&values)).map_err(problem)
}

fn parse(values: &BTreeMap<String, String>) -> Result<ClientSecurity, String> {
    let is_about_security =
        |key: &str| ["security.", "ssl.", "sasl."].iter().any(|it| key.starts_with(it));
    if let Some(key) =
        values.keys().find(|key| is_about_security(key) && !KEYS.contains(&key.as_str()))
    {
        return Err(format!("{key} is not known; these are: {}", KEYS.join(", ")));
    }
    let text = |key: &str| values.get(key).map(String::as_str).filter(|text| !text.is_empty());
    let protocol = text("security.protocol").unwrap_or("PLAINTEXT").to_uppercase();
    let (has_tls, has_sasl) = match protocol.as_str() {
        "PLAINTEXT" => (false, false),
        "SSL" => (true, false),
        "SASL_PLAINTEXT" => (false, true),
        "SASL_SSL" => (true, true),
        _ => {
            return Err(format!(
                "security.protocol={protocol} is none of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"
            ));
        }
    };
    let tls = has_tls.then(|| {
        let client = TlsClient::new(tls_settings(values, &text)?);
        client.map(Arc::new).map_err(|error| error.to_string())
    });
    let login = has_sasl.then(|| credentials(&text));
    Ok(ClientSecurity { tls: tls.transpose()?, login: login.transpose()? })
}

fn tls_settings<'a>(
    values: &BTreeMap<String, String>,
    text: &impl Fn(&str) -> Option<&'a str>,
) -> Result<TlsSettings, String> {
    for key in ["ssl.keystore.type", "ssl.truststore.type"] {
        if text(key).is_some_and(|kind| kind != "PEM") {
            return Err(format!("{key} must be PEM"));
        }
    }
    let names = values.get("ssl.endpoint.identification.algorithm");
    if names.is_some_and(|it| !it.eq_ignore_ascii_case("https")) {
        return Err("ssl.endpoint.identification.algorithm must be https: the names of brokers are always checked".to_owned());
    }
    let key = match (text("ssl.keystore.location"), text("ssl.keystore.key"), text("ssl.keystore.certificate.chain")) {
        (None, None, None) => None,
        (Some(file), None, None) => Some(KeySource::File(file.into())),
        (None, Some(key), Some(chain)) => Some(KeySource::Inline { key: key.to_owned(), chain: chain.to_owned() }),
        _ => return Err("either ssl.keystore.location or both ssl.keystore.key and ssl.keystore.certificate.chain".to_owned()),
    };
    let file = text("ssl.truststore.location").or(text("ssl.ca.location"));
    let trust = match (file, text("ssl.truststore.certificates")) {
        (Some(file), None) => TrustSource::File(file.into()),
        (None, Some(certificates)) => TrustSource::Inline(certificates.to_owned()),
        _ => return Err("ssl.truststore.location (a PEM file of the certificates to trust) or ssl.truststore.certificates is needed".to_owned()),
    };
    let versions = text("ssl.enabled.protocols").unwrap_or("TLSv1.2,TLSv1.3");
    let has = |version: &str| versions.split(',').any(|it| it.trim() == version);
    Ok(TlsSettings {
        key,
        trust: Some(trust),
        client_auth: ClientAuth::None,
        tls12: has("TLSv1.2"),
        tls13: has("TLSv1.3"),
        mapping: MappingRules::parse("").map_err(|error| error.to_string())?,
    })
}

fn credentials<'a>(text: &impl Fn(&str) -> Option<&'a str>) -> Result<Credentials, String> {
    let known = || Mechanism::ALL.map(Mechanism::name).join(", ");
    let name = text("sasl.mechanism")
        .or(text("sasl.mechanisms"))
        .ok_or_else(|| format!("sasl.mechanism is missing: one of {}", known()))?;
    let mechanism = Mechanism::from_name(name)
        .ok_or_else(|| format!("sasl.mechanism={name} is none of {}", known()))?;
    if mechanism == Mechanism::OAuthBearer {
        return token(text("sasl.oauthbearer.token.endpoint.url"));
    }
    let (user, password) =
        match (text("sasl.jaas.config"), text("sasl.username"), text("sasl.password")) {
            (Some(jaas), None, None) => {
                let mut jaas =
                    Jaas::parse(jaas).map_err(|error| format!("sasl.jaas.config: {error}"))?;
                (jaas.options.remove("username"), jaas.options.remove("password"))
            }
            (None, user, password) => (user.map(str::to_owned), password.map(str::to_owned)),
            _ => {
                return Err("either sasl.jaas.config or sasl.username and sasl.password".to_owned());
            }
        };
    match (user, password) {
        (Some(user), Some(password)) => Ok(Credentials { mechanism, user, password }),
        _ => Err("sasl.jaas.config names no username or no password".to_owned()),
    }
}

/// The token that lies in a file. Who fetches one from a provider puts it there.
fn token(url: Option<&str>) -> Result<Credentials, String> {
    const KEY: &str = "sasl.oauthbearer.token.endpoint.url";
    let path = url.and_then(|url| url.strip_prefix("file://")).filter(|path| path.starts_with('/'));
    let path =
        path.ok_or_else(|| format!("{KEY} must be file:///directory/file, with a token in it"))?;
    let token = fs::read_to_string(path).map_err(|error| format!("{KEY}: {path}: {error}"))?;
    let password = token.trim().to_owned();
    // What is not of these would end the message that the token goes in.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if password.is_empty() || !password.bytes().all(is_token) {
        return Err(format!("{KEY}: {path}: there is no token in it"));
    }
    Ok(Credentials { mechanism: Mechanism::OAuthBearer, user: String::new(), password })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(lines: &str) -> Result<ClientSecurity, String> {
        parse(&settings::parse_properties(lines))
    }

    #[test]
    fn a_file_of_kafkas_tools_is_understood() {
        let found = parsed("bootstrap.servers=a:1\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"ann\" password=\"se=cret\";\n").unwrap();
        let login = found.login.unwrap();
        assert_eq!(
            (login.mechanism.name(), login.user.as_str(), login.password.as_str()),
            ("SCRAM-SHA-512", "ann", "se=cret")
        );
        assert!(found.tls.is_none());
        assert!(parsed("").unwrap().login.is_none());
    }

    #[test]
    fn a_token_is_read_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, "a.b.c\n").unwrap();
        let lines = |url: &str| {
            format!(
                "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url={url}\n"
            )
        };
        let url = format!("file://{}", file.path().display());
        let login = parsed(&lines(&url)).unwrap().login.unwrap();
        assert_eq!((login.mechanism, login.password.as_str()), (Mechanism::OAuthBearer, "a.b.c"));
        fs::write(&file, "a b").unwrap();
        assert!(parsed(&lines(&url)).unwrap_err().contains("no token"));
        assert!(parsed(&lines("https://issuer.example")).unwrap_err().contains("file:///"));
    }

    #[test]
    fn what_is_missing_or_misspelt_is_named_and_no_password_shown() {
        let cases = [
            ("security.protocol=SSL", "ssl.truststore.location"),
            ("security.protocol=TLS", "none of PLAINTEXT"),
            ("security.protocol=SASL_PLAINTEXT", "sasl.mechanism is missing"),
            ("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=GSSAPI", "none of"),
            (
                "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=u",
                "no password",
            ),
            ("ssl.trustore.location=x\nsasl.password=hidden", "ssl.trustore.location is not known"),
            ("security.protocol=SSL\nssl.endpoint.identification.algorithm=", "always checked"),
            (
                "security.protocol=SSL\nssl.truststore.type=JKS\nssl.truststore.location=x",
                "must be PEM",
            ),
        ];
        for (lines, said) in cases {
            let error = parsed(lines).unwrap_err();
            assert!(error.contains(said), "{lines}: {error}");
            assert!(!error.contains("hidden"), "{error}");
        }
    }
}
