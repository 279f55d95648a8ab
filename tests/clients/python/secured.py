"""confluent-kafka or kafka-python at a listener with TLS or SASL: writes a record, and prints what it reads where it was written."""

import argparse
import time


def protocol(arguments):
    encrypted = "SSL" if arguments.authority else "PLAINTEXT"
    return f"SASL_{encrypted}" if arguments.mechanism else encrypted


def confluent(arguments):
    from confluent_kafka import Consumer, Producer, TopicPartition

    settings = {"bootstrap.servers": arguments.bootstrap, "security.protocol": protocol(arguments)}
    if arguments.authority:
        settings["ssl.ca.location"] = arguments.authority
    if arguments.certificate:
        settings |= {"ssl.certificate.location": arguments.certificate, "ssl.key.location": arguments.certificate}
    if arguments.mechanism:
        settings["sasl.mechanisms"] = arguments.mechanism
    if arguments.mechanism == "OAUTHBEARER":
        settings["oauth_cb"] = lambda _: (arguments.token, time.time() + 300)
    elif arguments.mechanism:
        settings |= {"sasl.username": arguments.user, "sasl.password": arguments.password}
    written = []
    producer = Producer({**settings, "acks": "all"})
    producer.produce(arguments.topic, arguments.value, partition=0, callback=lambda error, message: written.append((error, message.offset())))
    assert producer.flush(30) == 0 and written[0][0] is None, written
    consumer = Consumer({**settings, "group.id": "none"})
    consumer.assign([TopicPartition(arguments.topic, 0, written[0][1])])
    message = consumer.poll(30)
    assert message is not None and not message.error(), message and message.error()
    consumer.close()
    return message.value().decode()


def kafka_python(arguments):
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition

    settings = {"bootstrap_servers": arguments.bootstrap, "security_protocol": protocol(arguments)}
    if arguments.authority:
        settings["ssl_cafile"] = arguments.authority
    if arguments.certificate:
        settings |= {"ssl_certfile": arguments.certificate, "ssl_keyfile": arguments.certificate}
    if arguments.mechanism:
        settings["sasl_mechanism"] = arguments.mechanism
    if arguments.mechanism == "OAUTHBEARER":
        from kafka.net.sasl.oauth import AbstractTokenProvider

        class Token(AbstractTokenProvider):
            def token(self):
                return arguments.token

        settings["sasl_oauth_token_provider"] = Token()
    elif arguments.mechanism:
        settings |= {"sasl_plain_username": arguments.user, "sasl_plain_password": arguments.password}
    producer = KafkaProducer(acks="all", **settings)
    sent = producer.send(arguments.topic, arguments.value.encode(), partition=0).get(30)
    consumer = KafkaConsumer(consumer_timeout_ms=30000, **settings)
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
