"""Every command has help, an example that can be parsed, and a line in the reference."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from modelkeep.cli import front
from modelkeep.cli.app import Group
from modelkeep.cli.catalogue import COMMANDS as COMMANDS_AS_LISTED
from modelkeep.cli.catalogue import SECTIONS, below

ROOT = Path(__file__).parents[3]


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    for name, command in getattr(group, "commands").items():  # noqa: B009 - typer's groups have no public type
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(Group()))


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
    parameters = getattr(command, "params")  # noqa: B009
    known = {option for one in parameters for option in (*one.opts, *one.secondary_opts)}
    lines = [line.strip() for line in epilog.splitlines() if "modelkeep" in line]
    assert lines, "there is no example"
    own = [line for line in lines if "modelkeep " + " ".join(path) in line]
    assert own, "no example shows this command"
    for line in own:
        assert {word for word in shlex.split(line) if word.startswith("--")} <= known


HEAVY = {"httpx", "rich", "typer", "click", "sqlalchemy", "fastapi", "pygit2", "pydantic_settings"}
ASK = """
import sys
from modelkeep.cli.main import main
sys.argv = ["modelkeep", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
sys.stderr.write(" ".join(sys.modules))
"""


def asked(*words: str) -> tuple[str, set[str]]:
    """What a command line prints, and which modules it loads."""
    done = subprocess.run([sys.executable, "-c", ASK, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, set(done.stderr.split())


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], ["repo", "--help"], ["admin", "user", "--help"], ["--version"]]
)
def test_an_overview_comes_without_loading_any_library(words: list[str]) -> None:
    said, loaded = asked(*words)
    assert said.startswith(("Usage: modelkeep", "modelkeep "))
    assert not loaded & (HEAVY | {"typing", "re", "shutil", "dataclasses"})


def test_a_commands_help_loads_that_command_and_no_other_library() -> None:
    said, loaded = asked("download", "--help")
    assert "--stage" in said
    assert not loaded & (HEAVY - {"typer"})
    assert {name for name in loaded if name.startswith("modelkeep.cli.")} >= {"modelkeep.cli.transfers"}
    assert not loaded & {"modelkeep.cli.admin", "modelkeep.cli.repos", "modelkeep.cli.registry"}


def test_the_catalogue_says_what_the_commands_say() -> None:
    for words, (place, summary) in COMMANDS_AS_LISTED.items():
        module, _, name = place.partition(":")
        function = getattr(import_module(f"modelkeep.cli.{module}"), name)
        assert (function.__doc__ or "").startswith(summary.removesuffix(".")), words
        assert summary.endswith("."), words


def test_every_command_stands_in_one_section_of_the_overview() -> None:
    listed = [name for _, names in SECTIONS for name in names.split()]
    assert sorted(listed) == sorted(name for name, _ in below(""))
    assert all(name in front.overview("") for name in listed)


@pytest.mark.parametrize("width", [20, 40, 100, 300])
def test_the_overview_fits_the_terminal(width: int) -> None:
    lines = front.overview("", width).splitlines()
    assert max(map(len, lines)) <= max(width, 75)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["shwo"], "Did you mean 'show'"), (["create"], "'repo create'"), (["repo", "lst"], "'list'")],
)
def test_a_mistyped_command_is_answered_with_those_that_are_near(words: list[str], said: str) -> None:
    command = [sys.executable, "-m", "modelkeep", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert said in done.stderr


def test_no_command_at_all_is_a_usage_error_with_the_overview() -> None:
    done = subprocess.run([sys.executable, "-m", "modelkeep"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "Registry:" in done.stderr


def test_the_version_is_printed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelkeep", "--version"], capture_output=True, text=True, timeout=60
    )
    assert re.fullmatch(r"modelkeep \d+\.\d+\.\d+\n", done.stdout)
