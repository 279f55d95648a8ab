//! The REST API over a log in memory.

use crate::{Log, LogRefusal, Record, Registry, Term, routes, state::State};
use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{Method, Request},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use tower::ServiceExt as _;

/// A log that its registry reads at once.
#[derive(Default)]
struct Memory {
    records: Mutex<Vec<Record>>,
    reader: OnceLock<Registry>,
}

#[async_trait]
impl Log for Memory {
    async fn begin(&self) -> Result<Term, LogRefusal> {
        Ok(Term { token: 1, end: self.records.lock().len() as u64 })
    }

    async fn append(&self, term: Term, records: Vec<Record>) -> Result<u64, LogRefusal> {
        let mut all = self.records.lock();
        assert_eq!(all.len() as u64, term.end, "decided from all there was");
        all.extend(records.iter().cloned());
        self.reader.get().unwrap().apply(&records, all.len() as u64);
        Ok(all.len() as u64 - 1)
    }
}

struct Server {
    router: Router,
    log: Arc<Memory>,
}

impl Server {
    fn start() -> Self {
        let log = Arc::<Memory>::default();
        let registry = Registry::new(Arc::clone(&log) as Arc<dyn Log>);
        registry.caught_up();
        log.reader.set(registry.clone()).unwrap();
        Self { router: routes(registry, None), log }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/vnd.schemaregistry.v1+json")
            .body(body.map_or(Body::empty(), |body| Body::from(body.to_string())))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/vnd.schemaregistry.v1+json");
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(Method::POST, path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn delete(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::DELETE, path, None).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    async fn put(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(Method::PUT, path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The error's code; its first three digits are the status.
    async fn refused(&self, method: Method, path: &str, body: Option<Value>) -> u64 {
        let (status, answer) = self.ask(method, path, body).await;
        let code = answer["error_code"].as_u64().unwrap_or_else(|| panic!("{path}: {answer}"));
        let expected = if code >= 1000 { code / 100 } else { code };
        assert_eq!(u64::from(status), expected, "{answer}");
        assert!(answer["message"].is_string());
        code
    }
}

fn record(fields: &str) -> Value {
    json!({ "schema": format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#) })
}

const A: &str = r#"{"name":"a","type":"int"}"#;
const B: &str = r#"{"name":"b","type":"int","default":0}"#;
const NEEDED: &str = r#"{"name":"c","type":"int"}"#;

#[tokio::test]
async fn a_schema_has_one_id_wherever_it_is_registered() {
    let server = Server::start();
    let first = server.post("/subjects/one/versions", record(A)).await;
    assert_eq!(first, json!({ "id": 1 }));
    assert_eq!(server.post("/subjects/one/versions", record(&format!(" {A} "))).await, first);
    assert_eq!(server.post("/subjects/two/versions", record(A)).await, first);
    let second = server.post("/subjects/one/versions", record(&format!("{A},{B}"))).await;
    assert_eq!(second, json!({ "id": 2 }));
    assert_eq!(server.get("/subjects").await, json!(["one", "two"]));
    assert_eq!(server.get("/subjects/one/versions").await, json!([1, 2]));
    assert_eq!(server.get("/schemas/ids/1/subjects").await, json!(["one", "two"]));
    assert_eq!(
        server.get("/schemas/ids/1/versions").await,
        json!([{ "subject": "one", "version": 1 }, { "subject": "two", "version": 1 }])
    );
    let latest = server.get("/subjects/one/versions/latest").await;
    assert_eq!(
        (&latest["id"], &latest["version"], &latest["subject"]),
        (&json!(2), &json!(2), &json!("one"))
    );
    assert_eq!(server.get("/schemas/ids/2").await["schema"], latest["schema"]);
    assert_eq!(server.get("/schemas/types").await, json!(["JSON", "PROTOBUF", "AVRO"]));
    assert_eq!(server.get("/schemas").await.as_array().unwrap().len(), 3);
    assert_eq!(server.get("/schemas?latestOnly=true&subjectPrefix=o").await[0]["version"], 2);
    assert_eq!(server.get("/subjects/one/versions/1/schema").await["name"], "R");
}

#[tokio::test]
async fn what_is_not_there_is_refused_with_confluents_codes() {
    let server = Server::start();
    server.post("/subjects/one/versions", record(A)).await;
    for (path, code) in [
        ("/subjects/none/versions", 40401),
        ("/subjects/none/versions/1", 40401),
        ("/subjects/one/versions/2", 40402),
        ("/subjects/one/versions/0", 42202),
        ("/subjects/one/versions/first", 42202),
        ("/schemas/ids/99", 40403),
        ("/config/one", 40408),
        ("/mode/one", 40409),
        ("/nothing", 404),
    ] {
        assert_eq!(server.refused(Method::GET, path, None).await, code, "{path}");
    }
    let lookup = server.refused(Method::POST, "/subjects/none", Some(record(A))).await;
    assert_eq!(lookup, 40401);
    let lookup = server.refused(Method::POST, "/subjects/one", Some(record(NEEDED))).await;
    assert_eq!(lookup, 40403);
    let invalid = json!({ "schema": "{}" });
    assert_eq!(server.refused(Method::POST, "/subjects/one/versions", Some(invalid)).await, 42201);
    let unknown = json!({ "schema": "{}", "schemaType": "XML" });
    assert_eq!(server.refused(Method::POST, "/subjects/one/versions", Some(unknown)).await, 42201);
    let level = json!({ "compatibility": "SOMETIMES" });
    assert_eq!(server.refused(Method::PUT, "/config", Some(level)).await, 42203);
    let mode = json!({ "mode": "SOMETIMES" });
    assert_eq!(server.refused(Method::PUT, "/mode", Some(mode)).await, 42204);
    assert_eq!(
        server.refused(Method::POST, "/subjects/a%00b/versions", Some(record(A))).await,
        42208
    );
    assert_eq!(server.refused(Method::PUT, "/subjects", None).await, 405);
}

#[tokio::test]
async fn levels_decide_what_may_follow() {
    let server = Server::start();
    server.post("/subjects/s/versions", record(A)).await;
    let needs = record(&format!("{A},{NEEDED}"));
    assert_eq!(
        server.refused(Method::POST, "/subjects/s/versions", Some(needs.clone())).await,
        409
    );
    let check = "/compatibility/subjects/s/versions/latest?verbose=true";
    let checked = server.post(check, needs.clone()).await;
    assert_eq!(checked["is_compatible"], false);
    assert!(
        checked["messages"][0].as_str().unwrap().contains("READER_FIELD_MISSING_DEFAULT_VALUE")
    );
    assert_eq!(
        server.put("/config/s", json!({ "compatibility": "FORWARD" })).await,
        json!({ "compatibility": "FORWARD" })
    );
    assert_eq!(server.get("/config/s").await, json!({ "compatibilityLevel": "FORWARD" }));
    assert_eq!(server.post("/subjects/s/versions", needs).await["id"], 2);
    // Against the last version alone this is fine, against all it is not.
    let last = record(&format!(
        r#"{A},{{"name":"c","type":"int","default":0}},{{"name":"d","type":"string","default":""}}"#
    ));
    server.put("/config/s", json!({ "compatibility": "backward" })).await;
    assert_eq!(
        server.post(check, last.clone()).await,
        json!({ "is_compatible": true, "messages": [] })
    );
    assert_eq!(server.delete("/config/s").await["compatibilityLevel"], "BACKWARD");
    assert_eq!(
        server.get("/config/s?defaultToGlobal=true").await["compatibilityLevel"],
        "BACKWARD"
    );
    server.put("/config", json!({ "compatibility": "NONE" })).await;
    assert_eq!(server.get("/config").await, json!({ "compatibilityLevel": "NONE" }));
    server.post("/subjects/s/versions", json!({ "schema": "\"string\"" })).await;
    let transitive = "/compatibility/subjects/s/versions";
    server.put("/config/s", json!({ "compatibility": "BACKWARD_TRANSITIVE" })).await;
    assert_eq!(
        server.post(transitive, json!({ "schema": "\"bytes\"" })).await["is_compatible"],
        false
    );
    server.put("/config/s", json!({ "compatibility": "BACKWARD" })).await;
    assert_eq!(
        server.post(transitive, json!({ "schema": "\"bytes\"" })).await["is_compatible"],
        true
    );
}

#[tokio::test]
async fn deletion_is_soft_first_and_ids_are_never_given_again() {
    let server = Server::start();
    server.post("/subjects/s/versions", record(A)).await;
    server.post("/subjects/s/versions", record(&format!("{A},{B}"))).await;
    let version = "/subjects/s/versions/2";
    let permanent = "/subjects/s/versions/2?permanent=true";
    assert_eq!(server.refused(Method::DELETE, permanent, None).await, 40407);
    assert_eq!(server.delete(version).await, 2);
    assert_eq!(server.refused(Method::DELETE, version, None).await, 40406);
    assert_eq!(server.refused(Method::GET, version, None).await, 40402);
    assert_eq!(server.get("/subjects/s/versions/2?deleted=true").await["id"], 2);
    assert_eq!(
        server.get("/schemas/ids/2").await["schema"].as_str().unwrap().matches("name").count(),
        3
    );
    assert_eq!(server.get("/subjects/s/versions?deleted=true").await, json!([1, 2]));
    assert_eq!(server.post("/subjects/s/versions", record(&format!("{A},{B}"))).await["id"], 2);
    assert_eq!(server.get("/subjects/s/versions").await, json!([1, 3]));
    assert_eq!(server.refused(Method::DELETE, "/subjects/s?permanent=true", None).await, 40405);
    assert_eq!(server.delete("/subjects/s").await, json!([1, 3]));
    assert_eq!(server.refused(Method::DELETE, "/subjects/s", None).await, 40404);
    assert_eq!(server.get("/subjects").await, json!([]));
    assert_eq!(server.get("/subjects?deleted=true").await, json!(["s"]));
    assert_eq!(server.delete("/subjects/s?permanent=true").await, json!([1, 2, 3]));
    assert_eq!(server.get("/subjects?deleted=true").await, json!([]));
    assert_eq!(server.post("/subjects/s/versions", record(A)).await["id"], 3);
    // Compaction leaves the last record of each key, in their order.
    let mut state = State::default();
    let records = server.log.records.lock().clone();
    for (index, (key, value)) in records.iter().enumerate() {
        if !records.iter().skip(index + 1).any(|(later, _)| later == key) && value.is_some() {
            state.apply(key, value.as_deref());
        }
    }
    assert_eq!((state.next_id("."), state.live("s").count()), (4, 1));
}

#[tokio::test]
async fn references_hold_what_they_refer_to() {
    let server = Server::start();
    let inner = json!({ "schema": r#"{"type":"record","name":"I","namespace":"x","fields":[]}"# });
    server.post("/subjects/inner/versions", inner).await;
    let outer = |version: i32| {
        json!({
            "schema": r#"{"type":"record","name":"O","fields":[{"name":"i","type":"x.I"}]}"#,
            "references": [{ "name": "x.I", "subject": "inner", "version": version }],
        })
    };
    assert_eq!(
        server.refused(Method::POST, "/subjects/outer/versions", Some(outer(7))).await,
        42201
    );
    assert_eq!(server.post("/subjects/outer/versions", outer(1)).await["id"], 2);
    assert_eq!(server.post("/subjects/outer/versions", outer(-1)).await["id"], 2);
    assert_eq!(server.get("/subjects/inner/versions/1/referencedby").await, json!([2]));
    assert_eq!(server.get("/schemas/ids/2").await["references"][0]["subject"], "inner");
    assert_eq!(server.refused(Method::DELETE, "/subjects/inner/versions/1", None).await, 42206);
    assert_eq!(server.refused(Method::DELETE, "/subjects/inner", None).await, 42206);
    server.delete("/subjects/outer").await;
    assert_eq!(server.delete("/subjects/inner").await, json!([1]));
}

#[tokio::test]
async fn modes_decide_what_may_be_written() {
    let server = Server::start();
    assert_eq!(server.get("/mode").await, json!({ "mode": "READWRITE" }));
    server.put("/mode/s", json!({ "mode": "IMPORT" })).await;
    let mut import = record(A);
    assert_eq!(
        server.refused(Method::POST, "/subjects/s/versions", Some(import.clone())).await,
        42205
    );
    import["id"] = json!(100);
    import["version"] = json!(5);
    assert_eq!(server.post("/subjects/s/versions", import.clone()).await["id"], 100);
    assert_eq!(server.get("/subjects/s/versions").await, json!([5]));
    assert_eq!(server.refused(Method::POST, "/subjects/t/versions", Some(import)).await, 42205);
    let other = json!({ "schema": "\"int\"", "id": 100 });
    assert_eq!(server.refused(Method::POST, "/subjects/s/versions", Some(other)).await, 42205);
    assert_eq!(server.delete("/mode/s").await, json!({ "mode": "IMPORT" }));
    server.put("/mode", json!({ "mode": "READONLY" })).await;
    assert_eq!(server.refused(Method::POST, "/subjects/t/versions", Some(record(A))).await, 42205);
    assert_eq!(server.refused(Method::DELETE, "/subjects/s", None).await, 42205);
    server.put("/mode", json!({ "mode": "READWRITE" })).await;
    assert_eq!(
        server.post("/subjects/t/versions", json!({ "schema": "\"int\"" })).await["id"],
        101
    );
    assert_eq!(
        server.refused(Method::PUT, "/mode", Some(json!({ "mode": "IMPORT" }))).await,
        42205
    );
    server.put("/mode?force=true", json!({ "mode": "IMPORT" })).await;
}

#[tokio::test]
async fn contexts_have_ids_of_their_own() {
    let server = Server::start();
    server.post("/subjects/s/versions", record(A)).await;
    let staged = record(&format!("{A},{B}"));
    assert_eq!(server.post("/subjects/:.staging:s/versions", staged).await["id"], 1);
    assert_eq!(server.post("/contexts/.staging/subjects/t/versions", record(A)).await["id"], 2);
    assert_eq!(server.get("/contexts").await, json!([".", ".staging"]));
    assert_eq!(server.get("/subjects").await, json!([":.staging:s", ":.staging:t", "s"]));
    assert_eq!(
        server.get("/subjects?subjectPrefix=:.staging:").await,
        json!([":.staging:s", ":.staging:t"])
    );
    assert_eq!(
        server.get("/contexts/.staging/subjects").await,
        json!([":.staging:s", ":.staging:t"])
    );
    assert_eq!(
        server.get("/schemas/ids/1").await["schema"].as_str().unwrap().matches("name").count(),
        2
    );
    let staged = server.get("/schemas/ids/1?subject=:.staging:s").await;
    assert_eq!(staged["schema"].as_str().unwrap().matches("name").count(), 3);
}

#[tokio::test]
async fn protobuf_and_json_are_registered_looked_up_and_given_back() {
    let server = Server::start();
    let file = json!({ "schemaType": "PROTOBUF", "schema": "syntax = \"proto3\";\n// note\nmessage M { string a = 1; }" });
    assert_eq!(server.post("/subjects/p/versions", file.clone()).await["id"], 1);
    let found = server.get("/schemas/ids/1").await;
    assert_eq!(found["schemaType"], "PROTOBUF");
    let serialized = server.get("/schemas/ids/1?format=serialized").await["schema"].clone();
    let descriptor = json!({ "schemaType": "PROTOBUF", "schema": serialized });
    assert_eq!(server.post("/subjects/p", descriptor).await["version"], 1);
    assert_eq!(server.post("/subjects/q/versions", file).await["id"], 1);
    let json =
        json!({ "schemaType": "JSON", "schema": "{\"type\": \"object\", \"properties\": {}}" });
    assert_eq!(server.post("/subjects/j/versions", json).await["id"], 2);
    let turned =
        json!({ "schemaType": "JSON", "schema": "{\"properties\": {}, \"type\": \"object\"}" });
    assert_eq!(server.refused(Method::POST, "/subjects/j", Some(turned.clone())).await, 40403);
    server.put("/config/j", json!({ "normalize": true })).await;
    assert_eq!(server.post("/subjects/j/versions", turned).await["id"], 2);
    let other = json!({ "schema": "\"string\"" });
    assert_eq!(server.refused(Method::POST, "/subjects/j/versions", Some(other)).await, 409);
}

#[tokio::test]
async fn many_who_register_at_once_agree_on_ids() {
    let server = Arc::new(Server::start());
    let registering = (0..40_u32).map(|turn| {
        let server = Arc::clone(&server);
        async move {
            let schema = json!({ "schema": format!(r#"{{"type":"fixed","name":"F","size":{}}}"#, turn % 4 + 1) });
            let path = format!("/subjects/s{}/versions", turn % 8);
            server.put(&format!("/config/s{}", turn % 8), json!({ "compatibility": "NONE" })).await;
            (turn % 4, server.post(&path, schema).await["id"].as_u64().unwrap())
        }
    });
    let mut set = tokio::task::JoinSet::new();
    registering.for_each(|task| drop(set.spawn(task)));
    let found = set.join_all().await;
    for (schema, id) in &found {
        assert!(found.iter().all(|(other, other_id)| (schema == other) == (id == other_id)));
    }
    assert!(found.iter().all(|(_, id)| (1..=4).contains(id)));
}

/// The log of a broker that does not order writes.
struct Elsewhere(String);

#[async_trait]
impl Log for Elsewhere {
    async fn begin(&self) -> Result<Term, LogRefusal> {
        Err(LogRefusal::NotHere(Some(self.0.clone())))
    }

    async fn append(&self, _: Term, _: Vec<Record>) -> Result<u64, LogRefusal> {
        panic!("nothing begins here")
    }
}

#[tokio::test]
async fn a_write_goes_on_to_the_broker_that_orders_writes() {
    let owner = Server::start();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(axum::serve(listener, owner.router.clone()).into_future());
    let follower = |address: &str| {
        let registry = Registry::new(Arc::new(Elsewhere(address.to_owned())));
        registry.caught_up();
        (Server { router: routes(registry.clone(), None), log: Arc::default() }, registry)
    };
    let (other, reader) = follower(&address);
    // It reads a moment later what the owner appends.
    let log = Arc::clone(&owner.log);
    serving.spawn(async move {
        while log.records.lock().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let records = log.records.lock().clone();
        reader.apply(&records, records.len() as u64);
        Ok(())
    });
    assert_eq!(other.post("/subjects/s/versions", record(A)).await, json!({ "id": 1 }));
    // Whoever wrote here finds it here.
    assert_eq!(other.get("/subjects/s/versions").await, json!([1]));
    let needs = record(&format!("{A},{NEEDED}"));
    assert_eq!(other.refused(Method::POST, "/subjects/s/versions", Some(needs)).await, 409);
    assert_eq!(owner.get("/subjects/s/versions").await, json!([1]));
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (lost, _) = follower(&free.to_string());
    assert_eq!(lost.refused(Method::POST, "/subjects/s/versions", Some(record(B))).await, 50003);
}
