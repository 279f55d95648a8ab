"""A client at a listener with OAUTHBEARER: fetches tokens from a provider, writes records, and reads the last one back."""

import argparse
import json
import ssl
import time
import urllib.request


def fetch(arguments):
    """A token, and when it is over."""
    context = ssl.create_default_context(cafile=arguments.ca)
    with urllib.request.urlopen(arguments.token_url, context=context, timeout=10) as answer:
        said = json.load(answer)
    return said["access_token"], time.time() + said["expires_in"]


def confluent(arguments, values):
    from confluent_kafka import Consumer, Producer, TopicPartition

    settings = {
        "bootstrap.servers": arguments.bootstrap,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": arguments.ca,
        "sasl.mechanisms": "OAUTHBEARER",
        "oauth_cb": lambda _: fetch(arguments),
    }
    failures = []
    producer = Producer({**settings, "acks": "all", "linger.ms": 0})
    offsets = []
    for value in values:
        def delivered(error, message):
            (failures if error else offsets).append(error or message.offset())

        producer.produce(arguments.topic, value, partition=0, callback=delivered)
        producer.poll(0)
        time.sleep(arguments.pause)
    left = producer.flush(30)
    assert not failures and not left, (failures, left)
    consumer = Consumer({**settings, "group.id": "g", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(arguments.topic, 0, max(offsets))])
    until = time.time() + 30
    message = None
    while message is None and time.time() < until:
        message = consumer.poll(1)
    assert message is not None and not message.error(), message and message.error()
    consumer.close()
    return message.value().decode()


def kafka_python(arguments, values):
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Tokens(AbstractTokenProvider):
        def token(self):
            return fetch(arguments)[0]

    settings = {
        "bootstrap_servers": arguments.bootstrap,
        "security_protocol": "SASL_SSL",
        "ssl_cafile": arguments.ca,
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_provider": Tokens(),
    }
    producer = KafkaProducer(acks="all", **settings)
    for value in values:
        sent = producer.send(arguments.topic, value.encode(), partition=0).get(30)
        time.sleep(arguments.pause)
    consumer = KafkaConsumer(consumer_timeout_ms=30000, **settings)
    partition = TopicPartition(arguments.topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, sent.offset)
    return next(consumer).value.decode()


def main():
    parser = argparse.ArgumentParser()
    for name in ["library", "bootstrap", "topic", "ca", "token-url"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--records", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0, help="seconds after each record")
    arguments = parser.parse_args()
    values = [f"{arguments.library}-{number}" for number in range(arguments.records)]
    client = {"confluent": confluent, "kafka-python": kafka_python}[arguments.library]
    read = client(arguments, values)
    assert read == values[-1], read


main()
