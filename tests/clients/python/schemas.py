"""The schema registry through confluent-kafka: its serializers register, evolve, refer and are refused; what they wrote is read back.

round-trip: everything, on a new registry. register: one schema. check: the schemas that round-trip registered are there. decode: the records of _schemas,
by a decoder written from the format's description, against what the registry answers.
"""

import argparse
import json
import sys
import urllib.request
import warnings

warnings.filterwarnings("ignore")

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ORDER = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [{"name": "id", "type": "string"}, {"name": "cents", "type": "long"}],
}
NOTE = {"name": "note", "type": ["null", "string"], "default": None}
REQUIRED = {"name": "shop", "type": "string"}


def avro(fields):
    return json.dumps({**ORDER, "fields": ORDER["fields"] + fields})


def protobuf_message():
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3")
    message = file.message_type.add(name="Order")
    message.field.add(name="id", number=1, type=9, label=1)
    message.field.add(name="cents", number=2, type=3, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


def expect_error(code, action):
    try:
        action()
    except SchemaRegistryError as error:
        assert error.error_code == code, f"{error} instead of {code}"
        return
    raise AssertionError(f"not refused with {code}")


def produce_and_read(bootstrap, topic, values):
    producer = Producer({"bootstrap.servers": bootstrap})
    failed = []
    for value in values:
        producer.produce(topic, value=value, partition=0, on_delivery=lambda error, _: error and failed.append(error))
    assert producer.flush(60) == 0 and not failed, failed
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    read = []
    while len(read) < len(values):
        message = consumer.poll(60)
        assert message is not None and message.error() is None, message
        read.append(message.value())
    consumer.close()
    assert read == values
    return read


def round_trip(client, bootstrap, prefix):
    # Avro: registered by the serializer, evolved, refused.
    topic = f"{prefix}-avro"
    context = SerializationContext(topic, MessageField.VALUE)
    old, new = {"id": "a", "cents": 5}, {"id": "b", "cents": 7, "note": "n"}
    written = [
        AvroSerializer(client, avro([]))(old, context),
        AvroSerializer(client, avro([NOTE]))(new, context),
    ]
    expect_error(409, lambda: AvroSerializer(client, avro([REQUIRED]))({**old, "shop": "s"}, context))
    first, second = produce_and_read(bootstrap, topic, written)
    reader = AvroDeserializer(client, avro([NOTE]))
    assert reader(first, context) == {**old, "note": None} and reader(second, context) == new
    subject = f"{topic}-value"
    assert client.get_versions(subject) == [1, 2]
    assert client.get_latest_version(subject).version == 2
    assert client.lookup_schema(subject, Schema(avro([]), "AVRO")).version == 1
    assert not client.test_compatibility(subject, Schema(avro([REQUIRED]), "AVRO"))
    assert client.test_compatibility(subject, Schema(avro([NOTE]), "AVRO"))
    # The same schema under another subject has the same id.
    assert client.register_schema(f"{prefix}-other", Schema(avro([]), "AVRO")) == client.get_version(subject, 1).schema_id

    # Protobuf.
    topic = f"{prefix}-protobuf"
    context = SerializationContext(topic, MessageField.VALUE)
    message = protobuf_message()
    value = message(id="p", cents=9)
    written = ProtobufSerializer(message, client, {"use.deprecated.format": False})(value, context)
    (read,) = produce_and_read(bootstrap, topic, [written])
    found = ProtobufDeserializer(message, {"use.deprecated.format": False}, client)(read, context)
    assert (found.id, found.cents) == ("p", 9)
    registered = client.get_latest_version(f"{topic}-value")
    assert registered.schema.schema_type == "PROTOBUF" and "message Order" in registered.schema.schema_str
    changed = 'syntax = "proto3"; package shop; message Order { string id = 1; string cents = 2; }'
    expect_error(409, lambda: client.register_schema(f"{topic}-value", Schema(changed, "PROTOBUF")))

    # JSON Schema.
    topic = f"{prefix}-json"
    context = SerializationContext(topic, MessageField.VALUE)
    closed = {"title": "Order", "type": "object", "properties": {"id": {"type": "string"}}, "additionalProperties": False}
    written = JSONSerializer(json.dumps(closed), client)({"id": "j"}, context)
    (read,) = produce_and_read(bootstrap, topic, [written])
    assert JSONDeserializer(json.dumps(closed), schema_registry_client=client)(read, context) == {"id": "j"}
    narrowed = {**closed, "properties": {}}
    expect_error(409, lambda: client.register_schema(f"{topic}-value", Schema(json.dumps(narrowed), "JSON")))

    # References.
    money = {"type": "record", "name": "Money", "namespace": "shop", "fields": [{"name": "cents", "type": "long"}]}
    client.register_schema(f"{prefix}-money", Schema(json.dumps(money), "AVRO"))
    price = {"type": "record", "name": "Price", "fields": [{"name": "of", "type": "shop.Money"}]}
    reference = SchemaReference("shop.Money", f"{prefix}-money", 1)
    price_id = client.register_schema(f"{prefix}-price", Schema(json.dumps(price), "AVRO", [reference]))
    expect_error(42206, lambda: client.delete_subject(f"{prefix}-money"))
    context = SerializationContext(f"{prefix}-priced", MessageField.VALUE)
    priced = AvroSerializer(client, Schema(json.dumps(price), "AVRO", [reference]))({"of": {"cents": 3}}, context)
    assert int.from_bytes(priced[1:5], "big") == price_id
    assert AvroDeserializer(client)(priced, context) == {"of": {"cents": 3}}

    # Levels, deletion.
    client.set_compatibility(f"{prefix}-price", "NONE")
    assert client.get_compatibility(f"{prefix}-price") == "NONE"
    text = client.register_schema(f"{prefix}-price", Schema('"string"', "AVRO"))
    assert text not in (price_id, 0)
    assert client.delete_version(f"{prefix}-price", 2) == 2
    expect_error(40401, lambda: client.get_versions(f"{prefix}-nothing"))
    expect_error(42201, lambda: client.register_schema(f"{prefix}-bad", Schema("{", "AVRO")))


def check(client, prefix):
    assert client.get_versions(f"{prefix}-avro-value") == [1, 2]
    assert client.get_versions(f"{prefix}-price") == [1]
    assert client.get_compatibility(f"{prefix}-price") == "NONE"
    again = client.register_schema(f"{prefix}-again", Schema(avro([]), "AVRO"))
    assert again == client.get_version(f"{prefix}-avro-value", 1).schema_id


def decode(url, bootstrap):
    """Versions by subject, ids and levels, from the records alone."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "decode", "auto.offset.reset": "earliest"})
    _, end = consumer.get_watermark_offsets(TopicPartition("_schemas", 0), timeout=60)
    consumer.assign([TopicPartition("_schemas", 0, 0)])
    subjects, levels, position = {}, {}, 0
    while position < end:
        message = consumer.poll(60)
        assert message is not None and message.error() is None, message
        position = message.offset() + 1
        key = json.loads(message.key())
        value = json.loads(message.value()) if message.value() is not None else None
        if key["keytype"] == "SCHEMA":
            assert key["magic"] == 1, key
            versions = subjects.setdefault(key["subject"], {})
            if value is None:
                versions.pop(key["version"], None)
            else:
                assert (value["subject"], value["version"]) == (key["subject"], key["version"])
                versions[key["version"]] = value
        elif key["keytype"] == "CONFIG":
            levels[key.get("subject")] = value and value["compatibilityLevel"]
        elif key["keytype"] == "DELETE_SUBJECT" and value is not None:
            for version, schema in subjects.get(key["subject"], {}).items():
                schema["deleted"] = schema["deleted"] or version <= value["version"]
    consumer.close()
    shown = json.load(urllib.request.urlopen(f"{url}/schemas?deleted=true"))
    decoded = [schema for _, versions in sorted(subjects.items()) for _, schema in sorted(versions.items())]
    known = ("subject", "version", "id", "schema", "schemaType", "references")
    plain = lambda schema: {name: schema[name] for name in known if schema.get(name)} | {"deleted": schema.get("deleted", False)}
    assert decoded and [plain(schema) for schema in decoded] == [plain(schema) for schema in shown]
    for subject, level in levels.items():
        path = f"/config/{subject}" if subject else "/config"
        if level:
            assert json.load(urllib.request.urlopen(url + path))["compatibilityLevel"] == level


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["round-trip", "check", "decode", "register"])
    parser.add_argument("--registry", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--prefix", default="t")
    arguments = parser.parse_args()
    client = SchemaRegistryClient({"url": arguments.registry})
    if arguments.command == "round-trip":
        round_trip(client, arguments.bootstrap, arguments.prefix)
    elif arguments.command == "register":
        schema = Schema(avro([{"name": arguments.prefix.replace("-", "_"), "type": "int", "default": 1}]), "AVRO")
        written = client.register_schema(arguments.prefix, schema)
        assert client.get_schema(written, arguments.prefix).schema_type == "AVRO"
    elif arguments.command == "check":
        check(client, arguments.prefix)
    else:
        decode(arguments.registry, arguments.bootstrap)
    print("ok")


if __name__ == "__main__":
    sys.exit(main())
