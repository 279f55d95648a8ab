//! Listeners with SASL: who comes in, and what is served before.

use crate::{broker::Served, client::Client};
use kafka::{ListenerSecurity, SaslSettings, ServerOptions};
use kafka_client::{Connection, ConnectionError};
use kafka_protocol::{
    messages::{
        alter_user_scram_credentials_request::{ScramCredentialDeletion, ScramCredentialUpsertion},
        describe_user_scram_credentials_request::UserName,
        *,
    },
    protocol::StrBytes,
};
use runtime::Clock;
use security::{
    ClientSecurity, Credentials,
    sasl::{ClientExchange, Mechanism, SaltedPassword, SaslListener, ScramHash},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

const SCRAM: Mechanism = Mechanism::Scram(ScramHash::Sha256);
const ILLEGAL_SASL_STATE: i16 = 34;
const AUTHENTICATION_FAILED: i16 = 58;

/// A broker with PLAIN (alice, bob) and SCRAM (admin).
async fn served(max_reauth: Option<Duration>) -> Served {
    let users = [("alice", "wonder"), ("bob", "builder")];
    let users = users.map(|(user, password)| (user.to_owned(), password.to_owned()));
    let admin = (ScramHash::Sha256, "admin".to_owned(), "secret".to_owned());
    let mechanisms = vec![Mechanism::Plain, SCRAM];
    let listener = SaslListener::new(mechanisms, &BTreeMap::from(users), &[admin]).unwrap();
    let sasl = SaslSettings {
        listener: Arc::new(listener),
        max_reauth,
        failure_delay: Duration::from_millis(100),
        clock: Clock::simulated(0),
    };
    let security = ListenerSecurity { sasl: Some(sasl), ..ListenerSecurity::default() };
    let security = BTreeMap::from([("SASL_PLAINTEXT".to_owned(), security)]);
    let options = ServerOptions { security, ..ServerOptions::default() };
    Served::start_listening("SASL_PLAINTEXT://127.0.0.1:9092", options, &[]).await
}

fn credentials(mechanism: Mechanism, user: &str, password: &str) -> Credentials {
    Credentials { mechanism, user: user.to_owned(), password: password.to_owned() }
}

async fn log_in(served: &Served, login: Credentials) -> Result<Connection, ConnectionError> {
    let (network, address) = served.way();
    let security = ClientSecurity { tls: None, login: Some(login) };
    Connection::open_secured(network, &address, &security).await
}

async fn shake_hands(client: &mut Client, mechanism: Mechanism) -> i16 {
    let name = StrBytes::from_static_str(mechanism.name());
    let request = SaslHandshakeRequest::default().with_mechanism(name);
    client.call(1, request).await.error_code
}

async fn authenticate(client: &mut Client, bytes: Vec<u8>) -> SaslAuthenticateResponse {
    client.call(2, SaslAuthenticateRequest::default().with_auth_bytes(bytes.into())).await
}

/// Logs in with PLAIN on a raw connection; answers the code and the lifetime.
async fn plain(client: &mut Client, user: &str, password: &str) -> (i16, i64) {
    assert_eq!(shake_hands(client, Mechanism::Plain).await, 0);
    let answer = authenticate(client, format!("\0{user}\0{password}").into_bytes()).await;
    (answer.error_code, answer.session_lifetime_ms)
}

#[tokio::test(start_paused = true)]
async fn each_mechanism_lets_in_who_knows_the_password() {
    let served = served(None).await;
    for login in
        [credentials(Mechanism::Plain, "bob", "builder"), credentials(SCRAM, "admin", "secret")]
    {
        let mut connection = log_in(&served, login).await.unwrap();
        connection.call(&MetadataRequest::default(), 12).await.unwrap();
    }
    for login in [
        credentials(Mechanism::Plain, "bob", "wonder"),
        credentials(SCRAM, "admin", "wonder"),
        credentials(SCRAM, "nobody", "secret"),
        credentials(SCRAM, "bob", "builder"),
        credentials(Mechanism::Scram(ScramHash::Sha512), "admin", "secret"),
    ] {
        let refused = log_in(&served, login.clone()).await.unwrap_err();
        assert!(matches!(refused, ConnectionError::Refused { .. }), "{login:?}: {refused}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_but_versions_is_served_before_a_log_in() {
    let served = served(None).await;
    let served_keys: Vec<i16> = {
        let mut client = served.connect().await;
        let versions = client.call(0, ApiVersionsRequest::default()).await;
        versions.api_keys.iter().map(|api| api.api_key).collect()
    };
    assert!(served_keys.len() > 40);
    for key in served_keys {
        if [17, 18, 36].contains(&key) {
            continue;
        }
        let mut client = served.connect().await;
        let versions = request_schema::request(key).unwrap().versions;
        let head = [key.to_be_bytes(), versions.max.to_be_bytes(), [0, 0], [0, 1], [0xff, 0xff]];
        client.send_frame(&head.concat()).await;
        client.expect_closed().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_not_logged_in_gets_little_memory_and_little_time() {
    let served = served(None).await;
    let mut client = served.connect().await;
    client.send_bytes(&(65_537_i32).to_be_bytes()).await;
    client.expect_closed().await;
    let started = Instant::now();
    let mut silent = served.connect().await;
    silent.expect_closed().await;
    assert_eq!(started.elapsed().as_secs(), 10);
    // Asking again and again does not make it longer.
    let started = Instant::now();
    let mut busy = served.connect().await;
    loop {
        tokio::time::sleep(Duration::from_secs(3)).await;
        if !busy.try_send(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]).await {
            break;
        }
        if busy.receive_frame().await.is_err() {
            break;
        }
    }
    assert!(started.elapsed() < Duration::from_secs(13), "{:?}", started.elapsed());
    let mut patient = log_in(&served, credentials(SCRAM, "admin", "secret")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    patient.call(&MetadataRequest::default(), 12).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_failed_log_in_is_answered_late_and_ends_the_connection() {
    let served = served(None).await;
    let mut client = served.connect().await;
    let started = Instant::now();
    assert_eq!(plain(&mut client, "alice", "guess").await.0, AUTHENTICATION_FAILED);
    assert!(started.elapsed() >= Duration::from_millis(100));
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn log_ins_out_of_order_end_the_connection() {
    let served = served(None).await;
    let mut client = served.connect().await;
    assert_eq!(
        authenticate(&mut client, b"\0bob\0builder".to_vec()).await.error_code,
        ILLEGAL_SASL_STATE
    );
    client.expect_closed().await;
    let mut client = served.connect().await;
    assert_eq!(shake_hands(&mut client, SCRAM).await, 0);
    assert_eq!(shake_hands(&mut client, SCRAM).await, ILLEGAL_SASL_STATE);
    client.expect_closed().await;
    let mut client = served.connect().await;
    let other = SaslHandshakeRequest::default().with_mechanism("GSSAPI".into());
    let refused = client.call(1, other).await;
    assert_eq!((refused.error_code, refused.mechanisms.len()), (33, 2));
    client.expect_closed().await;
    // Once in, there is no second time unless it is asked for.
    let mut client = served.connect().await;
    assert_eq!(plain(&mut client, "bob", "builder").await, (0, 0));
    assert_eq!(shake_hands(&mut client, Mechanism::Plain).await, ILLEGAL_SASL_STATE);
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_without_sasl_says_so() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    assert_eq!(shake_hands(&mut client, SCRAM).await, ILLEGAL_SASL_STATE);
    let answer = authenticate(&mut client, Vec::new()).await;
    assert_eq!(answer.error_code, ILLEGAL_SASL_STATE);
    client.call(12, MetadataRequest::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_in_that_is_over_must_be_repeated_by_the_same_user() {
    let served = served(Some(Duration::from_secs(60))).await;
    let mut client = served.connect().await;
    assert_eq!(plain(&mut client, "bob", "builder").await, (0, 60_000));
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert_eq!(plain(&mut client, "bob", "builder").await, (0, 60_000));
        client.call(12, MetadataRequest::default()).await;
    }
    // Too late for requests, not for a log-in.
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(plain(&mut client, "bob", "builder").await.0, 0);
    client.call(12, MetadataRequest::default()).await;
    assert_eq!(plain(&mut client, "alice", "wonder").await.0, AUTHENTICATION_FAILED);
    client.expect_closed().await;
    let mut client = served.connect().await;
    assert_eq!(plain(&mut client, "bob", "builder").await.0, 0);
    tokio::time::sleep(Duration::from_secs(61)).await;
    client.send(12, &MetadataRequest::default()).await;
    client.expect_closed().await;
}

#[tokio::test(start_paused = true)]
async fn messages_of_two_exchanges_do_not_mix() {
    let served = served(None).await;
    let login = credentials(SCRAM, "admin", "secret");
    let (mut first, message) = ClientExchange::begin(&login).unwrap();
    let mut one = served.connect().await;
    shake_hands(&mut one, SCRAM).await;
    let answer = authenticate(&mut one, message.clone()).await;
    let proof = first.step(&answer.auth_bytes).unwrap().unwrap();
    let mut two = served.connect().await;
    shake_hands(&mut two, SCRAM).await;
    authenticate(&mut two, message).await;
    assert_eq!(authenticate(&mut two, proof).await.error_code, AUTHENTICATION_FAILED);
    two.expect_closed().await;
}

fn upsertion(user: &str, password: &str, iterations: i32) -> ScramCredentialUpsertion {
    let rounds = std::num::NonZeroU32::new(iterations.max(1) as u32).unwrap();
    let salted = SaltedPassword::derive(ScramHash::Sha256, password, b"some salt", rounds);
    ScramCredentialUpsertion::default()
        .with_name(StrBytes::from_string(user.to_owned()))
        .with_mechanism(1)
        .with_iterations(iterations)
        .with_salt(b"some salt".to_vec().into())
        .with_salted_password(salted.as_bytes().to_vec().into())
}

async fn alter(
    connection: &mut Connection,
    upsertions: Vec<ScramCredentialUpsertion>,
    deletions: &[&str],
) -> Vec<(String, i16)> {
    let deletions = deletions.iter().map(|user| {
        let user = StrBytes::from_string((*user).to_owned());
        ScramCredentialDeletion::default().with_name(user).with_mechanism(1)
    });
    let request = AlterUserScramCredentialsRequest::default()
        .with_upsertions(upsertions)
        .with_deletions(deletions.collect());
    let answer = connection.call(&request, 0).await.unwrap();
    answer.results.into_iter().map(|it| (it.user.to_string(), it.error_code)).collect()
}

#[tokio::test(start_paused = true)]
async fn users_are_made_changed_and_removed_over_the_wire() {
    let served = served(None).await;
    let mut admin = log_in(&served, credentials(SCRAM, "admin", "secret")).await.unwrap();
    let carol = |password: &'static str| log_in(&served, credentials(SCRAM, "carol", password));
    carol("first").await.unwrap_err();
    let made = alter(&mut admin, vec![upsertion("carol", "first", 8192)], &[]).await;
    assert_eq!(made, [("carol".to_owned(), 0)]);
    carol("first").await.unwrap();
    alter(&mut admin, vec![upsertion("carol", "second", 4096)], &[]).await;
    carol("first").await.unwrap_err();
    let mut connection = carol("second").await.unwrap();
    let described = connection
        .call(&DescribeUserScramCredentialsRequest::default().with_users(None), 0)
        .await
        .unwrap();
    assert_eq!(described.results.len(), 1);
    let info = &described.results[0].credential_infos[0];
    assert_eq!((info.mechanism, info.iterations), (1, 4096));
    let asked = ["carol", "dave"].map(|user| UserName::default().with_name(user.into()));
    let asked = DescribeUserScramCredentialsRequest::default().with_users(Some(asked.into()));
    let described = connection.call(&asked, 0).await.unwrap();
    let codes: Vec<i16> = described.results.iter().map(|it| it.error_code).collect();
    assert_eq!(codes, [0, 91]);
    assert_eq!(alter(&mut admin, Vec::new(), &["carol"]).await, [("carol".to_owned(), 0)]);
    carol("second").await.unwrap_err();
    assert_eq!(alter(&mut admin, Vec::new(), &["carol"]).await, [("carol".to_owned(), 91)]);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_too_weak_or_too_costly_are_refused() {
    let served = served(None).await;
    let mut admin = log_in(&served, credentials(SCRAM, "admin", "secret")).await.unwrap();
    let unacceptable = [
        upsertion("a", "p", 4095),
        upsertion("b", "p", 16_385),
        upsertion("", "p", 4096),
        upsertion("d", "p", 4096).with_salt(Vec::new().into()),
        upsertion("e", "p", 4096).with_salted_password(vec![1; 31].into()),
    ];
    let refused = alter(&mut admin, unacceptable.to_vec(), &[]).await;
    assert!(refused.iter().all(|(_, code)| *code == 93), "{refused:?}");
    let unknown = upsertion("a", "p", 4096).with_mechanism(3);
    assert_eq!(alter(&mut admin, vec![unknown], &[]).await[0].1, 33);
    let twice = vec![upsertion("a", "p", 4096), upsertion("a", "q", 4096)];
    assert_eq!(alter(&mut admin, twice, &[]).await, [("a".to_owned(), 92)]);
    log_in(&served, credentials(SCRAM, "a", "p")).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn who_did_not_log_in_makes_no_users_but_sees_them_where_there_are_no_rules() {
    let served = Served::start().await;
    let (network, address) = served.way();
    let mut nobody = Connection::open_through(network, &address).await.unwrap();
    let made = alter(&mut nobody, vec![upsertion("mallory", "p", 4096)], &[]).await;
    assert_eq!(made, [("mallory".to_owned(), 31)]);
    let all = DescribeUserScramCredentialsRequest::default().with_users(None);
    assert_eq!(nobody.call(&all, 0).await.unwrap().error_code, 0);
}

#[tokio::test(start_paused = true)]
async fn log_ins_without_headers_are_served_as_before_kafka_1() {
    let served = served(None).await;
    let shake_hands = async |client: &mut Client| {
        let request = SaslHandshakeRequest::default().with_mechanism("SCRAM-SHA-256".into());
        assert_eq!(client.call(0, request).await.error_code, 0);
    };
    let mut client = served.connect().await;
    shake_hands(&mut client).await;
    let login = credentials(SCRAM, "admin", "secret");
    let (mut exchange, message) = ClientExchange::begin(&login).unwrap();
    client.send_frame(&message).await;
    let answer = client.receive_frame().await.unwrap();
    let proof = exchange.step(&answer).unwrap().unwrap();
    client.send_frame(&proof).await;
    let answer = client.receive_frame().await.unwrap();
    assert_eq!(exchange.step(&answer).unwrap(), None);
    client.call(12, MetadataRequest::default()).await;

    let mut client = served.connect().await;
    shake_hands(&mut client).await;
    let started = Instant::now();
    client.send_frame(b"n,,n=admin,r=x,and=more").await;
    client.expect_closed().await;
    assert!(started.elapsed() >= Duration::from_millis(100));
}
