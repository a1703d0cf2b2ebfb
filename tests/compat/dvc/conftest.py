"""The real DVC, from the virtual environment of its own that ``make setup-clients`` makes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.support.hub import REPOSITORY, Hub

PROGRAMS = REPOSITORY / ".venv-dvc" / "bin"

Dvc = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def programs() -> Path:
    if not (PROGRAMS / "dvc").exists():
        pytest.skip("DVC is not installed (make setup-clients)")
    return PROGRAMS


@pytest.fixture
def dvc(programs: Path, hub: Hub, tmp_path: Path) -> Dvc:
    """Runs a program of DVC's environment as somebody whose DVC Studio is the hub."""
    home = tmp_path / "dvc-home"
    home.mkdir()

    def run(arguments: Sequence[str | Path], token: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "DVC_NO_ANALYTICS": "1",
            "DVC_STUDIO_URL": hub.url,
            "DVC_STUDIO_TOKEN": token,
        }
        program, *rest = map(str, arguments)
        return subprocess.run(
            [programs / program, *rest],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
