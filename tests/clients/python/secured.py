"""confluent-kafka or kafka-python at a listener with TLS or SASL: writes a record, and prints what it reads where it was written."""

import argparse
import time

# What each library calls what both are told.
CONFLUENT = {
    "bootstrap": "bootstrap.servers",
    "protocol": "security.protocol",
    "authority": "ssl.ca.location",
    "certificate": "ssl.certificate.location",
    "key": "ssl.key.location",
    "mechanism": "sasl.mechanisms",
    "user": "sasl.username",
    "password": "sasl.password",
    "token": "oauth_cb",
}
KAFKA_PYTHON = {
    "bootstrap": "bootstrap_servers",
    "protocol": "security_protocol",
    "authority": "ssl_cafile",
    "certificate": "ssl_certfile",
    "key": "ssl_keyfile",
    "mechanism": "sasl_mechanism",
    "user": "sasl_plain_username",
    "password": "sasl_plain_password",
    "token": "sasl_oauth_token_provider",
}


def protocol(arguments):
    encrypted = "SSL" if arguments.authority else "PLAINTEXT"
    return f"SASL_{encrypted}" if arguments.mechanism else encrypted


def settings(arguments, names, provider):
    """A client's settings by its library's names; `provider` is what it asks for tokens."""
    told = {"bootstrap": arguments.bootstrap, "protocol": protocol(arguments)}
    if arguments.authority:
        told["authority"] = arguments.authority
    if arguments.certificate:
        told |= {"certificate": arguments.certificate, "key": arguments.certificate}
    if arguments.mechanism:
        told["mechanism"] = arguments.mechanism
    if arguments.mechanism == "OAUTHBEARER":
        told["token"] = provider
    elif arguments.mechanism:
        told |= {"user": arguments.user, "password": arguments.password}
    return {names[what]: value for what, value in told.items()}


def confluent(arguments):
    from confluent_kafka import Consumer, Producer, TopicPartition

    common = settings(arguments, CONFLUENT, lambda _: (arguments.token, time.time() + 300))
    written = []
    producer = Producer({**common, "acks": "all"})
    producer.produce(arguments.topic, arguments.value, partition=0, callback=lambda error, message: written.append((error, message.offset())))
    assert producer.flush(30) == 0 and written[0][0] is None, written
    consumer = Consumer({**common, "group.id": "none"})
    consumer.assign([TopicPartition(arguments.topic, 0, written[0][1])])
    message = consumer.poll(30)
    assert message is not None and not message.error(), message and message.error()
    consumer.close()
    return message.value().decode()


def kafka_python(arguments):
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Token(AbstractTokenProvider):
        def token(self):
            return arguments.token

    common = settings(arguments, KAFKA_PYTHON, Token())
    producer = KafkaProducer(acks="all", **common)
    sent = producer.send(arguments.topic, arguments.value.encode(), partition=0).get(30)
    consumer = KafkaConsumer(consumer_timeout_ms=30000, **common)
    partition = TopicPartition(arguments.topic, 0)
    consumer.assign([partition])
    consumer.seek(partition, sent.offset)
    return next(consumer).value.decode()


def main():
    parser = argparse.ArgumentParser()
    for name in ["library", "bootstrap", "topic", "value"]:
        parser.add_argument(f"--{name}", required=True)
    for name in ["authority", "certificate", "mechanism", "user", "password", "token"]:
        parser.add_argument(f"--{name}", default="")
    arguments = parser.parse_args()
    client = {"confluent": confluent, "kafka-python": kafka_python}[arguments.library]
    print(client(arguments))


main()
