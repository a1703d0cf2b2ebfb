"""A hub that starts in a tenth of a second: a process with everything imported forks for each start.

For tests that kill the server many times; what runs in the child is the same as in ``serve``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import modelkeep.jobs.handlers  # noqa: F401 - `serve` loads it when it has started
from modelkeep.server.main import run
from modelkeep.settings import Settings
from tests.support.hub import READY, REPOSITORY, HubProcess, descendants


class ForkedHub(HubProcess):
    """The server as a child of a process that has imported it; :meth:`close` ends that process."""

    def __init__(self, data: Path, log: Path, **settings: object) -> None:
        super().__init__(data, log, **settings)
        self._parent: subprocess.Popen[bytes] | None = None
        self._child = 0

    @property
    def pid(self) -> int:
        return self._child

    def start(self) -> None:
        """Starts the server, on the same port as before, and waits until it answers."""
        if self._parent is None:
            self._parent = self._start_parent()
        parent = self._parent
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(b"%d\n" % (self.port if self.url else 0))
        parent.stdin.flush()
        self._child = int(parent.stdout.readline())
        for line in parent.stdout:
            ready = READY.search(line.decode())
            if ready:
                self.url = ready[1]
                return
        raise AssertionError(f"the hub did not start:\n{self.log.read_text()}")

    def kill(self, *, with_children: bool = False) -> None:
        """Ends the server at once, on demand with the git processes that it started."""
        children = descendants(self._child) if with_children else []
        for pid in (self._child, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """Ends the server and the process that forks it."""
        self.kill()
        self.close()
        return 0

    def close(self) -> None:
        """Ends the process that forks."""
        if self._parent is not None:
            self._parent.kill()
            self._parent.communicate()
            self._parent = None

    def _start_parent(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.support.forking"],
                cwd=REPOSITORY,
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )


def main() -> None:
    """Forks a server for each port that comes in, and says its process id before the server says that it is ready."""
    assert threading.active_count() == 1
    for line in sys.stdin.buffer:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        sys.stdout.flush()
        child = os.fork()
        if child:
            continue
        sys.stdin.close()
        os.setsid()
        print(os.getpid(), flush=True)  # noqa: T201 - how the tests learn whom to kill
        os._exit(run(Settings.load(port=int(line))))


if __name__ == "__main__":
    main()
