//! [`Client`]: knows the brokers and the leaders, and sends each request where it belongs.

use crate::{
    Bootstrap, CliError, addresses, client_config,
    output::printable,
    text::{text_of, topic_name},
};
use kafka_client::Connection;
use kafka_protocol::{
    messages::{
        FindCoordinatorRequest, MetadataRequest, MetadataResponse,
        metadata_request::MetadataRequestTopic,
    },
    protocol::{Request, StrBytes},
};
use runtime::net::Tcp;
use security::ClientSecurity;
use std::{collections::BTreeMap, time::Duration};

const METADATA_VERSION: i16 = 9;
const FIND_COORDINATOR_VERSION: i16 = 3;
/// Attempts at something that a moment may mend, 100 ms apart.
pub(crate) const ATTEMPTS: u32 = 50;

/// A client of a Kafka cluster, one request at a time.
#[derive(Debug)]
pub struct Client {
    security: ClientSecurity,
    bootstrap_servers: Vec<String>,
    bootstrap: Connection,
    brokers: BTreeMap<i32, String>,
    connections: BTreeMap<i32, Connection>,
    controller: i32,
}

/// A topic's partitions: index to leader.
pub(crate) type Leaders = BTreeMap<i32, i32>;

impl Client {
    /// Connects to the first of the brokers named that answers.
    ///
    /// # Errors
    /// [`CliError::Unreachable`] when none does; [`CliError::Usage`] when how to come in can't be read.
    pub async fn connect(cluster: &Bootstrap) -> Result<Self, CliError> {
        let security = cluster.command_config.as_deref().map(client_config::read).transpose()?;
        let security = security.unwrap_or_default();
        let bootstrap_servers = addresses(&cluster.bootstrap_server);
        Ok(Self {
            bootstrap: first_to_answer(&bootstrap_servers, &security).await?,
            security,
            bootstrap_servers,
            brokers: BTreeMap::new(),
            connections: BTreeMap::new(),
            controller: -1,
        })
    }

    /// Asks for topics (`None`: all) and remembers the brokers.
    pub(crate) async fn metadata(
        &mut self,
        topics: Option<&[&str]>,
        create: bool,
    ) -> Result<MetadataResponse, CliError> {
        let topics = topics.map(|names| {
            let topic =
                |name: &&str| MetadataRequestTopic::default().with_name(Some(topic_name(name)));
            names.iter().map(topic).collect()
        });
        let request =
            MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(create);
        let answer = if let Ok(answer) = self.bootstrap.call(&request, METADATA_VERSION).await {
            answer
        } else {
            // That broker left; any other knows as much.
            let others = self.brokers.values().chain(&self.bootstrap_servers);
            let others: Vec<String> = others.cloned().collect();
            self.bootstrap = first_to_answer(&others, &self.security).await?;
            self.bootstrap.call(&request, METADATA_VERSION).await?
        };
        let address = |host: &StrBytes, port: i32| format!("{host}:{port}");
        self.brokers =
            answer.brokers.iter().map(|b| (b.node_id.0, address(&b.host, b.port))).collect();
        self.controller = answer.controller_id.0;
        Ok(answer)
    }

    /// The leaders of a topic's partitions, waiting a while until each has one. `create` lets the broker make the topic.
    pub(crate) async fn leaders(&mut self, topic: &str, create: bool) -> Result<Leaders, CliError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let answer = self.metadata(Some(&[topic]), create).await?;
            let found =
                answer.topics.iter().find(|t| t.name.as_ref().is_some_and(|n| n.as_str() == topic));
            let code = found.map_or(3, |topic| topic.error_code);
            let partitions = found.map(|topic| topic.partitions.as_slice()).unwrap_or_default();
            let code = partitions
                .iter()
                .map(|p| p.error_code)
                .fold(code, |first, next| if first == 0 { next } else { first });
            match CliError::check(code, format!("topic {topic}"), None) {
                Ok(()) => {
                    return Ok(partitions
                        .iter()
                        .map(|p| (p.partition_index, p.leader_id.0))
                        .collect());
                }
                Err(error) if error.retryable() && (create || code != 3) && attempt < ATTEMPTS => {
                    pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The brokers' ids.
    pub(crate) async fn brokers(&mut self) -> Result<Vec<i32>, CliError> {
        self.metadata(Some(&[]), false).await?;
        Ok(self.brokers.keys().copied().collect())
    }

    /// Sends to the broker that coordinates a group, which is looked for until there is one. `code` finds the error in an answer.
    pub(crate) async fn call_coordinator<R: Request>(
        &mut self,
        group: &str,
        request: &R,
        version: i16,
        code: impl Fn(&R::Response) -> i16,
    ) -> Result<R::Response, CliError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let asked = self.ask_coordinator(group, request, version).await;
            let checked = asked.and_then(|answer| {
                let subject = format!("group {}", printable(group));
                CliError::check(code(&answer), subject, None).map(|()| answer)
            });
            match checked {
                Err(error) if error.retryable() && attempt < ATTEMPTS => pause().await,
                checked => return checked,
            }
        }
    }

    async fn ask_coordinator<R: Request>(
        &mut self,
        group: &str,
        request: &R,
        version: i16,
    ) -> Result<R::Response, CliError> {
        self.metadata(Some(&[]), false).await?;
        let wanted = FindCoordinatorRequest::default().with_key(text_of(group));
        let found = self.bootstrap.call(&wanted, FIND_COORDINATOR_VERSION).await?;
        let subject = format!("the coordinator of group {}", printable(group));
        CliError::check(found.error_code, subject, found.error_message.map(|it| it.to_string()))?;
        self.call(found.node_id.0, request, version).await
    }

    /// Sends to a broker by its id.
    pub(crate) async fn call_broker<R: Request>(
        &mut self,
        broker: i32,
        request: &R,
        version: i16,
    ) -> Result<R::Response, CliError> {
        self.metadata(Some(&[]), false).await?;
        self.call(broker, request, version).await
    }

    /// Sends to one broker.
    pub(crate) async fn call<R: Request>(
        &mut self,
        broker: i32,
        request: &R,
        version: i16,
    ) -> Result<R::Response, CliError> {
        let answer = self.connection(broker).await?.call(request, version).await;
        if answer.is_err() {
            self.connections.remove(&broker);
        }
        Ok(answer?)
    }

    /// Sends to one broker without waiting for an answer.
    pub(crate) async fn send<R: Request>(
        &mut self,
        broker: i32,
        request: &R,
        version: i16,
    ) -> Result<(), CliError> {
        Ok(self.connection(broker).await?.send(request, version).await?)
    }

    /// Sends to the controller.
    pub(crate) async fn call_controller<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, CliError> {
        self.metadata(Some(&[]), false).await?;
        self.call(self.controller, request, version).await
    }

    async fn connection(&mut self, broker: i32) -> Result<&mut Connection, CliError> {
        let address = self.brokers.get(&broker).cloned();
        let address = address
            .ok_or_else(|| CliError::Usage(format!("broker {broker} is not in the cluster")))?;
        match self.connections.entry(broker) {
            std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let opened = Connection::open_secured(&Tcp, &address, &self.security).await?;
                Ok(entry.insert(opened))
            }
        }
    }
}

/// A connection to the first of these brokers that answers.
async fn first_to_answer(
    addresses: &[String],
    security: &ClientSecurity,
) -> Result<Connection, CliError> {
    let mut last = CliError::Usage("--bootstrap-server names no broker".to_owned());
    for address in addresses {
        match Connection::open_secured(&Tcp, address, security).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

/// Waits a moment before the next attempt.
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}
