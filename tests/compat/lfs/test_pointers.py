"""What git-lfs itself takes for a pointer file is one to the hub, and nothing else is."""

from __future__ import annotations

import subprocess

import pytest

from modelkeep.domain.lfs import parse_pointer
from tests.unit.domain.pointers import SAMPLES


def is_pointer_to_git_lfs(content: bytes) -> bool:
    done = subprocess.run(
        ["git", "lfs", "pointer", "--check", "--no-strict", "--stdin"],
        input=content,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("content", [content for content, _ in SAMPLES if content])
def test_git_lfs_agrees(content: bytes) -> None:
    assert (parse_pointer(content) is not None) == is_pointer_to_git_lfs(content)
