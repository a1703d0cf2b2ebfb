"""Requests to receivers that lie, loop, drip and redirect."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from modelkeep.domain.errors import InvalidInput
from modelkeep.outbound.addresses import Guard
from modelkeep.outbound.sender import ANSWER_BYTES, Sender
from tests.support.receiver import running_receiver

OPEN = Guard(["127.0.0.1"])


def test_a_request_arrives_as_it_was_sent() -> None:
    with running_receiver() as receiver:
        reply = Sender(OPEN).post(f"{receiver.url}/a/b?c=%2F", {"webhook-id": "1"}, b'{"x":1}')
    assert (reply.status, reply.error) == (204, None)
    (request,) = receiver.requests
    assert request.path == "/a/b?c=%2F"
    assert request.body == b'{"x":1}'
    assert request.headers["host"] == receiver.url.removeprefix("http://")
    assert request.headers["webhook-id"] == "1"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org",
        "https://",
        "example.org/hook",
        "https://user:secret@example.org/",
        "https://example.org/a b",
        "https://example.org/\r\nHost: x",
        "https://example.org/" + "a" * 2000,
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]:80/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
    ],
)
def test_urls_that_cannot_be_used_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Sender(Guard()).check(url)
    assert caught.value.code == "invalid_url"


def test_only_the_operators_ports() -> None:
    sender = Sender(Guard(), ports=[443, 8443])
    sender.check("https://example.org/")
    sender.check("https://example.org:8443/")
    for url in ("http://example.org/", "https://example.org:22/"):
        with pytest.raises(InvalidInput):
            sender.check(url)


def test_a_name_that_stands_for_this_machine_is_not_called() -> None:
    """DNS rebinding: what was public when the webhook was made is this machine when something is sent."""
    answers: list[Sequence[str]] = [["127.0.0.1"]]
    with running_receiver() as receiver:
        port = receiver.url.rsplit(":", 1)[1]
        sender = Sender(Guard(resolve=lambda host, _port: answers[0]))
        sender.check(f"http://rebind.example.org:{port}/")
        reply = sender.post(f"http://rebind.example.org:{port}/", {}, b"{}")
    assert reply.status is None
    assert "no public address" in str(reply.error)
    assert receiver.requests == []


def test_it_connects_to_the_address_that_was_checked_and_to_no_other() -> None:
    """The resolver is asked once; the name stays in the Host header."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.2.1"]

    with running_receiver() as receiver:
        port = receiver.url.rsplit(":", 1)[1]
        sender = Sender(Guard(["127.0.0.1"], resolve=resolve))
        reply = sender.post(f"http://ci.example.org:{port}/", {}, b"{}")
    assert reply.status == 204
    assert asked == ["ci.example.org"]
    assert receiver.requests[0].headers["host"] == f"ci.example.org:{port}"


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/",
        "http://[::1]:{port}/",
        "http://localhost:{port}/",
        "http://169.254.169.254/",
        "//10.0.0.1/x",
        "file:///etc/passwd",
        "https://127.0.0.1:1/",
    ],
)
def test_redirects_to_other_places_are_not_followed(location: str) -> None:
    with running_receiver() as receiver:
        port = receiver.url.rsplit(":", 1)[1]
        receiver.answer = lambda _number, _path: 307
        receiver.extra = {"Location": location.format(port=port)}
        reply = Sender(OPEN).post(receiver.url, {"webhook-signature": "v1,x"}, b"{}")
        assert reply.error is not None
        assert len(receiver.requests) == 1


def test_a_redirect_is_resolved_and_judged_again() -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    with running_receiver() as receiver:
        port = receiver.url.rsplit(":", 1)[1]
        receiver.answer = lambda _number, _path: 308
        receiver.extra = {"Location": "/moved"}
        reply = Sender(Guard(["127.0.0.1"], resolve=resolve)).post(f"http://ci.example.org:{port}/", {}, b"")
        assert "10.0.0.1 is no public address" in str(reply.error)
        assert len(receiver.requests) == 1


