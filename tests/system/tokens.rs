//! Listeners with OAUTHBEARER: real clients come in by tokens of an identity provider, and nobody by a forged one.

use crate::harness::{
    Authority, Broker, Deployment, Kind, eventually,
    identity_provider::{AUDIENCE, ISSUER, IdentityProvider},
    programs::{alluvium, attempt, create_topic, java, python, run, text},
    records::read_values,
};
use serde_json::json;
use std::{fs, process::Command, time::Duration};

/// For the tests' own tools, and for tokens.
const LISTENERS: &str = "PLAINTEXT://127.0.0.1:{},SASL_SSL://127.0.0.1:{}";
const TOKENS: usize = 1;

struct Setting {
    deployment: Deployment,
    authority: Authority,
    provider: IdentityProvider,
    broker: Broker,
}

impl Setting {
    /// A broker that reads the keys of a provider, which hands out tokens for so many seconds.
    fn start(token_seconds: i64) -> Self {
        let deployment = Deployment::start(Kind::Embedded);
        let authority = Authority::new(&deployment.directory().join("keys"));
        let provider = IdentityProvider::start(&authority, 0, token_seconds);
        let mut settings = settings(&authority);
        settings.push(format!("sasl.oauthbearer.jwks.endpoint.url={}", provider.keys_url()));
        settings.push(format!(
            "sasl.oauthbearer.jwks.endpoint.truststore.location={}",
            authority.certificate()
        ));
        let broker = listening(&deployment, &settings);
        create_topic(&broker.address_of(0), "t", 1, &[]);
        Self { deployment, authority, provider, broker }
    }

    /// Kafka's settings for a client that has a token in a file.
    fn properties(&self, token: &str) -> String {
        let file = self.deployment.directory().join("token");
        fs::write(&file, token).unwrap();
        let properties = self.deployment.directory().join("client.properties");
        let lines = format!(
            "security.protocol=SASL_SSL\nssl.truststore.type=PEM\nssl.truststore.location={}\nsasl.mechanism=OAUTHBEARER\nsasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler\nsasl.oauthbearer.token.endpoint.url=file://{}\n",
            self.authority.certificate(),
            file.display()
        );
        // Java wants a login module, and ours does not.
        fs::write(&properties, lines).unwrap();
        properties.display().to_string()
    }

    /// Whether our own command gets the topics with that token.
    fn comes_in(&self, token: &str) -> bool {
        let mut command = alluvium();
        command.args(["topic", "list", "--bootstrap-server", &self.broker.address_of(TOKENS)]);
        let command = command.args(["--command-config", &self.properties(token)]);
        attempt(command, b"").status.success()
    }

    /// A Python client that fetches its tokens from the provider.
    fn python(&self, library: &str, records: &str, pause: &str) -> Command {
        let mut python = python("tokens.py");
        python.args(["--library", library, "--bootstrap", &self.broker.address_of(TOKENS)]);
        python.args(["--ca", &self.authority.certificate(), "--topic", "t"]);
        python.args(["--token-url", &self.provider.token_url()]);
        python.args(["--records", records, "--pause", pause]);
        python
    }
}

fn settings(authority: &Authority) -> Vec<String> {
    vec![
        format!("ssl.keystore.location={}", authority.issue("broker")),
        "sasl.enabled.mechanisms=OAUTHBEARER".to_owned(),
        format!("sasl.oauthbearer.expected.issuer={ISSUER}"),
        format!("sasl.oauthbearer.expected.audience={AUDIENCE}"),
        "sasl.oauthbearer.clock.skew.seconds=0".to_owned(),
        "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms=100".to_owned(),
    ]
}

fn listening(deployment: &Deployment, settings: &[String]) -> Broker {
    deployment.listening(1, LISTENERS, settings).remove(0)
}

