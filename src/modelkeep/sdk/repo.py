"""One repo, as something to work with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from modelkeep.sdk.addresses import api_path, split_repo
from modelkeep.sdk.download import Download, download, list_tree
from modelkeep.sdk.errors import HubError, NotFound
from modelkeep.sdk.http import Connection, Json
from modelkeep.sdk.models import Artifact, Commit, Ref, Repo, Resolution, Stage, TreeEntry, Version
from modelkeep.sdk.progress import ProgressCallback
from modelkeep.sdk.upload import Upload, upload
from modelkeep.sdk.wire import Record

Bump = Literal["major", "minor", "patch"]


class RepoHandle:
    """Speaks about one repo; made by :meth:`modelkeep.sdk.hub.Hub.repo`, without a request.

    Wherever a *revision* is asked for, it may be a branch, a tag, a commit id (also short),
    ``artifact@latest``, ``artifact@v1.2.3`` or ``artifact#stage``; None is the default branch. Every method
    raises subclasses of :class:`modelkeep.sdk.errors.HubError`.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._segments = ("repos", *split_repo(name))
        self.name = "/".join(self._segments[1:])

    def __repr__(self) -> str:
        return f"RepoHandle({self.name!r})"

    def info(self) -> Repo:
        """Description, visibility, addresses and size."""
        return Repo.read(self._connection.get(self._path()))

    def resolve(self, revision: str | None = None) -> Resolution:
        """What a revision names now."""
        chosen = revision if revision is not None else f"refs/heads/{self.info().default_branch}"
        return Resolution.read(self._connection.get(self._path("revisions", chosen)))

    def tree(
        self, revision: str | None = None, path: str = "", *, is_recursive: bool = True
    ) -> list[TreeEntry]:
        """The files and folders below ``path``."""
        commit = self.resolve(revision).commit.id
        return list_tree(self._connection, self.name, commit, path.strip("/"), is_recursive=is_recursive)

    def read(self, path: str, revision: str | None = None) -> bytes:
        """The content of one file, of at most 64 MiB; larger ones are for :meth:`download`."""
        commit = self.resolve(revision).commit.id
        headers = {"Accept": "*/*"}
        return self._connection.send("GET", self._path("files", commit, *path.split("/")), headers=headers)

    def upload(
        self,
        source: str | Path,
        *,
        to: str = "",
        branch: str | None = None,
        message: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        follows_links: bool = False,
        workers: int = 8,
        progress: ProgressCallback | None = None,
    ) -> Upload:
        """Uploads a file, or a folder with all that is in it, as one commit.

        The hub decides which files go to LFS. Bytes that it has already are not sent, files that the branch
        has already are not committed again, and an upload that was cut goes on where it ended when it is
        repeated. Files that are only in the repo stay.

        Args:
            source: The file or folder.
            to: Where in the repo; see :func:`modelkeep.sdk.local_files.list_files`.
            branch: The default branch if None; a new name starts at the default branch.
            message: Of the commit.
            include: Patterns of the relative paths to take, such as ``*.onnx``; all without one.
            exclude: Patterns to leave out.
            follows_links: Whether links to files stand for the files; otherwise a link is an error.
            workers: Files that move at the same time.
            progress: Called for each step; from several threads, but never from two at a time.
        """
        return upload(
            self._connection,
            self.info(),
            Path(source),
            to=to,
            branch=branch,
            message=message,
            include=include,
            exclude=exclude,
            follows_links=follows_links,
            workers=workers,
            progress=progress,
        )

    def download(
        self,
        folder: str | Path,
        *,
        revision: str | None = None,
        artifact: str | None = None,
        stage: str | None = None,
        version: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        workers: int = 8,
        progress: ProgressCallback | None = None,
    ) -> Download:
        """Downloads the files of a revision, a version or a stage.

        Every file is verified (SHA-256 for LFS, Git blob id otherwise) before it gets its name; one that is
        there already and right is left alone; one that was cut is taken up where it ended when the download
        is repeated. Nothing is written outside ``folder``, whatever the repo or the folder holds, and nothing
        in it is deleted.

        Args:
            folder: Made if it is not there.
            revision: See the class.
            artifact: Of which artifact; may be left out where the repo has one.
            stage: The version that holds this stage.
            version: This version, or ``latest``.
            include: Patterns of paths to take; all without one.
            exclude: Patterns to leave out.
            workers: Files that move at the same time.
            progress: Called for each step; from several threads, but never from two at a time.
        """
        chosen = self.revision_of(revision=revision, artifact=artifact, stage=stage, version=version)
        return download(
            self._connection,
            self.name,
            self.resolve(chosen),
            Path(folder),
            include=include,
            exclude=exclude,
            workers=workers,
            progress=progress,
        )

    def revision_of(
        self,
        *,
        revision: str | None = None,
        artifact: str | None = None,
        stage: str | None = None,
        version: str | None = None,
    ) -> str | None:
        """Writes ``artifact#stage`` or ``artifact@version``; finds the artifact if there is exactly one.

        Raises:
            HubError: More than one of the three is given, or the artifact is not clear.
        """
        if sum(given is not None for given in (revision, stage, version)) > 1:
            raise HubError("Give one of revision, stage and version.")
        if stage is None and version is None:
            if artifact is None or revision is not None:
                return revision
            version = "latest"
        name = artifact or self._only_artifact()
        return f"{name}#{stage}" if stage is not None else f"{name}@{version}"

    def _only_artifact(self) -> str:
        names = [artifact.artifact for artifact in self.artifacts()]
        if len(names) == 1:
            return names[0]
        if not names:
            raise HubError(f"{self.name} has no registered artifact yet; download a revision instead.")
        raise HubError(f"{self.name} has several artifacts; name one of: {', '.join(names[:20])}.")

    def branches(self) -> list[Ref]:
        """All branches."""
        return [Ref.read(record) for record in self._connection.pages(self._path("branches"))]

    def tags(self) -> list[Ref]:
        """All tags, those of the registry included."""
        return [Ref.read(record) for record in self._connection.pages(self._path("tags"))]

    def commits(self, revision: str | None = None, path: str | None = None) -> Iterator[Commit]:
        """The history, the latest first, fetched while it is read."""
        params = {"revision": revision, "path": path}
        return (Commit.read(record) for record in self._connection.pages(self._path("commits"), params))

    def artifacts(self) -> list[Artifact]:
        """The registered artifacts, with their latest version and their stages."""
        records = self._connection.pages(self._path("artifacts"))
        return [Artifact.read(record, self.name) for record in records]

    def versions(self, artifact: str) -> list[Version]:
        """The versions of an artifact."""
        path = self._path("artifacts", artifact, "versions")
        return [Version.read(record) for record in self._connection.pages(path)]

    def version(self, artifact: str, version: str) -> Version:
        """One version, ``v1.2.3``."""
        return Version.read(self._connection.get(self._path("artifacts", artifact, "versions", version)))

    def stages(self, artifact: str) -> list[Stage]:
        """The stages of an artifact and who holds them."""
        path = self._path("artifacts", artifact, "stages")
        return [Stage.read(record) for record in self._connection.pages(path)]

    def register(
        self,
        artifact: str,
        *,
        version: str | None = None,
        bump: Bump | None = None,
        revision: str | None = None,
        message: str | None = None,
    ) -> Version:
        """Registers a revision as a version, by an annotated tag in the user's name.

        Args:
            artifact: Its name; the first version makes it.
            version: ``v1.2.3``; left out, the hub counts on from the latest one, ``bump`` saying which part.
            bump: ``major``, ``minor`` or ``patch``.
            revision: What to register; the default branch if None.
            message: Of the tag.
        """
        body: dict[str, Json] = _given(version=version, bump=bump, revision=revision, message=message)
        return Version.read(self._connection.post(self._path("artifacts", artifact, "versions"), body))

    def promote(
        self,
        artifact: str,
        stage: str,
        *,
        version: str | None = None,
        revision: str | None = None,
        message: str | None = None,
    ) -> Stage:
        """Gives a stage to a version, or to a revision, which is registered first if it has no version.

        Args:
            artifact: Its name.
            stage: Such as ``prod``.
            version: ``v1.2.3`` or ``latest``.
            revision: Instead of a version.
            message: Of the tag.
        """
        if version == "latest":
            version, revision = None, f"{artifact}@latest"
        body = _given(version=version, revision=revision, message=message)
        answer = self._connection.send("PUT", self._path("artifacts", artifact, "stages", stage), body=body)
        return Stage.read(Record.parse(answer, "stage"))

    def rollback(self, artifact: str, stage: str, *, message: str | None = None) -> Stage:
        """Gives a stage back to the version that held it before, by a new assignment."""
        path = self._path("artifacts", artifact, "stages", stage, "rollback")
        return Stage.read(self._connection.post(path, _given(message=message)))

    def unassign(self, artifact: str, stage: str, *, version: str | None = None) -> None:
        """Takes a stage away from the version that holds it."""
        body = _given(version=version)
        self._connection.send("DELETE", self._path("artifacts", artifact, "stages", stage), body=body or None)

    def exists(self) -> bool:
        """Whether the repo is there and may be seen."""
        try:
            self.info()
        except NotFound:
            return False
        return True

    def _path(self, *segments: str) -> str:
        return api_path(*self._segments, *segments)


def _given(**fields: str | None) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}
