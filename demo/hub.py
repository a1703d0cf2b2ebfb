"""The hub as a process: started as people start it, waited for, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
_START_SECONDS = 60
_STOP_SECONDS = 40


class HubFailed(Exception):
    """The hub did not start. ``output`` is the end of its log."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


class Hub:
    """``modelkeep serve`` on a loopback port. Its output goes to a file."""

    def __init__(
        self,
        data: Path,
        log: Path,
        *,
        port: int,
        environment: Mapping[str, str],
        options: Sequence[str] = (),
    ) -> None:
        self.data, self.log, self.port = data, log, port
        self._environment = _clean_environment() | dict(environment)
        self._options = list(options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """The process; the hub's workers are its children."""
        if self._process is None:
            raise RuntimeError("the hub was not started")
        return self._process.pid

    def start(self) -> None:
        """Starts it and waits until it is ready.

        Raises:
            HubFailed: It ended, or is not ready after a minute.
        """
        command = [sys.executable, "-m", "modelkeep", "serve", "--data", str(self.data)]
        command += ["--host", HOST, "--port", str(self.port), *self._options]
        with self.log.open("ab") as log:
            # In a session of its own: Ctrl-C is for us, and we stop the hub.
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stops it as a service manager would, and not kindly if that takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def wait(self) -> int:
        """Waits until it ends by itself; its exit code."""
        if self._process is None:
            raise RuntimeError("the hub was not started")
        return self._process.wait()

    def log_tail(self, lines: int = 20) -> str:
        """The end of what it said."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Hub:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise HubFailed(f"modelkeep serve ended with exit code {process.returncode}", self.log_tail())
            if _answers(f"{self.url}/readyz"):
                return
            time.sleep(0.05)
        raise HubFailed(f"the hub was not ready after {_START_SECONDS} s", self.log_tail())


def choose_port(wanted: int) -> int:
    """The port, or a free one where that is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError(f"no free port on {HOST}")


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as response:
            return int(response.status) == 200
    except (urllib.error.URLError, OSError):
        return False


def _clean_environment() -> dict[str, str]:
    """The environment without settings of another hub."""
    return {name: value for name, value in os.environ.items() if not name.startswith("MODELKEEP_")}
