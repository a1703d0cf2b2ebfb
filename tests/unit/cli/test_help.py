"""Every command has help, an example that can be parsed, and a line in the reference."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from modelkeep.cli.app import app

ROOT = Path(__file__).parents[3]


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, command in getattr(group, "commands").items():  # noqa: B009 - typer's groups have no public type
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_is_in_the_reference(path: tuple[str, ...]) -> None:
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert f"`{' '.join(path)}`" in reference


def test_the_reference_names_no_command_that_is_not_there() -> None:
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in reference.splitlines() if line.startswith("| `")]
    rows = [cell for cell in cells if "--" not in cell]
    named = {tuple(name.split()) for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert named == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_and_its_options_exist(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    epilog = getattr(command, "epilog") or ""  # noqa: B009
    known = {option for parameter in getattr(command, "params") for option in parameter.opts}  # noqa: B009
    lines = [line.strip() for line in epilog.splitlines() if "modelkeep" in line]
    assert lines, "there is no example"
    own = [line for line in lines if "modelkeep " + " ".join(path) in line]
    assert own, "no example shows this command"
    for line in own:
        assert {word for word in shlex.split(line) if word.startswith("--")} <= known


def test_help_comes_without_loading_the_sdks_and_the_servers_libraries() -> None:
    program = (
        "import sys\n"
        "from modelkeep.cli.app import app\n"
        "try:\n"
        "    app(['--help'], prog_name='modelkeep')\n"
        "except SystemExit:\n"
        "    heavy = {'httpx', 'rich', 'sqlalchemy', 'fastapi', 'pygit2', 'pydantic_settings'} & set(sys.modules)\n"
        "    sys.exit(', '.join(heavy) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "download" in done.stdout


def test_the_version_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelkeep", "--version"], capture_output=True, text=True, timeout=60
    )
    assert re.fullmatch(r"modelkeep \d+\.\d+\.\d+\n", done.stdout)
