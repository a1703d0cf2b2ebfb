"""Files, directories, blobs and history, as git has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput, NotFound, TooLarge
from modelkeep.domain.lfs import Oid, Pointer, format_pointer
from modelkeep.domain.objects import EntryKind
from modelkeep.git import library, log, objects, paths, trees
from tests.contract.git.building import commit, on_branch, tag
from tests.contract.git.real_git import Git

POINTER = Pointer(Oid("ab" * 32), 5_000_000_000)


@pytest.fixture
def pushed(git: Git, git_dir: Path, tmp_path: Path) -> str:
    """A commit that holds one of everything; its id."""
    work = git.work_tree(
        tmp_path / "work",
        {
            "README.md": "# A\n",
            "model.bin": format_pointer(POINTER),
            "sub/deep/er.txt": "x" * 3000,
            "sub-b": "y",
            "sub/empty": b"",
            "ü.txt": "z",
        },
    )
    (work / "run.sh").write_text("#!/bin/sh\n")
    (work / "run.sh").chmod(0o755)
    (work / "link").symlink_to("README.md")
    Path(os.fsdecode(os.fsencode(work) + b"/caf\xe9")).write_text("latin")
    git("add", "-A", cwd=work)
    submodule = "160000,1234567890123456789012345678901234567890,vendor"
    git("update-index", "--add", "--cacheinfo", submodule, cwd=work)
    git("commit", "-q", "-m", "All kinds", cwd=work)
    git("push", "-q", git_dir, "main", cwd=work)
    return git("rev-parse", "main", cwd=work)


def test_a_directory_lists_every_kind_of_entry(git_dir: Path, pushed: str) -> None:
    found = {entry.path: entry for entry in trees.list_tree(git_dir, pushed)}
    assert list(found) == sorted(found, key=lambda path: path.encode())
    assert {path: (entry.kind, entry.size, entry.mode) for path, entry in found.items()} == {
        "README.md": (EntryKind.FILE, 4, 0o100644),
        "caf\\xe9": (EntryKind.FILE, 5, 0o100644),
        "link": (EntryKind.LINK, 9, 0o120000),
        "model.bin": (EntryKind.FILE, 5_000_000_000, 0o100644),
        "run.sh": (EntryKind.FILE, 10, 0o100755),
        "sub": (EntryKind.DIRECTORY, None, 0o040000),
        "sub-b": (EntryKind.FILE, 1, 0o100644),
        "vendor": (EntryKind.SUBMODULE, None, 0o160000),
        "ü.txt": (EntryKind.FILE, 1, 0o100644),
    }
    assert found["model.bin"].lfs_oid == POINTER.oid
    assert found["README.md"].lfs_oid is None


def test_a_recursive_list_agrees_with_git(git: Git, git_dir: Path, pushed: str) -> None:
    for path in ("", "sub", "sub/deep"):
        listed = trees.list_tree(git_dir, pushed, path, recursive=True)
        by_git = git(
            "--git-dir",
            git_dir,
            "-c",
            "core.quotePath=false",
            "ls-tree",
            "-r",
            "-t",
            "-z",
            f"{pushed}:{path}",
        )
        expected = {
            (f"{path}/{name}".lstrip("/").replace("\ufffd", "\\xe9"), kind_and_id.split()[2])
            for kind_and_id, name in (line.split("\t") for line in by_git.split("\0") if line)
        }
        assert {(entry.path, entry.id) for entry in listed} == expected
    with pytest.raises(TooLarge):
        trees.list_tree(git_dir, pushed, "", recursive=True, limit=5)


def test_single_entries(git_dir: Path, pushed: str) -> None:
    for listed in trees.list_tree(git_dir, pushed, "", recursive=True):
        assert trees.entry(git_dir, pushed, listed.path) == listed
    root = trees.entry(git_dir, pushed, "")
    assert root is not None
    assert (root.kind, root.id) == (EntryKind.DIRECTORY, objects.read_commit(git_dir, pushed).tree_id)
    for missing in ("none", "README.md/x", "sub/none", "vendor/x", "Sub"):
        assert trees.entry(git_dir, pushed, missing) is None
    with pytest.raises(NotFound):
        trees.list_tree(git_dir, pushed, "README.md")
    with pytest.raises(NotFound):
        trees.entry(git_dir, "1" * 40, "README.md")


HOSTILE = [
    "/etc/passwd",
    "../x",
    "a/../b",
    "a//b",
    "a/",
    "./a",
    ".",
    "..",
    ".git",
    ".GIT/config",
    "a/.git/hooks",
    "a\x00b",
    "x" * 5000,
    "/".join("a" * 300),
    "\udcff",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_paths_are_refused_everywhere(git_dir: Path, pushed: str, path: str) -> None:
    with pytest.raises(InvalidInput):
        trees.entry(git_dir, pushed, path)
    with pytest.raises(InvalidInput):
        trees.list_tree(git_dir, pushed, path)
    with pytest.raises(InvalidInput):
        log.log(git_dir, pushed, path=path)
    with pytest.raises(InvalidInput):
        paths.check_writable(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a\\b",
        "git~1",
        "a/GIT~2/x",
        ".git ",
        ".git.",
        ".git::$INDEX",
        ".g\u200cit",
        "a\nb",
        "x" * 256,
        ".gitmodules",
        "...",
    ],
)
def test_paths_that_some_system_reads_differently_are_not_written(path: str) -> None:
    with pytest.raises(InvalidInput):
        paths.check_writable(path)


@pytest.mark.parametrize(
    "path", ["a", "a b", "ü/é", ".gitattributes", ".gitignore", "a.git", "a...b", "-x", "#", "a:b", "x" * 255]
)
def test_ordinary_paths_are_written(path: str) -> None:
    assert paths.check_writable(path) == path.encode()


@given(st.binary(min_size=1, max_size=30))
def test_a_shown_path_leads_back_to_its_bytes(raw: bytes) -> None:
    """Unless its name holds both a backslash and bytes that are not UTF-8."""
    if b"\\" not in raw:
        assert raw in paths.candidates(paths.show(raw))


@given(st.text(max_size=40))
def test_no_path_breaks_the_checks(path: str) -> None:
    for check in (paths.check_readable, paths.check_writable):
        try:
            check(path)
        except InvalidInput as error:
            error.message.encode()


def test_a_tree_that_repeats_itself_is_bounded(git: Git, git_dir: Path) -> None:
    """Ten kilobytes that name 10**12 files."""
    tree = git("--git-dir", git_dir, "mktree", input=b"")
    blob = git("--git-dir", git_dir, "hash-object", "-w", "--stdin", input=b"x")
    lines = "".join(f"100644 blob {blob}\tf{number}\n" for number in range(10))
    for _ in range(12):
        tree = git("--git-dir", git_dir, "mktree", input=lines.encode())
        lines = "".join(f"040000 tree {tree}\td{number}\n" for number in range(10))
    bomb = git("--git-dir", git_dir, "commit-tree", tree, "-m", "bomb")
    with pytest.raises(TooLarge):
        trees.list_tree(git_dir, bomb, "", recursive=True, limit=20_000)


def test_blobs_whole_and_streamed(git_dir: Path) -> None:
    big = os.urandom(3_500_000)
    tip = on_branch(git_dir, {"big": big, "small": b"s"})
    entry = trees.entry(git_dir, tip, "big")
    assert entry is not None
    assert trees.blob_size(git_dir, entry.id) == len(big)
    assert trees.read_blob(git_dir, entry.id, len(big)) == big
    with pytest.raises(TooLarge):
        trees.read_blob(git_dir, entry.id, len(big) - 1)
    pieces = list(trees.iter_blob(git_dir, entry.id))
    assert b"".join(pieces) == big
    assert max(map(len, pieces)) <= 1 << 20
    started = trees.iter_blob(git_dir, entry.id)
    next(started)
    started.close()
    for wrong in (tip, "1" * 40):
        with pytest.raises(NotFound):
            trees.read_blob(git_dir, wrong, 100)
        with pytest.raises(NotFound):
            trees.blob_size(git_dir, wrong)
        with pytest.raises(NotFound):
            next(trees.iter_blob(git_dir, wrong))


def test_commits_are_found_by_id_only(git: Git, git_dir: Path) -> None:
    first = on_branch(git_dir, {"a": b"1"})
    tip = on_branch(git_dir, {"a": b"2"})
    tagged = tag(git_dir, "abcd", tip)
    for text in (tip, tip[:4], tip[:12].upper(), tip[:39]):
        assert objects.resolve_commit(git_dir, text) == tip
    tree = objects.read_commit(git_dir, tip).tree_id
    for text in (
        "HEAD",
        "main",
        "HEAD~1",
        f"{tip}^",
        f"{tip}~0",
        "@{0}",
        "@",
        ":a",
        f"{tip}:a",
        "-1234",
        tip[:3],
        tip + "0",
        "",
    ):
        assert objects.resolve_commit(git_dir, text) is None
    for text in (tree, tagged, tree[:10], "abcd\n", "1" * 40, "ffffffff"):
        assert objects.resolve_commit(git_dir, text) is None
    assert objects.peel(git_dir, tagged) == tip
    assert objects.peel(git_dir, tree) is None
    assert objects.object_kind(git_dir, tagged) == "tag"
    assert objects.object_kind(git_dir, "1" * 40) is None
    assert objects.read_commit(git_dir, tip).parents == (first,)


def test_abbreviations_prefer_commits_and_refuse_ambiguity(git_dir: Path) -> None:
    """Many objects, so that some share four characters."""
    repository = library.open_repository(git_dir)
    commits = [commit(git_dir, {}, message=f"m{number}") for number in range(600)]
    blobs = [str(repository.create_blob(b"%d" % number)) for number in range(1500)]
    prefixes = {made[:4] for made in commits}
    ambiguous = next(p for p in prefixes if sum(made.startswith(p) for made in commits) > 1)
    with pytest.raises(InvalidInput) as caught:
        objects.resolve_commit(git_dir, ambiguous)
    assert caught.value.code == "ambiguous_commit"
    shared = next(
        p
        for p in prefixes
        if sum(m.startswith(p) for m in commits) == 1 and any(b.startswith(p) for b in blobs)
    )
    assert objects.resolve_commit(git_dir, shared) == next(
        made for made in commits if made.startswith(shared)
    )
    only_blobs = next(
        b[:4] for b in blobs if b[:4] not in prefixes and sum(o[:4] == b[:4] for o in blobs) > 1
    )
    assert objects.resolve_commit(git_dir, only_blobs) is None


def test_ancestry(git_dir: Path) -> None:
    root = commit(git_dir, {"a": b"0"})
    left, right = commit(git_dir, {"a": b"1"}, root), commit(git_dir, {"a": b"2"}, root)
    assert objects.is_ancestor(git_dir, root, left)
    assert objects.is_ancestor(git_dir, left, left)
    assert not objects.is_ancestor(git_dir, left, root)
    assert not objects.is_ancestor(git_dir, left, right)
    with pytest.raises(NotFound):
        objects.is_ancestor(git_dir, root, "1" * 40)


def test_history_pages_are_gits_and_stable(git: Git, git_dir: Path, tmp_path: Path) -> None:
    work = git.work_tree(tmp_path / "work")
    for number in range(12):
        when = f"{1_700_000_000 + number} +0200"
        (work / f"f{number % 3}").write_text(str(number))
        git("add", "-A", cwd=work)
        git("commit", "-q", "-m", f"c{number}", cwd=work, GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)
    git("push", "-q", git_dir, "main", cwd=work)
    tip = git("rev-parse", "main", cwd=work)
    for path in (None, "f1", "none"):
        expected = git("rev-list", "main", "--", *([path] if path else ["."]), cwd=work).splitlines()
        got = [c.id for skip in range(0, 20, 4) for c in log.log(git_dir, tip, path=path, skip=skip, limit=4)]
        assert got == expected
    newest = log.log(git_dir, tip, limit=1)[0]
    assert (newest.subject, newest.author.name, newest.message) == ("c11", "Ada", "c11\n")
    assert newest.committer.when.isoformat() == "2023-11-15T00:13:31+02:00"
    assert log.log(git_dir, tip, path="f*", limit=5) == []
    with pytest.raises(InvalidInput):
        log.log(git_dir, tip, skip=-1)
    with pytest.raises(NotFound):
        log.log(git_dir, "1" * 40)


def test_commits_of_other_times_are_read(git: Git, git_dir: Path) -> None:
    tree = git("--git-dir", git_dir, "mktree", input=b"")
    content = (
        b"tree "
        + tree.encode()
        + b"\nauthor J\xfcrgen <j@x> 1 +0100\ncommitter nobody\nencoding ISO-8859-1\n\nf\xfcr\n"
    )
    made = git(
        "--git-dir", git_dir, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", input=content
    )
    read = objects.read_commit(git_dir, made)
    assert (read.author.name, read.author.when.timestamp(), read.message) == ("Jürgen", 1, "für\n")
    assert (read.committer.name, read.committer.when.timestamp()) == ("nobody", 0)
