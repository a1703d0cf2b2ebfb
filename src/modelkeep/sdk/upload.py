"""Uploading files into a repo as one commit, without sending what is there already."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from modelkeep.sdk.addresses import api_path, split_repo
from modelkeep.sdk.digests import digest_open_file
from modelkeep.sdk.download import list_tree
from modelkeep.sdk.errors import BadAnswer, NotFound, TooLarge, Unreachable
from modelkeep.sdk.http import Connection, Json
from modelkeep.sdk.lfs import GROUP, LfsObject, UploadOffer, offer_uploads
from modelkeep.sdk.local_files import LocalFile, list_files
from modelkeep.sdk.models import Commit, Repo, Resolution
from modelkeep.sdk.progress import ProgressCallback, Reporter
from modelkeep.sdk.store import TUS_THRESHOLD, store
from modelkeep.sdk.workers import StopSignal, run_in_threads

T = TypeVar("T")
Storage = Literal["lfs", "git"]
_PREUPLOAD_GROUP = 1000


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that the branch now has.

    Attributes:
        path: In the repo.
        size: In bytes.
        sha256: Of its content.
        storage: ``lfs`` or ``git``, as the hub decided.
        outcome: ``uploaded``; ``linked`` if the hub had the bytes already; ``unchanged`` if the branch had
            the file.
    """

    path: str
    size: int
    sha256: str
    storage: Storage
    outcome: Literal["uploaded", "linked", "unchanged"]


@dataclass(frozen=True, slots=True)
class Upload:
    """What an upload did. ``commit`` is the branch's new commit, or its old one where nothing had changed."""

    repo: str
    branch: str
    commit: Commit | None
    has_changed: bool
    files: tuple[UploadedFile, ...]


@dataclass(frozen=True, slots=True)
class _Hashed:
    file: LocalFile
    storage: Storage
    sha256: str
    blob_id: str


