"""The smallest HTTP server that carries packs: it shows how the transport is used, and real git talks to it."""

from __future__ import annotations

import asyncio
import threading
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType

from modelkeep.git.push_hook import Proposal, Verdict
from modelkeep.git.transport import PackLimits, PackProcess, Service, advertise


def accept(_: Proposal) -> Verdict:
    return Verdict(True)


class SmartHttp:
    """Serves one repository on a loopback port, from a thread with its own event loop.

    ``decide``, ``limits`` and ``extra_config`` may be set between requests; ``proposals`` and ``processes`` are what
    has been seen.
    """

    def __init__(self, git_dir: Path, hooks: Path) -> None:
        self.git_dir = git_dir
        self.hooks = hooks
        self.decide: Callable[[Proposal], Verdict] = accept
        self.limits = PackLimits(seconds=60)
        self.extra_config: tuple[str, ...] = ()
        self.proposals: list[Proposal] = []
        self.processes: list[PackProcess] = []
        self.errors: list[BaseException] = []
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._port = 0
        self._requests: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/repo.git"

    @property
    def port(self) -> int:
        return self._port

    def __enter__(self) -> SmartHttp:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.settled(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def settled(self) -> None:
        """Waits for all requests to be over."""
        while self._requests:
            await asyncio.wait(self._requests)

    def settle(self) -> None:
        asyncio.run_coroutine_threadsafe(self.settled(), self._loop).result(30)

    def _run(self) -> None:
        async def start() -> asyncio.Server:
            return await asyncio.start_server(self._connection, "127.0.0.1", 0)

        server = self._loop.run_until_complete(start())
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(server.wait_closed())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._requests.add(task)
        try:
            await self._request(reader, writer)
        except BaseException as error:
            self.errors.append(error)
        finally:
            self._requests.discard(task)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        target = head[0].split(" ")[1]
        headers = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head[1:] if line}
        version = headers.get("git-protocol")
        if headers.get("expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "/info/refs?" in target:
            service = Service(target.split("service=")[1])
            answer = await asyncio.to_thread(
                advertise, self.git_dir, service, protocol_header=version, extra_config=self.extra_config
            )
            _start(writer, f"application/x-{service}-advertisement")
            writer.write(answer)
            await writer.drain()
            return
        body = (
            _inflated(_body(reader, headers))
            if "gzip" in headers.get("content-encoding", "")
            else _body(reader, headers)
        )
        await self._exchange(Service(target.rsplit("/", 1)[1]), version, body, writer)

    async def _exchange(
        self, service: Service, version: str | None, body: AsyncIterator[bytes], writer: asyncio.StreamWriter
    ) -> None:
        def decide(proposal: Proposal) -> Verdict:
            self.proposals.append(proposal)
            return self.decide(proposal)

        if service is Service.UPLOAD_PACK:
            made = PackProcess.upload_pack(
                self.git_dir, protocol_header=version, limits=self.limits, extra_config=self.extra_config
            )
        else:
            made = PackProcess.receive_pack(
                self.git_dir,
                hooks=self.hooks,
                decide=decide,
                protocol_header=version,
                limits=self.limits,
                extra_config=self.extra_config,
            )
        self.processes.append(made)
        async with made as process:
            _start(writer, f"application/x-{service}-result")
            async for data in process.exchange(body):
                writer.write(data)
                await writer.drain()
            await process.wait()


def _start(writer: asyncio.StreamWriter, media_type: str) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nConnection: close\r\n\r\n".encode())


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    if headers.get("transfer-encoding") != "chunked":
        rest = int(headers.get("content-length", 0))
        while rest:
            data = await reader.read(min(rest, 65536))
            if not data:
                raise ConnectionResetError
            rest -= len(data)
            yield data
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)


async def _inflated(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    inflate = zlib.decompressobj(31)
    async for data in body:
        yield inflate.decompress(data)
