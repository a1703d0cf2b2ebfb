"""Plans of files, and the bytes of xorbs that they need, through addresses that open exactly those."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import Message
from email.parser import BytesParser
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from modelkeep.api.xet.ranges import is_plain_range
from modelkeep.blobs.xet.xorb_format import HEADER_BYTES, read_header
from modelkeep.domain.access import Role
from tests.support.hub import Hub, HubRepo, User
from tests.support.xet import Part, XetClient, Xorb, content_of, file_hash_of

NewXorb = Callable[..., Xorb]


@pytest.fixture
def parts(client: XetClient, new_xorb: NewXorb) -> list[Part]:
    """A file of the repo, of pieces of two xorbs."""
    one, other = new_xorb(8), new_xorb(8)
    made: list[Part] = [(one, 0, 2), (other, 3, 7), (one, 4, 6), (one, 1, 3), (other, 0, 1)]
    client.send_file(made)
    return made


def chunks_in(data: bytes) -> list[bytes]:
    """The chunks of a piece of a xorb, which are sent as they are in these tests."""
    found, at = [], 0
    while at < len(data):
        header = read_header(data, at, 0)
        found.append(data[at + HEADER_BYTES : at + HEADER_BYTES + header.packed])
        at += HEADER_BYTES + header.packed
    return found


def built_v1(http: httpx.Client, plan: dict[str, Any]) -> bytes:
    """The bytes that a plan of version 1 leads to."""
    pieces = []
    for term in plan["terms"]:
        first, stop = term["range"]["start"], term["range"]["end"]
        (info,) = (
            info
            for info in plan["fetch_info"][term["hash"]]
            if info["range"]["start"] <= first and stop <= info["range"]["end"]
        )
        span = info["url_range"]
        answer = http.get(info["url"], headers={"Range": f"bytes={span['start']}-{span['end']}"})
        assert answer.status_code == 206
        chunks = chunks_in(answer.content)[first - info["range"]["start"] : stop - info["range"]["start"]]
        assert sum(map(len, chunks)) == term["unpacked_length"]
        pieces += chunks
    return b"".join(pieces)[plan["offset_into_first_range"] :]


def built_v2(http: httpx.Client, plan: dict[str, Any]) -> bytes:
    """The bytes that a plan of version 2 leads to, all ranges of a xorb in one request."""
    have: dict[tuple[str, int], bytes] = {}
    for name, addresses in plan["xorbs"].items():
        for address in addresses:
            spans = [span["bytes"] for span in address["ranges"]]
            header = ",".join(f"{span['start']}-{span['end']}" for span in spans)
            answer = http.get(address["url"], headers={"Range": f"bytes={header}"})
            assert answer.status_code == 206
            bodies = bodies_of(answer) if len(spans) > 1 else [answer.content]
            for span, body in zip(address["ranges"], bodies, strict=True):
                have |= {
                    (name, span["chunks"]["start"] + n): chunk for n, chunk in enumerate(chunks_in(body))
                }
    pieces = [
        have[term["hash"], number]
        for term in plan["terms"]
        for number in range(term["range"]["start"], term["range"]["end"])
    ]
    return b"".join(pieces)[plan["offset_into_first_range"] :]


def bodies_of(answer: httpx.Response) -> list[bytes]:
    """The parts of a multipart answer, as another program reads them."""
    assert int(answer.headers["content-length"]) == len(answer.content)
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message: Message = BytesParser().parsebytes(head + answer.content)
    assert message.is_multipart()
    boundary = message.get_boundary()
    assert boundary is not None
    pieces = answer.content.split(f"\r\n--{boundary}".encode())
    assert pieces[-1] == b"--\r\n"
    return [piece.split(b"\r\n\r\n", 1)[1] for piece in pieces[1:-1]]


def test_the_whole_file(hub: Hub, client: XetClient, parts: list[Part]) -> None:
    name, content = file_hash_of(parts), content_of(parts)
    assert built_v2(hub.http, client.plan(name).json()) == content
    for path in (f"/v1/reconstructions/{name}", f"/reconstructions/{name}"):
        assert built_v1(hub.http, client.request("GET", path).json()) == content


def test_any_range(hub: Hub, client: XetClient, parts: list[Part]) -> None:
    name, content = file_hash_of(parts), content_of(parts)
    edges, at = [0], 0
    for xorb, first, stop in parts:
        for chunk in xorb.chunks[first:stop]:
            at += len(chunk)
            edges.append(at)
    for start in (0, 1, edges[1] - 1, edges[1], edges[2], edges[3] + 5, len(content) - 1):
        for stop in (
            start,
            start + 1,
            edges[2],
            edges[4] - 1,
            edges[4],
            len(content) - 1,
            len(content) + 900,
        ):
            if stop < start:
                continue
            plan = client.plan(name, f"bytes={start}-{stop}").json()
            wanted = content[start : stop + 1]
            assert built_v2(hub.http, plan)[: len(wanted)] == wanted
            assert sum(term["unpacked_length"] for term in plan["terms"]) < len(wanted) + 6000
            plan = client.plan(name, f"bytes={start}-{stop}", 1).json()
            assert built_v1(hub.http, plan)[: len(wanted)] == wanted
    assert built_v2(hub.http, client.plan(name, "bytes=5-").json()) == content[5:]


def test_ranges_behind_the_end_and_nonsense(client: XetClient, parts: list[Part]) -> None:
    name, size = file_hash_of(parts), len(content_of(parts))
    for version in (1, 2):
        assert client.plan(name, f"bytes={size}-{size + 10}", version).status_code == 416
        assert client.plan(name, f"bytes={2**63}-", version).status_code == 416
        assert client.plan(name, "bytes=9-3", version).status_code == 416
        assert client.plan(name, "bytes=x-3", version).status_code == 400


def test_unknown_files(hub: Hub, client: XetClient, user: User, parts: list[Part]) -> None:
    assert client.plan("ab" * 32).status_code == 404
    assert client.plan("xyz").status_code == 400
    elsewhere = hub.repo(namespace=None)
    hub.services.repo_members.set(hub.local, elsewhere.namespace, elsewhere.name, user.name, Role.CONTRIBUTOR)
    assert XetClient(hub, elsewhere, user.token).plan(file_hash_of(parts)).status_code == 404


def test_an_address_opens_its_bytes_and_no_others(hub: Hub, client: XetClient, parts: list[Part]) -> None:
    plan = client.plan(file_hash_of(parts)).json()
    name, addresses = next(iter(plan["xorbs"].items()))
    url, spans = addresses[0]["url"], [span["bytes"] for span in addresses[0]["ranges"]]
    start, end = spans[0]["start"], spans[0]["end"]

    def status(byte_range: str | None, address: str = url) -> int:
        return hub.http.get(address, headers={"Range": byte_range} if byte_range else {}).status_code

    assert status(f"bytes={start}-{end}") == 206
    assert status(f"bytes={start + 1}-{end - 1}") == 206
    assert status(f"bytes={start}-{end + 1}") == 403
    assert status(f"bytes={start}-{end},{spans[1]['end'] + 1}-{spans[1]['end'] + 2}") == 403
    assert status(None) == 403
    assert status("bytes=0-1,zzz") == 400
    assert status(f"bytes={start}-{end}", url.replace(name, "ab" * 32)) == 403
    assert status(f"bytes={start}-{end}", re.sub("ticket=....", "ticket=AAAA", url)) == 403
    assert status(f"bytes={start}-{end}", url.partition("?")[0]) == 403


@pytest.mark.parametrize("condition", ['"another"', 'W/"x"', "Sat, 01 Jan 2000 00:00:00 GMT", ""])
def test_a_condition_opens_no_other_bytes(
    hub: Hub, client: XetClient, parts: list[Part], condition: str
) -> None:
    (info, *_), *_ = client.plan(file_hash_of(parts), version=1).json()["fetch_info"].values()
    span = f"bytes={info['url_range']['start']}-{info['url_range']['end']}"
    answer = hub.http.get(info["url"], headers={"Range": span, "If-Range": condition})
    assert (answer.status_code, answer.json()["code"]) == (403, "forged_url")


def test_an_address_sends_no_byte_over_and_over(
    hub: Hub, client: XetClient, xorb: Xorb, parts: list[Part]
) -> None:
    client.send_file([(xorb, 0, 6)])
    (info,) = client.plan(file_hash_of([(xorb, 0, 6)]), version=1).json()["fetch_info"][xorb.hash]
    whole = f"0-{info['url_range']['end']}"
    assert hub.http.get(info["url"], headers={"Range": f"bytes={whole}"}).content == xorb.data
    for times in (2, 200):
        answer = hub.http.get(info["url"], headers={"Range": "bytes=" + ",".join([whole] * times)})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_range")


@pytest.mark.parametrize(
    ("values", "is_plain"),
    [
        (["bytes=0-5"], True),
        (["bytes=0-5", "bytes=7-9"], False),
        (["bytes =0-5"], False),
        (["Bytes=0-5"], False),
        (["bytes= 0-5"], False),
        (["bytes=0-5,7-9"], False),
        ([], False),
    ],
)
def test_nginx_sends_only_ranges_that_cannot_be_misread(values: list[str], is_plain: bool) -> None:
    raw = [(b"range", value.encode()) for value in values]
    assert is_plain_range(Headers(raw=raw)) is is_plain
    assert not is_plain_range(Headers(raw=[*raw, (b"if-range", b'"x"')]))


def test_an_address_ends_with_its_owners_right(
    hub: Hub, user: User, repo: HubRepo, parts: list[Part]
) -> None:
    secret = hub.token(user.name)
    client = XetClient(hub, repo, secret, "read")
    plan = client.plan(file_hash_of(parts), version=1).json()
    info = next(iter(plan["fetch_info"].values()))[0]
    span = {"Range": f"bytes={info['url_range']['start']}-{info['url_range']['end']}"}
    assert hub.http.get(info["url"], headers=span).status_code == 206
    hub.revoke(secret)
    assert hub.http.get(info["url"], headers=span).status_code == 401
    assert client.plan(file_hash_of(parts)).status_code == 401


def test_telemetry_and_chunk_lists_are_answered(hub: Hub, client: XetClient) -> None:
    assert hub.http.post("/v1/telemetry", content=b"{}").status_code == 204
    assert client.request("GET", f"/v2/file-chunk-hashes/{'0' * 64}").status_code == 404
