"""Histories for log compaction; what the actions do is in ../README.md."""

import argparse
import json
import sys
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic


def create(arguments):
    config = dict(it.split("=", 1) for it in arguments.config)
    topic = NewTopic(arguments.topic, num_partitions=1, replication_factor=1, config=config)
    # Kept: the answer never comes once its client is gone.
    admin = AdminClient({"bootstrap.servers": arguments.bootstrap})
    # Apache Kafka makes no topics for a while after it has started.
    for attempt in range(60):
        created = admin.create_topics([topic])
        try:
            return created[arguments.topic].result(10)
        except (KafkaException, TimeoutError) as error:
            already = "TOPIC_ALREADY_EXISTS" in str(error)
            if already or attempt == 59:
                return None if already else sys.exit(str(error))
            time.sleep(1)


def producer_of(arguments, **more):
    settings = {"bootstrap.servers": arguments.bootstrap, "linger.ms": 5, "log_level": 0}
    return Producer(settings | more)


def history(arguments):
    """Keys over and over, some batches compressed, tombstones, then transactions of which every second is aborted."""
    for codec in ["none", "zstd"]:
        plain = producer_of(arguments, **{"compression.type": codec, "enable.idempotence": codec == "zstd"})
        for number in range(60):
            key = f"k{number % 7}" if number % 9 else f"once-{codec}-{number}"
            headers = [("n", str(number).encode())] if number % 4 == 0 else []
            plain.produce(arguments.topic, key=key, value=f"{codec}-{number}", headers=headers)
            if number % 11 == 0:
                plain.produce(arguments.topic, key=f"k{number % 7}", value=None)
            if number % 13 == 0:
                plain.flush(60)
        plain.produce(arguments.topic, key="k1", value=None)
        plain.flush(60)
    settings = {"transactional.id": arguments.topic, "transaction.timeout.ms": 60_000}
    transactional = producer_of(arguments, **settings)
    transactional.init_transactions(60)
    for number in range(8):
        transactional.begin_transaction()
        for key in ["k2", f"t{number % 3}", f"only-{number}"]:
            transactional.produce(arguments.topic, key=key, value=f"transaction-{number}")
        if number == 6:
            transactional.produce(arguments.topic, key="k3", value=None)
        if number % 2:
            transactional.flush(60)
            transactional.abort_transaction(60)
        else:
            transactional.commit_transaction(60)


def put(arguments):
    producer = producer_of(arguments)
    failed = []
    value = arguments.value.encode()
    producer.produce(
        arguments.topic,
        key=arguments.key,
        value=value,
        on_delivery=lambda error, _: failed.append(error.name()) if error else None,
    )
    producer.flush(60)
    print(failed[0] if failed else "stored")


def read(arguments):
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "isolation.level": arguments.isolation,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(arguments.topic, 0, 0)])
    while True:
        message = consumer.poll(30)
        if message is None:
            sys.exit("nothing for 30 s")
        if message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                sys.exit(str(message.error()))
            break
        text = lambda it: None if it is None else it.decode()
        headers = [[key, text(value)] for key, value in message.headers() or []]
        print(json.dumps([message.offset(), text(message.key()), text(message.value()), headers]))
    consumer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["create", "history", "put", "read"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--config", action="append", default=[])
    parser.add_argument("--key")
    parser.add_argument("--value", default="")
    parser.add_argument("--isolation", default="read_uncommitted")
    arguments = parser.parse_args()
    {"create": create, "history": history, "put": put, "read": read}[arguments.action](arguments)


if __name__ == "__main__":
    main()
