"""Other hubs that lie, loop, redirect and never end: what their answers may cost, and where credentials go."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelkeep.domain.errors import (
    InvalidInput,
    ModelkeepError,
    NotFound,
    NotPermitted,
    RateLimited,
    Unavailable,
)
from modelkeep.domain.imports import Source
from modelkeep.domain.repos import RepoKind
from modelkeep.outbound.addresses import Guard
from modelkeep.outbound.hub_client import HubClient, check_token

COMMIT = "a" * 40
FILE = {"type": "file", "path": "a.txt", "oid": "b" * 40, "size": 3}

Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class StandIn:
    """A server on a loopback port that answers as a test says, and notes what it was asked."""

    url: str
    answer: Callable[[str], Answer] = lambda _path: (404, {}, b"")
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)


@contextmanager
def running() -> Iterator[StandIn]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stand_in.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            status, headers, body = stand_in.answer(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in = StandIn(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[StandIn]:
    with running() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def other() -> Iterator[StandIn]:
    with running() as stand_in:
        yield stand_in


CLIENT = HubClient(Guard(["127.0.0.0/8"]), idle_seconds=5)


def source_at(server: StandIn, token: str | None = None) -> Source:
    server.asked.clear()
    return Source(server.url, RepoKind.MODEL, "acme/bert", token)


def as_json(value: object, **headers: str) -> Answer:
    return 200, {"Content-Type": "application/json", **headers}, json.dumps(value).encode()


def test_a_revision_is_a_commit(server: StandIn) -> None:
    server.answer = lambda _path: as_json({"sha": COMMIT})
    with CLIENT.opened(source_at(server, "hf_secret")) as repo:
        assert repo.commit_of("m@v1.0.0") == COMMIT
        assert repo.commit_of(None) == COMMIT
    paths = [path for path, _ in server.asked]
    assert paths == ["/api/models/acme/bert/revision/m%40v1.0.0", "/api/models/acme/bert"]
    assert all(headers["authorization"] == "Bearer hf_secret" for _, headers in server.asked)


def test_files_come_in_pages(server: StandIn) -> None:
    def answer(path: str) -> Answer:
        if "cursor" in path:
            return as_json([{**FILE, "path": "b", "lfs": {"oid": "c" * 64, "size": 9, "pointerSize": 1}}])
        return as_json(
            [FILE, {"type": "directory", "path": "d", "oid": "d" * 40, "size": 0}],
            Link=f'<{server.url}/api/models/acme/bert/tree/x?cursor=2>; rel="next"',
        )

    server.answer = answer
    with CLIENT.opened(source_at(server)) as repo:
        found = repo.files(COMMIT)
    assert [(file.path, file.size, file.lfs_oid) for file in found] == [
        ("a.txt", 3, None),
        ("b", 9, "c" * 64),
    ]


def test_a_list_that_does_not_end_or_goes_elsewhere_is_refused(server: StandIn, other: StandIn) -> None:
    many = [{**FILE, "path": str(number)} for number in range(60_000)]
    server.answer = lambda path: as_json(many, Link='</again>; rel="next"')
    with CLIENT.opened(source_at(server)) as repo, pytest.raises(InvalidInput) as refused:
        repo.files(COMMIT)
    assert refused.value.code == "source_too_large"
    assert len(server.asked) == 4
    server.answer = lambda path: as_json([FILE], Link=f'<{other.url}/more>; rel="next"')
    with (
        CLIENT.opened(source_at(server, "secret")) as repo,
        pytest.raises(InvalidInput, match="another place"),
    ):
        repo.files(COMMIT)
    assert other.asked == []


def test_credentials_stay_with_the_endpoint(server: StandIn, other: StandIn) -> None:
    other.asked.clear()
    other.answer = lambda _path: (200, {}, b"abc")
    server.answer = lambda path: (302, {"Location": f"{other.url}/signed?key=1"}, b"")
    with CLIENT.opened(source_at(server, "secret")) as repo:
        with repo.open(COMMIT, "a b#.txt") as pieces:
            assert b"".join(pieces) == b"abc"
        with pytest.raises(InvalidInput, match="another place"):
            repo.commit_of("main")
    assert server.asked[0][0] == f"/acme/bert/resolve/{COMMIT}/a%20b%23.txt"
    assert server.asked[0][1]["authorization"] == "Bearer secret"
    ((path, headers),) = other.asked
    assert path == "/signed?key=1"
    assert "authorization" not in headers


@pytest.mark.parametrize(
    "target", ["http://10.0.0.1/x", "http://169.254.169.254/", "file:///etc/passwd", "http://u:p@127.0.0.1/"]
)
def test_redirects_lead_nowhere_that_is_forbidden(server: StandIn, target: str) -> None:
    server.answer = lambda path: (302, {"Location": target}, b"")
    with (
        CLIENT.opened(source_at(server)) as repo,
        pytest.raises(InvalidInput),
        repo.open(COMMIT, "a") as pieces,
    ):
        list(pieces)


def test_redirects_end(server: StandIn) -> None:
    server.answer = lambda path: (307, {"Location": path}, b"")
    with CLIENT.opened(source_at(server)) as repo, pytest.raises(InvalidInput, match="redirects more than"):
        repo.commit_of("main")


def test_a_range_goes_on_and_a_server_without_ranges_is_read_from_the_start(server: StandIn) -> None:
    server.answer = lambda path: (206, {"Content-Range": "bytes 2-4/5"}, b"cde")
    with CLIENT.opened(source_at(server)) as repo, repo.open(COMMIT, "a", 2) as pieces:
        assert b"".join(pieces) == b"cde"
    assert server.asked[0][1]["range"] == "bytes=2-"
    server.answer = lambda path: (200, {}, b"abcde")
    with CLIENT.opened(source_at(server)) as repo, repo.open(COMMIT, "a", 2) as pieces:
        assert b"".join(pieces) == b"cde"
    server.answer = lambda path: (206, {"Content-Range": "bytes 0-4/5"}, b"abcde")
    with (
        CLIENT.opened(source_at(server)) as repo,
        pytest.raises(InvalidInput),
        repo.open(COMMIT, "a", 2) as pieces,
    ):
        list(pieces)


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "words"),
    [
        (
            404,
            {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"},
            b"",
            NotFound,
            "404 RepoNotFound Repository not found",
        ),
        (401, {}, b'{"error":"Invalid username or password."}', NotPermitted, "Invalid username"),
        (
            403,
            {"X-Error-Code": "GatedRepo"},
            b'{"errors":[{"message":"Ask for access"}]}',
            NotPermitted,
            "403 GatedRepo Ask for access",
        ),
        (429, {"Retry-After": "120"}, b"", RateLimited, "429"),
        (503, {}, b"<html>", Unavailable, "503"),
        (400, {"X-Error-Message": "bad\x1b[31m words"}, b"", InvalidInput, "bad [31m words"),
    ],
)
def test_refusals_carry_the_sources_words(
    server: StandIn, status: int, headers: dict[str, str], body: bytes, kind: type[ModelkeepError], words: str
) -> None:
    server.answer = lambda path: (status, headers, body)
    with CLIENT.opened(source_at(server, "secret")) as repo, pytest.raises(kind) as refused:
        repo.commit_of("main")
    assert words in refused.value.message
    assert "secret" not in refused.value.message
    assert refused.value.message.isprintable()
    if isinstance(refused.value, RateLimited):
        assert refused.value.retry_after == 120


def test_a_connection_that_breaks_off_is_no_end(server: StandIn) -> None:
    server.answer = lambda path: (200, {"Content-Length": "10"}, b"abc")
    with (
        CLIENT.opened(source_at(server)) as repo,
        pytest.raises(Unavailable),
        repo.open(COMMIT, "a") as pieces,
    ):
        list(pieces)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "path", "oid", "size", "lfs", "sha", "x"]), inner, max_size=6
        )
    ),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON, cut=st.integers(0, 40))
def test_whatever_a_source_answers_is_an_answer_or_an_error_of_ours(
    server: StandIn, value: object, cut: int
) -> None:
    body = json.dumps(value).encode()
    server.answer = lambda path: (200, {}, body[: len(body) - cut] if cut < 5 else body)
    with CLIENT.opened(source_at(server)) as repo:
        codes = {code_of(lambda: repo.commit_of("main")), code_of(lambda: repo.files(COMMIT))}
    assert codes <= {"", "source_answer_invalid", "source_too_large"}


def code_of(ask: Callable[[], object]) -> str:
    """The code of the error that comes of it, empty for none."""
    try:
        ask()
    except ModelkeepError as error:
        return error.code
    return ""


def test_deep_json_is_no_crash(server: StandIn) -> None:
    server.answer = lambda path: (200, {}, b"[" * 1_000_000)
    with CLIENT.opened(source_at(server)) as repo, pytest.raises(InvalidInput):
        repo.files(COMMIT)


def test_tokens_that_could_split_a_header_are_refused() -> None:
    assert check_token(" hf_abc\n") == "hf_abc"
    for text in ("", "a b", "a\r\nX: y", "é", "x" * 5000):
        with pytest.raises(InvalidInput):
            check_token(text)


def test_a_client_that_is_closed_asks_nobody(server: StandIn) -> None:
    client = HubClient(Guard(["127.0.0.0/8"]))
    client.close()
    with client.opened(source_at(server)) as repo, pytest.raises(Unavailable):
        repo.commit_of("main")
    assert server.asked == []
