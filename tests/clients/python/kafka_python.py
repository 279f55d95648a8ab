"""Everything that the tests ask of a client, through kafka-python; the actions are in ../README.md."""

import lines
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic


def create(arguments):
    admin = KafkaAdminClient(bootstrap_servers=arguments.bootstrap)
    admin.create_topics([NewTopic(arguments.topic, arguments.partitions, 1)])
    described = admin.describe_topics([arguments.topic])
    print(len(described[0]["partitions"]))
    admin.close()


def delete(arguments):
    admin = KafkaAdminClient(bootstrap_servers=arguments.bootstrap)
    admin.delete_topics([arguments.topic])
    print(arguments.topic in admin.list_topics())
    admin.close()


def produce(arguments):
    compression = None if arguments.compression == "none" else arguments.compression
    producer = KafkaProducer(
        bootstrap_servers=arguments.bootstrap,
        compression_type=compression,
        enable_idempotence=True,
        linger_ms=50,
    )
    sent = [
        producer.send(arguments.topic, value=value, key=key, headers=headers, partition=arguments.partition)
        for key, value, headers in lines.read(arguments.file)
    ]
    for future in sent:
        future.get(60)
    producer.close()


def consume(arguments):
    consumer = KafkaConsumer(bootstrap_servers=arguments.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=60_000)
    consumer.assign([TopicPartition(arguments.topic, arguments.partition or 0)])
    for _ in range(arguments.count):
        record = next(consumer)
        lines.show(record.key, record.value, record.headers)
    consumer.close()


def group(arguments):
    closed = lines.until_input_closes()
    consumer = KafkaConsumer(
        arguments.topic,
        bootstrap_servers=arguments.bootstrap,
        group_id=arguments.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=10_000,
        heartbeat_interval_ms=500,
    )
    while not closed.is_set():
        batches = consumer.poll(timeout_ms=200)
        for records in batches.values():
            for record in records:
                lines.show_read(record.partition, record.offset, record.value)
        if batches:
            consumer.commit()
    consumer.close()


def write(arguments):
    producer = KafkaProducer(bootstrap_servers=arguments.bootstrap, transactional_id=arguments.id)
    producer.init_transactions()
    for number in range(arguments.count):
        producer.begin_transaction()
        for record in range(3):
            value = f"{arguments.id}-{number}-{record}".encode()
            producer.send(arguments.topic, value=value, partition=record % arguments.partitions)
        if number % 2:
            producer.flush()
            producer.abort_transaction()
        else:
            producer.commit_transaction()
    producer.close()


def main():
    arguments = lines.arguments()
    actions = {"create": create, "delete": delete, "produce": produce, "consume": consume, "group": group, "write": write}
    actions[arguments.action](arguments)


if __name__ == "__main__":
    main()
