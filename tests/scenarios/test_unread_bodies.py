"""Answers that come before a body was read: the client knows that the connection ends with them."""

from __future__ import annotations

import pytest

from modelkeep.domain.access import Role
from tests.support.hub import Hub


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
def test_the_next_request_after_a_refusal_is_answered(hub: Hub, size: int) -> None:
    reader = hub.user("reader")
    repo = hub.repo((reader, Role.READER))
    path = f"/api/models/{repo.full_name}/commit/main"
    for token, status in ((None, 401), (reader.token, 403)):
        with hub.client(token) as client:
            for _ in range(3):
                assert client.post(path, content=bytes(size)).status_code == status
                assert client.get("/healthz").status_code == 200
