"""The real server in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import modelkeep

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Hub:
    """A running hub of ``tests.server.hub``."""

    process: subprocess.Popen[str]
    port: int
    root: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[Callable[..., Hub]]:
    """Starts hubs and ends them after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*, port: int = 0, shutdown_seconds: float = 30) -> Hub:
        source = str(Path(modelkeep.__file__).parents[1])
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.hub", str(tmp_path), str(port), str(shutdown_seconds)],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": source},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        return Hub(process, int(line or 0), tmp_path)

    yield start
    for process in started:
        process.kill()
        process.communicate()
