// Everything that the tests ask of a client, through kafkajs; the actions are in ../README.md.
"use strict";

const fs = require("fs");
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require("kafkajs");

CompressionCodecs[CompressionTypes.Snappy] = require("kafkajs-snappy");

const CODECS = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy };

const [action, ...words] = process.argv.slice(2);
const options = {};
for (let i = 0; i + 1 < words.length; i += 2) {
  options[words[i].slice(2)] = words[i + 1];
}
const kafka = new Kafka({ brokers: options.bootstrap.split(","), logLevel: logLevel.NOTHING });

const decode = (text) => (text === null ? null : Buffer.from(text, "base64"));
const encode = (data) => (data === null ? null : data.toString("base64"));

// kafkajs keeps headers as an object: a key that occurs twice has an array.
const headersOf = (pairs) => Object.fromEntries(pairs.map(([key, value]) => [key, decode(value)]));
const pairsOf = (headers) => Object.entries(headers).map(([key, value]) => [key, encode(value)]);

async function create() {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: options.topic, numPartitions: Number(options.partitions), replicationFactor: 1 }] });
  const { topics } = await admin.fetchTopicMetadata({ topics: [options.topic] });
  console.log(topics[0].partitions.length);
  await admin.disconnect();
}

async function remove() {
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [options.topic] });
  console.log((await admin.listTopics()).includes(options.topic));
  await admin.disconnect();
}

async function produce() {
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  const partition = options.partition === undefined ? undefined : Number(options.partition);
  const lines = fs.readFileSync(options.file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const messages = lines.map(({ key, value, headers }) => ({
    key: decode(key),
    value: decode(value),
    headers: headersOf(headers),
    partition,
  }));
  await producer.send({ topic: options.topic, messages, compression: CODECS[options.compression ?? "none"] });
  await producer.disconnect();
}

async function consume() {
  const consumer = kafka.consumer({ groupId: "unused" });
  await consumer.connect();
  await consumer.subscribe({ topic: options.topic, fromBeginning: true });
  let left = Number(options.count);
  await new Promise((done) => {
    const eachMessage = async ({ message }) => {
      if (left-- > 0) {
        console.log(JSON.stringify({ key: encode(message.key), value: encode(message.value), headers: pairsOf(message.headers) }));
      }
      if (left === 0) {
        done();
      }
    };
    consumer.run({ autoCommit: false, eachMessage });
  });
  await consumer.disconnect();
}

async function group() {
  const consumer = kafka.consumer({ groupId: options.group, sessionTimeout: 10_000, heartbeatInterval: 500, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topic: options.topic, fromBeginning: true });
  const eachBatch = async ({ batch, resolveOffset, commitOffsetsIfNecessary }) => {
    for (const message of batch.messages) {
      console.log(JSON.stringify([batch.partition, Number(message.offset), message.value.toString()]));
      resolveOffset(message.offset);
    }
    await commitOffsetsIfNecessary();
  };
  await consumer.run({ autoCommitThreshold: 1, eachBatch });
  process.stdin.resume();
  await new Promise((closed) => process.stdin.on("end", closed));
  await consumer.disconnect();
}

async function write() {
  const producer = kafka.producer({ transactionalId: options.id, maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  for (let number = 0; number < Number(options.count); number++) {
    const transaction = await producer.transaction();
    const messages = [0, 1, 2].map((record) => ({
      value: `${options.id}-${number}-${record}`,
      partition: record % Number(options.partitions),
    }));
    await transaction.send({ topic: options.topic, messages });
    await (number % 2 ? transaction.abort() : transaction.commit());
  }
  await producer.disconnect();
}

const actions = { create, delete: remove, produce, consume, group, write };
actions[action]().catch((error) => {
  console.error(error);
  process.exit(1);
});
