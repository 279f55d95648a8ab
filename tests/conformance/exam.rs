//! [`Exam`]: brokers under one scenario: what they are asked, and the transcript of their answers.
//!
//! Each request goes where a client would send it ([`crate::routing`]).

use crate::{
    brokers::Brokers,
    caller::Caller,
    client::Client,
    requests,
    routing::{Route, route},
    transcript::Transcript,
};
use bytes::Bytes;
use formats::record_batch::{batches, records};
use kafka_protocol::{
    messages::{DescribeConfigsRequest, FetchRequest, FetchResponse, ProduceRequest},
    protocol::Request,
};
use runtime::net::{Network, Tcp};
use std::{collections::BTreeMap, fmt::Debug, net::SocketAddr, time::Duration};
use tokio::{runtime::Runtime, time::timeout};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(30);

/// A topic that a scenario made.
#[derive(Clone, Debug)]
pub struct Topic {
    pub name: String,
    pub id: Uuid,
}

/// Brokers, asked by a scenario.
pub struct Exam {
    runtime: Runtime,
    brokers: Brokers,
    /// Connections by the broker's number.
    clients: BTreeMap<i32, Client>,
    /// Who is asked what any may answer.
    home: i32,
    /// Who leads the scenario's topics.
    leader: i32,
    /// Who was asked last.
    last: i32,
    /// Names what the scenario makes.
    pub name: String,
    transcript: Transcript,
    settled: u32,
}

impl Exam {
    /// Connects for the scenario of that name.
    pub fn begin(brokers: &Brokers, scenario: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connected = |number| (number, connect(&runtime, brokers.address(number)));
        let clients = brokers.numbers().map(connected).collect();
        let (home, leader) = (brokers.home(scenario), brokers.leader(scenario));
        Self {
            clients,
            runtime,
            brokers: brokers.clone(),
            home,
            leader,
            last: home,
            name: scenario.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
            transcript: Transcript::default(),
            settled: 0,
        }
    }

    /// What was answered.
    pub fn into_lines(self) -> Vec<String> {
        self.transcript.into_lines()
    }

    /// Asks, and writes the answer down.
    pub fn ask<R: Request + 'static>(&mut self, version: i16, request: R) -> R::Response
    where
        R::Response: Debug,
    {
        let answer = self.quietly(version, request);
        self.transcript.answer(&answer);
        answer
    }

    /// Appends, and writes down what became of it: partitions in order, and the log start only of those that took records; no client
    /// looks at another.
    pub fn produce(&mut self, version: i16, request: ProduceRequest) {
        let mut answer = self.quietly(version, request);
        for topic in &mut answer.responses {
            topic.partition_responses.sort_by_key(|partition| partition.index);
            for refused in topic.partition_responses.iter_mut().filter(|it| it.error_code != 0) {
                refused.log_start_offset = -1;
            }
        }
        self.transcript.answer(&answer);
    }

    /// Asks for configs, and writes them down in the order of their names.
    pub fn configs(&mut self, version: i16, request: DescribeConfigsRequest) {
        let mut answer = self.quietly(version, request);
        for resource in &mut answer.results {
            resource.configs.sort_by(|one, other| one.name.cmp(&other.name));
        }
        self.transcript.answer(&answer);
    }

