"""A version with all that belongs to it: its commit, its files, what was said of it then, how its tag is signed."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelkeep.domain.access import Actor
from modelkeep.domain.artifacts import Annotation
from modelkeep.domain.errors import InvalidInput, ModelkeepError, Unavailable
from modelkeep.domain.objects import Commit, EntryKind, TreeEntry
from modelkeep.domain.registry import VersionRow
from modelkeep.domain.signatures import SignatureState
from modelkeep.domain.trailers import CODE_COMMIT, RUN, trailer
from modelkeep.git import objects, refs, trees
from modelkeep.services.access import find_repo
from modelkeep.services.annotations import read_annotations
from modelkeep.services.memo import Memo
from modelkeep.services.ports import Stores
from modelkeep.services.signatures import Signatures
from modelkeep.services.versions import Versions

MAX_FILES = 1000
MAX_HASHED = 32 << 20
"""How many bytes of Git's own files are hashed for one answer; what was hashed before costs nothing."""

_DIGESTS: Memo[tuple[str, str], str] = Memo(50_000, lambda digest: 1)


@dataclass(frozen=True, slots=True)
class VersionFile:
    """A file of a version.

    Attributes:
        path: From the root of the repo.
        size: In bytes, of what LFS holds where it does.
        oid: In LFS; None for a file that Git keeps.
        sha256: Of its content; None for a link, and where hashing it would have taken too long.
        id: Git's.
    """

    path: str
    size: int | None
    oid: str | None
    sha256: str | None
    id: str


@dataclass(frozen=True, slots=True)
class VersionDetail:
    """A version with all that belongs to it.

    Attributes:
        row: As lists show it.
        commit: The whole commit.
        files_path: Where its files lie in the repo: the artifact's path, or its directory; "" is the whole repo, where
            no path is known; None where none of them is in the repo.
        files: At most :data:`MAX_FILES` of them.
        is_all: Whether these are all.
        annotation: What the commit says about the artifact.
        code_commit: The commit of the code that made it, if somebody said.
        run: The run that made it, likewise.
        signature: Of the version's tag; None where it cannot be verified now.
    """

    row: VersionRow
    commit: Commit
    files_path: str | None
    files: Sequence[VersionFile]
    is_all: bool
    annotation: Annotation | None
    code_commit: str | None
    run: str | None
    signature: SignatureState | None


class VersionDetails:
    """Looks versions up with all that belongs to them."""

    def __init__(self, stores: Stores, versions: Versions, signatures: Signatures) -> None:
        self._stores = stores
        self._versions = versions
        self._signatures = signatures

    def get(self, actor: Actor, namespace: str, name: str, artifact: str, version: str) -> VersionDetail:
        """One version; ``latest`` names the greatest active one.

        Raises:
            NotFound: There is none of that name.
        """
        row = self._versions.get(actor, namespace, name, artifact, version)
        with self._stores.database.read() as tx:
            git_dir = self._stores.repositories.path(find_repo(tx, actor, namespace, name).repo.id)
        annotation = read_annotations(git_dir, row.commit).annotations.get(artifact)
        path, found, is_all = artifact_files(git_dir, row.commit, artifact, annotation, MAX_FILES)
        return VersionDetail(
            row=row,
            commit=objects.read_commit(git_dir, row.commit),
            files_path=path,
            files=_with_digests(git_dir, found),
            is_all=is_all,
            annotation=annotation,
            code_commit=trailer(row.message, CODE_COMMIT),
            run=trailer(row.message, RUN),
            signature=self._signature(git_dir, row.tag),
        )

    def _signature(self, git_dir: Path, tag: str) -> SignatureState | None:
        ref = f"refs/tags/{tag}"
        present = refs.read_refs(git_dir, [ref]).get(ref)
        try:
            return self._signatures.verify_kept(git_dir, present.target) if present else None
        except Unavailable:  # no ssh-keygen on this machine: the rest is worth showing
            return None


def artifact_files(
    git_dir: Path, commit: str, artifact: str, annotation: Annotation | None, limit: int
) -> tuple[str | None, list[TreeEntry], bool]:
    """Where the files of an artifact lie, the first of them, and whether that is all."""
    if annotation is not None and annotation.is_link:
        return None, [], True
    if annotation is not None and annotation.path:
        path = posixpath.normpath(annotation.path)
        # What DVC tracks is not in Git; the file that stands for it is.
        for each in ("" if path == "." else path, f"{path}.dvc"):
            try:
                found, is_all = trees.list_files(git_dir, commit, each, limit)
            except InvalidInput:  # an absolute path, or one that leads out of the repo
                continue
            if found:
                return each, found, is_all
        return None, [], True
    directory = artifact.rpartition(":")[0]
    try:
        found, is_all = trees.list_files(git_dir, commit, directory, limit)
    except InvalidInput:
        found, is_all = [], True
    if not found and directory:
        directory = ""
        found, is_all = trees.list_files(git_dir, commit, directory, limit)
    return directory, found, is_all


def _with_digests(git_dir: Path, entries: Sequence[TreeEntry]) -> list[VersionFile]:
    rest = MAX_HASHED
    files = []
    for entry in entries:
        sha256 = entry.lfs_oid
        size = entry.size or 0
        if sha256 is None and entry.kind is EntryKind.FILE:
            sha256, spent = _digest(git_dir, entry.id, size, rest)
            rest -= spent
        files.append(VersionFile(entry.path, entry.size, entry.lfs_oid, sha256, entry.id))
    return files


def _digest(git_dir: Path, blob: str, size: int, limit: int) -> tuple[str | None, int]:
    """The SHA-256 of a blob, and the bytes that were read for it; None where there are more than ``limit``."""
    spent = 0

    def compute() -> str:
        nonlocal spent
        if size > limit:
            return ""
        spent = size
        try:
            return hashlib.sha256(trees.read_blob(git_dir, blob, limit)).hexdigest()
        except ModelkeepError:
            return ""

    return _DIGESTS.get((str(git_dir), blob), compute, bool) or None, spent
