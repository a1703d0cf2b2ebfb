"""Downloads of a version's files without Git: a signed URL for each, good for a while without credentials."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelkeep.db import blobs
from modelkeep.db import registry as registry_index
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.artifacts import Annotation
from modelkeep.domain.errors import InvalidInput, NotFound, NotPermitted, TooLarge
from modelkeep.domain.names import parse_artifact, parse_stage
from modelkeep.domain.objects import EntryKind, TreeEntry
from modelkeep.domain.repos import Repo
from modelkeep.domain.versions import SemVer
from modelkeep.git import trees
from modelkeep.services.access import find_repo, find_repo_by_id
from modelkeep.services.annotations import read_annotations
from modelkeep.services.authentication import Authentication
from modelkeep.services.contents import OpenFile
from modelkeep.services.ports import Stores
from modelkeep.services.tickets import Act, Tickets
from modelkeep.services.version_details import artifact_files

MAX_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Downloadable:
    """A file of a version.

    Attributes:
        path: From the root of the repo; the file's name for one that lies elsewhere.
        url: Where it lies, for one that lies elsewhere.
        object_id: The oid of an LFS object, Git's id of another file.
        is_lfs: Which of the two.
        ticket: What lets somebody download it without credentials.
    """

    path: str
    url: str | None = None
    object_id: str = ""
    is_lfs: bool = False
    ticket: str = ""


class ModelDownloads:
    """Says where the files of versions can be downloaded."""

    def __init__(self, stores: Stores, tickets: Tickets, authentication: Authentication) -> None:
        self._stores = stores
        self._tickets = tickets
        self._authentication = authentication

    def files(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        *,
        version: str | None = None,
        stage: str | None = None,
    ) -> tuple[Repo, list[Downloadable]]:
        """All files of a version: those under the path that its commit gives the artifact.

        Args:
            actor: Needs to read the repo.
            namespace: Of the repo.
            name: Of the repo.
            artifact: Its name.
            version: ``v1.2.3``; None for the latest one.
            stage: Whatever holds this stage, in place of a version.

        Raises:
            InvalidInput: Both a version and a stage, or the path leads to where the hub cannot sign for.
            NotFound: No such repo, version or holder; no files; or an LFS object that is not here.
            TooLarge: More than 10,000 files.
        """
        parse_artifact(artifact)
        if version is not None and stage is not None:
            raise InvalidInput("Give either a version or a stage, not both.", code="version_and_stage")
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name)
            access.require_content()
            repo = access.repo
            commit = _commit(tx, repo, artifact, version, stage)
        git_dir = self._stores.repositories.path(repo.id)
        annotation = read_annotations(git_dir, commit).annotations.get(artifact)
        if annotation is not None and annotation.is_link:
            return repo, [_link(annotation)]
        entries = _entries(git_dir, commit, artifact, annotation, repo)
        self._require_objects(repo, entries)
        return repo, [self._downloadable(actor, repo, entry) for entry in entries]

    def open(self, ticket: str, blob_id: str, address: str) -> OpenFile:
        """A file that Git keeps, for who has a ticket to it.

        Raises:
            NotPermitted: The ticket will not do.
            NotFound: Its owner may not read the repo any more.
        """
        read = self._tickets.read(ticket, Act.READ)
        if read.oid != blob_id:
            raise NotPermitted("This URL is for another file.", code="forged_url")
        actor = self._authentication.by_ids(read.user_id, read.token_id, address, "studio")
        with self._stores.database.read() as tx:
            access = find_repo_by_id(tx, actor, read.repo_id)
        access.require_content()
        repo = access.repo
        git_dir = self._stores.repositories.path(repo.id)
        return OpenFile("", "", trees.blob_size(git_dir, read.oid), read.oid, None, read.oid, git_dir)

    def _require_objects(self, repo: Repo, entries: Sequence[TreeEntry]) -> None:
        oids = sorted({entry.lfs_oid for entry in entries if entry.lfs_oid is not None})
        with self._stores.database.read() as tx:
            linked = blobs.linked(tx, repo.id, oids)
        missing = next((entry for entry in entries if entry.lfs_oid and entry.lfs_oid not in linked), None)
        if missing is not None:
            raise NotFound(
                f"'{missing.path}' is an LFS pointer to {str(missing.lfs_oid)[:12]}…, which this repo does not have.",
                code="lfs_object_missing",
                path=missing.path,
            )

    def _downloadable(self, actor: Actor, repo: Repo, entry: TreeEntry) -> Downloadable:
        act = Act.READ if entry.lfs_oid is None else Act.DOWNLOAD
        object_id = entry.lfs_oid or entry.id
        ticket = self._tickets.issue(act, actor, repo.id, object_id, entry.size or 0)
        return Downloadable(entry.path, object_id=object_id, is_lfs=entry.lfs_oid is not None, ticket=ticket)


def _commit(tx: Transaction, repo: Repo, artifact: str, version: str | None, stage: str | None) -> str:
    if stage is not None:
        holder = registry_index.stage_row(tx, repo.id, artifact, parse_stage(stage))
        if holder is None:
            raise NotFound(f"Nothing of '{artifact}' is in stage '{stage}'.", code="no_stage")
        return holder.commit
    if version is None:
        row = registry_index.latest_row(tx, repo.id, artifact)
    else:
        row = registry_index.version_row(tx, repo.id, artifact, str(SemVer.parse_lenient(version)))
    if row is None or not row.is_active:
        what = "any version" if version is None else f"version {version}"
        raise NotFound(f"There is no {what} of '{artifact}' in {repo.full_name}.", code="no_version")
    return row.commit


def _link(annotation: Annotation) -> Downloadable:
    address = annotation.path or ""
    parts = urlsplit(address)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise InvalidInput(
            f"'{annotation.name}' is a link to {address[:200]}, for which this hub has no credentials; get it from "
            "there with your own.",
            code="link_elsewhere",
        )
    name = posixpath.basename(unquote(parts.path).rstrip("/"))
    is_name = name not in ("", ".", "..") and "\0" not in name and "\\" not in name
    return Downloadable(name if is_name else annotation.name.rpartition(":")[2], url=address)


def _entries(
    git_dir: Path, commit: str, artifact: str, annotation: Annotation | None, repo: Repo
) -> list[TreeEntry]:
    path, found, is_all = artifact_files(git_dir, commit, artifact, annotation, MAX_FILES)
    if not is_all:
        raise TooLarge(
            f"'{artifact}' has more than {MAX_FILES} files; clone {repo.full_name} instead.",
            code="too_many_files",
        )
    asked = annotation.path if annotation is not None else None
    if asked and path is not None and path == f"{posixpath.normpath(asked)}.dvc":
        raise NotFound(
            f"'{asked}' is tracked by DVC: its content is in a DVC remote, not in this hub. Use 'dvc get'.",
            code="tracked_by_dvc",
            path=asked,
        )
    files = [entry for entry in found if entry.kind is EntryKind.FILE]
    if not files:
        raise NotFound(
            f"There are no files of '{artifact}' in {repo.full_name} at {commit[:12]}"
            + (f": nothing is at '{asked}'." if asked else "."),
            code="no_files",
        )
    return files
