"""The server's life: one process, a graceful end, nothing left on the port."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import Hub

StartHub = Callable[..., Hub]


def ask(hub: Hub, path: str) -> socket.socket:
    """Sends a request and waits for the first bytes of its body."""
    connection = socket.create_connection(("127.0.0.1", hub.port), timeout=60)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
    received = b""
    while b"begun" not in received:
        received += connection.recv(4096)
    return connection


def read_to_end(connection: socket.socket) -> bytes:
    received = b""
    with connection:
        while data := connection.recv(4096):
            received += data
    return received


def wait_until_refused(hub: Hub) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", hub.port), timeout=60).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:  # it was in the queue when the server stopped listening
            continue


def test_requests_see_the_lifespan_state(start_hub: StartHub) -> None:
    assert httpx.get(start_hub().url).text == "hello"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_transfer_under_way_is_finished(start_hub: StartHub, number: signal.Signals) -> None:
    hub = start_hub()
    idle = socket.create_connection(("127.0.0.1", hub.port))
    transfer = ask(hub, "/slow")
    hub.process.send_signal(number)
    wait_until_refused(hub)
    (hub.root / "go").touch()
    assert read_to_end(transfer).endswith(b"done\n\r\n0\r\n\r\n")
    assert hub.process.wait(60) == 0
    assert (hub.root / "closed").exists()
    idle.close()


def test_an_idle_server_ends_at_once(start_hub: StartHub) -> None:
    hub = start_hub(shutdown_seconds=3600)
    with httpx.Client() as client:
        client.get(hub.url)
        hub.process.send_signal(signal.SIGTERM)
        assert hub.process.wait(60) == 0


def test_what_outlasts_the_limit_is_cancelled(start_hub: StartHub) -> None:
    hub = start_hub(shutdown_seconds=0.2)
    transfer = ask(hub, "/stuck")
    hub.process.send_signal(signal.SIGTERM)
    assert hub.process.wait(60) == 0
    assert (hub.root / "cancelled").exists()
    assert (hub.root / "closed").exists()
    assert not read_to_end(transfer).endswith(b"0\r\n\r\n")


def test_a_client_that_does_not_read_cannot_hold_the_server(start_hub: StartHub) -> None:
    hub = start_hub(shutdown_seconds=0.2)
    oid = httpx.put(f"{hub.url}/blobs", content=bytes(50_000_000)).text
    connection = socket.create_connection(("127.0.0.1", hub.port))
    connection.sendall(f"GET /blobs/{oid} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
    assert connection.recv(10)
    hub.process.send_signal(signal.SIGTERM)
    assert hub.process.wait(60) == 0
    assert (hub.root / "closed").exists()
    connection.close()


def test_a_second_signal_ends_it_at_once(start_hub: StartHub) -> None:
    hub = start_hub(shutdown_seconds=3600)
    transfer = ask(hub, "/stuck")
    hub.process.send_signal(signal.SIGTERM)
    wait_until_refused(hub)
    hub.process.send_signal(signal.SIGTERM)
    assert hub.process.wait(60) == 128 + signal.SIGTERM
    transfer.close()


def test_a_killed_server_frees_its_port(start_hub: StartHub) -> None:
    hub = start_hub()
    transfer = ask(hub, "/stuck")
    hub.process.kill()
    hub.process.wait(60)
    wait_until_refused(hub)
    again = start_hub(port=hub.port)
    assert again.port == hub.port
    assert httpx.get(again.url).text == "hello"
    transfer.close()


def test_a_port_in_use_is_refused(start_hub: StartHub) -> None:
    hub = start_hub()
    second = start_hub(port=hub.port)
    assert second.process.wait(60) == 1
    assert "another program uses this port" in second.process.communicate()[1]
    assert httpx.get(hub.url).text == "hello"


def test_an_application_that_cannot_start(start_hub: StartHub, tmp_path: Path) -> None:
    (tmp_path / "fail").touch()
    hub = start_hub()
    assert hub.process.wait(60) == 1
    assert "cannot start" in hub.process.communicate()[1]
