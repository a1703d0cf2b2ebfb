"""Limits on what runs at once."""

from __future__ import annotations

import threading

import anyio
import pytest

from modelkeep.api.http.limits import Limits
from modelkeep.domain.errors import NotFound, Unavailable


def test_results_and_errors_come_back() -> None:
    limits = Limits()

    def fail() -> None:
        raise NotFound("gone")

    async def run() -> None:
        assert await limits.run_sql(divmod, 7, 2) == (3, 1)
        assert await limits.run_blob(int, "ff", base=16) == 255
        assert await limits.run_sql(threading.get_ident) != threading.get_ident()
        with pytest.raises(NotFound):
            await limits.run_blob(fail)

    anyio.run(run)


def test_one_kind_does_not_starve_another() -> None:
    limits = Limits(sql_threads=1, blob_threads=1)
    release = threading.Event()

    async def run() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(limits.run_blob, release.wait)
            await limits.run_sql(release.set)

    anyio.run(run)


def test_git_processes_are_counted() -> None:
    limits = Limits(git_processes=1, git_wait_seconds=0.05)

    async def run() -> None:
        async with limits.git_process():
            with pytest.raises(Unavailable) as caught:
                async with limits.git_process():
                    raise AssertionError
            assert caught.value.code == "busy"
        async with limits.git_process():
            pass

    anyio.run(run)
