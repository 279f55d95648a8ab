//! The keys of OAUTHBEARER: which tokens let somebody in, and where the keys that check them are.

use super::{
    ConfigKey,
    ConfigType::{Boolean, Class, Int, List, Long, String as Text},
    Validator::{AtLeast, Between, NotEmpty, OneOf},
};

/// `sasl.oauthbearer.allow.plaintext`.
pub const SASL_OAUTHBEARER_ALLOW_PLAINTEXT: ConfigKey =
    ConfigKey::broker("sasl.oauthbearer.allow.plaintext", Boolean, "false").documented(
        "Whether OAUTHBEARER may be used at listeners without TLS, where everybody on the way can read tokens.",
    );

/// `sasl.oauthbearer.allowed.urls`.
pub const SASL_OAUTHBEARER_ALLOWED_URLS: ConfigKey =
    ConfigKey::broker("sasl.oauthbearer.allowed.urls", List, "")
        .documented("The `file:` URLs that sasl.oauthbearer.jwks.endpoint.url may be.");

/// `sasl.oauthbearer.clock.skew.seconds`.
pub const SASL_OAUTHBEARER_CLOCK_SKEW_SECONDS: ConfigKey =
    ConfigKey::broker("sasl.oauthbearer.clock.skew.seconds", Int, "30")
        .takes(Between(0, 3_600))
        .documented("How far the clocks of the identity provider and of this broker may differ.");

/// `sasl.oauthbearer.expected.audience`.
pub const SASL_OAUTHBEARER_EXPECTED_AUDIENCE: ConfigKey =
    ConfigKey::unset("sasl.oauthbearer.expected.audience", List)
        .takes(NotEmpty)
        .documented("A token must be for one of these (`aud`). Needed with OAUTHBEARER.");

/// `sasl.oauthbearer.expected.issuer`.
pub const SASL_OAUTHBEARER_EXPECTED_ISSUER: ConfigKey =
    ConfigKey::unset("sasl.oauthbearer.expected.issuer", Text).takes(NotEmpty).documented(
        "Who must have issued a token (`iss`), to the letter. Needed with OAUTHBEARER.",
    );

/// `sasl.oauthbearer.jwks.endpoint.refresh.ms`.
pub const SASL_OAUTHBEARER_JWKS_ENDPOINT_REFRESH_MS: ConfigKey =
    ConfigKey::broker("sasl.oauthbearer.jwks.endpoint.refresh.ms", Long, "3600000")
        .takes(AtLeast(100))
        .documented("How often the identity provider's keys are read again; besides, when a token names a key that is not known.");

/// `sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms`.
pub const SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MAX_MS: ConfigKey =
    ConfigKey::broker("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", Long, "10000")
        .takes(AtLeast(100))
        .documented("The longest pause between attempts to read the keys; tokens that name unknown keys have them read no more often.");

/// `sasl.oauthbearer.jwks.endpoint.retry.backoff.ms`.
pub const SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MS: ConfigKey =
    ConfigKey::broker("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", Long, "100")
        .takes(AtLeast(1))
        .documented("The first pause after an attempt to read the keys that failed.");

/// `sasl.oauthbearer.jwks.endpoint.truststore.location`.
pub const SASL_OAUTHBEARER_JWKS_ENDPOINT_TRUSTSTORE_LOCATION: ConfigKey =
    ConfigKey::unset("sasl.oauthbearer.jwks.endpoint.truststore.location", Text)
        .takes(NotEmpty)
        .documented("A PEM file with the certificates that are trusted when the keys are read; unset, the system's.");

/// `sasl.oauthbearer.jwks.endpoint.url`.
pub const SASL_OAUTHBEARER_JWKS_ENDPOINT_URL: ConfigKey =
    ConfigKey::unset("sasl.oauthbearer.jwks.endpoint.url", Text).takes(NotEmpty).documented(
        "Where the identity provider publishes the keys of its tokens (a JWK set): an `https:` URL, or a `file:` URL that sasl.oauthbearer.allowed.urls names. Needed with OAUTHBEARER.",
    );

/// `sasl.oauthbearer.sub.claim.name`.
pub const SASL_OAUTHBEARER_SUB_CLAIM_NAME: ConfigKey =
    ConfigKey::broker("sasl.oauthbearer.sub.claim.name", Text, "sub")
        .takes(NotEmpty)
        .documented("The claim of a token that names the user.");

/// `sasl.server.callback.handler.class`: only below `listener.name.{listener}.oauthbearer.`.
pub const SASL_SERVER_CALLBACK_HANDLER_CLASS: ConfigKey =
    ConfigKey::unset("sasl.server.callback.handler.class", Class)
        .takes(OneOf(&[
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
            "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerValidatorCallbackHandler",
        ]))
        .documented("Kafka's name of what checks tokens here always; taken so that a Kafka file need not be changed.");

/// What a listener can have for itself.
pub(super) static OF_LISTENERS: [ConfigKey; 11] = [
    SASL_OAUTHBEARER_ALLOW_PLAINTEXT,
    SASL_OAUTHBEARER_ALLOWED_URLS,
    SASL_OAUTHBEARER_CLOCK_SKEW_SECONDS,
    SASL_OAUTHBEARER_EXPECTED_AUDIENCE,
    SASL_OAUTHBEARER_EXPECTED_ISSUER,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_REFRESH_MS,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MAX_MS,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_RETRY_BACKOFF_MS,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_TRUSTSTORE_LOCATION,
    SASL_OAUTHBEARER_JWKS_ENDPOINT_URL,
    SASL_OAUTHBEARER_SUB_CLAIM_NAME,
];
