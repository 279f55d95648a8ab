"""Who leads which partition, asked and changed over the raw protocol: Kafka's own tools start a JVM for each question."""

import socket
import struct
import time

METADATA, ALTER_PARTITION_REASSIGNMENTS = 3, 45
PATIENCE_SECONDS = 60.0


def leaders(address: str, topic: str) -> dict[int, int]:
    """The leader of each partition, as the broker at `address` knows it; -1 for one without."""
    return _metadata(address, topic)[1]


def controller(address: str, topic: str) -> int:
    """The controller's number, as the broker at `address` knows it."""
    return _metadata(address, topic)[0]


def _metadata(address: str, topic: str) -> tuple[int, dict[int, int]]:
    answer = Answer(_call(address, METADATA, 1, b"", struct.pack(">i", 1) + _text(topic)))
    for _ in range(answer.number("i")):
        answer.number("i"), answer.text(), answer.number("i"), answer.text()
    controls = answer.number("i")
    answer.number("i"), answer.number("h"), answer.text(), answer.number("b")
    found = {}
    for _ in range(answer.number("i")):
        _code, partition, leader = answer.number("h"), answer.number("i"), answer.number("i")
        for _replicas_in_sync in range(2):
            for _ in range(answer.number("i")):
                answer.number("i")
        found[partition] = leader
    return controls, found


def reassign(address: str, topic: str, partitions: list[int], broker: int) -> None:
    """Asks for partitions to be moved."""
    name = topic.encode()
    wanted = b"".join(struct.pack(">ib", partition, 2) + struct.pack(">i", broker) + b"\0" for partition in partitions)
    body = struct.pack(">ib", 60_000, 2) + bytes([len(name) + 1]) + name + _varint(len(partitions) + 1) + wanted + b"\0\0"
    answer = Answer(_call(address, ALTER_PARTITION_REASSIGNMENTS, 0, b"\0", body)[1:])
    answer.number("i")
    if code := answer.number("h"):
        raise RuntimeError(f"a move was refused with error code {code}")


def until_led(address: str, topic: str, partitions: list[int], broker: int) -> None:
    """Waits until that broker leads the partitions."""
    end = time.monotonic() + PATIENCE_SECONDS
    while rest := [partition for partition, leader in leaders(address, topic).items() if leader != broker and partition in partitions]:
        if time.monotonic() > end:
            raise RuntimeError(f"partitions {rest[:5]} of {topic} never came to broker {broker}")
        time.sleep(0.005)


def _varint(value: int) -> bytes:
    """An unsigned number of KIP-482: seven bits a byte."""
    low = b""
    while value >= 0x80:
        low += bytes([value & 0x7F | 0x80])
        value >>= 7
    return low + bytes([value])


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def _call(address: str, key: int, version: int, tags: bytes, body: bytes) -> bytes:
    """The answer without its length and correlation id."""
    host, port = address.split(":")
    request = struct.pack(">hhi", key, version, 0) + _text("bench") + tags + body
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answers = connection.makefile("rb")
        (length,) = struct.unpack(">i", answers.read(4))
        return answers.read(length)[4:]


class Answer:
    """An answer being read."""

    def __init__(self, content: bytes):
        self.rest = content

    def number(self, kind: str) -> int:
        size = struct.calcsize(f">{kind}")
        (value,) = struct.unpack(f">{kind}", self.rest[:size])
        self.rest = self.rest[size:]
        return value

    def text(self) -> str:
        length = max(self.number("h"), 0)
        value, self.rest = self.rest[:length], self.rest[length:]
        return value.decode()
