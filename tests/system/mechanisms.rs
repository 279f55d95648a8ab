//! Every client comes in by every mechanism over TLS, and by a certificate.

use crate::harness::{
    Authority, Broker, Deployment, Kind,
    identity_provider::{AUDIENCE, ISSUER, IdentityProvider},
    programs::{Client, alluvium, attempt, clients, create_topic, java, python, run, text},
};
use std::{fs, process::Command};

/// For the tests' own tools, for the mechanisms of SASL over TLS, and for certificates.
const LISTENERS: &str =
    "PLAINTEXT://127.0.0.1:{},LOGINS://127.0.0.1:{},CERTIFICATES://127.0.0.1:{}";
const LOGINS: usize = 1;
const CERTIFICATES: usize = 2;

const MODULES: &str = "org.apache.kafka.common.security";
const USER: &str = "alice";
const PASSWORD: &str = "wonder land";

/// How a client shows who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Plain,
    Scram256,
    Scram512,
    Token,
    Certificate,
}

impl Way {
    const ALL: [Self; 5] =
        [Self::Plain, Self::Scram256, Self::Scram512, Self::Token, Self::Certificate];

    /// The mechanism of SASL; empty without one.
    fn mechanism(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram256 => "SCRAM-SHA-256",
            Self::Scram512 => "SCRAM-SHA-512",
            Self::Token => "OAUTHBEARER",
            Self::Certificate => "",
        }
    }

    /// Java's, with what it logs in with.
    fn login_module(self, password: &str) -> String {
        let login =
            |module| format!("{module} required username=\"{USER}\" password=\"{password}\";");
        match self {
            Self::Plain => login("plain.PlainLoginModule"),
            Self::Scram256 | Self::Scram512 => login("scram.ScramLoginModule"),
            Self::Token | Self::Certificate => {
                "oauthbearer.OAuthBearerLoginModule required;".to_owned()
            }
        }
    }
}

struct Guarded {
    deployment: Deployment,
    authority: Authority,
    broker: Broker,
    token: String,
}

impl Guarded {
    fn start() -> Self {
        let deployment = Deployment::start(Kind::Embedded);
        let authority = Authority::new(&deployment.directory().join("keys"));
        let provider = IdentityProvider::start(&authority, 0, 300);
        let keys = deployment.directory().join("keys.json");
        provider.write_keys(&keys);
        let keys = format!("file://{}", keys.display());
        let settings = [
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,LOGINS:SASL_SSL,CERTIFICATES:SSL"
                .to_owned(),
            format!("ssl.keystore.location={}", authority.issue("broker")),
            format!("ssl.truststore.location={}", authority.certificate()),
            "listener.name.certificates.ssl.client.auth=required".to_owned(),
            "listener.name.certificates.ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/".to_owned(),
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer"
                .to_owned(),
            format!("super.users=User:ANONYMOUS;User:{USER};User:bob"),
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER".to_owned(),
            format!(
                "listener.name.logins.plain.sasl.jaas.config={MODULES}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";"
            ),
            format!("sasl.oauthbearer.expected.issuer={ISSUER}"),
            format!("sasl.oauthbearer.expected.audience={AUDIENCE}"),
            format!("sasl.oauthbearer.jwks.endpoint.url={keys}"),
            format!("sasl.oauthbearer.allowed.urls={keys}"),
        ];
        let broker = deployment.listening(1, LISTENERS, &settings).remove(0);
        create_topic(&broker.address(), "t", 1, &[]);
        for mechanism in ["scram-sha-256", "scram-sha-512"] {
            let mut add = alluvium();
            add.args(["user", "add", USER, "--mechanism", mechanism, "-b", &broker.address()]);
            run(&mut add, format!("{PASSWORD}\n").as_bytes());
        }
        let token = provider.token(USER, 300);
        Self { deployment, authority, broker, token }
    }

    fn address(&self, way: Way) -> String {
        self.broker.address_of(if way == Way::Certificate { CERTIFICATES } else { LOGINS })
    }

    /// What a client of ours for that library needs to come in that way.
    fn client(&self, client: Client, way: Way, password: &str) -> Command {
        let mut command = match client {
            Client::Java => return self.java(way, password),
            Client::FranzGo => {
                let mut program = client.command();
                program.arg("secured");
                program
            }
            Client::KafkaPython => library("kafka-python"),
            _ => library("confluent"),
        };
        command.args(["--authority", &self.authority.certificate()]);
        match way {
            Way::Token => command.args(["--token", &self.token]),
            Way::Certificate => command.args(["--certificate", &self.authority.issue("bob")]),
            _ => command.args(["--user", USER, "--password", password]),
        };
        if way != Way::Certificate {
            command.args(["--mechanism", way.mechanism()]);
        }
        command
    }

    fn java(&self, way: Way, password: &str) -> Command {
        let file = |name: &str| self.deployment.directory().join(name).display().to_string();
        let (properties, token) = (file("client.properties"), format!("file://{}", file("token")));
        let mut lines = vec![
            "ssl.truststore.type=PEM".to_owned(),
            format!("ssl.truststore.location={}", self.authority.certificate()),
        ];
        if way == Way::Certificate {
            lines.push("security.protocol=SSL\nssl.keystore.type=PEM".to_owned());
            lines.push(format!("ssl.keystore.location={}", self.authority.issue("bob")));
        } else {
            lines.push(format!("security.protocol=SASL_SSL\nsasl.mechanism={}", way.mechanism()));
            lines.push(format!("sasl.jaas.config={MODULES}.{}", way.login_module(password)));
        }
        if way == Way::Token {
            fs::write(file("token"), &self.token).unwrap();
            lines.push(format!("sasl.login.callback.handler.class={MODULES}.oauthbearer.OAuthBearerLoginCallbackHandler"));
            lines.push(format!("sasl.oauthbearer.token.endpoint.url={token}"));
        }
        fs::write(&properties, lines.join("\n")).unwrap();
        let mut command = java();
        command.arg(format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={token}"));
        command.arg(clients().join("java/Secured.java")).args(["--properties", &properties]);
        command
    }
}

fn library(name: &str) -> Command {
    let mut command = python("secured.py");
    command.args(["--library", name]);
    command
}

#[test]
fn every_client_comes_in_by_every_mechanism_over_tls_and_by_a_certificate() {
    let guarded = Guarded::start();
    for client in [Client::Librdkafka, Client::FranzGo, Client::Java, Client::KafkaPython] {
        for way in Way::ALL {
            let value = format!("{client:?} by {way:?}");
            let mut command = guarded.client(client, way, PASSWORD);
            command.args(["--bootstrap", &guarded.address(way), "--topic", "t", "--value", &value]);
            assert_eq!(text(&run(&mut command, b"").stdout).trim(), value);
        }
    }
    // What lets them in is the password: with another one nobody comes in. Java gives up at once.
    for way in [Way::Plain, Way::Scram256, Way::Scram512] {
        let mut command = guarded.client(Client::Java, way, "guessed");
        command.args(["--bootstrap", &guarded.address(way), "--topic", "t", "--value", "never"]);
        assert!(!attempt(&mut command, b"").status.success(), "{way:?}");
    }
    let log = guarded.broker.log();
    assert!(!log.contains(PASSWORD) && !log.contains(&guarded.token), "{log}");
}
