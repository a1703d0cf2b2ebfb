"""What a commit says about artifacts: ``artifacts.yaml`` at its root, and every ``dvc.yaml``.

Both files stay in Git, where ``gto`` and ``dvc`` read them; here they are only read. What was read once is kept in
memory by the ids of Git's objects, which say the same for ever.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2

from modelkeep.domain.artifacts import ARTIFACTS_FILE, DVC_FILE, Annotation, AnnotationSet, FileProblem
from modelkeep.domain.errors import ModelkeepError
from modelkeep.domain.lfs import POINTER_LIMIT, parse_pointer
from modelkeep.git.library import open_repository, read_object
from modelkeep.git.objects import load_commit
from modelkeep.git.paths import MAX_PATH, show
from modelkeep.git.trees import DIRECTORY_MODE, EXECUTABLE_MODE, FILE_MODE, lookup, read_tree
from modelkeep.services.annotation_files import FileReading, read_artifacts_yaml, read_dvc_yaml
from modelkeep.services.dvc_files import checksum_of_dvc_file
from modelkeep.services.memo import Memo
from modelkeep.services.yaml_tree import MAX_BYTES

MAX_DVC_FILES = 1000
MAX_DVC_BYTES = 4 << 20
MAX_DVC_NODES = 300_000
MAX_TREE_ENTRIES = 200_000
MAX_TRACKED = 1000

_NEVER_SEARCHED = {b".dvc", b".git", b".hg"}  # nor does DVC
_MAX_DIRECTORIES = 64
_MAX_DVC_FILE = 64 << 10


@dataclass(frozen=True, slots=True)
class _Search:
    """What was found below a tree: each ``dvc.yaml`` by its path there, and how many entries were looked at."""

    files: tuple[tuple[bytes, int, str], ...]
    entries: int
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A set of annotations, and how many nodes of YAML it was made of."""

    found: AnnotationSet
    nodes: int


_READINGS: Memo[tuple[str, str, str], FileReading] = Memo(500_000, lambda reading: 20 + reading.nodes)
_SETS: Memo[tuple[str, str], _Weighed] = Memo(500_000, lambda weighed: 20 + weighed.nodes)
_SEARCHES: Memo[tuple[str, str], _Search] = Memo(50_000, lambda search: 1 + len(search.files))


def read_annotations(git_dir: Path, commit: str, *, quarantine: Path | None = None) -> AnnotationSet:
    """All that a commit says about artifacts, by their names, and what of it cannot be read.

    Bad files and bad entries never raise; they are among the problems, and hide nothing else. Where
    ``artifacts.yaml`` and the ``dvc.yaml`` beside it name the same artifact, ``artifacts.yaml`` counts.

    Raises:
        NotFound: There is no such commit (in the repository, or the ``quarantine`` of a push).
    """
    repository = open_repository(git_dir, quarantine)
    tree = load_commit(repository, commit).tree_id
    return _SETS.get(
        (str(git_dir), tree), lambda: _Reader(git_dir, repository, tree, quarantine).read()
    ).found


