//! The routes over a cluster of the tests' own: who is answered, how many at once, and for how long.

use crate::{
    AccessToken, BrokerLine, Cluster, ClusterPicture, ConsoleOptions, Topic, TopicLine, Writes,
    router,
};
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{Request, Response, StatusCode},
};
use futures::future::join_all;
use kafka_client::Connection;
use serde_json::Value;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tower::ServiceExt;

/// One broker, which answers nobody.
#[derive(Debug)]
struct Silent {
    /// Whether it can be told that it does not.
    says_so: bool,
}

#[async_trait]
impl Cluster for Silent {
    fn picture(&self) -> ClusterPicture {
        let broker = BrokerLine {
            id: 1,
            rack: None,
            fenced: false,
            draining: false,
            listeners: Vec::new(),
            partitions: 1,
            arriving: 0,
        };
        ClusterPicture {
            cluster_id: "cluster".to_owned(),
            this_broker: 1,
            controller: Some(1),
            brokers: vec![broker],
            topics: 1,
            partitions: 1,
            leaderless: 0,
            offline: 0,
            moving: 0,
        }
    }

    fn topics(&self) -> Vec<TopicLine> {
        Vec::new()
    }

    fn topic(&self, _name: &str) -> Option<Topic> {
        None
    }

    fn coordinator(&self, _group: &str) -> Option<u32> {
        Some(1)
    }

    async fn connect(&self, _broker: u32) -> Result<Connection, String> {
        if !self.says_so {
            std::future::pending::<()>().await;
        }
        Err("nobody is there".to_owned())
    }
}

fn console(says_so: bool, token: Option<&str>) -> Router {
    writing_console(says_so, token, Writes::On)
}

fn writing_console(says_so: bool, token: Option<&str>, writes: Writes) -> Router {
    let token = token.map(|token| AccessToken::new(token).unwrap());
    let options = ConsoleOptions { token, lag_cluster: None, writes };
    let schemas = Router::new().route("/subjects", axum::routing::any(async || "[]"));
    router(Arc::new(Silent { says_so }), Some(schemas), options)
}

