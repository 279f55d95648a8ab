"""A member of a consumer group through librdkafka; the line format is in ../README.md."""

import argparse
import json
import sys
import threading

from confluent_kafka import Consumer, KafkaException


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--instance")
    parser.add_argument("--protocol", default="classic")
    parser.add_argument("--isolation", default="read_committed")
    parser.add_argument("--rack")
    arguments = parser.parse_args()
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    settings = {
        "bootstrap.servers": arguments.bootstrap,
        "group.id": arguments.group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": arguments.isolation,
        "reconnect.backoff.max.ms": 500,
        "log_level": 0,
    }
    if arguments.protocol == "consumer":
        settings["group.protocol"] = "consumer"  # Time-outs and assignors are the broker's.
    else:
        settings |= {
            "partition.assignment.strategy": "range",
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 500,
        }
    if arguments.rack:
        settings["client.rack"] = arguments.rack
    if arguments.instance:
        settings["group.instance.id"] = arguments.instance
    consumer = Consumer(settings)
    consumer.subscribe([arguments.topic])
    while not stop.is_set():
        messages = [message for message in consumer.consume(100, timeout=0.2) if not message.error()]
        for message in messages:
            print(json.dumps([message.partition(), message.offset(), message.value().decode()]))
        sys.stdout.flush()
        if messages:
            try:
                consumer.commit(asynchronous=False)
            except KafkaException as error:
                # The next commit covers it, or the next owner reads the records again.
                print(error, file=sys.stderr, flush=True)
    consumer.close()


if __name__ == "__main__":
    main()