def test_redirects_within_a_receiver_are_followed_three_times() -> None:
    with running_receiver() as receiver:
        receiver.answer = lambda number, _path: 307 if number < 4 else 204
        receiver.extra = {"Location": "/next"}
        assert Sender(OPEN).post(f"{receiver.url}/first", {}, b"{}").status == 204
        assert [one.path for one in receiver.requests] == ["/first", "/next", "/next", "/next"]
        assert receiver.requests[-1].body == b"{}"
    with running_receiver() as receiver:
        receiver.answer = lambda _number, _path: 307
        receiver.extra = {"Location": "/next"}
        reply = Sender(OPEN).post(receiver.url, {}, b"{}")
        assert "more than 3 times" in str(reply.error)
        assert len(receiver.requests) == 4


@pytest.mark.parametrize("status", [301, 302, 303])
def test_redirects_that_would_lose_the_body_are_answers(status: int) -> None:
    with running_receiver() as receiver:
        receiver.answer = lambda _number, _path: status
        receiver.extra = {"Location": "/next"}
        assert Sender(OPEN).post(receiver.url, {}, b"{}").status == status
        assert len(receiver.requests) == 1


def test_little_of_an_answer_is_read_and_nothing_is_decompressed() -> None:
    with running_receiver() as receiver:
        receiver.answer = lambda _number, _path: 200
        receiver.extra = {"Content-Encoding": "gzip"}
        receiver.content = b"\x1f\x8b" + b"z" * 1_000_000
        reply = Sender(OPEN).post(receiver.url, {}, b"{}")
    assert reply.status == 200
    assert reply.body == receiver.content[:ANSWER_BYTES]


def test_the_environments_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_receiver() as receiver, running_receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert Sender(OPEN).post(receiver.url, {}, b"{}").status == 204
        assert proxy.requests == []


@contextmanager
def dripping(first: bytes, drip: bytes) -> Iterator[int]:
    """A server that sends ``first`` and then ``drip`` again and again, or nothing at all; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.sendall(first)
                while not done.wait(0.02):
                    connection.sendall(drip)
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        done.set()
        listener.close()
        thread.join()


@pytest.mark.parametrize(
    ("first", "drip"),
    [(b"", b""), (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"), (b"HTTP/1.1 200 OK\r\n\r\n", b"z"), (b"H", b"")],
)
def test_a_receiver_that_drips_is_left_in_time(first: bytes, drip: bytes) -> None:
    with dripping(first, drip) as port:
        reply = Sender(OPEN, total_seconds=0.5).post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert reply.error is not None


def test_what_is_no_http_is_an_error_in_words() -> None:
    with dripping(b"SSH-2.0-OpenSSH_9.2\r\n", b"\r\n") as port:
        reply = Sender(OPEN, total_seconds=2).post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert "does not speak HTTP" in str(reply.error)


def test_nobody_there_is_an_error_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    reply = Sender(OPEN).post(f"http://127.0.0.1:{port}/", {}, b"{}")
    assert reply.error == "the receiver refused the connection"
    reply = Sender(OPEN).post("http://no-such-host.invalid/", {}, b"{}")
    assert "cannot be resolved" in str(reply.error)


def test_plain_http_behind_https_is_an_error_in_words() -> None:
    with running_receiver() as receiver:
        reply = Sender(OPEN).post(receiver.url.replace("http:", "https:"), {}, b"{}")
    assert "TLS" in str(reply.error) or "receiver" in str(reply.error)
    assert reply.status is None


def test_closing_breaks_off_what_is_under_way() -> None:
    sender = Sender(OPEN, total_seconds=30)
    with dripping(b"", b"") as port:
        timer = threading.Timer(0.2, sender.close)
        timer.start()
        reply = sender.post(f"http://127.0.0.1:{port}/", {}, b"{}")
        timer.join()
    assert reply.is_stopped
    assert sender.post("http://127.0.0.1:1/", {}, b"{}").is_stopped
