"""A hub started as a user starts it, and the command line as a user calls it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PASSWORD = "correct horse battery staple"
_READY = re.compile(rb"ready at (http://\S+)")


def clean_environment(home: Path) -> dict[str, str]:
    """The environment without the settings of the machine that runs the tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MODELKEEP_", "GIT_", "XDG_", "NO_COLOR"))
    }
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "PYTHONPATH": str(ROOT / "src"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


class Server:
    """``modelkeep serve`` in a process of its own; can be killed and started again on the same port."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        port = self.url.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "modelkeep", "serve", "--data", str(self.data), "--port", port]
        settings = {"MODELKEEP_ADMIN_PASSWORD": PASSWORD, "MODELKEEP_LOG_LEVEL": "error"}
        log = (self.data.parent / "serve.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                command,
                env=clean_environment(self.data.parent) | settings,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            ready = _READY.search(line)
            if ready:
                self.url = ready[1].decode()
                return
        self.stop(at_once=True)
        raise AssertionError((self.data.parent / "serve.log").read_text())

    def stop(self, *, at_once: bool = False) -> int:
        assert self._process is not None
        (self._process.kill if at_once else self._process.terminate)()
        code = self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code


@dataclass
class CommandLine:
    """``modelkeep`` for one user account."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str | Path, code: int = 0, input: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "modelkeep", *map(str, arguments)],
            env=clean_environment(self.home) | self.variables,
            cwd=self.home,
            input=input,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str | Path, input: str = "") -> object:
        """Runs with ``--json``; what is printed must be one document."""
        return json.loads(self.run(*arguments, "--json", input=input).stdout)

    def record(self, *arguments: str | Path, input: str = "") -> dict[str, object]:
        value = self.json(*arguments, input=input)
        assert isinstance(value, dict)
        return value

    def records(self, *arguments: str | Path) -> list[dict[str, object]]:
        value = self.json(*arguments)
        assert isinstance(value, list)
        return value


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("hub") / "data")
    running.start()
    machine = CommandLine(running.data.parent)
    for name in ("ada", "bob"):
        machine.run("admin", "user", "create", name, "--password", PASSWORD, "--data", running.data)
    members = ("--member", "ada:owner", "--member", "bob:maintainer")
    machine.run("admin", "org", "create", "acme", *members, "--data", running.data)
    yield running
    running.stop()


@pytest.fixture
def machine(server: Server, tmp_path: Path) -> CommandLine:
    """Nobody's command line on the hub's own machine."""
    home = tmp_path / "home"
    home.mkdir()
    return CommandLine(home, {"MODELKEEP_URL": server.url})


@pytest.fixture(scope="package")
def adas_token(server: Server) -> str:
    options = ("--user", "ada", "--scope", "admin", "--data", server.data)
    return str(CommandLine(server.data.parent).record("admin", "token", "create", *options)["token"])


@pytest.fixture(scope="package")
def bobs_token(server: Server) -> str:
    options = ("--user", "bob", "--scope", "admin", "--data", server.data)
    return str(CommandLine(server.data.parent).record("admin", "token", "create", *options)["token"])


@pytest.fixture
def ada(machine: CommandLine, adas_token: str) -> CommandLine:
    """The command line of an owner of ``acme``, by a token in the environment."""
    return CommandLine(machine.home, {**machine.variables, "MODELKEEP_TOKEN": adas_token})
