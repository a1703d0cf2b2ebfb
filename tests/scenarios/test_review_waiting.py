"""Pushes that wait for one repo's lock leave the others alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from modelkeep.domain.access import Role
from modelkeep.git import locks
from tests.support.git import Git
from tests.support.hub import Hub


def test_many_pushes_to_a_busy_repo_leave_a_thread_to_the_push_to_another(
    hub: Hub, machine: Callable[..., Git]
) -> None:
    user = hub.user()
    busy, free = hub.repo((user, Role.OWNER)), hub.repo((user, Role.OWNER))
    git = machine(user.token)
    tree = git.clone(busy.git_url, "busy")
    other = git.clone(free.git_url, "free")
    # As many as asyncio's own pool has threads, but fewer than git processes may run.
    waiting = min(12, (os.cpu_count() or 1) + 4)
    with ThreadPoolExecutor(waiting) as pool:
        lock = locks.exclusive(busy.git_dir, 5)
        try:
            started = [
                pool.submit(git.attempt, "push", "-q", "origin", f"HEAD:refs/heads/b{number}", cwd=tree)
                for number in range(waiting)
            ]
            git("push", "-q", "origin", "HEAD:refs/heads/new", cwd=other)
            assert not any(future.done() for future in started)
        finally:
            lock.release()
        assert {future.result().code for future in started} == {0}