#[test]
fn clients_come_in_by_tokens_of_the_provider() {
    let setting = Setting::start(300);
    for library in ["confluent", "kafka-python"] {
        run(&mut setting.python(library, "1", "0"), b"");
    }
    let values = read_values(&setting.broker.address_of(0), "t", 1, "read_uncommitted");
    assert_eq!(values, ["confluent-0", "kafka-python-0"]);

    let token = setting.provider.token("alice", 300);
    let mut java = java();
    let url = format!("file://{}", setting.deployment.directory().join("token").display());
    java.arg(format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={url}"));
    java.args(["org.apache.kafka.tools.TopicCommand", "--list"]);
    java.args(["--bootstrap-server", &setting.broker.address_of(TOKENS)]);
    let properties = setting.properties(&token);
    let module = "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;\n";
    let lines = fs::read_to_string(&properties).unwrap() + module;
    fs::write(&properties, lines).unwrap();
    java.args(["--command-config", &properties]);
    let topics = text(&run(&mut java, b"").stdout);
    assert!(topics.lines().any(|topic| topic == "t"), "{topics}");
    assert!(setting.comes_in(&token));
}

#[test]
fn nobody_comes_in_by_a_forged_token_and_no_log_shows_one() {
    let setting = Setting::start(300);
    let provider = &setting.provider;
    let good = provider.token("alice", 300);
    let (rest, _) = good.rsplit_once('.').unwrap();
    let (_, claims) = rest.split_once('.').unwrap();
    for (what, token) in [
        ("of another's key", provider.forged_token("alice")),
        ("expired", provider.token("alice", -1)),
        ("of another issuer", provider.token_with("alice", "iss", &json!("https://other"))),
        ("for another audience", provider.token_with("alice", "aud", &json!("other"))),
        ("for nobody", provider.token_with("", "aud", &json!(AUDIENCE))),
        ("without a signature", format!("eyJhbGciOiJub25lIiwia2lkIjoiZmlyc3QifQ.{claims}.")),
    ] {
        assert!(!setting.comes_in(&token), "{what}");
    }
    assert!(setting.comes_in(&good));
    let log = setting.broker.log();
    assert!(log.contains("a log-in failed") && !log.contains(claims), "{log}");
}

#[test]
fn a_producer_goes_on_while_its_tokens_expire() {
    let setting = Setting::start(4);
    // Twelve seconds: each connection outlives its token twice.
    run(&mut setting.python("confluent", "60", "0.2"), b"");
    let values = read_values(&setting.broker.address_of(0), "t", 1, "read_uncommitted");
    let expected: Vec<String> = (0..60).map(|number| format!("confluent-{number}")).collect();
    assert_eq!(values, expected);
}

#[test]
fn a_new_key_of_the_provider_is_taken_with_its_first_token() {
    let setting = Setting::start(300);
    let old = setting.provider.token("alice", 300);
    assert!(setting.comes_in(&old));
    setting.provider.rotate("second");
    assert!(setting.comes_in(&setting.provider.token("alice", 300)));
    assert!(!setting.comes_in(&old), "its key is not published any more");
}

#[test]
fn a_provider_that_is_away_does_not_stop_the_start_and_lets_nobody_in_until_it_is_back() {
    let deployment = Deployment::start(Kind::Embedded);
    let authority = Authority::new(&deployment.directory().join("keys"));
    let port = services::free_port().unwrap();
    let mut settings = settings(&authority);
    settings.push(format!("sasl.oauthbearer.jwks.endpoint.url=https://localhost:{port}/keys"));
    settings.push(format!(
        "sasl.oauthbearer.jwks.endpoint.truststore.location={}",
        authority.certificate()
    ));
    let broker = listening(&deployment, &settings);
    assert!(broker.log().contains("the keys of tokens can't be read"), "{}", broker.log());
    let provider = IdentityProvider::start(&authority, port, 300);
    let setting = Setting { deployment, authority, provider, broker };
    eventually(|| {
        let token = setting.provider.token("alice", 300);
        if setting.comes_in(&token) { Ok(()) } else { Err("not let in".to_owned()) }
    });
}

#[test]
fn tokens_that_could_not_be_checked_stop_the_start() {
    let deployment = Deployment::start(Kind::Embedded);
    let authority = Authority::new(&deployment.directory().join("keys"));
    let keys = deployment.directory().join("keys.json");
    let url = format!("file://{}", keys.display());
    let place = format!("sasl.oauthbearer.jwks.endpoint.url={url}");
    let allowed = format!("sasl.oauthbearer.allowed.urls={url}");
    let complete: Vec<String> =
        settings(&authority).into_iter().chain([place.clone(), allowed.clone()]).collect();
    let refused = |settings: &[String], told: &str| {
        let mut broker = deployment.launch_listening(1, "SASL_SSL://127.0.0.1:{}", settings);
        let (ended, log) = broker.wait_for_exit(Duration::from_secs(20));
        assert!(ended && log.contains(told), "{told}: {log}");
    };
    let without = |key: &str| -> Vec<String> {
        complete.iter().filter(|setting| !setting.starts_with(key)).cloned().collect()
    };
    refused(
        &without("sasl.oauthbearer.expected.issuer"),
        "OAUTHBEARER needs sasl.oauthbearer.expected.issuer",
    );
    refused(
        &without("sasl.oauthbearer.expected.audience"),
        "OAUTHBEARER needs sasl.oauthbearer.expected.audience",
    );
    refused(
        &without("sasl.oauthbearer.jwks"),
        "OAUTHBEARER needs sasl.oauthbearer.jwks.endpoint.url",
    );
    refused(
        &without("sasl.oauthbearer.allowed"),
        "a file is only read when sasl.oauthbearer.allowed.urls=",
    );
    refused(&without("sasl.enabled"), "OAUTHBEARER in sasl.enabled.mechanisms");
    refused(&complete, "keys.json");
    fs::write(&keys, "{}").unwrap();
    refused(&complete, "it is no JWK set");
}

#[test]
fn keys_in_a_file_check_tokens_as_well() {
    let deployment = Deployment::start(Kind::Embedded);
    let authority = Authority::new(&deployment.directory().join("keys"));
    let provider = IdentityProvider::start(&authority, 0, 300);
    let keys = deployment.directory().join("keys.json");
    provider.write_keys(&keys);
    let url = format!("file://{}", keys.display());
    let mut settings = settings(&authority);
    settings.push(format!("sasl.oauthbearer.jwks.endpoint.url={url}"));
    settings.push(format!("sasl.oauthbearer.allowed.urls={url}"));
    let broker = listening(&deployment, &settings);
    let setting = Setting { deployment, authority, provider, broker };
    assert!(setting.comes_in(&setting.provider.token("alice", 300)));
    assert!(!setting.comes_in(&setting.provider.forged_token("alice")));
}
