"""A hub for the tests of the SDK, with ada (owner) and bob (maintainer) of the organisation acme."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelkeep.domain.access import Role
from tests.support.hub import Hub, running_hub

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with running_hub(tmp_path_factory.mktemp("hub")) as running:
        running.secrets.add(PASSWORD)
        for name in ("ada", "bob"):
            running.services.accounts.create(running.local, name=name, password=PASSWORD)
        members = [("ada", Role.OWNER), ("bob", Role.MAINTAINER)]
        running.services.organisations.create(running.local, "acme", members=members)
        yield running
