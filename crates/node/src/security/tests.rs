use super::*;
use settings::FileFormat;

const JAAS: &str = "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"admin\" password=\"secret\";\n";

fn security(text: &str) -> Result<Security, String> {
    let settings = Settings::parse(text, FileFormat::Properties).map_err(|it| it.to_string())?;
    read(&settings, &Clock::driven(0))
}

fn problem(text: &str) -> String {
    let problem = security(text).unwrap_err();
    assert!(!problem.contains("secret"), "{problem}");
    problem
}

#[test]
fn nothing_is_needed_for_plaintext() {
    let security = security("listeners=PLAINTEXT://:1").unwrap();
    assert!(security.listeners["PLAINTEXT"].fits(SecurityProtocol::Plaintext));
    assert!(security.peers.tls.is_none() && security.peers.login.is_none());
}

#[test]
fn what_a_protocol_needs_must_be_there() {
    assert!(problem("listeners=SSL://:1").contains("ssl.keystore.location"));
    let cluster = "listeners=SASL_PLAINTEXT://:1\nmetadata=etcd://x:1\n";
    assert!(problem(cluster).contains("scram-sha-512.sasl.jaas.config must have"));
    let security = security(&format!("{cluster}{JAAS}")).unwrap();
    assert!(security.listeners["SASL_PLAINTEXT"].fits(SecurityProtocol::SaslPlaintext));
    assert_eq!(security.peers.login.unwrap().user, "admin");
}

#[test]
fn plain_in_the_open_must_be_allowed_by_name() {
    let text = "listeners=SASL_PLAINTEXT://:1\nsasl.enabled.mechanisms=PLAIN\n";
    assert!(problem(text).contains("sasl.plain.allow.plaintext"));
    assert!(security(&format!("{text}sasl.plain.allow.plaintext=true")).is_ok());
}

#[test]
fn what_would_be_overlooked_stops_the_start() {
    let text = format!("listeners=SASL_PLAINTEXT://:1\n{JAAS}");
    assert!(security(&text).is_ok());
    for (line, told) in [
        ("ssl.client.atuh=required", "unknown config ssl.client.atuh"),
        ("ssl.key.password=secret", "unknown config ssl.key.password"),
        ("sasl.enabled.mechanism=PLAIN", "unknown config sasl.enabled.mechanism"),
        ("sasl.enabled.mechanisms=SCRAM-SHA-1", "sasl.enabled.mechanisms"),
        ("ssl.endpoint.identification.algorithm=", "ssl.endpoint.identification.algorithm"),
        ("listener.name.other.ssl.client.auth=required", "there is no listener other"),
        ("listener.name.sasl_plaintext.ssl.client.ath=none", "unknown config listener.name"),
        ("authorizer.class.name=kafka.security.authorizer.AclAuthorizer", "StandardAuthorizer"),
        ("super.users=User:admin", "set authorizer.class.name="),
        ("allow.everyone.if.no.acl.found=true", "set authorizer.class.name="),
        ("super.user=User:admin", "unknown config super.user"),
        ("inter.broker.listener.name=OTHER", "inter.broker.listener.name: OTHER"),
    ] {
        let problem = problem(&format!("{text}{line}\n"));
        assert!(problem.contains(told), "{line}: {problem}");
    }
}

#[test]
fn an_authorizer_that_nobody_comes_past_stops_the_start() {
    let text = format!(
        "listeners=SASL_PLAINTEXT://:1\n{JAAS}authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
    );
    assert!(problem(&text).contains("set super.users=User:"), "{}", problem(&text));
    assert!(problem(&format!("{text}super.users=admin\n")).contains("no User:name"));
    let read = security(&format!("{text}super.users=User:admin;User:CN=a,O=b\n")).unwrap();
    let authorizer = read.authorizer.unwrap();
    assert!(authorizer.is_super_user("CN=a,O=b") && !authorizer.is_super_user("a"));
    assert!(security(&format!("{text}allow.everyone.if.no.acl.found=true\n")).is_ok());
}

#[test]
fn a_login_module_must_be_the_mechanisms_own_and_whole() {
    let with = |jaas: &str| {
        problem(&format!(
            "listeners=SASL_PLAINTEXT://:1\nlistener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config={jaas}"
        ))
    };
    assert!(
        with("a.PlainLoginModule required username=\"a\" password=\"secret\";")
            .contains("must be ScramLoginModule")
    );
    assert!(with("a.ScramLoginModule required username=\"a\";").contains("belong together"));
    assert!(with("a.ScramLoginModule required user_a=\"secret\";").contains("user_a is not known"));
    assert!(with("a.ScramLoginModule required password=\"secret\"").contains("one login module"));
}

const TOKENS: &str = "listeners=SASL_SSL://:1\nsasl.enabled.mechanisms=OAUTHBEARER\nsasl.oauthbearer.jwks.endpoint.url=https://identity.example/keys\nsasl.oauthbearer.expected.issuer=https://identity.example\nsasl.oauthbearer.expected.audience=kafka, other\n";

