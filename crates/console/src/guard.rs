//! [`Guard`]: who is answered, how many at once, for how long, and what a browser may do with an answer.
//!
//! A page of another site can send requests here from the browser of whoever can reach this port. It can't read the answers, unless its name
//! was made to lead here meanwhile (DNS rebinding). So without a token only callers that name loopback are answered; with one, such a page
//! lacks the token.

use crate::refused::Refused;
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY,
            WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{fmt, net::IpAddr, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};

/// The page's own files and API, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// A shorter token could be guessed by somebody with time.
const TOKEN_CHARACTERS: usize = 16;
/// How long a call waits for its turn.
const TURN: Duration = Duration::from_secs(5);
/// How long a call may take.
const CALL: Duration = Duration::from_secs(20);

/// What a caller must bring (`console.token`).
#[derive(Clone)]
pub struct AccessToken(Arc<str>);

/// A token that is no protection, or that no header can carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WeakToken;

impl AccessToken {
    /// Takes 16 characters of ASCII or more, without spaces.
    ///
    /// # Errors
    /// [`WeakToken`].
    pub fn new(text: &str) -> Result<Self, WeakToken> {
        let carried = text.bytes().all(|byte| byte.is_ascii_graphic());
        if carried && text.len() >= TOKEN_CHARACTERS {
            Ok(Self(text.into()))
        } else {
            Err(WeakToken)
        }
    }

    fn is_brought(&self, headers: &HeaderMap) -> bool {
        let brought = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let token = brought.and_then(|value| value.split_at_checked(7));
        token.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case(b"bearer ")
                && security::is_same_secret(token, self.0.as_bytes())
        })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}

impl fmt::Display for WeakToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must have {TOKEN_CHARACTERS} characters of ASCII or more, and no spaces")
    }
}

/// What the layers share.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    token: Option<AccessToken>,
    calls: Arc<Semaphore>,
}

impl Guard {
    pub(crate) fn new(token: Option<AccessToken>, calls_at_once: usize) -> Self {
        Self { token, calls: Arc::new(Semaphore::new(calls_at_once)) }
    }

    fn check(&self, request: &Request) -> Result<(), Refused> {
        if request
            .headers()
            .get(FETCH_SITE)
            .is_some_and(|site| site != "same-origin" && site != "none")
        {
            let reason = "another site's page may not ask the console";
            return Err(Refused::new(StatusCode::FORBIDDEN, reason));
        }
        match &self.token {
            Some(token) if !token.is_brought(request.headers()) => Err(Refused::new(
                StatusCode::UNAUTHORIZED,
                "the console wants its token: the broker's console.token",
            )),
            _ => Ok(()),
        }
    }
}

/// For everything that the console serves: its headers, and the check of `Host`.
pub(crate) async fn protect(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = if guard.token.is_some() || names_loopback(request.headers()) {
        next.run(request).await
    } else {
        let reason = "ask for http://127.0.0.1 or http://localhost: without console.token no other name is answered";
        Refused::new(StatusCode::MISDIRECTED_REQUEST, reason).into_response()
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// For the API: the token, a turn, and a time limit.
pub(crate) async fn admit(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = answer(&guard, request, next).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(guard: &Guard, request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "the console only reads");
        return ([(ALLOW, "GET")], refused).into_response();
    }
    if let Err(refused) = guard.check(&request) {
        let challenge = refused.status == StatusCode::UNAUTHORIZED;
        let mut response = refused.into_response();
        if challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        return response;
    }
    let Ok(Ok(_turn)) = timeout(TURN, guard.calls.acquire()).await else {
        return Refused::unavailable("too many calls at once; try again").into_response();
    };
    let late = || {
        let reason = format!("no answer within {} s", CALL.as_secs());
        Refused::new(StatusCode::GATEWAY_TIMEOUT, reason).into_response()
    };
    timeout(CALL, next.run(request)).await.unwrap_or_else(|_| late())
}

/// Whether `Host` is this machine's loopback, whatever the port: a tunnel may have another one.
fn names_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn only_loopback_is_this_machine() {
        for host in
            ["localhost", "LOCALHOST:9640", "127.0.0.1:9640", "127.9.9.9", "[::1]:80", "[::1]"]
        {
            assert!(names_loopback(&headers(HOST, host)), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "10.0.0.1",
            "0.0.0.0",
            "[::2]",
            "",
            "::1",
        ] {
            assert!(!names_loopback(&headers(HOST, host)), "{host}");
        }
        assert!(!names_loopback(&HeaderMap::new()));
    }

    #[test]
    fn a_token_is_brought_whole() {
        let token = AccessToken::new("0123456789abcdef").unwrap();
        let brought = |value| token.is_brought(&headers(AUTHORIZATION, value));
        assert!(brought("Bearer 0123456789abcdef"));
        assert!(brought("bearer 0123456789abcdef"));
        for wrong in [
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdeff",
            "Bearer 0123456789ABCDEF",
            "Bearer ",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "",
        ] {
            assert!(!brought(wrong), "{wrong}");
        }
        assert!(!token.is_brought(&HeaderMap::new()));
        assert_eq!(format!("{token:?}"), "AccessToken");
    }

    #[test]
    fn a_token_that_can_be_guessed_is_none() {
        for weak in ["", "secret", "0123456789abcde", "0123456789 abcdef", "ein Schlüssel mit ü"]
        {
            assert_eq!(AccessToken::new(weak).err(), Some(WeakToken), "{weak}");
        }
    }
}
