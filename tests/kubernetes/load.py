"""load.py BOOTSTRAP TOPIC FILE [BYTES PARTITIONS]: produces 500 numbers a second with acks=all and a client's defaults, and reads them in a
group, until SIGTERM. With BYTES, each fills so many, and the partitions get one after the other.

CLIENT in the environment has further properties of its clients, as JSON. FILE gets a line for each acknowledged number (`ack N`), each that was read (`read N`), and each error that the client reported to its user.
"""

import json
import os
import signal
import sys
import threading
import time

from confluent_kafka import Consumer, Producer

bootstrap, topic, path, *shape = sys.argv[1:]
common = {"bootstrap.servers": bootstrap, "log_level": 0, **json.loads(os.environ.get("CLIENT", "{}"))}
size, partitions = map(int, shape or (0, 0))
out, lock, stop = open(path, "w", buffering=1), threading.Lock(), threading.Event()  # noqa: SIM115
signal.signal(signal.SIGTERM, lambda *_: stop.set())


def tell(line):
    with lock:
        out.write(line + "\n")


def delivered(error, message):
    tell(f"error {error}" if error else f"ack {int(message.value())}")


def read():
    consumer = Consumer({**common, "group.id": f"readers-of-{topic}", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    idle = 0
    # After the end of producing: until nothing more comes.
    while not (stop.is_set() and done.is_set() and idle > 10):
        message = consumer.poll(0.5)
        if message is None:
            idle += 1
        elif message.error():
            tell(f"error reading: {message.error()}" if not message.error().retriable() else f"note {message.error()}")
        else:
            idle = 0
            tell(f"read {int(message.value())}")
    consumer.close()


done = threading.Event()
reader = threading.Thread(target=read)
reader.start()
producer = Producer({**common, "acks": "all", "enable.idempotence": True})
number, due = 0, time.monotonic()
while not stop.is_set():
    place = {"partition": number % partitions} if partitions else {"key": str(number % 97)}
    producer.produce(topic, value=str(number).ljust(size), on_delivery=delivered, **place)
    number += 1
    producer.poll(0)
    due += 0.002
    time.sleep(max(0, due - time.monotonic()))
left = producer.flush(120)
done.set()
reader.join()
tell("end " + json.dumps({"produced": number, "left": left}))