/// The settings of a listener with OAUTHBEARER and a key of its own.
fn tokens() -> String {
    // An error means that another test has installed it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let line = |text: String| text.replace('\n', "\\n");
    let (chain, key) = (line(key.cert.pem()), line(key.signing_key.serialize_pem()));
    format!("{TOKENS}ssl.keystore.certificate.chain={chain}\nssl.keystore.key={key}\n")
}

fn without(text: &str, key: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with(key));
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn a_listener_takes_tokens_when_all_that_makes_them_believed_is_set() {
    let text = tokens();
    let security = security(&text).unwrap();
    assert_eq!(security.key_sets.len(), 1);
    let offered = &security.listeners["SASL_SSL"].sasl.as_ref().unwrap().listener;
    assert_eq!(offered.mechanisms(), [Mechanism::OAuthBearer]);
    for key in [
        "sasl.oauthbearer.jwks.endpoint.url",
        "sasl.oauthbearer.expected.issuer",
        "sasl.oauthbearer.expected.audience",
    ] {
        let problem = problem(&without(&text, key));
        assert!(problem.contains(&format!("OAUTHBEARER needs {key} (such as")), "{problem}");
    }
    assert!(
        problem(&text.replace("=kafka, other", "=,"))
            .contains("sasl.oauthbearer.expected.audience")
    );
}

#[test]
fn what_kafka_calls_the_checking_of_tokens_may_be_named_and_its_unsafe_one_not() {
    let with = |line: &str| format!("{}listener.name.sasl_ssl.oauthbearer.{line}\n", tokens());
    for good in [
        "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
        "sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
    ] {
        assert!(security(&with(good)).is_ok(), "{good}");
    }
    for (line, told) in [
        (
            "sasl.jaas.config=a.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"admin\";",
            "unsecuredLoginStringClaim_sub is not known",
        ),
        (
            "sasl.jaas.config=a.OAuthBearerLoginModule required username=\"a\" password=\"secret\";",
            "is not known",
        ),
        (
            "sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler",
            "sasl.server.callback.handler.class",
        ),
    ] {
        let problem = problem(&with(line));
        assert!(problem.contains(told), "{line}: {problem}");
    }
}

#[test]
fn keys_of_tokens_are_read_from_where_the_settings_allow_alone() {
    let at = |url: &str, more: &str| {
        let text = without(&tokens(), "sasl.oauthbearer.jwks.endpoint.url");
        security(&format!("{text}sasl.oauthbearer.jwks.endpoint.url={url}\n{more}\n"))
    };
    for (url, more, told) in [
        ("http://identity.example/keys", "", "must begin with https://"),
        ("file:///etc/passwd", "", "sasl.oauthbearer.allowed.urls=file:///etc/passwd"),
        (
            "file:///etc/passwd",
            "sasl.oauthbearer.allowed.urls=file:///etc/keys",
            "sasl.oauthbearer.allowed.urls",
        ),
        (
            "http://a/keys",
            "sasl.oauthbearer.allowed.urls=http://a/keys",
            "must begin with https://",
        ),
        ("https://user:secret@identity.example/keys", "", "must not hold a user"),
        ("ftp://a/keys", "", "must begin with https://"),
        ("keys.json", "", "sasl.oauthbearer.jwks.endpoint.url"),
        (
            "https://a/keys",
            "sasl.oauthbearer.jwks.endpoint.truststore.location=/nowhere",
            "/nowhere",
        ),
    ] {
        let problem = at(url, more).unwrap_err();
        assert!(problem.contains(told) && !problem.contains("secret"), "{url}: {problem}");
    }
    assert!(
        at("file:///a/keys", "sasl.oauthbearer.allowed.urls=file:///b, file:///a/keys").is_ok()
    );
}

#[test]
fn settings_of_tokens_that_nobody_may_show_stop_the_start() {
    let text = tokens().replace("mechanisms=OAUTHBEARER", "mechanisms=SCRAM-SHA-512");
    assert!(problem(&text).contains("is set, and no listener that it is for has OAUTHBEARER"));
    let other = format!("{}listener.name.b.sasl.oauthbearer.sub.claim.name=x\n", tokens());
    let other = other.replace(
        "SASL_SSL://:1",
        "SASL_SSL://:1,B://:2\nlistener.security.protocol.map=SASL_SSL:SASL_SSL,B:PLAINTEXT",
    );
    assert!(problem(&other).contains("listener.name.b.sasl.oauthbearer.sub.claim.name"));
    assert!(
        problem(&format!("{}sasl.oauthbearer.expected.isuer=x\n", tokens()))
            .contains("unknown config")
    );
}

#[test]
fn tokens_in_the_open_must_be_allowed_by_name() {
    let text = TOKENS.replace("SASL_SSL", "SASL_PLAINTEXT");
    assert!(problem(&text).contains("sasl.oauthbearer.allow.plaintext"));
    tokens();
    assert!(security(&format!("{text}sasl.oauthbearer.allow.plaintext=true\n")).is_ok());
}
