"""Prints the values of a topic up to its end, one a line, by partition, as a reader of an isolation level sees them."""

import argparse
import sys

from confluent_kafka import Consumer, KafkaError, TopicPartition


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, default=2)
    parser.add_argument("--isolation", required=True)
    arguments = parser.parse_args()
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "isolation.level": arguments.isolation,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(arguments.topic, it, 0) for it in range(arguments.partitions)])
    ended = set()
    while len(ended) < arguments.partitions:
        message = consumer.poll(30)
        if message is None:
            sys.exit("nothing for 30 s")
        if message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                sys.exit(str(message.error()))
            ended.add(message.partition())
            continue
        print(message.partition(), message.value().decode())
    consumer.close()


if __name__ == "__main__":
    main()
