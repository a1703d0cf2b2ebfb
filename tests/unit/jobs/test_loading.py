"""The job engine is loaded by who serves, once it answers, and by no other command."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["modelkeep.server.main", "modelkeep.server.wiring", "modelkeep.cli.admin"]
)
def test_nothing_loads_the_engine_at_import(module: str) -> None:
    program = f"import sys, {module}; sys.exit('dbos' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
