"""Commits made without a work tree: what they hold, what they refuse, and that git agrees about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelkeep.domain.errors import Conflict, InvalidInput, NotFound
from modelkeep.git import objects, refs, trees
from modelkeep.git.commits import AddBlob, Change, Copy, Delete, attributes, build_commit
from tests.contract.git.building import ADA, commit, on_branch
from tests.contract.git.real_git import Git

FIXTURE_KEPT = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def files(git_dir: Path, commit_id: str) -> dict[str, bytes]:
    listed = trees.list_tree(git_dir, commit_id, "", recursive=True)
    return {e.path: trees.read_blob(git_dir, e.id, 1 << 20) for e in listed if e.kind.value == "file"}


def change(git_dir: Path, parent: str | None, *changes: Change) -> str:
    return build_commit(git_dir, parent=parent, changes=changes, author=ADA, committer=ADA, message="Change")


def test_a_commit_says_who_when_and_what(git: Git, git_dir: Path) -> None:
    first = change(git_dir, None, AddBlob("dir/run.sh", b"#!/bin/sh\n", 0o100755), AddBlob("a", b"1"))
    second = change(git_dir, first, AddBlob("b", b"2"))
    assert refs.list_refs(git_dir) == []
    refs.create_ref(git_dir, "refs/heads/main", second)
    git("--git-dir", git_dir, "fsck", "--strict", "--full")
    read = objects.read_commit(git_dir, second)
    assert (read.author, read.committer, read.message, read.parents) == (ADA, ADA, "Change\n", (first,))
    assert files(git_dir, second) == {"a": b"1", "b": b"2", "dir/run.sh": b"#!/bin/sh\n"}
    listed = git("--git-dir", git_dir, "ls-tree", "-r", "main")
    assert listed.startswith("100644 blob")
    assert "100755 blob" in listed


def test_many_files_are_one_pack(git: Git, git_dir: Path) -> None:
    sent = {f"d{number % 7}/{number}": b"%d\n" % (number // 2) for number in range(400)}
    first = change(git_dir, None, *(AddBlob(path, content) for path, content in sent.items()))
    refs.create_ref(git_dir, "refs/heads/main", first)
    assert len(list((git_dir / "objects" / "pack").glob("*.pack"))) == 1
    git("--git-dir", git_dir, "fsck", "--strict", "--full")
    assert files(git_dir, first) == sent
    assert files(git_dir, change(git_dir, first, AddBlob("d0/0", b"new")))["d0/0"] == b"new"


def test_a_refused_commit_writes_no_file(git_dir: Path) -> None:
    before = sorted((git_dir / "objects").rglob("*"))
    for count in (2, 400):
        wrong: list[Change] = [AddBlob(str(number), b"%d" % number) for number in range(count)]
        wrong.append(Delete("not there"))
        with pytest.raises(Conflict):
            change(git_dir, None, *wrong)
    assert sorted((git_dir / "objects").rglob("*")) == before


def test_deleting_copying_and_replacing(git_dir: Path) -> None:
    base = commit(git_dir, {"d/a": b"1", "d/b": b"2", "e/f/g": b"3", "h": b"4"})
    assert files(git_dir, change(git_dir, base, Delete("d"), Delete("e/f/g"))) == {"h": b"4"}
    assert [e.path for e in trees.list_tree(git_dir, change(git_dir, base, Delete("e/f/g")), "", True)] == [
        "d",
        "d/a",
        "d/b",
        "h",
    ]
    assert (
        files(git_dir, change(git_dir, base, Delete("d"), AddBlob("d", b"file"), Delete("e")))["d"] == b"file"
    )
    assert files(git_dir, change(git_dir, base, AddBlob("h/now/dir", b"5"), Delete("h")))["h/now/dir"] == b"5"
    assert files(
        git_dir, change(git_dir, base, AddBlob("d/new", b"6"), Delete("d"), Delete("h"), Delete("e"))
    ) == {"d/new": b"6"}
    moved = change(git_dir, base, Copy("d", "moved/d"), Delete("d"), Copy("h", "h2"))
    assert files(git_dir, moved) == {
        "moved/d/a": b"1",
        "moved/d/b": b"2",
        "e/f/g": b"3",
        "h": b"4",
        "h2": b"4",
    }
    gone = change(git_dir, base, Delete("d"), Delete("e"), Delete("h"))
    assert trees.list_tree(git_dir, gone) == []
    assert files(git_dir, change(git_dir, base)) == files(git_dir, base)


def test_a_blob_of_the_repository_can_be_put_by_id(git_dir: Path) -> None:
    base = commit(git_dir, {"a": b"1"})
    entry = trees.entry(git_dir, base, "a")
    assert entry is not None
    assert files(git_dir, change(git_dir, base, AddBlob("b", entry.id))) == {"a": b"1", "b": b"1"}
    for wrong in ("1" * 40, base):
        with pytest.raises(InvalidInput):
            change(git_dir, base, AddBlob("b", wrong))


def test_changes_that_contradict_each_other_or_the_parent(git_dir: Path) -> None:
    base = commit(git_dir, {"d/a": b"1", "h": b"4"})
    cases: list[tuple[type[Exception], str, list[Change]]] = [
        (InvalidInput, "path_given_twice", [AddBlob("x", b"1"), AddBlob("x", b"2")]),
        (InvalidInput, "path_given_twice", [AddBlob("x", b"1"), AddBlob("x/y", b"2")]),
        (InvalidInput, "path_given_twice", [AddBlob("x/y", b"1"), AddBlob("x", b"2")]),
        (InvalidInput, "path_given_twice", [Delete("h"), Delete("h")]),
        (InvalidInput, "invalid_path", [AddBlob("a/../b", b"1")]),
        (InvalidInput, "invalid_path", [AddBlob(".git/config", b"1")]),
        (InvalidInput, "invalid_path", [Delete("")]),
        (InvalidInput, "invalid_path", [Copy("../x", "y")]),
        (InvalidInput, "invalid_mode", [AddBlob("x", b"1", 0o120000)]),
        (Conflict, "path_is_directory", [AddBlob("d", b"1")]),
        (Conflict, "path_is_file", [AddBlob("h/x", b"1")]),
        (Conflict, "path_is_file", [Copy("d", "h")]),
        (Conflict, "path_missing", [Delete("none")]),
        (Conflict, "path_missing", [Delete("h/none")]),
        (Conflict, "path_missing", [Copy("none", "x")]),
    ]
    for kind, code, changes in cases:
        with pytest.raises(kind) as caught:
            change(git_dir, base, *changes)
        assert getattr(caught.value, "code", "") == code
    with pytest.raises(Conflict):
        change(git_dir, None, Delete("h"))
    with pytest.raises(NotFound):
        change(git_dir, "1" * 40, AddBlob("x", b"1"))
    for message in ("a\x00b", "x" * 600_000):
        with pytest.raises(InvalidInput):
            build_commit(git_dir, parent=base, changes=[], author=ADA, committer=ADA, message=message)


def test_files_with_names_that_are_not_utf_8_survive_and_can_be_deleted(git: Git, git_dir: Path) -> None:
    blob = git("--git-dir", git_dir, "hash-object", "-w", "--stdin", input=b"x")
    tree = git("--git-dir", git_dir, "mktree", "-z", input=f"100644 blob {blob}\t".encode() + b"caf\xe9\0")
    base = git("--git-dir", git_dir, "commit-tree", tree, "-m", "x")
    more = change(git_dir, base, AddBlob("b", b"2"))
    assert files(git_dir, more) == {"b": b"2", "caf\\xe9": b"x"}
    assert files(git_dir, change(git_dir, more, Delete("caf\\xe9"))) == {"b": b"2"}


segments = st.sampled_from(["a", "b", "a.b", "a-b", "a0", "Z", "é"])
tree_paths = st.lists(segments, min_size=1, max_size=3).map("/".join)


@given(
    st.dictionaries(tree_paths, st.binary(max_size=4), max_size=8),
    st.dictionaries(tree_paths, st.binary(max_size=4), max_size=5),
)
@FIXTURE_KEPT
def test_trees_are_the_ones_that_git_would_write(
    git: Git, git_dir: Path, old: dict[str, bytes], new: dict[str, bytes]
) -> None:
    """The same files put with the store and with git's index make the same tree."""
    for wanted in (old, new):
        for path in list(wanted):
            if any(other.startswith(f"{path}/") for other in wanted):
                del wanted[path]
    base = commit(git_dir, old)
    replaced = [Delete(path) for path in old if path not in new]
    made = change(
        git_dir, base, *(AddBlob(path, content) for path, content in new.items()), *_clear(old, new, replaced)
    )
    lines = b""
    for path, content in new.items():
        blob = git("--git-dir", git_dir, "hash-object", "-w", "--stdin", input=content)
        lines += f"100644 {blob}\t{path}\0".encode()
    index = str(git_dir / "test-index")
    git("--git-dir", git_dir, "read-tree", "--empty", GIT_INDEX_FILE=index)
    git("--git-dir", git_dir, "update-index", "-z", "--index-info", input=lines, GIT_INDEX_FILE=index)
    assert objects.read_commit(git_dir, made).tree_id == git(
        "--git-dir", git_dir, "write-tree", GIT_INDEX_FILE=index
    )


