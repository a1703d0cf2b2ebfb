"""Servers that a benchmark starts on the loopback address, and that end with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = "127.0.0.1"
_START_SECONDS = 30
_STOP_SECONDS = 10


class Missing(Exception):
    """Something that a benchmark needs is not on this machine."""


def find_program(name: str) -> str:
    """Where the program is; servers are often outside of a user's PATH.

    Raises:
        Missing: It is not installed.
    """
    found = shutil.which(
        name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    )
    if found is None:
        raise Missing(f"{name} is not installed; `make bench` installs it")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str],
    *,
    ready: int | Path,
    log: Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[int]:
    """Runs a server until the block ends.

    Args:
        command: What to start, in the foreground.
        ready: The port or the Unix socket that it accepts connections on once it is ready.
        log: Where its output goes.
        cwd: The folder it runs in.
        environment: All of its environment; None for that of this process.

    Yields:
        Its process id.

    Raises:
        RuntimeError: It ended, or accepts nothing after half a minute.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )
    try:
        _wait(process, ready, log)
        yield process.pid
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], ready: int | Path, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _accepts(ready):
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise RuntimeError(f"{process.args!r} did not start:\n{tail}")
        time.sleep(0.05)


def _accepts(ready: int | Path) -> bool:
    is_port = isinstance(ready, int)
    with socket.socket(socket.AF_INET if is_port else socket.AF_UNIX) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, ready) if is_port else str(ready)) == 0


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        # Its workers, where it left some.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
