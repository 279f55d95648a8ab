use super::*;
use settings::FileFormat;

const JAAS: &str = "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=\"admin\" password=\"secret\";\n";

fn security(text: &str) -> Result<Security, String> {
    let settings = Settings::parse(text, FileFormat::Properties).map_err(|it| it.to_string())?;
    read(&settings)
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
