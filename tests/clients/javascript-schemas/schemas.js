// The schema registry through Confluent's client for Node.js: its serializers register, evolve, refer and are refused; what they wrote is read back.
"use strict";

const assert = require("assert");
const { create, createFileRegistry, createMutableRegistry } = require("@bufbuild/protobuf");
const { FileDescriptorProtoSchema } = require("@bufbuild/protobuf/wkt");
const registry = require("@confluentinc/schemaregistry");
const { Kafka, logLevel } = require("kafkajs");

const options = {};
for (let i = 2; i + 1 < process.argv.length; i += 2) {
  options[process.argv[i].slice(2)] = process.argv[i + 1];
}
const fresh = () => new registry.SchemaRegistryClient({ baseURLs: [options.registry] });
let client = fresh();
const kafka = new Kafka({ brokers: options.bootstrap.split(","), logLevel: logLevel.NOTHING });
const VALUE = registry.SerdeType.VALUE;
const LATEST = { autoRegisterSchemas: false, useLatestVersion: true };

const ORDER = { type: "record", name: "Order", namespace: "shop", fields: [{ name: "id", type: "string" }, { name: "cents", type: "int" }] };
const avro = (...fields) => ({ schemaType: "AVRO", schema: JSON.stringify({ ...ORDER, fields: [...ORDER.fields, ...fields] }) });
const NOTE = { name: "note", type: ["null", "string"], default: null };
const REQUIRED = { name: "shop", type: "string" };

async function refused(code, action) {
  try {
    await action();
  } catch (error) {
    assert.strictEqual(error.errorCode, code, String(error));
    return;
  }
  assert.fail(`not refused with ${code}`);
}

