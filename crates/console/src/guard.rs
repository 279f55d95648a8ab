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
use security::{AccessToken, names_loopback};
use std::{sync::Arc, time::Duration};
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
/// How long a call waits for its turn.
const TURN: Duration = Duration::from_secs(5);
/// How long a call may take.
const CALL: Duration = Duration::from_secs(20);

/// What the layers share.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    /// `console.token`.
    token: Option<AccessToken>,
    calls: Arc<Semaphore>,
}

impl Guard {
    pub(crate) fn new(token: Option<AccessToken>, calls_at_once: usize) -> Self {
        Self { token, calls: Arc::new(Semaphore::new(calls_at_once)) }
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether whoever sent these headers may read.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        if headers.get(FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none") {
            let reason = "another site's page may not ask the console";
            return Err(Refused::new(StatusCode::FORBIDDEN, reason));
        }
        match &self.token {
            Some(token) if !token.is_brought(brought(headers)) => Err(Refused::new(
                StatusCode::UNAUTHORIZED,
                "the console wants its token: the broker's console.token",
            )),
            _ => Ok(()),
        }
    }

    /// Answers when it is the call's turn; `late` is what is said when time is up.
    pub(crate) async fn answer(&self, request: Request, next: Next, late: &str) -> Response {
        let Ok(Ok(_turn)) = timeout(TURN, self.calls.acquire()).await else {
            return Refused::unavailable("too many calls at once; try again").into_response();
        };
        let late = || Refused::new(StatusCode::GATEWAY_TIMEOUT, late).into_response();
        timeout(CALL, next.run(request)).await.unwrap_or_else(|_| late())
    }
}

/// For everything that the console serves: its headers, and the check of `Host`.
pub(crate) async fn protect(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = if guard.token.is_some() || host_is_loopback(request.headers()) {
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

/// For what is read: the token, a turn, and a time limit.
pub(crate) async fn admit(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "this is only for reading");
        return finish(([(ALLOW, "GET")], refused).into_response());
    }
    if let Err(refused) = guard.check(request.headers()) {
        return finish(refused.into_response());
    }
    let late = format!("no answer within {} s", CALL.as_secs());
    finish(guard.answer(request, next, &late).await)
}

/// What every answer of the API carries.
pub(crate) fn finish(mut response: Response) -> Response {
    let challenge = response.status() == StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if challenge {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn brought(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(AUTHORIZATION).map(HeaderValue::as_bytes)
}

fn host_is_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    host.is_some_and(names_loopback)
}
