"""The schema registry: registrations, look-ups by id, and the memory of many subjects."""

import json
import socket
import time

from .measure import Section
from .outcome import Outcome
from .systems import Alluvium

SUBJECTS = 10_000
LOOKUPS = 200_000
CONNECTIONS = 4
# Requests that are sent before the first answer is read.
PIPELINED = 50
CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"


class Connection:
    """HTTP/1.1 by hand: a client library would cost more than what it measures."""

    def __init__(self, port: int):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.left = b""

    def send(self, requests: list[bytes]) -> None:
        self.socket.sendall(b"".join(requests))

    def answer(self) -> bytes:
        """The body of the next answer, which must be a 200."""
        while (end := self.left.find(b"\r\n\r\n")) < 0:
            self._more()
        head = self.left[:end].lower()
        if not head.startswith(b"http/1.1 200"):
            raise RuntimeError(f"the registry answered {head[:200]!r}")
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        while len(self.left) < end + 4 + length:
            self._more()
        body, self.left = self.left[end + 4 : end + 4 + length], self.left[end + 4 + length :]
        return body

    def _more(self) -> None:
        read = self.socket.recv(1 << 20)
        if not read:
            raise RuntimeError("the registry closed a connection")
        self.left += read


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: registry\r\n\r\n".encode()


def post(path: str, body: dict) -> bytes:
    text = json.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nHost: registry\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(text)}\r\n\r\n"
    return (head + text).encode()


def schema(number: int) -> dict:
    """A record of ten fields that no other subject has."""
    fields = [{"name": f"field_{number}_{place}", "type": ["null", "string"], "default": None} for place in range(10)]
    return {"schema": json.dumps({"type": "record", "name": f"Event{number}", "namespace": "bench", "fields": fields})}


def registry(system: Alluvium, topic: str) -> Outcome:
    """10,000 subjects with a schema each, registered one after the other; then look-ups of all ids on four connections."""
    before = system.broker.resident_mib()
    connection = Connection(system.registry_port)
    ids, took = [], []
    with Section(system) as registered:
        for number in range(SUBJECTS):
            began = time.perf_counter()
            connection.send([post(f"/subjects/{topic}-{number}-value/versions", schema(number))])
            ids.append(json.loads(connection.answer())["id"])
            took.append(time.perf_counter() - began)
    after = system.broker.resident_mib()
    connections = [Connection(system.registry_port) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    with Section(system, settle=False) as looked_up:
        for first in range(0, LOOKUPS, CONNECTIONS * PIPELINED):
            for place, it in enumerate(connections):
                wanted = range(first + place * PIPELINED, first + (place + 1) * PIPELINED)
                it.send([get(f"/schemas/ids/{ids[number * 7919 % SUBJECTS]}") for number in wanted])
            for it in connections:
                for _ in range(PIPELINED):
                    it.answer()
    seconds = time.perf_counter() - began
    took.sort()
    figures = {
        "registration p50 ms": took[len(took) // 2] * 1e3,
        "registration p99 ms": took[len(took) * 99 // 100] * 1e3,
        "look-ups/s": LOOKUPS / seconds,
        "look-ups per broker CPU s": LOOKUPS / looked_up.cost.broker_cpu_seconds,
        "RSS before MiB": before,
        "RSS with 10,000 subjects MiB": after,
        "KiB per subject": (after - before) * 1024 / SUBJECTS,
    }
    return Outcome(figures, [registered.cost, looked_up.cost])
