"""Everything that the tests ask of a client, through aiokafka; the actions are in ../README.md."""

import asyncio

import lines
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic


async def create(arguments):
    admin = AIOKafkaAdminClient(bootstrap_servers=arguments.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(arguments.topic, arguments.partitions, 1)])
    described = await admin.describe_topics([arguments.topic])
    print(len(described[0]["partitions"]))
    await admin.close()


async def delete(arguments):
    admin = AIOKafkaAdminClient(bootstrap_servers=arguments.bootstrap)
    await admin.start()
    await admin.delete_topics([arguments.topic])
    print(arguments.topic in await admin.list_topics())
    await admin.close()


async def produce(arguments):
    compression = None if arguments.compression == "none" else arguments.compression
    async with AIOKafkaProducer(
        bootstrap_servers=arguments.bootstrap,
        compression_type=compression,
        enable_idempotence=True,
        linger_ms=50,
    ) as producer:
        sent = [
            await producer.send(arguments.topic, value=value, key=key, headers=headers, partition=arguments.partition)
            for key, value, headers in lines.read(arguments.file)
        ]
        await asyncio.gather(*sent)


async def consume(arguments):
    consumer = AIOKafkaConsumer(bootstrap_servers=arguments.bootstrap, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(arguments.topic, arguments.partition or 0)])
    async with consumer:
        for _ in range(arguments.count):
            record = await asyncio.wait_for(consumer.getone(), 60)
            lines.show(record.key, record.value, record.headers)


async def group(arguments):
    closed = lines.until_input_closes()
    async with AIOKafkaConsumer(
        arguments.topic,
        bootstrap_servers=arguments.bootstrap,
        group_id=arguments.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=10_000,
        heartbeat_interval_ms=500,
    ) as consumer:
        while not closed.is_set():
            batches = await consumer.getmany(timeout_ms=200)
            for records in batches.values():
                for record in records:
                    lines.show_read(record.partition, record.offset, record.value)
            if batches:
                await consumer.commit()


async def write(arguments):
    async with AIOKafkaProducer(bootstrap_servers=arguments.bootstrap, transactional_id=arguments.id) as producer:
        for number in range(arguments.count):
            await producer.begin_transaction()
            for record in range(3):
                value = f"{arguments.id}-{number}-{record}".encode()
                await producer.send(arguments.topic, value=value, partition=record % arguments.partitions)
            if number % 2:
                await producer.flush()
                await producer.abort_transaction()
            else:
                await producer.commit_transaction()


def main():
    arguments = lines.arguments()
    actions = {"create": create, "delete": delete, "produce": produce, "consume": consume, "group": group, "write": write}
    asyncio.run(actions[arguments.action](arguments))


if __name__ == "__main__":
    main()
