//! [`Authentication`]: who a connection belongs to, and whether its requests are served yet.
//!
//! A connection of a listener with SASL is served once it has logged in; before, it may ask for `ApiVersions` and log in, within ten
//! seconds and in frames of 64 KiB at most. Sources: KIP-12, KIP-43, KIP-152, KIP-255, KIP-368 (logging in anew).

use kafka_protocol::ResponseError;
use parking_lot::Mutex;
use runtime::Clock;
use security::{
    Principal,
    sasl::{Exchange, Refused, SaslListener, ScramCredentials, Step},
};
use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::time::Instant;

/// How long a connection may take until it has logged in, with TLS and SASL.
pub(crate) const AUTHENTICATION_PATIENCE: Duration = Duration::from_secs(10);

/// Longest frame before, in bytes.
pub(crate) const UNAUTHENTICATED_FRAME_BYTES: usize = 64 << 10;

/// How connections of a listener log in.
#[derive(Clone, Debug)]
pub struct SaslSettings {
    /// Who may, and how.
    pub listener: Arc<SaslListener>,
    /// `connections.max.reauth.ms`; `None` is never.
    pub max_reauth: Option<Duration>,
    /// `connection.failed.authentication.delay.ms`.
    pub failure_delay: Duration,
    /// Tells which tokens are over.
    pub clock: Clock,
}

/// Who a connection belongs to.
#[derive(Debug)]
pub(crate) struct Authentication {
    /// Of a listener without SASL: nobody, or the owner of the client's certificate.
    by_transport: Principal,
    /// On the heap: most connections have none.
    sasl: Option<Box<SaslSession>>,
}

#[derive(Debug)]
struct SaslSession {
    settings: SaslSettings,
    principal: OnceLock<Principal>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// A log-in under way, and its mechanism.
    exchange: Option<(String, Exchange)>,
    /// When it must have logged in anew.
    expires: Option<Instant>,
    failed: bool,
    /// The client's messages come without Kafka's headers (`SaslHandshake` 0).
    bare: bool,
}

/// Why a log-in does not go on.
#[derive(Debug)]
pub(crate) struct Denied {
    /// The code for the client.
    pub(crate) error: ResponseError,
    /// What the client is told.
    pub(crate) message: String,
    /// What the broker's log is told.
    pub(crate) reason: String,
    /// How long the client is made to wait for the answer.
    pub(crate) delay: Duration,
    /// The broker's log was told already.
    pub(crate) is_told: bool,
}

/// What a message of the client comes to.
#[derive(Debug)]
pub(crate) struct Progressed {
    /// For the client.
    pub(crate) answer: Vec<u8>,
    /// How long it may go on without logging in anew, once it has logged in; 0 is for ever.
    pub(crate) lifetime: Duration,
    /// It has failed, and the client has the last word: for the broker's log.
    pub(crate) failing: Option<Denied>,
}

impl Authentication {
    /// Of a connection that is served from the start.
    pub(crate) fn by_transport(principal: Principal) -> Self {
        Self { by_transport: principal, sasl: None }
    }

    /// Of a connection that must log in.
    pub(crate) fn by_sasl(settings: SaslSettings) -> Self {
        let (principal, state) = (OnceLock::new(), Mutex::default());
        let sasl = Some(Box::new(SaslSession { settings, principal, state }));
        Self { by_transport: Principal::anonymous(), sasl }
    }

    /// Whose the connection is; `None` before it has logged in.
    pub(crate) fn principal(&self) -> Option<&Principal> {
        match &self.sasl {
            None => Some(&self.by_transport),
            Some(sasl) => sasl.principal.get(),
        }
    }

    /// Whether requests are served now: it has logged in, and not too long ago.
    pub(crate) fn is_valid(&self) -> bool {
        let Some(sasl) = &self.sasl else { return true };
        let expires = || sasl.state.lock().expires;
        sasl.principal.get().is_some() && expires().is_none_or(|at| Instant::now() < at)
    }

    /// Whether a log-in failed: the connection is to be closed.
    pub(crate) fn has_failed(&self) -> bool {
        self.sasl.as_ref().is_some_and(|sasl| sasl.state.lock().failed)
    }

