"""Transactions through librdkafka; what the actions do is in ../README.md."""

import argparse
import json
import sys
import threading
import time

import debugging
from confluent_kafka import Consumer, KafkaException, Producer


def producer_of(arguments):
    # When its only broker is gone, librdkafka 2.16 starts from its bootstrap servers again, and what it sends to a group's
    # coordinator waits for the broker of before for ever (its issue 5511), whoever serves.
    producer = Producer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "transactional.id": arguments.id,
            "transaction.timeout.ms": arguments.timeout,
            "reconnect.backoff.max.ms": 500,
            "retry.backoff.ms": 20,
            "linger.ms": 2,
            "metadata.recovery.strategy": "none",
            **debugging.SETTINGS,
        }
    )
    producer.init_transactions(60)
    return producer


def write(arguments):
    producer = producer_of(arguments)
    for number in range(arguments.count):
        producer.begin_transaction()
        for record in range(3):
            value = f"{arguments.id}-{number}-{record}"
            producer.produce(arguments.topic, value=value, partition=record % arguments.partitions)
        if number % 2:
            producer.flush(60)
            producer.abort_transaction(60)
        else:
            producer.commit_transaction(60)
    if arguments.leave_open:
        producer.begin_transaction()
        producer.produce(arguments.topic, value="open", partition=0)
        producer.flush(60)
        print("open", flush=True)
        sys.stdin.read()


def copy(arguments):
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    while not stop.is_set():
        try:
            copy_until_failure(arguments, stop)
        except KafkaException as error:
            # Whatever happened to the broker: begin anew where the last committed transaction ended.
            print(error, file=sys.stderr, flush=True)
            time.sleep(0.1)


def copy_until_failure(arguments, stop):
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": arguments.group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6_000,
            # Two heartbeats in a row may come to a coordinator that moved just then.
            "heartbeat.interval.ms": 500,
            "reconnect.backoff.max.ms": 500,
            **debugging.SETTINGS,
        }
    )
    try:
        producer = producer_of(arguments)
        consumer.subscribe([arguments.source])
        while not stop.is_set():
            messages = [it for it in consumer.consume(200, timeout=0.2) if not it.error()]
            if not messages:
                continue
            producer.begin_transaction()
            for message in messages:
                producer.produce(arguments.topic, value=message.value(), partition=message.partition())
            positions = consumer.position(consumer.assignment())
            producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), 30)
            producer.commit_transaction(30)
            print(json.dumps(len(messages)), flush=True)
    finally:
        consumer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["write", "copy"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--id", required=True)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--partitions", type=int, default=2)
    parser.add_argument("--timeout", type=int, default=60_000)
    parser.add_argument("--leave-open", action="store_true")
    parser.add_argument("--source")
    parser.add_argument("--group")
    arguments = parser.parse_args()
    {"write": write, "copy": copy}[arguments.action](arguments)


if __name__ == "__main__":
    main()
