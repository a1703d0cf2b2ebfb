"""What tests of the whole hub share: a running hub for each worker, and users' machines with the real git."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.git import Git
from tests.support.hub import Hub, running_hub

MIB = 1 << 20

# Started in the background of a script, tests are told to ignore Ctrl-C, and so would be the commands that they test.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that all tests of a worker share; limits are small, so that tests of them are fast."""
    with running_hub(
        tmp_path_factory.mktemp("hub"),
        max_git_file=MIB,
        max_push=16 * MIB,
        max_lfs_object=64 * MIB,
        multipart_above=2 * MIB,
        part_size=MIB,
    ) as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., Git]:
    """Makes users' machines: ``machine(token)``, or ``machine()`` for one without credentials."""
    numbers = iter(range(100))

    def make(token: str | None = None) -> Git:
        return Git(tmp_path / f"home{next(numbers)}", token)

    return make
