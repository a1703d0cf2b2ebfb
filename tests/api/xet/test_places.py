"""Places for shards: one sender does not take them all, and who stops waiting leaves none behind."""

from __future__ import annotations

import asyncio
import socket

import httpx

from modelkeep.api.xet.places import Places
from modelkeep.blobs.xet.shard_format import MAX_SHARD_BYTES
from tests.support.hub import Hub
from tests.support.xet import XetClient, Xorb, file_block, shard, xorb_block


def test_one_holder_leaves_places_to_others() -> None:
    async def run() -> None:
        places = Places(3, 2)
        for holder in ("ada", "ada", "bob"):
            await asyncio.wait_for(places.take(holder), 5)
        third = asyncio.create_task(places.take("ada"))
        another = asyncio.create_task(places.take("eve"))
        assert not (await asyncio.wait([third, another], timeout=0.01))[0]
        await places.give_back("bob")
        await asyncio.wait_for(another, 5)
        assert not third.done()
        third.cancel()
        await asyncio.wait([third])
        for holder in ("ada", "ada", "eve"):
            await places.give_back(holder)
        for holder in ("ada", "ada", "bob"):
            await asyncio.wait_for(places.take(holder), 5)

    asyncio.run(run())


def test_shards_that_never_end_keep_nobody_waiting(hub: Hub, client: XetClient, xorb: Xorb) -> None:
    """Requests whose body does not come to its end, more than there are places."""
    head = (
        f"POST {httpx.URL(client.cas).path}/v1/shards HTTP/1.1\r\nHost: hub\r\n"
        f"Authorization: Bearer {client.token}\r\nContent-Length: 1000\r\n\r\n"
    ).encode()

    async def run() -> httpx.Response:
        opened = []
        for _ in range(6):
            reader, writer = await asyncio.open_connection("127.0.0.1", hub.process.port)
            writer.write(head + b"x" * 100)
            await writer.drain()
            opened.append((reader, writer))
        data = shard([file_block([(xorb, 0, 6)])], [xorb_block(xorb)])
        answer = await asyncio.to_thread(client.send_shard, data)
        for _, writer in opened:
            writer.close()
        return answer

    assert asyncio.run(run()).json() == {"result": 1}


def test_a_shard_over_the_limit(hub: Hub, client: XetClient) -> None:
    head = (
        f"POST {httpx.URL(client.cas).path}/v2/shards HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n"
        f"Authorization: Bearer {client.token}\r\nContent-Length: {MAX_SHARD_BYTES + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", hub.process.port), timeout=20) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"shard_too_large"' in answer
