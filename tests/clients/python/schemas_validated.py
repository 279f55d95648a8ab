"""Topics whose records must have a schema (confluent.value.schema.validation): what is taken, what is refused, and from when on.

--registries and --bootstrap name every broker's: a schema is used at one broker the moment another has registered it.
"""

import argparse
import json
import sys
import warnings

warnings.filterwarnings("ignore")

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

TOPIC, PARTITIONS = "validated", 6


def avro(fields):
    fields = [{"name": f"f{number}", "type": "int", "default": number} for number in range(fields)]
    return json.dumps({"type": "record", "name": "Validated", "fields": fields})


class Log:
    """What was accepted, by partition."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.accepted = [[] for _ in range(PARTITIONS)]
        self.producer = Producer({"bootstrap.servers": bootstrap, "compression.type": "zstd", "linger.ms": 0})

    def write(self, partition, value):
        """The error's code, or None."""
        told = []
        self.producer.produce(TOPIC, key=b"k", value=value, partition=partition, on_delivery=lambda error, _: told.append(error))
        assert self.producer.flush(60) == 0
        (error,) = told
        if error is None:
            self.accepted[partition].append(value)
        return error and error.code()

    def check(self):
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "check"})
        for partition, accepted in enumerate(self.accepted):
            consumer.assign([TopicPartition(TOPIC, partition, 0)])
            _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), timeout=60)
            assert end == len(accepted), (partition, end, accepted)
            for value in accepted:
                message = consumer.poll(60)
                assert message is not None and message.error() is None and message.value() == value, message
        consumer.close()


def configure(admin, value):
    entry = ConfigEntry("confluent.value.schema.validation", value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(30)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--registries", required=True)
    parser.add_argument("--bootstrap", required=True)
    arguments = parser.parse_args()
    clients = [SchemaRegistryClient({"url": url}) for url in arguments.registries.split(",")]
    admin = AdminClient({"bootstrap.servers": arguments.bootstrap})
    new = NewTopic(TOPIC, PARTITIONS, config={"confluent.value.schema.validation": "true"})
    admin.create_topics([new])[TOPIC].result(30)
    log = Log(arguments.bootstrap)
    for partition in range(PARTITIONS):
        for value in (b"{}", b"", b"\0\0\0\0", b"\1\0\0\0\1x", b"\0\0\1\0\1x"):
            assert log.write(partition, value) == KafkaError.INVALID_RECORD, (partition, value)
        # A tombstone has no bytes that could mean something.
        assert log.write(partition, None) is None

    foreign = clients[0].register_schema("foreign-value", Schema('"string"', "AVRO"))
    context = SerializationContext(TOPIC, MessageField.VALUE)
    for fields in range(1, 7):
        client = clients[fields % len(clients)]
        value = {f"f{number}": number for number in range(fields)}
        written = AvroSerializer(client, avro(fields))(value, context)
        for partition in range(PARTITIONS):
            assert log.write(partition, written) is None, (fields, partition)
    for partition in range(PARTITIONS):
        assert log.write(partition, b"\0" + foreign.to_bytes(4, "big") + b"\2x") == KafkaError.INVALID_RECORD
    # A batch goes as a whole.
    batches = Producer({"bootstrap.servers": arguments.bootstrap, "linger.ms": 500})
    told = []
    for value in (written, b"no schema", written):
        batches.produce(TOPIC, value=value, partition=0, on_delivery=lambda error, _: told.append(error and error.code()))
    assert batches.flush(60) == 0 and told == [KafkaError.INVALID_RECORD] * 3, told

    configure(admin, "false")
    while log.write(0, b"anything") is not None:
        pass
    configure(admin, "true")
    while log.write(0, b"anything") is None:
        pass
    log.check()
    print("ok")


if __name__ == "__main__":
    sys.exit(main())
