//! The API's routes: what the page asks for. All are GET and change nothing; names and ids are parameters, as a path can't carry every group id.

use crate::{
    Served, access, configs, groups, overview,
    records::{self, BytesQuestion, RecordQuestion, RecordsQuestion},
    refused::Refused,
    seek, topics,
};
use axum::{
    Json, Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use serde::Deserialize;
use std::collections::BTreeMap;

type Answer<T> = Result<Json<T>, Refused>;

pub(crate) fn routes(served: Served) -> Router {
    Router::new()
        .route("/console/api/overview", get(overview))
        .route("/console/api/topics", get(topics))
        .route("/console/api/sizes", get(sizes))
        .route("/console/api/topic", get(topic))
        .route("/console/api/configs", get(configs))
        .route("/console/api/records", get(records))
        .route("/console/api/record", get(record))
        .route("/console/api/bytes", get(bytes))
        .route("/console/api/groups", get(groups))
        .route("/console/api/group", get(group))
        .route("/console/api/seek", get(seek))
        .route("/console/api/access", get(access))
        .with_state(served)
}

async fn overview(State(served): State<Served>) -> Json<overview::Overview> {
    Json(overview::overview(&served))
}

async fn topics(
    State(served): State<Served>,
    Query(question): Query<topics::TopicsQuestion>,
) -> Json<topics::TopicsPage> {
    Json(topics::list(served.brokers.cluster.topics(), &question))
}

async fn sizes(
    State(served): State<Served>,
    Query(question): Query<topics::TopicsQuestion>,
) -> Json<BTreeMap<String, String>> {
    Json(topics::sizes(&served.brokers, &question).await)
}

async fn topic(
    State(served): State<Served>,
    Query(question): Query<topics::TopicQuestion>,
) -> Answer<topics::TopicPage> {
    topics::describe(&served.brokers, &question).await.map(Json)
}

async fn configs(
    State(served): State<Served>,
    Query(question): Query<configs::ConfigsQuestion>,
) -> Answer<configs::Configs> {
    configs::describe(&served.brokers, &question).await.map(Json)
}

async fn records(
    State(served): State<Served>,
    Query(question): Query<RecordsQuestion>,
) -> Answer<records::RecordsPage> {
    let _turn = served.search_turn().await?;
    records::search(&served.brokers, question).await.map(Json)
}

async fn record(
    State(served): State<Served>,
    Query(question): Query<RecordQuestion>,
) -> Answer<records::Shown> {
    let _turn = served.search_turn().await?;
    records::one(&served.brokers, &question).await.map(Json)
}

async fn bytes(
    State(served): State<Served>,
    Query(question): Query<BytesQuestion>,
) -> Result<Response, Refused> {
    let _turn = served.search_turn().await?;
    records::bytes(&served.brokers, &question).await
}

async fn groups(State(served): State<Served>) -> Json<groups::GroupsPage> {
    Json(groups::list(&served.brokers).await)
}

/// Which group.
#[derive(Deserialize)]
struct GroupQuestion {
    id: String,
}

async fn group(
    State(served): State<Served>,
    Query(question): Query<GroupQuestion>,
) -> Answer<groups::GroupPage> {
    groups::describe(&served.brokers, &question.id).await.map(Json)
}

async fn seek(
    State(served): State<Served>,
    Query(question): Query<seek::SeekQuestion>,
) -> Answer<seek::Preview> {
    seek::preview(&served.brokers, &question).await.map(Json)
}

async fn access(State(served): State<Served>) -> Json<access::Access> {
    Json(access::describe(&served.brokers).await)
}

impl Served {
    /// Few may search at once; the time limit of calls bounds the wait.
    async fn search_turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Refused> {
        let turn = self.searches.acquire().await;
        turn.map_err(|_| Refused::unavailable("the broker is stopping"))
    }
}
