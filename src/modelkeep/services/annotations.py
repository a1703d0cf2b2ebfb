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

from modelkeep.domain.access import Actor
from modelkeep.domain.artifacts import ARTIFACTS_FILE, DVC_FILE, Annotation, AnnotationSet, FileProblem
from modelkeep.domain.errors import ModelkeepError, NotFound
from modelkeep.domain.lfs import POINTER_LIMIT, parse_pointer
from modelkeep.domain.names import parse_artifact
from modelkeep.git.library import open_repository, read_object
from modelkeep.git.objects import load_commit
from modelkeep.git.paths import MAX_PATH, show
from modelkeep.git.trees import EXECUTABLE_MODE, FILE_MODE, lookup
from modelkeep.services.access import find_repo
from modelkeep.services.annotation_files import FileReading, read_artifacts_yaml, read_dvc_yaml
from modelkeep.services.dvc_files import checksum_of_dvc_file
from modelkeep.services.dvc_search import MAX_DVC_FILES, MAX_TREE_ENTRIES, find_dvc_files
from modelkeep.services.memo import Memo
from modelkeep.services.ports import Stores
from modelkeep.services.revisions import resolve
from modelkeep.services.yaml_tree import MAX_BYTES

MAX_DVC_BYTES = 4 << 20
MAX_DVC_NODES = 300_000
MAX_TRACKED = 1000

_MAX_DIRECTORIES = 64
_MAX_DVC_FILE = 64 << 10


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A set of annotations, and how many nodes of YAML it was made of."""

    found: AnnotationSet
    nodes: int


_READINGS: Memo[tuple[str, str, str], FileReading] = Memo(500_000, lambda reading: 20 + reading.nodes)
_SETS: Memo[tuple[str, str], _Weighed] = Memo(500_000, lambda weighed: 20 + weighed.nodes)


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


class Annotations:
    """What the files of a repo say about its artifacts."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def read(self, actor: Actor, namespace: str, name: str, revision: str | None = None) -> AnnotationSet:
        """All annotations at a revision (None: the default branch), and what of them cannot be read.

        Raises:
            NotFound: No such repo or revision.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            git_dir = self._stores.repositories.path(repo.id)
            commit = resolve(tx, repo, git_dir, revision).commit
        return read_annotations(git_dir, commit)

    def describe(
        self, actor: Actor, namespace: str, name: str, artifact: str, revision: str | None = None
    ) -> Annotation:
        """What is said about one artifact at a revision (None: the default branch).

        Raises:
            NotFound: No such repo or revision, or nothing is said about the artifact.
        """
        parse_artifact(artifact)
        found = self.read(actor, namespace, name, revision).annotations.get(artifact)
        if found is None:
            raise no_annotation(artifact)
        return found


def no_annotation(artifact: str) -> NotFound:
    """That nothing is said about an artifact."""
    return NotFound(
        f"Neither {ARTIFACTS_FILE} nor a {DVC_FILE} says anything about '{artifact}' there.",
        code="no_annotation",
    )


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
        search = find_dvc_files(self._git_dir, self._repository, self._tree)
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
