//! Whether the HTTP port serves the console, to whom, and whether it changes anything.

use crate::Failure;
use ::security::AccessToken;
use console::{ConsoleOptions, Writes};
use kafka::{ListenerSpec, SecurityProtocol};
use model::config::{broker, deployment, lag, parse_boolean, security};
use settings::Settings;
use std::net::SocketAddr;

/// What the settings come to at an HTTP port that is bound there, if it is; `None` for no console.
///
/// # Errors
/// A console that anybody could read, or a token that is none: one line that says what to do.
pub(crate) fn console_options(
    settings: &Settings,
    http: Option<SocketAddr>,
) -> Result<Option<ConsoleOptions>, Failure> {
    let asked_for = settings.text(&deployment::CONSOLE_ENABLE).and_then(parse_boolean);
    let Some(http) = http else {
        return match asked_for {
            Some(true) => Err(Failure(
                "console.enable=true: the console is served by the HTTP port, and http.address is off"
                    .to_owned(),
            )),
            _ => Ok(None),
        };
    };
    let loopback = http.ip().is_loopback();
    let token = settings.text(&deployment::CONSOLE_TOKEN).map(AccessToken::new).transpose();
    let token = token.map_err(|weak| Failure(format!("console.token {weak}")))?;
    // Where rules say who reads what, other users of the machine are not to read all of it unasked.
    let guarded = token.is_some()
        || settings.text(&security::AUTHORIZER_CLASS_NAME).is_none_or(str::is_empty);
    if !asked_for.unwrap_or(settings.is_embedded() && loopback && guarded) {
        return Ok(None);
    }
    if token.is_none() && !loopback {
        return Err(Failure(format!(
            "console.enable=true at http.address {http}: whoever reaches it could read all records. Set console.token (ALLUVIUM_CONSOLE_TOKEN), keep --http-address on 127.0.0.1, or turn the console off with console.enable=false"
        )));
    }
    let judged = settings.text(&lag::LAG_EVALUATOR_ENABLE).and_then(parse_boolean) == Some(true);
    let name = settings.text(&lag::LAG_EVALUATOR_CLUSTER_NAME).filter(|_| judged);
    let writes = writes(settings, token.is_some());
    Ok(Some(ConsoleOptions { token, lag_cluster: name.map(str::to_owned), writes }))
}

/// A console without a token, which is on loopback, changes by itself only what its listeners let everybody change.
fn writes(settings: &Settings, has_token: bool) -> Writes {
    let asked_for = settings.text(&deployment::CONSOLE_WRITES_ENABLE).and_then(parse_boolean);
    match asked_for {
        Some(true) => Writes::On,
        Some(false) => {
            Writes::Off("console.writes.enable=false: the console shows, and changes nothing")
        }
        None if has_token || (settings.is_embedded() && is_open(settings)) => Writes::On,
        None => Writes::Off(
            "the console changes nothing without a token: set console.token (ALLUVIUM_CONSOLE_TOKEN), or console.writes.enable=true on a machine that is yours alone",
        ),
    }
}

/// Whether whoever reaches a listener may do everything.
fn is_open(settings: &Settings) -> bool {
    let listeners = settings.text(&broker::LISTENERS).unwrap_or_default();
    let map = settings.text(&broker::LISTENER_SECURITY_PROTOCOL_MAP).unwrap_or_default();
    let is_plain = |it: &ListenerSpec| it.protocol == SecurityProtocol::Plaintext;
    let all_plain =
        ListenerSpec::parse_list(listeners, map).is_ok_and(|all| all.iter().all(is_plain));
    all_plain && settings.text(&security::AUTHORIZER_CLASS_NAME).is_none_or(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::Sources;

    const TOKEN: (&str, &str) = ("console.token", "0123456789abcdef");
    const ETCD: (&str, &str) = ("metadata", "etcd://127.0.0.1:2379");
    const RULES: (&str, &str) =
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    const ON: (&str, &str) = ("console.enable", "true");

    fn decide(http: Option<&str>, flags: &[(&str, &str)]) -> Result<Option<bool>, String> {
        let flags = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let sources = Sources { flags: flags.collect(), ..Sources::default() };
        let settings = Settings::resolve(sources).unwrap();
        let decided = console_options(&settings, http.map(|http| http.parse().unwrap()));
        decided.map(|options| options.map(|it| it.token.is_some())).map_err(|failure| failure.0)
    }

    #[test]
    fn unless_asked_for_it_is_there_when_embedded_and_on_loopback() {
        let loopback = Some("127.0.0.1:9640");
        assert_eq!(decide(loopback, &[]), Ok(Some(false)));
        assert_eq!(decide(Some("[::1]:9640"), &[]), Ok(Some(false)));
        assert_eq!(decide(loopback, &[TOKEN]), Ok(Some(true)));
        assert_eq!(decide(loopback, &[("console.enable", "false")]), Ok(None));
        assert_eq!(decide(loopback, &[ETCD]), Ok(None));
        assert_eq!(decide(loopback, &[RULES]), Ok(None));
        assert_eq!(decide(loopback, &[RULES, TOKEN]), Ok(Some(true)));
        assert_eq!(decide(loopback, &[RULES, ON]), Ok(Some(false)));
        assert_eq!(decide(Some("0.0.0.0:9640"), &[]), Ok(None));
        assert_eq!(decide(None, &[]), Ok(None));
    }

    #[test]
    fn it_is_not_opened_to_everybody() {
        for open in ["0.0.0.0:9640", "10.0.0.1:9640", "[::]:9640"] {
            let refused = decide(Some(open), &[ON]).unwrap_err();
            assert!(refused.contains("ALLUVIUM_CONSOLE_TOKEN"), "{refused}");
            assert_eq!(decide(Some(open), &[ON, TOKEN]), Ok(Some(true)));
        }
        assert_eq!(decide(Some("127.0.0.1:9640"), &[ON, ETCD]), Ok(Some(false)));
    }

    fn changes(flags: &[(&str, &str)]) -> bool {
        let flags = flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let sources = Sources { flags: flags.collect(), ..Sources::default() };
        let settings = Settings::resolve(sources).unwrap();
        let options = console_options(&settings, Some("127.0.0.1:9640".parse().unwrap()));
        options.unwrap().unwrap().writes == Writes::On
    }

    #[test]
    fn without_a_token_it_changes_what_everybody_could_or_what_was_asked_for() {
        let asked = |value| ("console.writes.enable", value);
        assert!(changes(&[]));
        assert!(changes(&[ETCD, ON, TOKEN]));
        assert!(!changes(&[ETCD, ON]));
        assert!(!changes(&[RULES, ON]));
        assert!(!changes(&[("listeners", "SASL_PLAINTEXT://127.0.0.1:9092")]));
        assert!(!changes(&[("listeners", "PLAINTEXT://127.0.0.1:9092,SSL://127.0.0.1:9093")]));
        assert!(changes(&[ETCD, ON, asked("true")]));
        assert!(!changes(&[asked("false")]));
        assert!(!changes(&[TOKEN, asked("false")]));
    }

    #[test]
    fn what_makes_no_sense_stops_the_start() {
        assert!(decide(None, &[ON]).unwrap_err().contains("http.address is off"));
        let weak = decide(Some("127.0.0.1:9640"), &[("console.token", "hush")]).unwrap_err();
        assert!(weak.contains("16 characters") && !weak.contains("hush"), "{weak}");
    }
}
