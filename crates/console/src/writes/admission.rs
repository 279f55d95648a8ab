//! Who may write.
//!
//! Whoever reads may not write for that alone: writes are on with a token, or where the wiring says so ([`Writes`]), and then only for
//! callers of this machine. A page of another site can't write, whatever its visitor's browser can reach: the browser says where a POST
//! comes from (`Origin`, `Sec-Fetch-Site`), the name that was asked for must be loopback's or the token be there, and a body of JSON makes
//! every browser ask first whether other sites may send it, which nobody here answers.

use super::audit::Caller;
use crate::{
    Writes,
    guard::{Guard, finish},
    refused::Refused,
};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{ALLOW, CONTENT_TYPE, FORWARDED, HOST, ORIGIN, VIA},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::SocketAddr;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// A proxy on this machine, which sends these, passes on what came from anywhere.
const PASSED_ON: [HeaderName; 5] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// For every write: who asks, and then a turn and a time limit.
pub(crate) async fn admit(
    State((guard, writes)): State<(Guard, Writes)>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let caller = Caller(peer.map(|ConnectInfo(peer)| peer.ip()));
    if request.method() != Method::POST {
        let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "a write is a POST");
        return finish(([(ALLOW, "POST")], refused).into_response());
    }
    if let Err(refused) = check(&guard, writes, caller, request.headers()) {
        caller.was_refused(request.uri().path(), &refused);
        return finish(refused.into_response());
    }
    request.extensions_mut().insert(caller);
    let late = "the broker did not answer in time: it may have been done all the same";
    finish(guard.answer(request, next, late).await)
}

fn check(
    guard: &Guard,
    writes: Writes,
    caller: Caller,
    headers: &HeaderMap,
) -> Result<(), Refused> {
    let refused = |reason: &str| Err(Refused::new(StatusCode::FORBIDDEN, reason));
    if !is_of_our_page(headers) {
        return refused("another site's page may not change anything");
    }
    guard.check(headers)?;
    if let Writes::Off(reason) = writes {
        return refused(reason);
    }
    if !guard.has_token() && !caller.0.is_some_and(|host| host.is_loopback()) {
        return refused("without console.token only callers of this machine may change anything");
    }
    if !guard.has_token() && PASSED_ON.iter().any(|name| headers.contains_key(name)) {
        return refused("without console.token nothing is changed through a proxy");
    }
    if !has_json(headers) {
        let reason = "a write is sent as application/json";
        return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    Ok(())
}

/// Programs say nothing of sites; browsers do, with every POST.
fn is_of_our_page(headers: &HeaderMap) -> bool {
    let is_same_site = headers.get(FETCH_SITE).is_none_or(|site| site == "same-origin");
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let is_from = |origin: &HeaderValue| {
        let origin = origin.to_str().ok().and_then(|it| it.split_once("://"));
        origin.zip(host).is_some_and(|((_, origin), host)| origin.eq_ignore_ascii_case(host))
    };
    is_same_site && headers.get(ORIGIN).is_none_or(is_from)
}

fn has_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
