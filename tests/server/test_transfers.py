"""Large bodies in and out through the real server."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import Hub

DATA = os.urandom(3_500_000)
OID = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def hub(start_hub: Callable[..., Hub]) -> Hub:
    started = start_hub()
    assert httpx.put(f"{started.url}/blobs", content=DATA).text == OID
    return started


def get(
    hub: Hub, headers: dict[str, str] | None = None, query: str = "", method: str = "GET"
) -> httpx.Response:
    return httpx.request(method, f"{hub.url}/blobs/{OID}{query}", headers=headers or {})


def memory_peak(hub: Hub) -> int:
    """The most memory that the server ever had resident, in bytes."""
    for line in Path(f"/proc/{hub.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError


@pytest.mark.parametrize("query", ["", "?reader"])
def test_the_whole(hub: Hub, query: str) -> None:
    answer = get(hub, query=query)
    assert answer.status_code == 200
    assert answer.content == DATA
    assert answer.headers["content-length"] == str(len(DATA))
    assert answer.headers["etag"] == f'"{OID}"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "content-encoding" not in answer.headers


def test_the_name_to_save_it_under(hub: Hub) -> None:
    expected = "attachment; filename=\"download\"; filename*=UTF-8''model%20%C3%BC.bin"
    assert get(hub).headers["content-disposition"] == expected


@pytest.mark.parametrize("query", ["", "?reader"])
@pytest.mark.parametrize(
    ("value", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, len(DATA)),
        ("bytes=1048575-1048576", 1048575, 1048577),
        ("bytes=1000000-", 1_000_000, len(DATA)),
        ("bytes=-1", len(DATA) - 1, len(DATA)),
        ("bytes=100-99999999999", 100, len(DATA)),
    ],
)
def test_a_range(hub: Hub, query: str, value: str, start: int, stop: int) -> None:
    answer = get(hub, {"range": value}, query)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    assert answer.headers["content-length"] == str(stop - start)
    assert answer.content == DATA[start:stop]


def test_a_range_behind_the_end(hub: Hub) -> None:
    answer = get(hub, {"range": f"bytes={len(DATA)}-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(DATA)}"
    assert answer.content == b""


@pytest.mark.parametrize(
    "headers", [{"range": "bytes=0-1,5-6"}, {"range": "bytes=0-1", "if-range": '"other"'}]
)
def test_ranges_that_are_not_served(hub: Hub, headers: dict[str, str]) -> None:
    answer = get(hub, headers)
    assert answer.status_code == 200
    assert answer.content == DATA


def test_conditions(hub: Hub) -> None:
    assert get(hub, {"range": "bytes=0-1", "if-range": f'"{OID}"'}).status_code == 206
    answer = get(hub, {"if-none-match": f'"{OID}"'})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == f'"{OID}"'


def test_head(hub: Hub) -> None:
    answer = get(hub, method="HEAD")
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-length"] == str(len(DATA))
    answer = get(hub, {"range": "bytes=0-9"}, method="HEAD")
    assert answer.status_code == 206
    assert answer.headers["content-length"] == "10"


def test_nginx_is_told_where_the_file_is(hub: Hub) -> None:
    answer = get(hub, {"range": "bytes=0-9"}, "?accelerated")
    assert answer.headers["x-accel-redirect"] == f"/_blobs/sha256/{OID[:2]}/{OID}"
    assert answer.headers["etag"] == f'"{OID}"'
    assert answer.content == b""


def test_the_empty_blob(hub: Hub) -> None:
    empty = httpx.put(f"{hub.url}/blobs", content=b"").text
    assert empty == hashlib.sha256(b"").hexdigest()
    for query in ("", "?reader"):
        answer = httpx.get(f"{hub.url}/blobs/{empty}{query}")
        assert answer.status_code == 200
        assert answer.content == b""


def test_a_client_that_goes_ends_the_reading(hub: Hub) -> None:
    """The server may not read a whole blob for nobody: its file is closed soon after the client is gone."""
    size = 200_000_000
    oid = httpx.put(f"{hub.url}/blobs", content=bytes(size)).text
    connection = socket.create_connection(("127.0.0.1", hub.port))
    connection.sendall(f"GET /blobs/{oid}?reader HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
    assert connection.recv(1000)
    assert oid in open_files(hub)
    connection.close()
    while oid in open_files(hub):
        pass


def open_files(hub: Hub) -> str:
    folder = Path(f"/proc/{hub.process.pid}/fd")
    names = []
    for descriptor in folder.iterdir():
        try:
            names.append(os.readlink(descriptor))
        except FileNotFoundError:
            continue
    return "\n".join(names)


@pytest.mark.parametrize("length", ["Content-Length: 5000000", "Transfer-Encoding: chunked"])
def test_a_cut_upload_leaves_nothing(hub: Hub, length: str) -> None:
    body = bytes(2_000_000)
    if "chunked" in length:
        body = b"1e8480\r\n" + body
    connection = socket.create_connection(("127.0.0.1", hub.port))
    connection.sendall(f"PUT /blobs HTTP/1.1\r\nHost: hub\r\n{length}\r\n\r\n".encode() + body)
    connection.close()
    while not (hub.root / "client-gone").exists():
        pass
    assert list((hub.root / "blobs" / "tmp").iterdir()) == []
    assert [path.name for path in (hub.root / "blobs" / "sha256").rglob("*") if path.is_file()] == [OID]


def test_chunked_uploads(hub: Hub) -> None:
    pieces = [DATA[start : start + 70_001] for start in range(0, len(DATA), 70_001)]
    assert (
        httpx.put(f"{hub.url}/blobs", content=iter(pieces[1:])).text
        == hashlib.sha256(DATA[70_001:]).hexdigest()
    )


def test_memory_does_not_grow_with_the_bodies(hub: Hub) -> None:
    """Eight uploads of 100 MB at once, then their downloads, ask for less than 64 MiB more."""
    size = 100_000_000
    before = memory_peak(hub)
    oids = []

    def upload(byte: int) -> None:
        def body() -> object:
            for _ in range(size // 1_000_000):
                yield bytes([byte]) * 1_000_000

        answer = httpx.put(f"{hub.url}/blobs", content=body(), timeout=120)  # type: ignore[arg-type]
        oids.append(answer.text)

    def download(query: str) -> None:
        with httpx.stream("GET", f"{hub.url}/blobs/{oids[0]}{query}", timeout=120) as answer:
            assert sum(len(chunk) for chunk in answer.iter_raw()) == size

    for target, arguments in [(upload, range(8)), (download, ["", "?reader"] * 4)]:
        threads = [threading.Thread(target=target, args=(each,)) for each in arguments]  # type: ignore[arg-type]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(oids)) == 8
    assert memory_peak(hub) - before < 64 << 20
