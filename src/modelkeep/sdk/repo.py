"""One repo, as something to work with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from modelkeep.sdk.access import RepoAccess
from modelkeep.sdk.download import Download, download, list_tree
from modelkeep.sdk.errors import HubError, NotFound
from modelkeep.sdk.events import follow
from modelkeep.sdk.http import Connection
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models import Commit, Membership, Ref, Repo, Resolution, TreeEntry
from modelkeep.sdk.models_cards import Card, FileHeader, Tensor
from modelkeep.sdk.models_events import Event
from modelkeep.sdk.models_policy import Policy
from modelkeep.sdk.models_storage import Rechunk, RepoStorage
from modelkeep.sdk.progress import ProgressCallback
from modelkeep.sdk.registry_reading import RegistryReading
from modelkeep.sdk.registry_writing import RegistryWriting
from modelkeep.sdk.requests import PromotionRequests
from modelkeep.sdk.upload import Upload, upload
from modelkeep.sdk.webhooks import Webhooks

_REF_COLUMNS = ("name", "commit")


class RepoHandle(RegistryReading, RegistryWriting):
    """Speaks about one repo; made by :meth:`modelkeep.sdk.hub.Hub.repo`, without a request.

    Wherever a *revision* is asked for, it may be a branch, a tag, a commit id (also short),
    ``artifact@latest``, ``artifact@v1.2.3`` or ``artifact#stage``; None is the default branch. Every method
    raises subclasses of :class:`modelkeep.sdk.errors.HubError`. Threads may share it.

    Attributes:
        name: The repo's full name.
        access: Who may read its files, where it is gated.
        requests: Its promotion requests.
        webhooks: Its webhooks.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        super().__init__(connection, name)
        self.access = RepoAccess(connection, name)
        self.requests = PromotionRequests(connection, name)
        self.webhooks = Webhooks(connection, *self._segments)

    def info(self) -> Repo:
        """Description, visibility, addresses and size."""
        return Repo.read(self._get())

    def storage(self) -> RepoStorage:
        """How much room it takes, and what each of its versions added."""
        return RepoStorage.read(self._get("storage"))

    def rechunk(self) -> Rechunk:
        """Asks the hub to make chunks of the repo's whole files, in the background."""
        return Rechunk.read(self._connection.post(self._path("storage", "rechunk"), None, is_repeatable=True))

    def rechunk_state(self) -> Rechunk:
        """How far that is.

        Raises:
            NotFound: Nobody ever asked for it.
        """
        return Rechunk.read(self._get("storage", "rechunk"))

    def resolve(self, revision: str | None = None) -> Resolution:
        """What a revision names now."""
        chosen = revision if revision is not None else f"refs/heads/{self.info().default_branch}"
        return Resolution.read(self._get("revisions", chosen))

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

    def card(self, revision: str | None = None) -> Card:
        """What its README.md says, checked, and how many parameters the weights beside it have."""
        return Card.read(self._get("card", params={"revision": revision}))

    def header(self, path: str, revision: str | None = None) -> FileHeader:
        """What the header of a safetensors, GGUF or ONNX file says; the weights stay where they are."""
        commit = self.resolve(revision).commit.id
        place = ("headers", commit, *path.split("/"))
        first = self._get(*place, params={"limit": 1000})
        more: list[Tensor] = []
        cursor = first.optional_text("next_cursor")
        while cursor is not None:
            page = self._get(*place, params={"limit": 1000, "cursor": cursor})
            more += [Tensor.read(one) for one in page.records("tensors")]
            cursor = page.optional_text("next_cursor")
        return FileHeader.read(first, tuple(more))

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
        names = [artifact.artifact for artifact in self.artifacts() if artifact.is_registered]
        if len(names) == 1:
            return names[0]
        if not names:
            raise HubError(f"{self.name} has no registered artifact yet; download a revision instead.")
        raise HubError(f"{self.name} has several artifacts; name one of: {', '.join(names[:20])}.")

    def branches(self) -> Listing[Ref]:
        """All branches, by name."""
        return self._list(Ref.read, "branches", columns=_REF_COLUMNS)

    def tags(self) -> Listing[Ref]:
        """All tags, those of the registry included, by name."""
        return self._list(Ref.read, "tags", columns=_REF_COLUMNS)

    def commits(self, revision: str | None = None, path: str | None = None) -> Listing[Commit]:
        """The history of a revision, or of a path in it, the latest first."""
        params = {"revision": revision, "path": path}
        return self._list(Commit.read, "commits", params=params, columns=("id", "author", "message"))

    def policy(self) -> Policy:
        """The policy that holds: the repo's own, or its organisation's."""
        return Policy.read(self._get("policy"))

    def allowed_signers(self) -> str:
        """The keys whose signatures count, as a file for ``git config gpg.ssh.allowedSignersFile``."""
        headers = {"Accept": "text/plain"}
        path = self._path("allowed-signers")
        return self._connection.send("GET", path, headers=headers).decode("utf-8", "replace")

    def members(self) -> Listing[Membership]:
        """Who has a role in the repo itself, beside the members of its organisation."""
        return self._list(Membership.read, "members", columns=("name", "role"))

    def set_member(self, user: str, role: str) -> None:
        """Gives somebody a role: ``reader``, ``contributor``, ``maintainer`` or ``owner``."""
        self._connection.send("PUT", self._path("members", user), body={"role": role}, is_repeatable=True)

    def remove_member(self, user: str) -> None:
        """Takes somebody's role in the repo itself away."""
        self._connection.send("DELETE", self._path("members", user))

    def events(self, *, after: str | None = None, types: Sequence[str] = ()) -> Listing[Event]:
        """What happened in the repo so far, the earliest first.

        Args:
            after: The ``sequence`` of an event; only later ones.
            types: Only these, such as ``stage.assigned``.
        """
        params = {"after": after, "type": [*types] or None}
        return self._list(Event.read, "events", params=params, columns=("at", "type", "actor", "data"))

    def watch(self, *, after: str | None = None, types: Sequence[str] = ()) -> Iterator[Event]:
        """Events as they happen, without an end. A lost connection is made again; no event is lost or doubled.

        Args:
            after: The ``sequence`` of an event, to begin with what came after it; else with what comes next.
            types: Only these, such as ``stage.assigned``.

        Raises:
            Unreachable: The hub has not answered in several tries.
        """
        return follow(self._connection, self._path("events"), after, types)

    def exists(self) -> bool:
        """Whether the repo is there and may be seen."""
        try:
            self.info()
        except NotFound:
            return False
        return True
