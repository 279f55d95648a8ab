//! [`SaslListener`]: the server's side of log-ins at one listener.

use super::{
    Mechanism, OAuthBearer, ScramCredential, ScramHash,
    plain::PlainUsers,
    scram::{self, AwaitingProof, MIN_ITERATIONS},
};
use crate::Principal;
use aws_lc_rs::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::{collections::BTreeMap, fmt};

/// Who may log in at a listener, and how.
pub struct SaslListener {
    mechanisms: Vec<Mechanism>,
    plain: PlainUsers,
    /// Users of the settings, who are known without the metadata store.
    fixed: BTreeMap<(ScramHash, String), ScramCredential>,
    tokens: Option<OAuthBearer>,
    /// Makes up salts for users that there are not.
    secret: [u8; 32],
}

/// Where the credentials of users lie.
pub trait ScramCredentials {
    /// What is kept of a user's password.
    fn find(&self, hash: ScramHash, user: &str) -> Option<ScramCredential>;
}

/// A log-in under way.
#[derive(Debug)]
pub struct Exchange(State);

enum State {
    Plain,
    Scram(ScramHash),
    AwaitingProof(Box<AwaitingProof>),
    OAuthBearer,
    /// The client was told why, and has the last word.
    Refused(&'static str),
    Over,
}

/// What a message of the client comes to.
#[derive(PartialEq, Eq, Debug)]
pub enum Step {
    /// Another is expected.
    Continue(Vec<u8>),
    /// It has failed; the client is told why, and another is expected before it ends.
    Failing {
        /// The message to the client.
        answer: Vec<u8>,
        /// The reason, for the broker's log alone.
        reason: Refused,
    },
    /// It is proved who this is.
    Done {
        /// The last message to the client.
        answer: Vec<u8>,
        /// The user.
        principal: Principal,
        /// When what proved it is over, in milliseconds since 1970; `None` is never.
        expires_unix_ms: Option<i64>,
    },
}

/// A log-in that failed; the reason is for the broker's log alone.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub(super) &'static str);

impl SaslListener {
    /// A listener with these mechanisms, users of PLAIN (name → password), and users of SCRAM that the settings name.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn new(
        mut mechanisms: Vec<Mechanism>,
        plain_users: &BTreeMap<String, String>,
        scram_users: &[(ScramHash, String, String)],
    ) -> Result<Self, &'static str> {
        let mut secret = [0; 32];
        SystemRandom::new().fill(&mut secret).map_err(|_| "there is no randomness")?;
        let mut fixed = BTreeMap::new();
        for (hash, user, password) in scram_users {
            let credential = ScramCredential::of_password(*hash, password)?;
            fixed.insert((*hash, user.clone()), credential);
        }
        let plain = PlainUsers::new(&secret, plain_users);
        mechanisms.retain(|mechanism| *mechanism != Mechanism::OAuthBearer);
        Ok(Self { mechanisms, plain, fixed, tokens: None, secret })
    }

    /// The same, with tokens besides: OAUTHBEARER is offered only by a listener that has the rules for it.
    pub fn with_tokens(mut self, tokens: OAuthBearer) -> Self {
        self.mechanisms.retain(|mechanism| *mechanism != Mechanism::OAuthBearer);
        self.mechanisms.push(Mechanism::OAuthBearer);
        self.tokens = Some(tokens);
        self
    }

    /// What is offered.
    pub fn mechanisms(&self) -> &[Mechanism] {
        &self.mechanisms
    }

    /// Begins a log-in; `None` when the mechanism is not offered.
    pub fn begin(&self, mechanism: &str) -> Option<Exchange> {
        let mechanism = Mechanism::from_name(mechanism)?;
        self.mechanisms.contains(&mechanism).then_some(Exchange(match mechanism {
            Mechanism::Plain => State::Plain,
            Mechanism::Scram(hash) => State::Scram(hash),
            Mechanism::OAuthBearer => State::OAuthBearer,
        }))
    }

    /// What is kept of a user's password, and whether there is such a user. Stored credentials go before those of the settings.
    /// For a user that there is not, something is made up that is the same each time.
    fn find(
        &self,
        hash: ScramHash,
        user: &str,
        stored: &dyn ScramCredentials,
    ) -> (ScramCredential, bool) {
        let fixed = || self.fixed.get(&(hash, user.to_owned())).cloned();
        if let Some(known) = stored.find(hash, user).or_else(fixed) {
            return (known, true);
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        let mut salt = hmac::sign(&key, user.as_bytes()).as_ref().to_vec();
        salt.truncate(24);
        let zeros = vec![0; hash.length()];
        let made_up = ScramCredential {
            salt,
            stored_key: zeros.clone(),
            server_key: zeros,
            iterations: MIN_ITERATIONS,
        };
        (made_up, false)
    }
}

impl Exchange {
    /// Waits for what the next step needs and may be on its way: keys that were published a moment ago. A few seconds at most.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn prepare(&self, listener: &SaslListener, message: &[u8], now_unix_ms: i64) {
        if let (State::OAuthBearer, Some(tokens)) = (&self.0, &listener.tokens) {
            tokens.wait_for_key(message, now_unix_ms).await;
        }
    }

    /// Whether it has failed, and only the client's last word is awaited.
    pub fn is_failing(&self) -> bool {
        matches!(self.0, State::Refused(_))
    }

    /// Takes the client's next message, at this time in milliseconds since 1970.
    ///
    /// # Errors
    /// [`Refused`]: the connection is to be closed. The exchange is over.
    pub fn step(
        &mut self,
        listener: &SaslListener,
        stored: &dyn ScramCredentials,
        message: &[u8],
        now_unix_ms: i64,
    ) -> Result<Step, Refused> {
        match std::mem::replace(&mut self.0, State::Over) {
            State::Plain => {
                let user = listener.plain.authenticate(message).map_err(Refused)?;
                Ok(done(Vec::new(), Principal::user(&user), None))
            }
            State::Scram(hash) => {
                let find = |user: &str| listener.find(hash, user, stored);
                let (answer, waiting) = scram::begin(hash, message, find).map_err(Refused)?;
                self.0 = State::AwaitingProof(Box::new(waiting));
                Ok(Step::Continue(answer.into_bytes()))
            }
            State::AwaitingProof(waiting) => {
                let (answer, user) = waiting.finish(message).map_err(Refused)?;
                Ok(done(answer.into_bytes(), Principal::user(&user), None))
            }
            State::OAuthBearer => {
                let tokens = listener.tokens.as_ref().ok_or(Refused("no token is expected"))?;
                Ok(match tokens.authenticate(message, now_unix_ms) {
                    Ok(bearer) => done(Vec::new(), bearer.principal, Some(bearer.expires_unix_ms)),
                    Err(rejected) => {
                        let reason = rejected.reason();
                        self.0 = State::Refused(reason);
                        Step::Failing { answer: rejected.answer(), reason: Refused(reason) }
                    }
                })
            }
            State::Refused(reason) => Err(Refused(reason)),
            State::Over => Err(Refused("a message after the last")),
        }
    }
}

fn done(answer: Vec<u8>, principal: Principal, expires_unix_ms: Option<i64>) -> Step {
    Step::Done { answer, principal, expires_unix_ms }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Scram(_) => "Scram",
            Self::AwaitingProof(_) => "AwaitingProof",
            Self::OAuthBearer => "OAuthBearer",
            Self::Refused(_) => "Refused",
            Self::Over => "Over",
        })
    }
}

impl fmt::Debug for SaslListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslListener").field("mechanisms", &self.mechanisms).finish_non_exhaustive()
    }
}
