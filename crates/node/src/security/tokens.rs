//! What the settings say of OAUTHBEARER at a listener: which tokens are believed, and where the keys that check them are.

use super::key_sets::{KeySetPlace, KeySets};
use kafka::{ListenerSpec, SecurityProtocol};
use model::config::{ConfigKey, listener_of, parse_boolean, parse_list, security as keys};
use security::sasl::{Mechanism, OAuthBearer, PublishedKeys, TokenRules};
use settings::Settings;
use std::{path::Path, time::Duration};

/// What the keys about tokens begin with.
const PREFIX: &str = "sasl.oauthbearer.";

/// Which tokens a listener takes, and who keeps its keys fresh.
///
/// # Errors
/// What is missing or does not fit: tokens without an issuer, an audience or keys to check them are never taken.
pub(super) fn tokens(
    settings: &Settings,
    spec: &ListenerSpec,
) -> Result<(OAuthBearer, KeySets), String> {
    let text = |key: &ConfigKey| settings.listener_text(&spec.name, key);
    let needed = |key: &ConfigKey, example: &str| {
        let set = text(key).map(str::trim).filter(|text| !text.is_empty());
        set.ok_or_else(|| format!("OAUTHBEARER needs {} (such as {example}): without it anybody's token would be believed", key.name))
    };
    let number = |key: &ConfigKey| text(key).and_then(|it| it.trim().parse().ok()).unwrap_or(0);
    let milliseconds = |key: &ConfigKey| Duration::from_millis(number(key));
    let is_open = spec.protocol == SecurityProtocol::SaslPlaintext;
    let may_be =
        text(&keys::SASL_OAUTHBEARER_ALLOW_PLAINTEXT).and_then(parse_boolean) == Some(true);
    if is_open && !may_be {
        return Err("OAUTHBEARER over SASL_PLAINTEXT shows tokens to everybody on the way: use SASL_SSL, another mechanism, or sasl.oauthbearer.allow.plaintext=true".to_owned());
    }
    let url = needed(
        &keys::SASL_OAUTHBEARER_JWKS_ENDPOINT_URL,
        "https://identity.example/.well-known/jwks.json",
    )?;
    let issuer =
        needed(&keys::SASL_OAUTHBEARER_EXPECTED_ISSUER, "https://identity.example/")?.to_owned();
    let audiences = needed(&keys::SASL_OAUTHBEARER_EXPECTED_AUDIENCE, "kafka")?;
    let audiences: Vec<String> = parse_list(audiences).into_iter().map(str::to_owned).collect();
    if audiences.is_empty() {
        return Err("sasl.oauthbearer.expected.audience names none".to_owned());
    }
    let allowed = parse_list(text(&keys::SASL_OAUTHBEARER_ALLOWED_URLS).unwrap_or_default());
    let trust = text(&keys::SASL_OAUTHBEARER_JWKS_ENDPOINT_TRUSTSTORE_LOCATION).map(Path::new);
    let principal_claim = text(&keys::SASL_OAUTHBEARER_SUB_CLAIM_NAME).unwrap_or("sub").trim();
    let rules = TokenRules {
        issuer,
        audiences,
        principal_claim: principal_claim.to_owned(),
        clock_skew: Duration::from_secs(number(&keys::SASL_OAUTHBEARER_CLOCK_SKEW_SECONDS)),
    };
    let published = PublishedKeys::default();
    let key_sets = KeySets {
        listener: spec.name.clone(),
        place: KeySetPlace::new(url, &allowed, trust)?,
        refresh: milliseconds(&keys::SASL_OAUTHBEARER_JWKS_ENDPOINT_REFRESH_MS),
        first_pause: milliseconds(&keys::SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MS),
        longest_pause: milliseconds(&keys::SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MAX_MS),
        published: published.clone(),
    };
    Ok((OAuthBearer::new(rules, published), key_sets))
}

/// Settings of tokens where no listener takes any would be overlooked.
///
/// # Errors
/// The first of them.
pub(super) fn check_tokens_are_taken(
    settings: &Settings,
    specs: &[ListenerSpec],
) -> Result<(), String> {
    let takes_tokens = |spec: &ListenerSpec| {
        let names = settings.listener_text(&spec.name, &keys::SASL_ENABLED_MECHANISMS);
        spec.protocol.has_sasl()
            && parse_list(names.unwrap_or_default()).contains(&Mechanism::OAuthBearer.name())
    };
    for key in settings.values().keys() {
        let (listener, bare) =
            listener_of(key).map_or((None, key.as_str()), |(name, bare)| (Some(name), bare));
        let is_about_tokens = bare.starts_with(PREFIX) || bare.starts_with("oauthbearer.");
        let is_for = |spec: &ListenerSpec| {
            listener.is_none_or(|listener| spec.name.to_lowercase() == listener)
        };
        if is_about_tokens && !specs.iter().any(|spec| is_for(spec) && takes_tokens(spec)) {
            return Err(format!(
                "{key} is set, and no listener that it is for has OAUTHBEARER in sasl.enabled.mechanisms"
            ));
        }
    }
    Ok(())
}
