"""A client of the Hub in an environment of its own: its Python, its command ``hf``, and whom it talks to."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.hub import REPOSITORY

INSIDE = Path(__file__).parent / "inside"
_SECONDS = 100


@dataclass(frozen=True)
class Release:
    """A version of huggingface_hub with the hf_xet of its time.

    Attributes:
        name: As its environment is called.
        number: Of huggingface_hub.
    """

    name: str
    number: tuple[int, int]

    @property
    def folder(self) -> Path:
        return REPOSITORY / f".venv-hub-{self.name}"

    @property
    def is_installed(self) -> bool:
        return (self.folder / ".locked").exists()

    def __str__(self) -> str:
        return self.name


RELEASES = (Release("0", (0, 36)), Release("1", (1, 9)), Release("1-29", (1, 29)), Release("2", (2, 4)))


class Refused(AssertionError):
    """A call raised in the client.

    Attributes:
        type: The name of the exception.
        text: What it says.
    """

    def __init__(self, flow: str, error: Mapping[str, str]) -> None:
        super().__init__(f"{flow} raised {error['type']}: {error['text']}\n{error['where']}")
        self.type = error["type"]
        self.text = error["text"]


class Outside:
    """All that is not the hub: a proxy that notes every request to it and refuses."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._refuse, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Outside:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _refuse(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                client.settimeout(5)
                self.asked.append(client.recv(2000).decode("latin-1").partition("\r\n")[0])
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class Client:
    """One user's machine with a release of the client that knows the hub as the Hub.

    Its Python process starts with the first call and stays, so that a call costs no start.

    Args:
        release: Which client.
        home: Its home, with caches of its own.
        endpoint: The hub.
        token: The user's; None for a machine without one.
        outside: Where requests to other hosts end.
        settings: Further environment variables.
    """

    def __init__(
        self,
        release: Release,
        home: Path,
        endpoint: str,
        token: str | None,
        outside: Outside,
        **settings: str,
    ) -> None:
        self.release = release
        self.home = home
        home.mkdir(parents=True)
        self.log = home / "client.log"
        self.connections = home / "connections.log"
        self._outside = outside
        self._process: subprocess.Popen[str] | None = None
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(INSIDE),
            "PYTHONWARNINGS": "ignore",
            "CONNECTIONS": str(self.connections),
            "HF_HOME": str(home / "hf"),
            "HF_ENDPOINT": endpoint,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            **({"HF_TOKEN": token} if token else {}),
            **dict.fromkeys(
                ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), outside.url
            ),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **settings,
        }
        # The command of 1.9 asks for updates of itself once a day, and knows no setting for that.
        (home / "hf").mkdir()
        (home / "hf" / ".check_for_update_done").touch()

    def call(self, flow: str, **arguments: Any) -> Any:
        """Calls a function of `inside/` in the client's Python: ``call("writing.commit", repo="ada/churn")``.

        Raises:
            Refused: It raised.
        """
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(_SECONDS, process.kill)
        watchdog.start()
        try:
            process.stdin.write(json.dumps({"flow": flow, "arguments": arguments}, default=str) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            self.close()
            raise AssertionError(
                f"the client ended, or took too long, in {flow}:\n{self.log.read_text()[-3000:]}"
            )
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(flow, answer["error"])
        return answer["result"]

    def hf(self, *arguments: str | Path, code: int = 0) -> str:
        """Runs the command ``hf``, which must end with this code; gives what it printed."""
        done = subprocess.run(
            [self.release.folder / "bin" / "hf", *map(str, arguments)],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        assert done.returncode == code, f"hf {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stdout + done.stderr

    def elsewhere(self) -> list[str]:
        """The hosts besides this machine that it looked up, connected to, or asked the proxy for."""
        direct = self.connections.read_text().splitlines() if self.connections.exists() else []
        return direct + self._outside.asked

    def close(self) -> None:
        """Ends its process."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _start(self) -> subprocess.Popen[str]:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.release.folder / "bin" / "python", "-X", "utf8", INSIDE / "worker.py"],
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        return self._process
