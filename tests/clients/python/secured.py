"""kafka-python at a listener with SASL: writes a record and prints what it reads."""

import argparse

from kafka import KafkaConsumer, KafkaProducer, TopicPartition


def main():
    parser = argparse.ArgumentParser()
    for name in ["bootstrap", "mechanism", "user", "password", "topic"]:
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    settings = {
        "bootstrap_servers": arguments.bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": arguments.mechanism,
        "sasl_plain_username": arguments.user,
        "sasl_plain_password": arguments.password,
    }
    producer = KafkaProducer(acks="all", **settings)
    sent = producer.send(arguments.topic, b"hello", partition=0).get(30)
    consumer = KafkaConsumer(consumer_timeout_ms=30000, **settings)
    partition = TopicPartition(arguments.topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, sent.offset)
    print(next(consumer).value.decode())


main()
