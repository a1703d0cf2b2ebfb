"""What a push has brought, before it is accepted: looks into the quarantine in which Git keeps the new objects.

``quarantine`` is None where a push brings no objects (it only deletes, or points refs to what is there). See
git-receive-pack(1), "Quarantine Environment".
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from modelkeep.domain.errors import TooLarge, Unavailable
from modelkeep.domain.lfs import POINTER_LIMIT
from modelkeep.domain.objects import NewBlob, RawTag
from modelkeep.git import paths, process
from modelkeep.git.library import check_id, kind_of, open_repository, translated
from modelkeep.git.objects import load_commit
from modelkeep.git.tags import raw_tag
from modelkeep.git.trees import DIRECTORY_MODE, RawEntry, lookup, read_tree

MAX_CHANGED_PATHS = 100_000
MAX_PATHS_PER_BLOB = 10


def new_blobs(git_dir: Path, quarantine: Path | None) -> Iterator[NewBlob]:
    """The blobs in the quarantine that the repository did not have, in no order, whether a ref reaches them or not.

    It asks the packs of the quarantine, not the graph: 8 µs per blob in process, where starting ``git cat-file`` costs
    more than a usual push has objects. What the repository has is left out: Git completes a thin pack with copies of
    old objects.

    Raises:
        Unavailable: An object cannot be read.
    """
    if quarantine is None:
        return
    with translated("read the pushed objects"):
        # The backends one by one: Odb.exists looks for new packs on disk after every miss.
        known = list(open_repository(git_dir).odb.backends)
        arrived = pygit2.Odb(str(quarantine))
        for object_id in arrived:
            kind, size = arrived.read_header(object_id)
            if kind != ObjectType.BLOB or any(backend.exists(object_id) for backend in known):
                continue
            content = arrived.read(object_id)[1] if size < POINTER_LIMIT else None
            yield NewBlob(str(object_id), size, content)


def name_blobs(
    git_dir: Path,
    quarantine: Path | None,
    new_tips: Sequence[str],
    blob_ids: Collection[str],
    timeout: float = 30,
) -> dict[str, list[str]]:
    """Where the pushed history has these blobs, to name them in a refusal: for each, a path (seldom more).

    A blob that no new commit reaches is left out. It walks the graph, so it is for refusals only; what has not been
    found after ``timeout`` seconds is left out too.
    """
    wanted, found = set(blob_ids), dict[str, list[str]]()
    if not wanted or not new_tips:
        return found
    deadline = time.monotonic() + timeout
    try:
        with process.stream(
            ["rev-list", "--objects", "--stdin", "--not", "--all"],
            git_dir=git_dir,
            input="".join(f"{check_id(tip)}\n" for tip in new_tips).encode(),
            timeout=timeout,
            env=quarantine_environment(git_dir, quarantine),
        ) as output:
            for line in output:
                blob_id, _, path = line.rstrip(b"\n").partition(b" ")
                named = found.setdefault(blob_id.decode(), []) if blob_id.decode() in wanted else None
                if named is not None and path and len(named) < MAX_PATHS_PER_BLOB:
                    named.append(paths.show(path))
                if len(found) == len(wanted) or time.monotonic() > deadline:
                    break
    except Unavailable:
        pass  # killed by the time limit, or a broken history: Git refuses that by itself
    return {blob_id: names for blob_id, names in found.items() if names}


def raw_tag_in(git_dir: Path, quarantine: Path | None, ref_name: str, target: str) -> RawTag:
    """The tag that a push would make: ``ref_name`` is without ``refs/tags/``, ``target`` what it would point to."""
    return raw_tag(open_repository(git_dir, quarantine), ref_name, check_id(target))


def commit_exists(git_dir: Path, quarantine: Path | None, commit_id: str) -> bool:
    """Whether there is a commit of this full id in the repository or in the quarantine."""
    return kind_of(open_repository(git_dir, quarantine), check_id(commit_id)) == "commit"


def object_exists(git_dir: Path, object_id: str) -> bool:
    """Whether the repository itself has an object of this full id, of whatever kind."""
    return kind_of(open_repository(git_dir), check_id(object_id)) is not None


def changed_paths(
    git_dir: Path, quarantine: Path | None, old: str | None, new: str, limit: int = MAX_CHANGED_PATHS
) -> list[str]:
    """The files that differ between two commits (``old`` None: all files of ``new``), sorted. Renames are two changes.

    Raises:
        NotFound: One of them is no commit.
        TooLarge: There are more than ``limit``.
    """
    repository = open_repository(git_dir, quarantine)
    before = load_commit(repository, old).tree_id if old else None
    found: list[str] = []
    visited = 0
    waiting: list[tuple[bytes, str | None, str | None]] = [
        (b"", before, load_commit(repository, new).tree_id)
    ]
    while waiting:
        prefix, one, other = waiting.pop()
        for name, old_entry, new_entry in _differences(repository, one, other):
            below = [
                entry[2] if entry and entry[1] == DIRECTORY_MODE else None for entry in (old_entry, new_entry)
            ]
            if below[0] or below[1]:
                waiting.append((prefix + name + b"/", below[0], below[1]))
            if any(entry and entry[1] != DIRECTORY_MODE for entry in (old_entry, new_entry)):
                found.append(paths.show(prefix + name))
        visited += 1
        if len(found) > limit or visited > limit:
            raise TooLarge(f"The push changes more than {limit} files.", code="too_many_changes", limit=limit)
    return sorted(found)


def changed_among(
    git_dir: Path, quarantine: Path | None, old: str | None, new: str, candidates: Iterable[str]
) -> list[str]:
    """Those of the ``candidates`` (paths of files) that differ between two commits, in their order.

    Its cost depends on the number of candidates, not on the size of the change: for checking a push against locks.

    Raises:
        NotFound: One of them is no commit.
    """
    repository = open_repository(git_dir, quarantine)
    before = load_commit(repository, old).tree_id if old else None
    after = load_commit(repository, new).tree_id

    def at(tree_id: str | None, path: str) -> list[tuple[int, str] | None]:
        return [lookup(repository, tree_id, raw) if tree_id else None for raw in paths.candidates(path)]

    return [path for path in candidates if at(before, path) != at(after, path)]


def changed_by_new_commits(
    git_dir: Path, quarantine: Path | None, new_tip: str, candidates: Sequence[str], timeout: float = 30
) -> list[str]:
    """Those of the ``candidates`` (paths of files) that a commit changes which no ref reaches yet, in their order.

    A merge counts where it differs from all its parents. What takes longer than ``timeout`` seconds, or a path with a
    line feed, counts as changed.
    """
    wanted = {raw: path for path in candidates for raw in paths.candidates(path)}
    found = {path for raw, path in wanted.items() if b"\n" in raw}
    asked = b"\n".join([check_id(new_tip).encode(), b"--", *(raw for raw in wanted if b"\n" not in raw)])
    try:
        output = process.run(
            ["log", "-c", "-z", "--name-only", "--no-renames", "--format=", "--stdin", "--not", "--all"],
            git_dir=git_dir,
            input=asked + b"\n",
            timeout=timeout,
            env={**quarantine_environment(git_dir, quarantine), "GIT_LITERAL_PATHSPECS": "1"},
        )
    except (TooLarge, Unavailable):
        return list(candidates)
    found.update(wanted[raw] for raw in output.split(b"\0") if raw in wanted)
    return [path for path in candidates if path in found]


def quarantine_environment(git_dir: Path, quarantine: Path | None) -> dict[str, str]:
    """What makes ``git`` see the objects of a quarantine beside those of the repository."""
    if quarantine is None:
        return {}
    # Git takes a path in double quotes as a C string: so a ":" in it does not end it.
    objects = str(git_dir / "objects").replace("\\", "\\\\").replace('"', '\\"')
    return {"GIT_OBJECT_DIRECTORY": str(quarantine), "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{objects}"'}


def _differences(
    repository: pygit2.Repository, one: str | None, other: str | None
) -> Iterator[tuple[bytes, RawEntry | None, RawEntry | None]]:
    if one == other:
        return
    old = {entry[0]: entry for entry in read_tree(repository, one)} if one else {}
    new = {entry[0]: entry for entry in read_tree(repository, other)} if other else {}
    for name in old.keys() | new.keys():
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)
