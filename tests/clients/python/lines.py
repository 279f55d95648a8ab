"""The line format of ../README.md, and the arguments that the whole programs share."""

import argparse
import base64
import json
import sys
import threading


def decode(text):
    return None if text is None else base64.b64decode(text)


def encode(data):
    return None if data is None else base64.b64encode(data).decode()


def read(path):
    """Key, value and headers of each line of a file."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            headers = [(key, decode(value)) for key, value in record["headers"]]
            yield decode(record["key"]), decode(record["value"]), headers


def show(key, value, headers):
    headers = [[name, encode(data)] for name, data in headers or ()]
    print(json.dumps({"key": encode(key), "value": encode(value), "headers": headers}))


def show_read(partition, offset, value):
    print(json.dumps([partition, offset, value.decode()]), flush=True)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["create", "delete", "produce", "consume", "group", "write"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partition", type=int)
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--compression", default="none")
    parser.add_argument("--file")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--group")
    parser.add_argument("--id")
    return parser.parse_args()


def until_input_closes():
    """An event that is set when standard input closes."""
    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    return closed
