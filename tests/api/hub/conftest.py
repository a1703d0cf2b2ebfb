"""One hub for the tests of a module; each test makes its own repos."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.hub.world import World, open_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("hub")) as made:
        yield made
