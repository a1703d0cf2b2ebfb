"""Modules stay small and are named for what they hold."""

from __future__ import annotations

from tests.architecture.tree import name_of, python_files

LIMIT = 500
TEST_LIMIT = 800
NAMES_OF_NOTHING = {"common", "helper", "helpers", "misc", "util", "utils"}


def test_modules_are_short() -> None:
    too_long = []
    for path in python_files():
        limit = TEST_LIMIT if name_of(path).startswith("tests/") else LIMIT
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > limit:
            too_long.append(f"{name_of(path)}: {lines} lines, at most {limit}")
    assert not too_long, "Split these by what they are about:\n" + "\n".join(too_long)


def test_modules_are_named_for_what_they_hold() -> None:
    nameless = [
        name_of(path)
        for path in python_files()
        if NAMES_OF_NOTHING & {part.removesuffix(".py") for part in path.parts}
    ]
    assert not nameless, "Name these for what is in them:\n" + "\n".join(nameless)