class _Reader:
    """Reads the annotations of one tree."""

    def __init__(
        self, git_dir: Path, repository: pygit2.Repository, tree: str, quarantine: Path | None
    ) -> None:
        self._git_dir = git_dir
        self._quarantine = quarantine
        self._repository = repository
        self._tree = tree

    def read(self) -> _Weighed:
        found: dict[str, Annotation] = {}
        problems: list[FileProblem] = []
        nodes = 0
        for reading in self._readings():
            nodes += reading.nodes
            problems += reading.problems
            for name, annotation in reading.annotations.items():
                if name in found:
                    problems += _contradictions(found[name], annotation, reading.lines[name])
                else:
                    found[name] = annotation
        return _Weighed(AnnotationSet(self._with_checksums(found), tuple(problems)), nodes)

    def _readings(self) -> Iterator[FileReading]:
        at_root = lookup(self._repository, self._tree, ARTIFACTS_FILE.encode())
        if at_root is not None:
            yield self._reading(ARTIFACTS_FILE, *at_root)
        search = _search(self._git_dir, self._repository, self._tree, MAX_TREE_ENTRIES)
        size = nodes = 0
        for number, (path, mode, blob) in enumerate(search.files):
            if number >= MAX_DVC_FILES or size > MAX_DVC_BYTES or nodes > MAX_DVC_NODES:
                yield _unread(f"{number} of them, or {size} bytes, are the most")
                return
            reading = self._reading(show(path), mode, blob)
            size, nodes = size + reading.size, nodes + reading.nodes
            yield reading
        if not search.is_whole:
            yield _unread(f"the search ended after {MAX_TREE_ENTRIES} files and directories")

    def _reading(self, file: str, mode: int, blob: str) -> FileReading:
        key = (str(self._git_dir), blob, f"{mode:o} {file}")
        return _READINGS.get(key, lambda: self._read_file(file, mode, blob))

    def _read_file(self, file: str, mode: int, blob: str) -> FileReading:
        reading = FileReading(file)
        if mode not in (FILE_MODE, EXECUTABLE_MODE):
            reading.report(
                "not_a_file", "it is no ordinary file", "put a file there, not a link or a directory"
            )
            return reading
        content = self._content(blob)
        if content is None:
            too_large = f"it is larger than {MAX_BYTES} bytes, or damaged"
            reading.report("file_too_large", too_large, "make it smaller; nothing of it is read until then")
            return reading
        if len(content) < POINTER_LIMIT and parse_pointer(content) is not None:
            reading.report(
                "lfs_pointer",
                "it went into Git LFS, where neither gto nor dvc reads it",
                f"exclude it in .gitattributes ('{posixpath.basename(file)} !filter !diff !merge text'), and commit "
                "it again",
            )
            return reading
        return read_artifacts_yaml(content) if file == ARTIFACTS_FILE else read_dvc_yaml(content, file)

    def _with_checksums(self, found: dict[str, Annotation]) -> dict[str, Annotation]:
        """Adds what ``dvc add`` or ``dvc import-url`` wrote beside the path, where the annotation gives no checksum."""
        looked_up = 0
        for name, annotation in found.items():
            if annotation.checksum is None and annotation.path and not annotation.is_link:
                looked_up += 1
                if looked_up > MAX_TRACKED:
                    break
                checksum = self._dvc_checksum(annotation.path)
                if checksum is not None:
                    found[name] = replace(annotation, checksum=checksum)
        return found

    def _dvc_checksum(self, path: str) -> str | None:
        raw = posixpath.normpath(path).encode("utf-8", "surrogatepass") + b".dvc"
        if len(raw) > MAX_PATH or raw.count(b"/") > _MAX_DIRECTORIES:
            return None
        try:
            at = lookup(self._repository, self._tree, raw)
        except ModelkeepError:
            return None
        if at is None or at[0] not in (FILE_MODE, EXECUTABLE_MODE):
            return None
        content = self._content(at[1], _MAX_DVC_FILE)
        return None if content is None else checksum_of_dvc_file(content)

    def _content(self, blob: str, limit: int = MAX_BYTES) -> bytes | None:
        """The bytes of a blob; None where there are too many, or none."""
        try:
            if self._repository.odb.read_header(blob)[1] > limit:
                return None
            return read_object(self._repository, blob, "blob")
        except (ModelkeepError, pygit2.GitError, KeyError, ValueError, OSError):
            return None


def _search(git_dir: Path, repository: pygit2.Repository, tree: str, budget: int, depth: int = 0) -> _Search:
    """Finds the ``dvc.yaml`` files below a tree, shallow ones first in each directory."""
    key = (str(git_dir), tree)
    return _SEARCHES.get(
        key,
        lambda: _look(git_dir, repository, tree, budget, depth),
        lambda search: search.is_whole,  # another search may have more left to spend
    )


def _look(git_dir: Path, repository: pygit2.Repository, tree: str, budget: int, depth: int) -> _Search:
    files: list[tuple[bytes, int, str]] = []
    below: list[tuple[bytes, str]] = []
    entries = 0
    try:
        for name, mode, object_id in read_tree(repository, tree):
            entries += 1
            if name == DVC_FILE.encode():
                files.append((name, mode, object_id))
            elif mode == DIRECTORY_MODE and name not in _NEVER_SEARCHED:
                below.append((name, object_id))
    except ModelkeepError:
        return _Search((), entries)
    if entries > budget:
        return _Search(tuple(files), entries, is_whole=False)
    for name, object_id in below:
        if depth >= _MAX_DIRECTORIES:
            return _Search(tuple(files), entries, is_whole=False)
        search = _search(git_dir, repository, object_id, budget - entries, depth + 1)
        entries += search.entries
        files += [(name + b"/" + path, mode, blob) for path, mode, blob in search.files]
        if not search.is_whole or entries > budget or len(files) > MAX_DVC_FILES:
            return _Search(tuple(files), entries, is_whole=False)
    return _Search(tuple(files), entries)


def _unread(why: str) -> FileReading:
    reading = FileReading(DVC_FILE)
    reading.report(
        "too_many_files", f"not every dvc.yaml was read: {why}", "describe artifacts in fewer files"
    )
    return reading


def _contradictions(kept: Annotation, other: Annotation, line: int) -> list[FileProblem]:
    """What a ``dvc.yaml`` says otherwise than ``artifacts.yaml``."""
    differing = [
        word
        for word, here, there in (
            ("type", kept.type, other.type),
            ("path", kept.path and posixpath.normpath(kept.path), other.path),
        )
        if here is not None and there is not None and here != there
    ]
    if not differing:
        return []
    return [
        FileProblem(
            other.source,
            "annotation_conflict",
            f"{kept.name} has another {' and '.join(differing)} here than in {kept.source}, which counts",
            "say it in one of the files only",
            line,
        )
    ]