async fn send(console: &Router, request: axum::http::request::Builder) -> Response<Body> {
    console.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn get(console: &Router, path: &str) -> Response<Body> {
    send(console, Request::get(path).header("host", "localhost:9640")).await
}

async fn json(response: Response<Body>) -> Value {
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn every_answer_forbids_what_a_browser_might_do() {
    let console = console(true, None);
    for path in ["/", "/console/main.js", "/console/api/overview", "/console/api/group?id=x"] {
        let answer = get(&console, path).await;
        let header = |name| answer.headers().get(name).unwrap().to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
    }
    let elsewhere = Request::get("/console/api/overview").header("host", "evil.example");
    let refused = send(&console, elsewhere).await;
    assert_eq!(refused.status(), StatusCode::MISDIRECTED_REQUEST);
    assert!(refused.headers().contains_key("content-security-policy"));
}

#[tokio::test]
async fn only_the_console_s_own_page_may_ask_and_only_to_read() {
    let console = console(true, None);
    let ask = async |method: &str, site: &str| {
        let request = Request::builder().method(method).uri("/console/api/overview");
        let request = request.header("host", "localhost").header("sec-fetch-site", site);
        send(&console, request).await.status()
    };
    assert_eq!(ask("GET", "same-origin").await, StatusCode::OK);
    assert_eq!(ask("GET", "none").await, StatusCode::OK);
    assert_eq!(ask("GET", "cross-site").await, StatusCode::FORBIDDEN);
    assert_eq!(ask("GET", "same-site").await, StatusCode::FORBIDDEN);
    for method in ["POST", "PUT", "DELETE", "HEAD"] {
        assert_eq!(ask(method, "same-origin").await, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    let schemas = Request::delete("/console/api/schemas/subjects").header("host", "localhost");
    assert_eq!(send(&console, schemas).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get(&console, "/console/api/schemas/subjects").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_opens_the_api_and_any_name_then_does() {
    let console = console(true, Some("0123456789abcdef"));
    let ask = async |path: &str, token: &str| {
        let request = Request::get(path).header("host", "console.example");
        send(&console, request.header("authorization", format!("Bearer {token}"))).await.status()
    };
    for path in ["/console/api/overview", "/console/api/schemas/subjects"] {
        assert_eq!(ask(path, "0123456789abcdeX").await, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(ask("/console/api/overview", "0123456789abcdef").await, StatusCode::OK);
    assert_eq!(ask("/", "").await, StatusCode::OK);
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_told_of() {
    let console = console(true, None);
    let refused = get(&console, "/console/api/group?id=readers").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(json(refused).await["error"], "nobody is there");
    let groups = json(get(&console, "/console/api/groups").await).await;
    assert_eq!(groups["problems"][0], "broker 1: nobody is there");
    let access = json(get(&console, "/console/api/access").await).await;
    assert_eq!(access["authorizer"], Value::Null);
    assert_eq!(access["rules_problem"], "nobody is there");
}

#[tokio::test(start_paused = true)]
async fn calls_have_an_end_and_there_are_not_too_many_at_once() {
    let console = console(false, None);
    let alone = get(&console, "/console/api/group?id=readers").await;
    assert_eq!(alone.status(), StatusCode::GATEWAY_TIMEOUT);
    let crowd = (0..17).map(|_| get(&console, "/console/api/group?id=readers"));
    let statuses = join_all(crowd).await;
    let such = |status| statuses.iter().filter(|it| it.status() == status).count();
    assert_eq!(such(StatusCode::SERVICE_UNAVAILABLE), 1);
    assert_eq!(such(StatusCode::GATEWAY_TIMEOUT), 16);
    // Whoever was cut off made room.
    let later = tokio::time::timeout(Duration::from_secs(1), get(&console, "/console/api/topics"));
    assert_eq!(later.await.unwrap().status(), StatusCode::OK);
}

const TOKEN: &str = "0123456789abcdef";
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const FAR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9));
const JSON: (&str, &str) = ("content-type", "application/json");
const LOCAL: (&str, &str) = ("host", "localhost:9640");

async fn post(
    console: &Router,
    peer: Option<IpAddr>,
    headers: &[(&str, &str)],
    what: (&str, &str),
) -> (StatusCode, String) {
    let (deed, body) = what;
    let mut request = Request::post(format!("/console/api/do/{deed}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(peer) = peer {
        request = request.extension(ConnectInfo(SocketAddr::new(peer, 5000)));
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let answer = console.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let told = json(answer).await["error"].as_str().unwrap_or_default().to_owned();
    (status, told)
}

/// Whether a deletion came so far that a broker was asked for it.
async fn is_let_in(console: &Router, peer: Option<IpAddr>, headers: &[(&str, &str)]) -> StatusCode {
    let deletion = ("delete-topic", r#"{"name": "orders"}"#);
    let (status, told) = post(console, peer, headers, deletion).await;
    assert_eq!(status == StatusCode::SERVICE_UNAVAILABLE, told == "nobody is there", "{told}");
    status
}

const LET_IN: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

#[tokio::test]
async fn only_the_console_s_own_page_and_programs_of_this_machine_may_write() {
    let console = console(true, None);
    let ask = async |more: &[(&str, &str)]| {
        is_let_in(&console, Some(HERE), &[&[LOCAL, JSON], more].concat()).await
    };
    assert_eq!(ask(&[]).await, LET_IN);
    let own = [("origin", "http://localhost:9640"), ("sec-fetch-site", "same-origin")];
    assert_eq!(ask(&own).await, LET_IN);
    for origin in ["http://evil.example", "http://localhost:3000", "http://localhost", "null"] {
        assert_eq!(ask(&[("origin", origin)]).await, StatusCode::FORBIDDEN, "{origin}");
    }
    for site in ["cross-site", "same-site", "none"] {
        assert_eq!(ask(&[("sec-fetch-site", site)]).await, StatusCode::FORBIDDEN, "{site}");
        let both = [own[0], ("sec-fetch-site", site)];
        assert_eq!(ask(&both).await, StatusCode::FORBIDDEN, "{site}");
    }
    for proxied in [("x-forwarded-for", "10.0.0.9"), ("via", "1.1 proxy"), ("forwarded", "for=x")] {
        assert_eq!(ask(&[proxied]).await, StatusCode::FORBIDDEN, "{}", proxied.0);
    }
    assert_eq!(is_let_in(&console, Some(FAR), &[LOCAL, JSON]).await, StatusCode::FORBIDDEN);
    assert_eq!(is_let_in(&console, None, &[LOCAL, JSON]).await, StatusCode::FORBIDDEN);
    // A name that was made to lead here.
    let rebound = [("host", "evil.example"), ("origin", "http://evil.example"), JSON];
    assert_eq!(is_let_in(&console, Some(HERE), &rebound).await, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn a_write_is_no_request_that_a_browser_sends_unasked() {
    let console = console(true, None);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""] {
        let headers = [LOCAL, ("content-type", kind)];
        let status = is_let_in(&console, Some(HERE), &headers).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let status = is_let_in(&console, Some(HERE), &[LOCAL]).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let request = Request::builder().method(method).uri("/console/api/do/delete-topic");
        let answer = send(&console, request.header("host", "localhost")).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.headers()["allow"], "POST");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn a_token_lets_whoever_brings_it_write_from_anywhere() {
    let console = console(true, Some(TOKEN));
    let bearer = ("authorization", "Bearer 0123456789abcdef");
    let host = ("host", "console.example");
    assert_eq!(is_let_in(&console, Some(FAR), &[host, JSON, bearer]).await, LET_IN);
    for headers in [&[host, JSON][..], &[LOCAL, JSON, ("authorization", "Bearer x")]] {
        assert_eq!(is_let_in(&console, Some(HERE), headers).await, StatusCode::UNAUTHORIZED);
    }
    let proxy = ("x-forwarded-for", "10.0.0.9");
    let page = [host, JSON, bearer, ("origin", "https://console.example"), proxy];
    assert_eq!(is_let_in(&console, Some(FAR), &page).await, LET_IN);
    let other = [host, JSON, bearer, ("origin", "https://evil.example")];
    assert_eq!(is_let_in(&console, Some(FAR), &other).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn where_writes_are_off_the_way_to_turn_them_on_is_told() {
    let off = Writes::Off("set console.token");
    let console = writing_console(true, None, off);
    let deletion = ("delete-topic", r#"{"name": "orders"}"#);
    let (status, told) = post(&console, Some(HERE), &[LOCAL, JSON], deletion).await;
    assert_eq!((status, told.as_str()), (StatusCode::FORBIDDEN, "set console.token"));
    let overview = json(get(&console, "/console/api/overview").await).await;
    assert_eq!(overview["read_only"], "set console.token");
}

#[tokio::test]
async fn a_write_that_is_not_understood_is_not_guessed_at() {
    let console = console(true, None);
    for (deed, body) in [
        ("delete-topic", "orders"),
        ("delete-topic", "{}"),
        ("delete-topic", r#"{"name": "orders", "force": true}"#),
        ("create-topic", r#"{"name": "orders", "partitions": "many"}"#),
        ("change-configs", r#"{"topic": "orders", "configs": {"retention.ms": 5}}"#),
        ("set-password", r#"{"user": "ann", "mechanism": "PLAIN", "password": "hushhush"}"#),
        ("add-rule", r#"{"principal": "User:ann"}"#),
    ] {
        let (status, told) = post(&console, Some(HERE), &[LOCAL, JSON], (deed, body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{deed} {body}: {told}");
        assert!(!told.contains("hushhush"), "{told}");
    }
    let unknown = Request::post("/console/api/do/format-disk").header("host", "localhost");
    assert_eq!(send(&console, unknown).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}
