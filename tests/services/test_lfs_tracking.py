"""Files that are stored through LFS are tracked, whatever they are called: judged by the real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modelkeep.services.lfs_tracking import with_tracked

NAMES = [
    "big.dat",
    "with blank.dat",
    "glob[1]*?.dat",
    "back\\slash.dat",
    'quo"te.dat',
    "!not.dat",
    "#comment.dat",
    "sub/dir/deep.dat",
    "grün/模型.dat",
    "tab\there.dat",
]


def check_attr(folder: Path, path: str) -> str:
    answer = subprocess.run(
        ["git", "check-attr", "-z", "filter", "--", path],
        cwd=folder,
        capture_output=True,
        check=True,
        timeout=30,
    )
    return answer.stdout.split(b"\0")[2].decode()


@pytest.mark.parametrize("name", NAMES)
def test_exactly_this_path_is_tracked(tmp_path: Path, name: str) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, timeout=30)
    (tmp_path / ".gitattributes").write_bytes(with_tracked(tmp_path, None, [name]))
    assert check_attr(tmp_path, name) == "lfs"
    assert check_attr(tmp_path, f"elsewhere/{name}") == "unspecified"
    assert check_attr(tmp_path, f"{name}x") == "unspecified"
