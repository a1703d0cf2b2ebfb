"""What the other tests go by when they say that no client talked to another host: that one which does is seen."""

from __future__ import annotations

from pathlib import Path

from tests.compat.hub.clients import Client, Outside, Release
from tests.support.hub import Hub


def test_a_client_that_goes_elsewhere_is_seen(hub: Hub, release: Release, tmp_path: Path) -> None:
    with Outside() as outside:
        client = Client(release, tmp_path / "home", hub.url, None, outside)
        assert client.elsewhere() == []
        assert client.call("wandering.go_elsewhere") == ["403", "unknown"]
        client.close()
        assert client.elsewhere() == [
            "socket.getaddrinfo models.invalid",
            "GET http://models.invalid/x HTTP/1.1",
        ]
