//! Burrow's HTTP API, version 3: what its clients ask. Where Burrow tells of its own modules, this tells of clusters.
//!
//! Any broker answers for any group of its cluster: what another one coordinates, that one is asked for.

use crate::{
    Commit, Evaluator, GroupStatus, OtherBroker, UnknownGroup, Whose,
    ask_brokers::{OtherBrokers, is_alone},
};
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, Uri, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse, Response},
    routing::{any, delete, get},
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

/// What the handlers share.
#[derive(Clone, Debug)]
struct Served {
    evaluator: Evaluator,
    others: Arc<OtherBrokers>,
    /// What this machine calls itself: every answer says it.
    host: Arc<str>,
}

/// The routes, below `/v3` and `/burrow`. `host` is what answers say of who gave them.
pub fn router(evaluator: Evaluator, host: &str) -> Router {
    let served = Served { evaluator, others: Arc::default(), host: host.into() };
    Router::new()
        .route("/burrow/admin", get(async || "GOOD"))
        .route("/burrow/admin/ready", get(async || "READY"))
        .route("/v3/kafka", get(clusters))
        .route("/v3/kafka/{cluster}", get(cluster))
        .route("/v3/kafka/{cluster}/topic", get(topics))
        .route("/v3/kafka/{cluster}/topic/{topic}", get(topic))
        .route("/v3/kafka/{cluster}/topic/{topic}/consumers", get(consumers_of))
        .route("/v3/kafka/{cluster}/consumer", get(consumers))
        .route("/v3/kafka/{cluster}/consumer/{consumer}", get(consumer).delete(refuse))
        .route("/v3/kafka/{cluster}/consumer/{consumer}/topic/{topic}", delete(refuse))
        .route("/v3/kafka/{cluster}/consumer/{consumer}/status", get(status))
        .route("/v3/kafka/{cluster}/consumer/{consumer}/lag", get(lag))
        .route("/v3/{*rest}", any(unknown))
        .with_state(served)
}

/// What was asked for: every answer repeats it.
struct Asked {
    uri: Uri,
    host: Arc<str>,
}

impl FromRequestParts<Served> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, served: &Served) -> Result<Self, Infallible> {
        Ok(Self { uri: parts.uri.clone(), host: Arc::clone(&served.host) })
    }
}

impl Asked {
    fn found(&self, message: &str, name: &str, value: impl Serialize) -> Response {
        let value = serde_json::to_value(value).unwrap_or_default();
        self.answer(StatusCode::OK, message, Some((name, value)))
    }

    fn failed(&self, code: StatusCode, message: &str) -> Response {
        self.answer(code, message, None)
    }

    fn not_found(&self, message: &str) -> Response {
        self.failed(StatusCode::NOT_FOUND, message)
    }

    /// With nothing to show, it is an error.
    fn answer(&self, code: StatusCode, message: &str, value: Option<(&str, Value)>) -> Response {
        let mut body = Map::new();
        body.insert("error".to_owned(), value.is_none().into());
        body.insert("message".to_owned(), message.into());
        if let Some((name, value)) = value {
            body.insert(name.to_owned(), value);
        }
        let request = json!({ "url": self.uri.path(), "host": self.host.as_ref() });
        body.insert("request".to_owned(), request);
        (code, Json(Value::Object(body))).into_response()
    }
}

impl Served {
    /// The other brokers to ask as well for a list, unless one of them asks.
    fn others(&self, cluster: &str, asked: &Asked) -> Vec<OtherBroker> {
        match self.evaluator.own(cluster) {
            Some(own) if !is_alone(asked.uri.query()) => own.other_brokers(),
            _ => Vec::new(),
        }
    }

    /// The answer of the broker that coordinates a group, when that is another one.
    async fn elsewhere(&self, cluster: &str, group: &str, asked: &Asked) -> Option<Response> {
        let own = self.evaluator.own(cluster).filter(|_| !is_alone(asked.uri.query()))?;
        match own.whose(group) {
            Whose::Ours => None,
            Whose::Nobodys => {
                let reason = "no broker coordinates the consumer at this moment";
                Some(asked.failed(StatusCode::SERVICE_UNAVAILABLE, reason))
            }
            Whose::Of(broker) => Some(match self.others.ask(&broker, asked.uri.path()).await {
                Ok((code, body)) => {
                    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
                    (code, [(CONTENT_TYPE, "application/json")], body).into_response()
                }
                Err(reason) => asked.failed(StatusCode::BAD_GATEWAY, &reason),
            }),
        }
    }

    /// Names that this broker knows, and those of the others.
    async fn together(
        &self,
        (cluster, asked): (&str, &Asked),
        message: &str,
        own: Option<Vec<String>>,
    ) -> Response {
        let Some(mut all) = own else { return asked.not_found("cluster not found") };
        let others = self.others(cluster, asked);
        match self.others.gather(&others, asked.uri.path(), CONSUMERS).await {
            Ok(more) => all.extend(more),
            Err(reason) => return asked.failed(StatusCode::BAD_GATEWAY, &reason),
        }
        all.sort_unstable();
        all.dedup();
        asked.found(message, CONSUMERS, all)
    }
}

const CONSUMERS: &str = "consumers";

async fn clusters(State(served): State<Served>, asked: Asked) -> Response {
    let clusters = served.evaluator.clusters();
    let names: Vec<&str> = clusters.map(|cluster| cluster.name.as_str()).collect();
    asked.found("cluster list returned", "clusters", names)
}