    /// The mechanisms that are offered.
    pub(crate) fn mechanisms(&self) -> impl Iterator<Item = &'static str> {
        let offered = self.sasl.iter().flat_map(|sasl| sasl.settings.listener.mechanisms());
        offered.map(|mechanism| mechanism.name())
    }

    /// Whether the client's next message comes without Kafka's headers.
    pub(crate) fn awaits_bare_message(&self) -> bool {
        self.sasl.as_ref().is_some_and(|sasl| sasl.state.lock().bare)
    }

    /// Begins a log-in, whose messages are `bare` when they come without Kafka's headers: only a connection's first can be.
    ///
    /// # Errors
    /// [`Denied`].
    pub(crate) fn begin(&self, mechanism: &str, bare: bool) -> Result<(), Denied> {
        let sasl = self.sasl.as_ref().ok_or_else(|| unexpected("this listener has no SASL"))?;
        let is_anew = sasl.principal.get().is_some();
        if is_anew && (bare || sasl.state.lock().expires.is_none()) {
            return Err(sasl.fail(unexpected("it has logged in already")));
        }
        let mut state = sasl.state.lock();
        if state.exchange.is_some() {
            drop(state);
            return Err(sasl.fail(unexpected("a log-in within a log-in")));
        }
        if let Some(exchange) = sasl.settings.listener.begin(mechanism) {
            state.exchange = Some((mechanism.to_owned(), exchange));
            state.bare = bare;
            return Ok(());
        }
        drop(state);
        Err(sasl.fail(Denied {
            error: ResponseError::UnsupportedSaslMechanism,
            message: String::new(),
            reason: "a mechanism that is not offered".to_owned(),
            delay: Duration::ZERO,
            is_told: false,
        }))
    }

    /// Takes the next message of a log-in. A token of a key that is not known waits a few seconds for it.
    ///
    /// # Errors
    /// [`Denied`]: the connection is to be closed.
    ///
    /// # Cancel safety
    /// None: the log-in is lost.
    pub(crate) async fn step(
        &self,
        stored: &(dyn ScramCredentials + Sync),
        message: &[u8],
    ) -> Result<Progressed, Denied> {
        let sasl = self.sasl.as_ref().ok_or_else(|| unexpected("this listener has no SASL"))?;
        let begun = sasl.state.lock().exchange.take();
        let Some((mechanism, mut exchange)) = begun else {
            return Err(sasl.fail(unexpected("no log-in was begun")));
        };
        let SaslSettings { listener, clock, failure_delay, .. } = &sasl.settings;
        exchange.prepare(listener, message, clock.unix_ms()).await;
        let denied = |reason: &Refused, is_told| Denied {
            error: ResponseError::SaslAuthenticationFailed,
            message: format!(
                "Authentication failed during authentication due to invalid credentials with SASL mechanism {mechanism}"
            ),
            reason: reason.to_string(),
            delay: *failure_delay,
            is_told,
        };
        let was_failing = exchange.is_failing();
        match exchange.step(listener, stored, message, clock.unix_ms()) {
            Ok(Step::Continue(answer)) => {
                sasl.state.lock().exchange = Some((mechanism, exchange));
                Ok(Progressed { answer, lifetime: Duration::ZERO, failing: None })
            }
            Ok(Step::Failing { answer, reason }) => {
                let failing = Some(denied(&reason, false));
                sasl.state.lock().exchange = Some((mechanism, exchange));
                Ok(Progressed { answer, lifetime: Duration::ZERO, failing })
            }
            Ok(Step::Done { answer, principal, expires_unix_ms }) => {
                let lifetime = sasl.succeed(&principal, expires_unix_ms);
                let lifetime = lifetime.map_err(|denied| sasl.fail(denied))?;
                Ok(Progressed { answer, lifetime, failing: None })
            }
            Err(refused) => Err(sasl.fail(denied(&refused, was_failing))),
        }
    }
}

impl SaslSession {
    /// Whoever logged in may go on for as long as the settings say and what proved it lasts.
    fn succeed(
        &self,
        principal: &Principal,
        expires_unix_ms: Option<i64>,
    ) -> Result<Duration, Denied> {
        // Who logs in anew must be who it was.
        if self.principal.get_or_init(|| principal.clone()) != principal {
            return Err(Denied {
                error: ResponseError::SaslAuthenticationFailed,
                message: "the principal can't change when a connection logs in anew".to_owned(),
                reason: format!("another principal, {principal}"),
                delay: self.settings.failure_delay,
                is_told: false,
            });
        }
        let now = self.settings.clock.unix_ms();
        // Never 0, which is for ever.
        let of_proof = expires_unix_ms
            .map(|expires| Duration::from_millis(expires.saturating_sub(now).max(1) as u64));
        let lifetime = self.settings.max_reauth.into_iter().chain(of_proof).min();
        let mut state = self.state.lock();
        state.bare = false;
        state.expires = lifetime.map(|lifetime| Instant::now() + lifetime);
        Ok(lifetime.unwrap_or_default())
    }

    fn fail(&self, denied: Denied) -> Denied {
        self.state.lock().failed = true;
        denied
    }
}

fn unexpected(reason: &str) -> Denied {
    Denied {
        error: ResponseError::IllegalSaslState,
        message: reason.to_owned(),
        reason: reason.to_owned(),
        delay: Duration::ZERO,
        is_told: false,
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.reason)
    }
}
