"""The listening socket and its refusals."""

from __future__ import annotations

import pytest

from modelkeep.domain.errors import Unavailable
from modelkeep.server.listener import listen


def test_a_name_and_a_free_port() -> None:
    with listen("localhost", 0, 8) as listener:
        host, port = listener.getsockname()[:2]
        assert host in ("127.0.0.1", "::1")
        assert port > 0
        with pytest.raises(Unavailable, match="another program uses this port"):
            listen(host, port, 8)


@pytest.mark.parametrize(
    ("host", "port", "reason"),
    [
        ("no-such-host.invalid", 0, "cannot be resolved"),
        ("a" * 300, 0, "cannot be resolved"),
        ("192.0.2.1", 0, "does not have this address"),
        ("127.0.0.1", 70_000, "from 0 to 65535"),
    ],
)
def test_unusable_addresses(host: str, port: int, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason) as caught:
        listen(host, port, 8)
    assert caught.value.code == "address_unusable"
