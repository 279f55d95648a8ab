"""Writes and reads records through librdkafka; the line format is in ../README.md."""

import argparse
import json
import sys

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from lines import decode, encode


def produce(arguments):
    failures = []

    def delivered(error, message):
        if error is not None:
            failures.append(f"{message.topic()}-{message.partition()}: {error}")

    producer = Producer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "compression.type": arguments.compression,
            "linger.ms": arguments.linger,
            "batch.size": 1_000_000,
            "message.max.bytes": 12_000_000,
            "message.copy.max.bytes": 65_535,
            "enable.idempotence": True,
            "acks": "all",
        }
    )
    with open(arguments.file, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            headers = [(key, decode(value)) for key, value in record["headers"]]
            while True:
                try:
                    producer.produce(
                        arguments.topic,
                        partition=arguments.partition,
                        key=decode(record["key"]),
                        value=decode(record["value"]),
                        headers=headers,
                        on_delivery=delivered,
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
            if arguments.linger == 0:
                producer.flush(60)
    left = producer.flush(120)
    if left or failures:
        sys.exit(f"{left} records left, {len(failures)} failed: {failures[:3]}")


def consume(arguments):
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.message.max.bytes": 2_000_000,
            "receive.message.max.bytes": 200_000_000,
            "fetch.max.bytes": 52_428_800,
        }
    )
    consumer.assign([TopicPartition(arguments.topic, arguments.partition, arguments.offset)])
    seen = 0
    while seen < arguments.count:
        message = consumer.poll(60)
        if message is None:
            sys.exit(f"nothing for 60 s after {seen} of {arguments.count} records")
        if message.error():
            if message.error().code() == KafkaError._PARTITION_EOF:
                continue
            sys.exit(str(message.error()))
        record = {
            "key": encode(message.key()),
            "value": encode(message.value()),
            "headers": [[key, encode(value)] for key, value in message.headers() or []],
        }
        print(json.dumps(record))
        seen += 1
    consumer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["produce", "consume"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partition", type=int, default=0)
    parser.add_argument("--compression", default="none")
    parser.add_argument("--linger", type=int, default=5)
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--file")
    arguments = parser.parse_args()
    produce(arguments) if arguments.action == "produce" else consume(arguments)


if __name__ == "__main__":
    main()