def upload(
    connection: Connection,
    repo: Repo,
    source: Path,
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
    """Uploads a file or a folder; see :meth:`modelkeep.sdk.repo.RepoHandle.upload`."""
    return _Uploader(connection, repo, branch or repo.default_branch, workers, Reporter(progress)).run(
        list_files(source, to, include, exclude, follows_links=follows_links), message
    )


class _Uploader:
    """One upload into one branch."""

    def __init__(
        self, connection: Connection, repo: Repo, branch: str, workers: int, reporter: Reporter
    ) -> None:
        self._connection = connection
        self._repo = repo
        self._name = repo.full_name
        self._branch = branch
        self._workers = workers
        self._reporter = reporter

    def run(self, files: Sequence[LocalFile], message: str | None) -> Upload:
        storages = self._choose_storages(files)
        tip = self._tip(self._branch)
        there = self._there(tip, [file.path for file in files]) if tip else {}
        for file in files:
            self._reporter.tell(file.path, "upload", "planned", 0, file.size)
        hashed = run_in_threads(
            lambda file, stop: self._hash(file, storages[file.path], stop), files, self._workers
        )
        fresh = [one for one in hashed if there.get(one.file.path) != _identity(one)]
        sent = self._send([one for one in fresh if one.storage == "lfs"])
        changed = {one.file.path for one in fresh}
        done = tuple(self._outcome(one, one.file.path in changed, one.sha256 in sent) for one in hashed)
        if not fresh:
            return Upload(self._name, self._branch, tip, False, done)
        text = message or _default_message([one.file.path for one in fresh])
        return Upload(self._name, self._branch, self._commit(fresh, text, tip), True, done)

    def _choose_storages(self, files: Sequence[LocalFile]) -> dict[str, Storage]:
        """Asks the hub which files go to LFS."""
        path = api_path("repos", *split_repo(self._name), "preupload")
        storages: dict[str, Storage] = {}
        for group in _groups(files, _PREUPLOAD_GROUP):
            listed: list[Json] = [{"path": file.path, "size": file.size} for file in group]
            answer = self._connection.post(
                path, {"revision": self._revision(), "files": listed}, is_repeatable=True
            )
            for item in answer.records("items"):
                storages[item.text("path")] = "lfs" if item.text("storage") == "lfs" else "git"
        missing = next((file.path for file in files if file.path not in storages), None)
        if missing is not None:
            raise BadAnswer(f"The hub did not say where {missing!r} belongs.")
        return storages

    def _revision(self) -> str | None:
        return None if self._branch == self._repo.default_branch else self._branch

    def _tip(self, branch: str) -> Commit | None:
        """The branch's last commit; None where there is no such branch."""
        path = api_path("repos", *split_repo(self._name), "revisions", f"refs/heads/{branch}")
        try:
            return Resolution.read(self._connection.get(path)).commit
        except NotFound:
            return None

    def _there(self, tip: Commit, paths: Sequence[str]) -> dict[str, str]:
        """What the branch has in the folder that all of ``paths`` lie in: LFS oid or Git blob id by path."""
        folder = posixpath.commonpath([posixpath.dirname(path) for path in paths])
        is_deep = any(posixpath.dirname(path) != folder for path in paths)
        try:
            entries = list_tree(self._connection, self._name, tip.id, folder, is_recursive=is_deep)
        except NotFound:
            return {}
        return {entry.path: entry.lfs_oid or entry.id for entry in entries if entry.kind == "file"}

    def _hash(self, file: LocalFile, storage: Storage, stop: StopSignal) -> _Hashed:
        def each(position: int) -> None:
            stop.check()
            if storage == "lfs":
                self._reporter.tell(file.path, "hash", "moving", position, file.size)

        with file.opened() as descriptor:
            digests = digest_open_file(descriptor, file.size, with_blob_id=storage == "git", each=each)
            file.check(descriptor)
        if storage == "lfs":
            self._reporter.tell(file.path, "hash", "done", file.size, file.size)
        return _Hashed(file, storage, digests.sha256, digests.blob_id)

    def _send(self, wanted: Sequence[_Hashed]) -> set[str]:
        """Uploads the objects that the hub has not; gives their oids."""
        unique = list({one.sha256: one for one in wanted}.values())
        sent: set[str] = set()
        for is_large in (True, False):
            some = [one for one in unique if (one.file.size >= TUS_THRESHOLD) is is_large]
            for group in _groups(some, GROUP):
                offers = self._offers(group)

                def work(one: _Hashed, stop: StopSignal, offers: Mapping[str, UploadOffer] = offers) -> None:
                    self._store(one, offers.get(one.sha256), stop)

                run_in_threads(work, group, self._workers)
                sent.update(offers)
        return sent

    def _offers(self, group: Sequence[_Hashed]) -> dict[str, UploadOffer]:
        transfers = ["tus", "basic"] if group[0].file.size >= TUS_THRESHOLD else ["basic"]
        objects = [LfsObject(one.sha256, one.file.size) for one in group]
        return offer_uploads(self._connection, self._name, objects, transfers, f"refs/heads/{self._branch}")

    def _store(self, one: _Hashed, offer: UploadOffer | None, stop: StopSignal) -> None:
        path, size = one.file.path, one.file.size
        store(
            self._connection,
            one.file,
            LfsObject(one.sha256, size),
            offer,
            lambda: self._offers([one]).get(one.sha256),
            each=lambda position: self._reporter.tell(path, "upload", "moving", position, size),
            stop=stop,
        )

    def _outcome(self, one: _Hashed, fresh: bool, is_sent: bool) -> UploadedFile:
        outcome: Literal["uploaded", "linked", "unchanged"] = "unchanged"
        if fresh:
            outcome = "uploaded" if one.storage == "git" or is_sent else "linked"
        state: Literal["done", "present"] = "done" if outcome == "uploaded" else "present"
        self._reporter.tell(one.file.path, "upload", state, one.file.size, one.file.size)
        return UploadedFile(one.file.path, one.file.size, one.sha256, one.storage, outcome)

    def _commit(self, fresh: Sequence[_Hashed], message: str, tip: Commit | None) -> Commit:
        """Makes the commit. If the answer is lost, looks whether the branch has the files now."""
        body: dict[str, Json] = {
            "branch": self._branch,
            "message": message,
            "operations": [_operation(one) for one in fresh],
        }
        default = self._repo.default_branch
        if tip is None and self._branch != default and self._tip(default) is not None:
            body["create_branch_from"] = f"refs/heads/{default}"
        try:
            answer = self._connection.post(api_path("repos", *split_repo(self._name), "commits"), body)
            return Commit.read(answer.record("commit"))
        except Unreachable:
            now = self._tip(self._branch)
            paths = [one.file.path for one in fresh]
            there = self._there(now, paths) if now is not None and now != tip else {}
            if now is not None and all(there.get(one.file.path) == _identity(one) for one in fresh):
                return now
            raise
        except TooLarge as error:
            plain = sum(one.file.size for one in fresh if one.storage == "git")
            raise TooLarge(
                f"{error.message} The files outside LFS have {plain} bytes together; upload them in several "
                "parts (--include), or let LFS track them in .gitattributes.",
                status=error.status,
                code=error.code,
                request_id=error.request_id,
                fields=error.fields,
            ) from error


def _identity(one: _Hashed) -> str:
    return one.sha256 if one.storage == "lfs" else one.blob_id


def _operation(one: _Hashed) -> dict[str, Json]:
    if one.storage == "lfs":
        return {"op": "add", "path": one.file.path, "lfs": {"oid": one.sha256, "size": one.file.size}}
    with one.file.opened() as descriptor:
        content = b"".join(one.file.chunks(descriptor, 0, lambda _: None))
    return {"op": "add", "path": one.file.path, "content_base64": base64.b64encode(content).decode()}


def _default_message(paths: Sequence[str]) -> str:
    return f"Upload {paths[0]}" if len(paths) == 1 else f"Upload {len(paths)} files"


def _groups(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
