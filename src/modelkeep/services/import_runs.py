"""Doing imports: a job that pins a commit of the source, fetches what has changed, and makes one commit of it.

A run may be killed at any moment and begins anew: the commit that it is pinned to is kept, so are fetched files, and a
run whose commit was made already finds nothing left to do.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelkeep.db import imports
from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import (
    Conflict,
    InvalidInput,
    ModelkeepError,
    NotPermitted,
    RateLimited,
    Unavailable,
)
from modelkeep.domain.imports import (
    MOST_FILES,
    Import,
    ImportState,
    Progress,
    RemoteFile,
    Source,
    retry_delay,
)
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.domain.objects import ZERO_ID, EntryKind, TreeEntry
from modelkeep.domain.trailers import ORIGIN_COMMIT, ORIGIN_ENDPOINT, ORIGIN_REPO, with_trailers
from modelkeep.git import paths, refs, trees
from modelkeep.identity.sealing import Sealer
from modelkeep.outbound.hub_client import HubClient, RemoteRepo
from modelkeep.services import lfs_tracking
from modelkeep.services.access import RepoAccess, find_repo_by_id
from modelkeep.services.authentication import present_actor
from modelkeep.services.commits import AddFile, Commits, DeletePath, Operation
from modelkeep.services.import_fetches import ImportFetch
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.writes import Writes

_MOST_ATTEMPTS = 5
"""How often a commit is tried while others push to the same branch."""

_PASSING = (Unavailable, RateLimited)
"""Kinds of errors that may be gone later."""


class _Cancelled(Exception):
    """Somebody has cancelled the run, or deleted the import."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run must do.

    Attributes:
        tip: The commit of the repo that it was made for; None for an empty repo.
        changed: The files to bring.
        removed: The files that are no longer at the source.
    """

    tip: str | None
    changed: tuple[RemoteFile, ...]
    removed: tuple[str, ...]


class ImportRuns:
    """Runs imports. One run of an import at a time.

    Args:
        stores: Where all goes.
        rules: Limits of files and of what happens at once.
        client: Reads other hubs.
        sealer: Opens their tokens.
        commits: Makes the commits.
        writes: Judges files before they are kept.
    """

    def __init__(
        self,
        stores: Stores,
        rules: Rules,
        client: HubClient,
        sealer: Sealer,
        commits: Commits,
        writes: Writes,
    ) -> None:
        self._stores = stores
        self._rules = rules
        self._client = client
        self._sealer = sealer
        self._commits = commits
        self._writes = writes
        self._stopping = threading.Event()
        self._running: set[int] = set()
        self._lock = threading.Lock()

    def run(self, import_id: int) -> None:
        """Does what is due of an import, whatever becomes of it: the outcome is kept with the import. A job."""
        with self._lock:
            if import_id in self._running:
                return
            self._running.add(import_id)
        try:
            begun = self._begin(import_id)
            if begun is not None:
                self._run(begun)
        finally:
            with self._lock:
                self._running.discard(import_id)

    def stop(self) -> None:
        """Breaks off what is under way: the hub ends. It goes on at the next start."""
        self._stopping.set()
        self._client.close()

    def _begin(self, import_id: int) -> Import | None:
        with self._stores.database.write() as tx:
            found = imports.import_by_id(tx, import_id)
            if found is None:
                return None
            is_due = found.next_at is not None and found.next_at <= self._stores.now()
            if self._stopping.is_set() or not (found.state is ImportState.RUNNING or is_due):
                imports.update_import(tx, import_id, job_at=None)
                return None
            changes: dict[str, object] = {"state": str(ImportState.RUNNING), "next_at": None}
            if found.state is not ImportState.RUNNING and not found.failures:
                changes |= {"started_at": self._stores.now(), "finished_at": None}
            if not found.is_active:  # it is the schedule's turn
                changes["wanted_commit"] = None
            imports.update_import(tx, import_id, **changes)
            return imports.import_by_id(tx, import_id)

    def _run(self, begun: Import) -> None:
        try:
            done, result = self._import(begun)
        except _Cancelled:
            self._end(begun)
        except ModelkeepError as error:
            self._failed(begun, error)
        except BaseException:
            self._failed(
                begun, Unavailable("The hub made a mistake; its log says more.", code="import_failed")
            )
            raise
        else:
            self._done(begun, done, result)

    def _import(self, begun: Import) -> tuple[tuple[str, Mapping[str, str] | None], str | None]:
        """Gives the source's commit with its files (None: it was imported already), and the repo's commit."""
        access = self._access(begun)
        with self._client.opened(self._source(begun)) as remote:
            commit = begun.wanted_commit or self._pin(begun, remote)
            if commit == begun.imported_commit:
                return (commit, None), begun.result_commit
            listed = [file for file in remote.files(commit) if begun.choice.takes(file.path)]
            if not listed:
                raise InvalidInput(
                    f"{begun.source.address} has no file that is wanted at {commit[:12]}.",
                    code="nothing_to_import",
                )
            for attempt in range(_MOST_ATTEMPTS):
                try:
                    result = self._attempt(begun, access, remote, commit, listed)
                    break
                except Conflict as error:
                    if error.code != "branch_moved" or attempt + 1 == _MOST_ATTEMPTS:
                        raise
            return (commit, {file.path: file.oid for file in listed}), result

    def _attempt(
        self, begun: Import, access: RepoAccess, remote: RemoteRepo, commit: str, listed: Sequence[RemoteFile]
    ) -> str | None:
        with self._stores.database.read() as tx:
            known = imports.imported_files(tx, begun.id)
        git_dir = self._stores.repositories.path(access.repo.id)
        plan = make_plan(git_dir, access.repo.default_branch, known, listed)
        fetch = ImportFetch(
            self._stores, self._rules, self._writes, access, remote, commit, begun.id, self._stopping
        )
        objects = fetch.fetch(plan.changed, lambda progress: self._report(begun.id, progress))
        operations = _operations(git_dir, plan, objects)
        if not operations:
            return plan.tip
        self._require_wanted(begun.id)
        _, made = self._commits.commit(
            access.actor,
            access.repo.place,
            access.repo.name,
            operations,
            _message(begun, commit),
            parent=plan.tip or ZERO_ID,
        )
        return made.id

    def _access(self, begun: Import) -> RepoAccess:
        if begun.created_by_id is None:
            raise NotPermitted(
                "The account of whoever asked for this import is gone; ask for it again.",
                code="import_without_user",
            )
        with self._stores.database.read() as tx:
            actor: Actor = present_actor(tx, begun.created_by_id, None, "", "import", self._stores.now())
            return find_repo_by_id(tx, actor, begun.repo_id, Action.WRITE)

    def _source(self, begun: Import) -> Source:
        with self._stores.database.read() as tx:
            sealed = imports.token_of(tx, begun.id)
        token = self._sealer.open(sealed).decode() if sealed is not None else None
        return Source(begun.source.endpoint, begun.source.kind, begun.source.name, token)

    def _pin(self, begun: Import, remote: RemoteRepo) -> str:
        commit = remote.commit_of(begun.revision)
        with self._stores.database.write() as tx:
            imports.update_import(tx, begun.id, wanted_commit=commit)
        return commit

    def _report(self, import_id: int, progress: Progress) -> None:
        with self._stores.database.write() as tx:
            _require_running(imports.import_by_id(tx, import_id))
            imports.update_import(
                tx,
                import_id,
                files_done=progress.files_done,
                files_total=progress.files_total,
                bytes_done=progress.bytes_done,
                bytes_total=progress.bytes_total,
            )

    def _require_wanted(self, import_id: int) -> None:
        with self._stores.database.read() as tx:
            _require_running(imports.import_by_id(tx, import_id))

    def _end(self, begun: Import, **changes: object) -> None:
        """Ends a run. What somebody decided meanwhile, by cancelling, stays."""
        with self._stores.database.write() as tx:
            found = imports.import_by_id(tx, begun.id)
            if found is not None:
                kept = changes if found.state is ImportState.RUNNING else {}
                imports.update_import(tx, begun.id, job_at=None, **kept)

    def _done(self, begun: Import, done: tuple[str, Mapping[str, str] | None], result: str | None) -> None:
        commit, files = done
        now = self._stores.now()
        with self._stores.database.write() as tx:
            found = imports.import_by_id(tx, begun.id)
            if found is None:
                return
            if files is not None:
                imports.replace_files(tx, begun.id, files)
            changes: dict[str, object] = {"imported_commit": commit, "result_commit": result, "job_at": None}
            if found.state is ImportState.RUNNING:
                changes |= {
                    "state": str(ImportState.DONE),
                    "wanted_commit": None,
                    "failures": 0,
                    "error": None,
                    "error_code": None,
                    "finished_at": now,
                    "next_at": now + found.every if found.every is not None else None,
                }
            imports.update_import(tx, begun.id, **changes)

    def _failed(self, begun: Import, error: ModelkeepError) -> None:
        now = self._stores.now()
        if self._stopping.is_set():
            self._end(begun, state=str(ImportState.QUEUED), next_at=now)
            return
        failures = begun.failures + 1
        retry_after = float(error.retry_after) if isinstance(error, RateLimited) else None
        delay = retry_delay(failures, retry_after) if isinstance(error, _PASSING) else None
        told: dict[str, object] = {"error_code": error.code, "error": error.message}
        if delay is not None:
            self._end(begun, state=str(ImportState.QUEUED), failures=failures, next_at=now + delay, **told)
            return
        again = now + begun.every if begun.every is not None else None
        self._end(begun, state=str(ImportState.FAILED), failures=0, next_at=again, finished_at=now, **told)


def make_plan(git_dir: Path, branch: str, known: Mapping[str, str], listed: Sequence[RemoteFile]) -> Plan:
    """What must change on a branch, so that it has what the source has.

    What the source has not changed since the last run (``known``) stays as it is here, even if it was changed here;
    where both changed a file, the source wins.

    Raises:
        InvalidInput: A path cannot be written here, or more files change than one commit may hold.
    """
    ref = f"refs/heads/{branch}"
    present = refs.read_refs(git_dir, [ref]).get(ref)
    tip = present.target if present is not None else None
    entries = trees.list_tree(git_dir, tip, recursive=True) if tip is not None else []
    here = {entry.path: entry for entry in entries if entry.kind is not EntryKind.DIRECTORY}
    there = {file.path for file in listed}
    changed = tuple(
        file
        for file in listed
        if known.get(file.path) != file.oid and not _is_same(here.get(file.path), file)
    )
    removed = tuple(path for path in sorted(known) if path not in there and path in here)
    if len(changed) + len(removed) > MOST_FILES:
        raise InvalidInput(
            f"{len(changed) + len(removed)} files change, more than the {MOST_FILES} of one import. Take some of them "
            "with --include and --exclude.",
            code="source_too_large",
        )
    for file in changed:
        paths.check_writable(file.path)
    return Plan(tip, changed, removed)


def _is_same(entry: TreeEntry | None, file: RemoteFile) -> bool:
    if entry is None:
        return False
    return entry.lfs_oid == file.lfs_oid if file.lfs_oid is not None else entry.id == file.oid


def _operations(git_dir: Path, plan: Plan, objects: Mapping[str, Oid]) -> list[Operation]:
    """The commit's operations. Files that go through LFS here alone are tracked by lines of their own."""
    made: list[Operation] = [DeletePath(path) for path in plan.removed]
    alone = [file.path for file in plan.changed if file.lfs_oid is None and file.path in objects]
    for file in plan.changed:
        oid = objects.get(file.path)
        if oid is not None:
            made.append(AddFile(file.path, lfs=Pointer(oid, file.size)))
        elif file.path == lfs_tracking.ATTRIBUTES and alone:
            rules = trees.read_blob(git_dir, file.oid, file.size)
            made.append(AddFile(file.path, lfs_tracking.extended(rules, alone)))
        else:
            made.append(AddFile(file.path, blob_id=file.oid))
    return made


def _message(begun: Import, commit: str) -> str:
    revision = f" ({begun.revision})" if begun.revision not in (None, commit) else ""
    subject = f"Import {begun.source.address} at {commit[:12]}{revision}"
    return with_trailers(
        subject,
        {
            ORIGIN_ENDPOINT: begun.source.endpoint,
            ORIGIN_REPO: begun.source.address,
            ORIGIN_COMMIT: commit,
        },
    )


def _require_running(found: Import | None) -> None:
    if found is None or found.state is not ImportState.RUNNING:
        raise _Cancelled
