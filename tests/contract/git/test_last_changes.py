"""Last changes of many paths, as ``git log -1`` names them one by one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.domain.errors import NotFound
from modelkeep.git import commits, trees
from modelkeep.git.last_changes import last_changes
from tests.contract.git.building import commit
from tests.contract.git.real_git import Git

PATHS = ["a.txt", "d", "d/b.txt", "d/e", "d/e/c.txt", "d/e/f.txt"]
FILES = ["a.txt", "d/b.txt", "d/e/c.txt", "d/e/f.txt"]
ANY_FILES = st.dictionaries(st.sampled_from(FILES), st.integers(0, 2), min_size=1)
HISTORIES = st.lists(st.tuples(ANY_FILES, st.lists(st.integers(0, 50), max_size=3)), min_size=1, max_size=10)
"""The files of each commit, and its parents among the commits before it."""


def test_each_path_has_the_commit_that_changed_it(git_dir: Path) -> None:
    first = commit(git_dir, {"a.txt": b"1", "d/b.txt": b"1", "d/e/c.txt": b"1"})
    second = commit(git_dir, {"d/b.txt": b"2"}, first)
    third = commit(git_dir, {"a.txt": b"3"}, second)
    found = last_changes(git_dir, third, ["a.txt", "d", "d/b.txt", "d/e", "d/e/c.txt", "absent"])
    assert {path: one.id for path, one in found.items()} == {
        "a.txt": third,
        "d": second,
        "d/b.txt": second,
        "d/e": first,
        "d/e/c.txt": first,
    }


def test_a_file_that_came_back_counts_from_then(git_dir: Path) -> None:
    first = commit(git_dir, {"a": b"1", "b": b"1"})
    gone = commit(git_dir, {}, first, "Gone", commits.Delete("a"))
    back = commit(git_dir, {"a": b"1"}, gone)
    assert last_changes(git_dir, back, ["a"])["a"].id == back


def test_bytes_that_are_no_text(git_dir: Path, git: Git, tmp_path: Path) -> None:
    repository = pygit2.Repository(str(git_dir))
    blob = repository.create_blob(b"x")
    tree = git("mktree", "-z", cwd=git_dir, input=b"100644 blob " + str(blob).encode() + b"\tcaf\xe9\0")
    made = git("commit-tree", "-m", "One", tree, cwd=git_dir)
    shown = [entry.path for entry in trees.list_tree(git_dir, made)]
    assert shown == ["caf\\xe9"]
    assert last_changes(git_dir, made, shown)["caf\\xe9"].id == made


def test_a_long_history_is_looked_at_only_so_far(git_dir: Path) -> None:
    tip = commit(git_dir, {"old": b"1", "new": b"0"})
    for number in range(5):
        tip = commit(git_dir, {"new": b"%d" % (number + 1)}, tip)
    assert set(last_changes(git_dir, tip, ["old", "new"], most_commits=3)) == {"new"}
    assert set(last_changes(git_dir, tip, ["old", "new"], most_commits=6)) == {"old", "new"}


def test_a_commit_that_is_not_there(git_dir: Path) -> None:
    with pytest.raises(NotFound):
        last_changes(git_dir, "12" * 20, ["a"])


@settings(max_examples=30, deadline=None)
@given(history=HISTORIES)
def test_any_history_is_read_as_git_log_reads_it(
    history: list[tuple[dict[str, int], list[int]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        git_dir, git = Path(folder) / "r.git", Git(Path(folder))
        repository = pygit2.init_repository(str(git_dir), bare=True)
        made: list[pygit2.Oid] = []
        for number, (files, parents) in enumerate(history):
            chosen = list(dict.fromkeys(made[at % len(made)] for at in parents)) if made else []
            made.append(_commit(repository, files, chosen, 1_700_000_000 + number))
        tip = str(made[-1])
        expected = {
            path: at
            for path in PATHS
            if trees.find(git_dir, tip, [path])
            and (at := git("log", "-1", "--format=%H", tip, "--", path, cwd=git_dir))
        }
        assert {path: one.id for path, one in last_changes(git_dir, tip, PATHS).items()} == expected


def _commit(
    repository: pygit2.Repository, files: dict[str, int], parents: list[pygit2.Oid], when: int
) -> pygit2.Oid:
    index = pygit2.Index()
    for path, content in files.items():
        blob = repository.create_blob(b"%d" % content)
        index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("Ada", "ada@example.org", when)
    return repository.create_commit(None, who, who, "c", index.write_tree(repository), parents)