// Values as they come back from the broker.
async function produceAndRead(topic, values) {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
  await producer.disconnect();
  const consumer = kafka.consumer({ groupId: topic });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const read = [];
  await new Promise((resolve, reject) => {
    const eachMessage = async ({ message }) => {
      if (read.push(message.value) === values.length) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  assert.deepStrictEqual(read, values);
  return read;
}

async function viaAvro(topic) {
  const subject = `${topic}-value`;
  const [old, changed] = [{ id: "a", cents: 5 }, { id: "b", cents: 7, note: "n" }];
  const first = await client.register(subject, avro());
  const written = [await new registry.AvroSerializer(client, VALUE, LATEST).serialize(topic, old)];
  assert.strictEqual(written[0].readInt32BE(1), first);
  const second = await client.register(subject, avro(NOTE));
  client = fresh(); // what it had cached as the latest version is an earlier one
  written.push(await new registry.AvroSerializer(client, VALUE, LATEST).serialize(topic, changed));
  assert.strictEqual(written[1].readInt32BE(1), second);
  await refused(409, () => client.register(subject, avro(REQUIRED)));
  assert.strictEqual(await client.testSubjectCompatibility(subject, avro(REQUIRED)), false);
  assert.strictEqual(await client.testSubjectCompatibility(subject, avro(NOTE)), true);
  const read = await produceAndRead(topic, written);
  const plain = (record) => JSON.parse(JSON.stringify(record));
  const writers = new registry.AvroDeserializer(client, VALUE, {});
  assert.deepStrictEqual(plain(await writers.deserialize(topic, read[0])), old);
  const latest = new registry.AvroDeserializer(client, VALUE, { useLatestVersion: true });
  assert.deepStrictEqual(plain(await latest.deserialize(topic, read[0])), { ...old, note: null });
  assert.deepStrictEqual(await client.getAllVersions(subject), [1, 2]);
  assert.strictEqual(await client.getVersion(subject, avro()), 1);
  assert.strictEqual(await client.getId(subject, avro()), first);
  assert.strictEqual((await client.getLatestSchemaMetadata(subject)).version, 2);
  assert.strictEqual(await client.register(`${topic}-other`, avro()), first);
}

async function viaProtobuf(topic) {
  const field = (name, number, type) => ({ name, number, type, label: 1, jsonName: name });
  const messageType = [{ name: "Order", field: [field("id", 1, 9), field("cents", 2, 5)] }];
  const file = create(FileDescriptorProtoSchema, { name: "shop.proto", package: "shop", syntax: "proto3", messageType });
  const described = createFileRegistry(file, () => undefined).getMessage("shop.Order");
  const serializer = new registry.ProtobufSerializer(client, VALUE, { autoRegisterSchemas: true, registry: createMutableRegistry(described) });
  const written = await serializer.serialize(topic, create(described, { id: "p", cents: 9 }));
  const [read] = await produceAndRead(topic, [written]);
  const found = await new registry.ProtobufDeserializer(client, VALUE, {}).deserialize(topic, read);
  assert.deepStrictEqual([found.$typeName, found.id, found.cents], ["shop.Order", "p", 9]);
  const registered = await client.getLatestSchemaMetadata(`${topic}-value`);
  assert.ok(registered.schemaType === "PROTOBUF" && registered.schema.includes("message Order"), registered.schema);
  const changed = 'syntax = "proto3"; package shop; message Order { string id = 1; string cents = 2; }';
  await refused(409, () => client.register(`${topic}-value`, { schemaType: "PROTOBUF", schema: changed }));
}

async function viaJson(topic) {
  const closed = { title: "Order", type: "object", properties: { id: { type: "string" } }, additionalProperties: false };
  const json = (schema) => ({ schemaType: "JSON", schema: JSON.stringify(schema) });
  await client.register(`${topic}-value`, json(closed));
  const serializer = new registry.JsonSerializer(client, VALUE, { ...LATEST, validate: true });
  const written = await serializer.serialize(topic, { id: "j" });
  await assert.rejects(serializer.serialize(topic, { id: 1 }));
  const [read] = await produceAndRead(topic, [written]);
  const found = await new registry.JsonDeserializer(client, VALUE, { validate: true }).deserialize(topic, read);
  assert.deepStrictEqual(found, { id: "j" });
  await refused(409, () => client.register(`${topic}-value`, json({ ...closed, properties: {} })));
}

async function references(prefix) {
  const money = { type: "record", name: "Money", namespace: "shop", fields: [{ name: "cents", type: "int" }] };
  await client.register(`${prefix}-money`, { schemaType: "AVRO", schema: JSON.stringify(money) });
  const price = { type: "record", name: "Price", fields: [{ name: "of", type: "shop.Money" }] };
  const referring = [{ name: "shop.Money", subject: `${prefix}-money`, version: 1 }];
  const topic = `${prefix}-priced`;
  const schema = { schemaType: "AVRO", schema: JSON.stringify(price), references: referring };
  const id = await client.register(`${topic}-value`, schema);
  const written = await new registry.AvroSerializer(client, VALUE, LATEST).serialize(topic, { of: { cents: 3 } });
  assert.strictEqual(written.readInt32BE(1), id);
  const read = await new registry.AvroDeserializer(client, VALUE, {}).deserialize(topic, written);
  assert.deepStrictEqual(JSON.parse(JSON.stringify(read)), { of: { cents: 3 } });
  await refused(42206, () => client.deleteSubject(`${prefix}-money`, false));
  await refused(42201, () => client.register(`${prefix}-bad`, { schemaType: "AVRO", schema: "{" }));
  await refused(40401, () => client.getAllVersions(`${prefix}-nothing`));
}

async function levelsAndDeletion(subject) {
  assert.strictEqual(await client.updateCompatibility(subject, registry.Compatibility.NONE), "NONE");
  assert.strictEqual(await client.getCompatibility(subject), "NONE");
  await client.register(subject, { schemaType: "AVRO", schema: '"string"' });
  assert.strictEqual(await client.deleteSubjectVersion(subject, 2, false), 2);
  assert.deepStrictEqual(await client.getAllVersions(subject), [1]);
  assert.deepStrictEqual(await client.deleteSubject(subject, false), [1]);
  assert.deepStrictEqual(await client.deleteSubject(subject, true), [1, 2]);
  assert.ok(!(await client.getAllSubjects()).includes(subject));
}

async function main() {
  const { prefix } = options;
  await viaAvro(`${prefix}-avro`);
  await viaProtobuf(`${prefix}-protobuf`);
  await viaJson(`${prefix}-json`);
  await references(prefix);
  await levelsAndDeletion(`${prefix}-priced-value`);
  console.log("ok");
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
