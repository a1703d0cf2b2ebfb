"""What gto prints about a clone, run in this process, and what the hub answers in its place."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import gto.api
import gto.cli
import httpx
from gto.registry import GitRegistry

from tests.support.hub import Hub, HubRepo


class Printed:
    """gto's own command line on a clone, without a process for each command.

    What gto reads from the repository it reads once: that takes a fifth of a second for a few tags, every time.
    """

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        self._state = gto.api._get_state(str(tree))

    def __call__(self, command: str, *args: str) -> str:
        """What the command prints; it must not fail."""
        where = [] if command == "parse-tag" else ["--repo", str(self._tree)]
        out = io.StringIO()
        with self._read_already(), contextlib.redirect_stdout(out):
            gto.cli.app.main(["--traceback", command, *args, *where], standalone_mode=False)
        return out.getvalue()

    @contextlib.contextmanager
    def _read_already(self) -> Iterator[None]:
        with patch.object(GitRegistry, "get_state", lambda *args, **options: self._state):
            yield


class Answered:
    """The same questions to the hub's REST API."""

    def __init__(self, hub: Hub, repo: HubRepo, token: str) -> None:
        self._hub = hub
        self._base = f"/api/v1/repos/{repo.full_name}"
        self._token = token

    def get(self, path: str, **params: str | int | bool) -> httpx.Response:
        return self._hub.request("GET", f"{self._base}/{path}", self._token, params=params)

    def __call__(self, command: str, **params: str | int | bool) -> str:
        """The text that the hub answers; it must answer."""
        answer = self.get(f"gto/{command}", **params)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        return answer.text
