"""Steady load through librdkafka that outlives its broker, and the check of what was acknowledged.

produce: writes numbered records to every partition of a topic until standard input closes, and logs each acknowledged record as
`partition offset number` to a file. verify: reads the topic whole and holds it against the logs.
"""

import argparse
import collections
import json
import sys
import threading
import time

import debugging
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec


def produce(arguments):
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    idempotent = arguments.acks == "all"
    producer = Producer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "acks": arguments.acks,
            "enable.idempotence": idempotent,
            # Without idempotence a retry could write twice: each record is sent once.
            "retries": 2147483647 if idempotent else 0,
            "delivery.timeout.ms": arguments.patience_ms,
            "request.timeout.ms": min(30_000, arguments.patience_ms),
            "linger.ms": 2,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 200,
            "retry.backoff.ms": 20,
            "topic.metadata.refresh.interval.ms": 2_000,
            "queue.buffering.max.messages": 20_000,
            **debugging.SETTINGS,
        }
    )
    counts = collections.Counter()
    # Line by line where that is cheap: who watches the log wants to see what was acknowledged.
    with open(arguments.log, "a", encoding="utf-8", buffering=1 if arguments.rate else 1 << 16) as log:

        def delivered(error, message):
            if error is None:
                counts["acknowledged"] += 1
                # librdkafka knows no offset of what it was told of only by the answer to a later batch: "None".
                log.write(f"{message.partition()} {message.offset()} {int(message.key())}\n")
            else:
                counts[error.name()] += 1

        number = arguments.first
        padding = b"." * arguments.size
        while not stop.is_set():
            value = b"%d:" % number + padding
            try:
                producer.produce(
                    arguments.topic,
                    partition=number % arguments.partitions,
                    key=b"%d" % number,
                    value=value,
                    on_delivery=delivered,
                )
                number += 1
            except BufferError:
                producer.poll(0.05)
            producer.poll(0)
            if arguments.rate:
                time.sleep(1 / arguments.rate)
        producer.flush(arguments.patience_ms / 1000 + 5)
    counts["sent"] = number - arguments.first
    print(json.dumps(counts))


def ends(arguments, spec):
    """The offset that `spec` names, of every partition. Where leaders just changed, the client says so instead of asking again."""
    admin = AdminClient({"bootstrap.servers": arguments.bootstrap})
    partitions = [TopicPartition(arguments.topic, partition) for partition in range(arguments.partitions)]
    until = time.monotonic() + 60
    while True:
        asked = admin.list_offsets({partition: spec for partition in partitions}, request_timeout=60)
        try:
            return {partition.partition: answer.result().offset for partition, answer in asked.items()}
        except KafkaException as failure:
            if (not failure.args[0].retriable() and failure.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION) or time.monotonic() > until:
                raise
            time.sleep(0.2)


def records(arguments, problems):
    """Every record of the topic as (partition, offset, number, value); gaps and what is missing go to `problems`."""
    expected, high = ends(arguments, OffsetSpec.earliest()), ends(arguments, OffsetSpec.latest())
    unread = {partition for partition in high if expected[partition] < high[partition]}
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
        }
    )
    consumer.assign([TopicPartition(arguments.topic, partition, expected[partition]) for partition in unread])
    while unread:
        messages = consumer.consume(10_000, timeout=1)
        deadline = time.monotonic() + 60
        while not messages and time.monotonic() < deadline:
            messages = consumer.consume(10_000, timeout=1)
        if not messages:
            problems += [f"partition {p}: nothing more at {expected[p]} of {high[p]}" for p in sorted(unread)]
            return
        for message in messages:
            partition, offset = message.partition(), message.offset()
            if message.error():
                problems.append(f"partition {partition}: {message.error()}")
                return
            if offset != expected[partition]:
                problems.append(f"partition {partition}: offset {offset} where {expected[partition]} was due")
            expected[partition] = offset + 1
            yield partition, offset, int(message.key()), message.value()
            if expected[partition] >= high[partition]:
                unread.discard(partition)


def verify(arguments):
    acknowledged, somewhere = {}, set()
    for path in arguments.log.split(","):
        with open(path, encoding="utf-8") as log:
            for line in log:
                partition, offset, number = line.split()
                if offset == "None":
                    somewhere.add(int(number))
                else:
                    acknowledged[(int(partition), int(offset))] = int(number)
    problems, found = [], {}
    for partition, offset, number, value in records(arguments, problems):
        if not value.startswith(b"%d:" % number):
            problems.append(f"partition {partition} offset {offset}: value of another record")
        if number in found:
            problems.append(f"record {number} twice: {found[number]} and {(partition, offset)}")
        found[number] = (partition, offset)
    total = len(found)
    lost = [(place, number) for place, number in acknowledged.items() if found.get(number) != place]
    lost += [(None, number) for number in somewhere if number not in found]
    for place, number in lost[:5]:
        problems.append(f"record {number} acknowledged at {place}, found at {found.get(number)}")
    count = len(acknowledged) + len(somewhere)
    print(json.dumps({"acknowledged": count, "without_offset": len(somewhere), "read": total, "lost": len(lost), "problems": problems[:10]}))
    if problems:
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["produce", "verify"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--acks", default="all")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--patience-ms", type=int, default=120_000)
    parser.add_argument("--log", required=True)
    arguments = parser.parse_args()
    produce(arguments) if arguments.action == "produce" else verify(arguments)


if __name__ == "__main__":
    main()