async fn cluster(State(served): State<Served>, Path(name): Path<String>, asked: Asked) -> Response {
    let evaluator = &served.evaluator;
    let Some(cluster) = evaluator.cluster(&name) else {
        return asked.not_found("cluster module not found");
    };
    let options = evaluator.options();
    let own = evaluator.own(&name).map(|own| own.brokers()).unwrap_or_default();
    let own = own.into_iter().map(|(_, address)| address);
    let servers: Vec<String> = cluster.servers.iter().cloned().chain(own).collect();
    let module = json!({
        "class-name": "kafka",
        "servers": servers,
        "client-profile":
            { "name": "", "client-id": "alluvium", "kafka-version": "", "tls": null, "sasl": null },
        "topic-refresh": options.topic_refresh.as_secs(),
        "offset-refresh": options.offset_refresh.as_secs(),
    });
    asked.found("cluster module detail returned", "module", module)
}

async fn topics(
    State(served): State<Served>,
    Path(cluster): Path<String>,
    asked: Asked,
) -> Response {
    let message = "topic list returned";
    if let Some(own) = served.evaluator.own(&cluster) {
        let topics = own.topics().into_iter().map(|(topic, _)| topic);
        return asked.found(message, "topics", topics.collect::<Vec<String>>());
    }
    let topics = served
        .evaluator
        .with(&cluster, |offsets| offsets.topics().map(str::to_owned).collect::<Vec<String>>());
    match topics {
        Some(topics) => asked.found(message, "topics", topics),
        None => asked.not_found("cluster not found"),
    }
}

async fn topic(
    State(served): State<Served>,
    Path((cluster, topic)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    let evaluator = &served.evaluator;
    let known = match evaluator.own(&cluster) {
        Some(own) => own.log_ends(&topic).await,
        None => evaluator
            .with(&cluster, |it| Some(it.log_ends(&topic)?.map(Some).collect::<Vec<_>>()))
            .flatten(),
    };
    let Some(ends) = known else { return asked.not_found("cluster or topic not found") };
    // Burrow leaves out what it does not know, and all that follow stand at another partition's place.
    if let Some(unknown) = ends.iter().position(Option::is_none) {
        let reason = format!("where the log of partition {unknown} ends is not known now");
        return asked.failed(StatusCode::SERVICE_UNAVAILABLE, &reason);
    }
    asked.found("topic offsets returned", "offsets", ends)
}

async fn consumers_of(
    State(served): State<Served>,
    Path((cluster, topic)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    let own = served.evaluator.groups_of(&cluster, &topic);
    served.together((&cluster, &asked), "consumers of topic returned", own).await
}

async fn consumers(
    State(served): State<Served>,
    Path(cluster): Path<String>,
    asked: Asked,
) -> Response {
    let own = served.evaluator.groups(&cluster);
    served.together((&cluster, &asked), "consumer list returned", own).await
}

/// A partition of a group.
#[derive(Serialize)]
struct PartitionDetail {
    offsets: Vec<Option<Commit>>,
    owner: String,
    client_id: String,
    #[serde(rename = "current-lag")]
    current_lag: u64,
}

/// Burrow shows partitions as a list by number: those without commits are in it, empty.
async fn consumer(
    State(served): State<Served>,
    Path((cluster, group)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    if let Some(answer) = served.elsewhere(&cluster, &group, &asked).await {
        return answer;
    }
    served.evaluator.glance_at_logs(&cluster, &group);
    let detail = served.evaluator.with(&cluster, |offsets| {
        let mut topics = BTreeMap::<String, Vec<PartitionDetail>>::new();
        for known in offsets.commits_of(&group)? {
            let partitions = topics.entry(known.topic.to_owned()).or_default();
            let empty = || PartitionDetail {
                offsets: Vec::new(),
                owner: String::new(),
                client_id: String::new(),
                current_lag: 0,
            };
            partitions.resize_with(partitions.len().max(known.partition as usize), empty);
            partitions.push(PartitionDetail {
                offsets: known.window.slots(),
                owner: known.owner.host.clone(),
                client_id: known.owner.client_id.clone(),
                current_lag: known.current_lag,
            });
        }
        Some(topics)
    });
    match detail.flatten() {
        Some(topics) => asked.found("consumer detail returned", "topics", topics),
        None => asked.not_found("cluster or consumer not found"),
    }
}

async fn status(
    State(served): State<Served>,
    Path(group): Path<(String, String)>,
    asked: Asked,
) -> Response {
    served.verdict(group, &asked, Evaluator::judge_briefly).await
}

async fn lag(
    State(served): State<Served>,
    Path(group): Path<(String, String)>,
    asked: Asked,
) -> Response {
    served.verdict(group, &asked, Evaluator::judge).await
}

/// How a group is judged.
type Judge = fn(&Evaluator, &str, &str) -> Result<GroupStatus, UnknownGroup>;

impl Served {
    /// Of an unknown group Burrow says `NOTFOUND`, and that this is no error.
    async fn verdict(
        &self,
        (cluster, group): (String, String),
        asked: &Asked,
        judge: Judge,
    ) -> Response {
        if let Some(answer) = self.elsewhere(&cluster, &group, asked).await {
            return answer;
        }
        let judged = judge(&self.evaluator, &cluster, &group);
        let code = if judged.is_ok() { StatusCode::OK } else { StatusCode::NOT_FOUND };
        let status = judged.unwrap_or_else(|_| GroupStatus::not_found(&cluster, &group));
        let status = serde_json::to_value(status).unwrap_or_default();
        asked.answer(code, "consumer status returned", Some(("status", status)))
    }
}

/// Whoever reaches the port may look, and change nothing.
async fn refuse(asked: Asked) -> Response {
    asked.failed(
        StatusCode::FORBIDDEN,
        "this port only shows consumers; delete them with kafka-consumer-groups --delete",
    )
}

async fn unknown(asked: Asked) -> Response {
    asked.not_found("invalid request type")
}
