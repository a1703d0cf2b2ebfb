"""Which paths a ``.gitignore`` leaves out."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.git.ignoring import ignored


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    git_dir = tmp_path_factory.mktemp("ignoring") / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", str(git_dir)], check=True)
    return git_dir


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (b"", set()),
        (b"# only words\n\n", set()),
        (b"*.log\n", {"a.log", "d/b.log"}),
        (b"*.log\n!a.log\n", {"d/b.log"}),
        (b"/d\n", {"d/b.log", "d/e/f"}),
        (b"e/\n", {"d/e/f"}),
        (b"**/f\r\n", {"d/e/f"}),
        (b"*\n!*/\n!*.txt\n", {"a.log", "d/b.log", "d/e/f"}),
        (b"\xff\xfe\0[a-\n*.txt", {"é.txt"}),
    ],
)
def test_rules(bare: Path, rules: bytes, expected: set[str]) -> None:
    assert ignored(bare, rules, ["a.log", "d/b.log", "d/e/f", "é.txt"]) == expected


def test_paths_that_look_like_options(bare: Path) -> None:
    assert ignored(bare, b"--*\n", ["--help", "-z", "x"]) == {"--help"}


def test_paths_that_cannot_be(bare: Path) -> None:
    with pytest.raises(InvalidInput):
        ignored(bare, b"*", ["../x"])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_rules_leave_out_some_of_what_was_asked(bare: Path, rules: bytes) -> None:
    asked = ["a", "b/c", "d e"]
    assert ignored(bare, rules, asked) <= set(asked)