    /// Asks without writing the answer down.
    pub fn quietly<R: Request + 'static>(&mut self, version: i16, request: R) -> R::Response {
        let broker = self.broker_for(&request);
        self.ask_broker(broker, version, request)
    }

    /// Asks one broker, whoever would be the one to ask.
    fn ask_broker<R: Request>(&mut self, broker: i32, version: i16, request: R) -> R::Response {
        self.last = broker;
        let answer = self.clients.get_mut(&broker).unwrap().call(version, request);
        let answer = self.runtime.block_on(async { timeout(PATIENCE, answer).await });
        answer.expect("an answer in time")
    }

    /// Who is asked that.
    fn broker_for<R: Request + 'static>(&mut self, request: &R) -> i32 {
        if !self.brokers.are_many() {
            return self.home;
        }
        match route(request) {
            Route::Leader(topic, partition) => self.leader_of(&topic, partition),
            Route::Groups => self.brokers.of_groups(),
            Route::Transactions => self.brokers.of_transactions(),
            Route::Broker(number) if self.clients.contains_key(&number) => number,
            Route::Any | Route::Broker(_) => self.home,
        }
    }

    /// The leader of a partition; of one that there is not, that of the topic's first.
    fn leader_of(&mut self, topic: &str, partition: i32) -> i32 {
        let asked = requests::metadata(vec![requests::metadata_topic(topic)]);
        let found = self.ask_broker(self.home, 12, asked);
        let partitions = &found.topics[0].partitions;
        let of = |index: i32| partitions.iter().find(|it| it.partition_index == index);
        let leader = of(partition).or_else(|| of(0)).map(|it| it.leader_id.0);
        leader.filter(|leader| self.clients.contains_key(leader)).unwrap_or(self.home)
    }

    /// Sends what has no answer.
    pub fn tell<R: Request + 'static>(&mut self, version: i16, request: &R) {
        self.last = self.broker_for(request);
        let client = self.clients.get_mut(&self.last).unwrap();
        self.runtime.block_on(client.send(version, request));
    }

    /// Sends a frame as it is, and writes down the bytes of the answer, or that the broker hangs up.
    pub fn frame(&mut self, bytes: &[u8]) {
        self.last = self.home;
        let client = self.clients.get_mut(&self.home).unwrap();
        let answer = self.runtime.block_on(async {
            client.send_frame(bytes).await;
            timeout(PATIENCE, client.receive_frame()).await.expect("an answer in time")
        });
        self.transcript.note(answer.map_or("hung up".to_owned(), hex::encode));
    }

    /// Writes down that the broker asked last hangs up, and connects again.
    pub fn expect_closed(&mut self) {
        let closed = self.clients.get_mut(&self.last).unwrap().expect_closed();
        self.runtime.block_on(async { timeout(PATIENCE, closed).await }).expect("an end in time");
        self.transcript.note("hung up");
        self.reconnect();
    }

    /// Goes on with another connection to the broker asked last.
    pub fn reconnect(&mut self) {
        let client = connect(&self.runtime, self.brokers.address(self.last));
        self.clients.insert(self.last, client);
    }

    /// Another connection to the coordinator of groups.
    pub fn caller(&self) -> Caller {
        let coordinator = self.brokers.address(self.brokers.of_groups());
        Caller::new(connect(&self.runtime, coordinator))
    }

    /// Asks the coordinator of groups on another connection, without waiting for the answer.
    pub fn send_on<R: Request + 'static>(
        &mut self,
        caller: &mut Caller,
        version: i16,
        request: &R,
    ) {
        assert_eq!(route(request), Route::Groups);
        assert!(caller.asked.is_none(), "one request at a time");
        let correlation_id = self.runtime.block_on(caller.client.send(version, request));
        caller.asked = Some((version, correlation_id));
    }

    /// Waits for the answer to what was asked on another connection.
    pub fn receive_on<R: Request>(&mut self, caller: &mut Caller) -> R::Response {
        let (version, correlation_id) = caller.asked.take().expect("something was asked");
        let answer = caller.client.receive::<R>(version, correlation_id);
        let answer = self.runtime.block_on(async { timeout(PATIENCE, answer).await });
        answer.expect("an answer in time")
    }

    /// Writes an answer down.
    pub fn write_down(&mut self, answer: &impl Debug) {
        self.transcript.answer(answer);
    }

    /// Writes a line of the scenario's own.
    pub fn note(&mut self, line: impl Into<String>) {
        self.transcript.note(line);
    }

    /// Asks for records, and writes down the answer and what is in them.
    pub fn fetch(&mut self, version: i16, request: FetchRequest) -> FetchResponse {
        let mut answer = self.quietly(version, request);
        let mut found = Vec::new();
        for partition in answer.responses.iter_mut().flat_map(|topic| &mut topic.partitions) {
            let bytes = partition.records.take().unwrap_or_default();
            if partition.error_code != 0 {
                // Kafka says null or empty, as an error arises.
                partition.aborted_transactions = None;
            }
            found.push((partition.partition_index, bytes));
        }
        self.transcript.answer(&answer);
        for (partition, bytes) in found {
            self.records(partition, bytes);
        }
        answer
    }

    fn records(&mut self, partition: i32, bytes: Bytes) {
        // The last batch may be cut: clients skip it.
        for (header, batch) in batches(bytes).map_while(Result::ok) {
            let epoch = self.transcript.id("epoch", &header.leader_epoch.to_string());
            let producer = self.transcript.id("producer", &header.producer_id.to_string());
            let control = header.attributes.is_control();
            // Of the broker's clock: those of markers, and those that the topic wants so.
            let of_broker = control || header.attributes.timestamp_is_log_append();
            let newest =
                if of_broker { "<now>".to_owned() } else { header.max_timestamp.to_string() };
            self.transcript.note(format!(
                "partition {partition}: batch at {} of {} records, last {}, {epoch}, {producer} {} from {}, {:?}, newest {newest}",
                header.base_offset,
                header.record_count,
                header.last_offset_delta,
                header.producer_epoch,
                header.base_sequence,
                header.attributes,
            ));
            for record in records(&batch, 64 << 20).unwrap().map(Result::unwrap) {
                let time =
                    if of_broker { "<now>".to_owned() } else { record.timestamp.to_string() };
                // Of a marker only the version: the coordinator's epoch follows.
                let value =
                    record.value.map(|value| value.slice(..if control { 2 } else { value.len() }));
                self.transcript.note(format!(
                    "  {}: {time} {:?} = {value:?}, {} headers",
                    record.offset,
                    record.key,
                    record.headers.len()
                ));
            }
        }
    }

    /// Makes the scenario's topic, and waits until it can be used.
    pub fn topic(&mut self, partitions: i32) -> Topic {
        self.topic_with(partitions, &[])
    }

    /// The same with configs.
    pub fn topic_with(&mut self, partitions: i32, configs: &[(&str, &str)]) -> Topic {
        let name = self.name.clone();
        let mut topic = requests::topic(&name, partitions, configs);
        if self.brokers.are_many() {
            topic = requests::led_by(topic, self.leader);
        }
        let answer = self.quietly(7, requests::create_topic(topic));
        assert_eq!(answer.topics[0].error_code, 0, "{answer:?}");
        Topic { id: answer.topics[0].topic_id, name: self.until_served(&name) }
    }

    /// Waits until changes made before are seen: Kafka answers before its broker knows of them. They are seen in their order, and this
    /// makes a topic.
    pub fn settle(&mut self) {
        self.settled += 1;
        let name = format!("{}-settled-{}", self.name, self.settled);
        self.quietly(7, requests::create_topic(requests::topic(&name, 1, &[])));
        self.until_served(&name);
    }

    /// The epoch of its first partition's leader.
    pub fn leader_epoch(&mut self, topic: &Topic) -> i32 {
        let topics = vec![requests::metadata_topic(&topic.name)];
        self.quietly(12, requests::metadata(topics)).topics[0].partitions[0].leader_epoch
    }

    /// Waits until a topic's partitions have a leader, and every broker knows.
    pub fn until_served(&mut self, name: &str) -> String {
        for _ in 0..400 {
            if self.brokers.numbers().all(|broker| self.knows_leaders(broker, name)) {
                return name.to_owned();
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("{name} has no leader after ten seconds");
    }

    fn knows_leaders(&mut self, broker: i32, name: &str) -> bool {
        let asked = requests::metadata(vec![requests::metadata_topic(name)]);
        let found = self.ask_broker(broker, 12, asked);
        let topic = &found.topics[0];
        let led = |code: i16, leader: i32| code == 0 && leader >= 0;
        topic.error_code == 0
            && topic.partitions.iter().all(|it| led(it.error_code, it.leader_id.0))
            && self.leads(name, topic.partitions.len())
    }

    /// Whether the leaders lead the topic's partitions: Kafka tells of leaders before they know it themselves.
    fn leads(&mut self, name: &str, partitions: usize) -> bool {
        let topic = Topic { name: name.to_owned(), id: Uuid::nil() };
        (0..partitions as i32).all(|partition| {
            let earliest = requests::list_offsets(&topic, partition, -2);
            self.quietly(7, earliest).topics[0].partitions[0].error_code == 0
        })
    }

    /// Waits until brokers coordinate groups and transactions, and hand out producer ids, the last that one has ready.
    pub fn until_ready(&mut self) {
        for broker in self.brokers.numbers() {
            for key_type in [0, 1] {
                let asked = || requests::groups::find(key_type, "ready");
                while self.ask_broker(broker, 3, asked()).error_code != 0 {
                    std::thread::sleep(Duration::from_millis(25));
                }
            }
            while self.ask_broker(broker, 4, requests::init_producer_id()).error_code != 0 {
                std::thread::sleep(Duration::from_millis(25));
            }
        }
    }

    /// Waits until consumers see the topic's first partition up to there: acks other than all do not say that they do.
    pub fn until_high_watermark(&mut self, topic: &Topic, offset: i64) {
        for _ in 0..400 {
            let latest = self.quietly(7, requests::list_offsets(topic, 0, -1));
            if latest.topics[0].partitions[0].offset == offset {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("{} does not end at {offset} after ten seconds", topic.name);
    }

    /// Appends a batch to the topic's first partition, which must take it.
    pub fn append(&mut self, topic: &Topic, records: Bytes) {
        let answer = self.quietly(9, requests::produce(topic, records));
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0, "{answer:?}");
    }
}

fn connect(runtime: &Runtime, address: SocketAddr) -> Client {
    Client::new(runtime.block_on(Tcp.connect(address)).unwrap())
}
