"""Attackers: connections that say nothing, frames byte by byte, TLS handshakes that are not ended, log-ins that fail.

Each at a fixed rate or number, whatever it meets, so that the same is done to any target. At the end: one JSON line with how often each was done.
"""

import argparse
import asyncio
import json
import resource
import ssl
import struct
from collections import Counter

SILENT = 5_000
# Silent connections that were closed come again, no faster than this.
SILENT_PER_SECOND = 500
SLOW = 200
HANDSHAKES_PER_SECOND = 200
LOGINS_PER_SECOND = 100

done: Counter = Counter()


def address(text: str) -> tuple[str, int]:
    host, port = text.rsplit(":", 1)
    return host, int(port)


async def until_closed(reader: asyncio.StreamReader) -> None:
    while await reader.read(1 << 16):
        pass


async def visit(target, what: str, talk) -> None:
    """One connection: `talk` says what it does; whatever goes wrong ends it."""
    writer = None
    try:
        reader, writer = await asyncio.open_connection(*target)
        done[what] += 1
        await talk(reader, writer)
    except (OSError, asyncio.IncompleteReadError):
        done["errors"] += 1
    finally:
        if writer:
            writer.close()


async def at_rate(per_second: int, at_once: int, make) -> None:
    running = set()
    while True:
        for _ in range(per_second // 10):
            if len(running) < at_once:
                task = asyncio.create_task(make())
                running.add(task)
                task.add_done_callback(running.discard)
        await asyncio.sleep(0.1)


async def silent(target) -> None:
    async def talk(reader, _writer):
        await until_closed(reader)

    await at_rate(SILENT_PER_SECOND, SILENT, lambda: visit(target, "silent connections", talk))


async def slow(target) -> None:
    """A produce request of a megabyte that comes a byte a second."""
    frame = struct.pack(">ihhih", 1 << 20, 0, 3, 1, -1)

    async def talk(reader, writer):
        closed = asyncio.create_task(until_closed(reader))
        writer.write(frame)
        while not closed.done():
            writer.write(b"\0")
            await writer.drain()
            await asyncio.wait([closed], timeout=1)

    async def one():
        while True:
            await visit(target, "slow frames", talk)
            await asyncio.sleep(1)

    await asyncio.gather(*(one() for _ in range(SLOW)))


async def handshakes(target) -> None:
    """Hellos that make the server sign; its answer is taken and the connection dropped."""
    context = ssl.create_default_context()

    def hello() -> bytes:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        try:
            context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    async def talk(reader, writer):
        writer.write(hello())
        await asyncio.wait_for(reader.read(1 << 16), 10)

    await at_rate(HANDSHAKES_PER_SECOND, 1_000, lambda: visit(target, "handshakes", talk))


async def logins(target) -> None:
    """PLAIN with a password that is wrong."""

    def text(value: str) -> bytes:
        return struct.pack(">h", len(value)) + value.encode()

    def frame(api: int, body: bytes) -> bytes:
        payload = struct.pack(">hhi", api, 1, 7) + text("attacker") + body
        return struct.pack(">i", len(payload)) + payload

    wrong = b"\0admin\0wrong"
    hello = frame(17, text("PLAIN"))
    password = frame(36, struct.pack(">i", len(wrong)) + wrong)

    async def talk(reader, writer):
        for request in [hello, password]:
            writer.write(request)
            size = await asyncio.wait_for(reader.readexactly(4), 10)
            await asyncio.wait_for(reader.readexactly(struct.unpack(">i", size)[0]), 10)

    await at_rate(LOGINS_PER_SECOND, 1_000, lambda: visit(target, "failed log-ins", talk))


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, required=True)
    for target in ["plain", "tls", "sasl"]:
        parser.add_argument(f"--{target}", type=address, required=True)
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    attacks = [silent(arguments.plain), slow(arguments.plain), handshakes(arguments.tls), logins(arguments.sasl)]
    try:
        await asyncio.wait_for(asyncio.gather(*attacks), arguments.seconds)
    except TimeoutError:
        pass
    print(json.dumps(done), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