def _clear(old: dict[str, bytes], new: dict[str, bytes], replaced: list[Delete]) -> list[Delete]:
    """Deletions of all old paths that ``new`` lacks; a directory that becomes a file is deleted whole."""
    whole = {path for path in new if any(other.startswith(f"{path}/") for other in old)}
    kept = [one for one in replaced if not any(one.path.startswith(f"{path}/") for path in whole)]
    return [*kept, *map(Delete, whole)]


ATTRIBUTES = {
    ".gitattributes": b"*.bin filter=lfs diff=lfs -text\n/top.txt filter=lfs\n[attr]heavy filter=lfs\n*.heavy heavy\n",
    "sub/.gitattributes": b"*.bin -filter\n*.txt filter=lfs\n/here/** filter=lfs\nspecial.bin filter=lfs\n",
    "sub/deep/.gitattributes": b"*.txt !filter\n*.other filter=other\n",
}
ASKED = [
    "a.bin",
    "x/y/a.bin",
    "top.txt",
    "x/top.txt",
    "a.heavy",
    "sub/a.bin",
    "sub/special.bin",
    "sub/a.txt",
    "sub/here/x/y",
    "here/x",
    "sub/deep/a.txt",
    "sub/deep/a.bin",
    "sub/deep/special.bin",
    "sub/deep/a.other",
    "A.BIN",
    "a.bin/x",
    "ü.bin",
    "plain",
]


def test_attributes_are_the_ones_that_git_applies(git: Git, git_dir: Path, tmp_path: Path) -> None:
    work = git.work_tree(tmp_path / "work", {**ATTRIBUTES, "keep": "x"})
    git("push", "-q", git_dir, "main", cwd=work)
    tip = git("rev-parse", "main", cwd=work)
    answered = git(
        "-c", "core.quotePath=false", "check-attr", "-z", "--cached", "filter", "--", *ASKED, cwd=work
    )
    parts = answered.split("\0")
    expected = {parts[at]: parts[at + 2] == "lfs" for at in range(0, len(parts) - 2, 3)}
    assert attributes(git_dir, tip, ASKED) == expected
    assert True in expected.values()
    (git_dir / "info/attributes").write_text("")
    none = on_branch(git_dir, {"x": b"1"}, "empty")
    assert not any(attributes(git_dir, none, ASKED).values())
    assert not any(attributes(git_dir, None, ASKED).values())
    assert attributes(git_dir, tip, ASKED) == expected
    with pytest.raises(InvalidInput):
        attributes(git_dir, tip, ["../x"])
    with pytest.raises(NotFound):
        attributes(git_dir, "1" * 40, ["x"])
