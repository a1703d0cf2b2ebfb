"""One writer per repository: a lock that the kernel drops when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from modelkeep.domain.errors import Unavailable

_FILE = "modelkeep.lock"


class Lock:
    """A held lock. Release it once, from any thread, by :meth:`release` or by leaving a ``with`` block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Gives the lock up; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        self.release()


def exclusive(git_dir: Path, timeout: float) -> Lock:
    """Takes the repository's lock, waiting at most ``timeout`` seconds. It excludes other threads and processes.

    It guards what Modelkeep does in several steps (allocate a number, write a tag, index it). Git itself does not know
    it: a single ref stays guarded by Git's own compare-and-swap.

    Raises:
        Unavailable: Someone else held it all that time, or the repository is not there.
    """
    deadline = time.monotonic() + timeout
    try:
        descriptor = os.open(git_dir / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable("The Git data of this repo cannot be opened.", code="git_data_missing") from error
    pause = 0.001
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return Lock(descriptor)
        except BlockingIOError:
            if time.monotonic() + pause > deadline:
                os.close(descriptor)
                raise Unavailable(
                    "Someone else is changing this repo; try again in a moment.", code="repo_busy"
                ) from None
        time.sleep(pause)
        pause = min(pause * 1.5, 0.025)
