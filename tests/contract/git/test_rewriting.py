"""Histories without certain files, compared with what git itself says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from modelkeep.domain.errors import NotFound
from modelkeep.git.finding import find_blobs
from modelkeep.git.refs import list_refs
from modelkeep.git.rewriting import Pruning


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.git_dir = root / ".git"
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ann")
        self.git("config", "user.email", "ann@example.org")

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(self.root), *args], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str, **files: str | None) -> str:
        for name, content in files.items():
            path = self.root / name.replace("__", "/")
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_merges_keep_their_shape(repository: Repository) -> None:
    first = repository.commit("one", a="a")
    repository.commit("two", big="big", deep__only="big")
    repository.git("checkout", "-q", "-b", "side", first)
    repository.commit("side", s="s")
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "--no-ff", "-m", "both", "side")
    tips = [repository.git("rev-parse", name) for name in ("main", "side")]
    big = repository.git("rev-parse", "main:big")
    pruning = Pruning(repository.git_dir, [big])
    assert (pruning.touches(tips[0]), pruning.touches(tips[1])) == (True, False)
    main, side = pruning.rewritten(tips)
    assert side == tips[1]
    assert repository.git("ls-tree", "-r", "--name-only", main).split() == ["a", "s"]
    assert repository.git("log", "--format=%s %an %ad", main) == repository.git(
        "log", "--format=%s %an %ad", tips[0]
    )
    assert repository.git("rev-parse", f"{main}^2") == side
    assert repository.git("fsck", "--strict", "--no-dangling", main) == ""
    assert Pruning(repository.git_dir, [big]).rewritten([main]) == [main]


def test_a_commit_may_be_left_with_nothing(repository: Repository) -> None:
    tip = repository.commit("all", dir__big="big")
    (new,) = Pruning(repository.git_dir, [repository.git("rev-parse", "HEAD:dir/big")]).rewritten([tip])
    assert repository.git("ls-tree", new) == ""


def test_commits_that_are_not_there(repository: Repository) -> None:
    with pytest.raises(NotFound):
        Pruning(repository.git_dir, []).touches("1" * 40)


def test_where_blobs_are(repository: Repository) -> None:
    repository.commit("one", gone="gone", sub__kept="kept")
    gone = repository.git("rev-parse", "HEAD:gone")
    repository.commit("two", gone=None)
    kept = repository.git("rev-parse", "HEAD:sub/kept")
    found = find_blobs(repository.git_dir, list_refs(repository.git_dir), [gone, kept, "1" * 40])
    assert {blob: (at.path, at.ref) for blob, at in found.items()} == {
        gone: ("gone", None),
        kept: ("sub/kept", "refs/heads/main"),
    }
