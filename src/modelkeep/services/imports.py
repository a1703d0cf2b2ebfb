"""Imports: repos that take over what a repo of another hub holds, once or again and again.

What is asked for is kept here; :mod:`modelkeep.services.import_runs` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from modelkeep.db import imports, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor, Visibility
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, NotFound, Unauthenticated
from modelkeep.domain.imports import (
    Choice,
    Import,
    ImportState,
    Source,
    parse_every,
    parse_revision,
    parse_source,
)
from modelkeep.domain.names import RepoName
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.repos import Repo, RepoKind
from modelkeep.identity.sealing import Sealer
from modelkeep.outbound.hub_client import HubClient, check_token
from modelkeep.services.access import find_namespace, find_repo, find_repo_by_id, require_signed_in
from modelkeep.services.audit import record
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.repos import Repos

_DATASETS = "datasets/"


@dataclass(frozen=True, slots=True)
class ImportOfRepo:
    """An import with the repo that it fills."""

    value: Import
    repo: Repo


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants imported, checked.

    ``place`` and ``name`` address the target; ``token`` is None where none was given.
    """

    source: Source
    revision: str | None
    choice: Choice
    every: timedelta | None
    place: str
    name: str
    token: str | None


class Imports:
    """The imports of the hub.

    Args:
        stores: The database.
        rules: Which hub is meant where none is named, and how many imports run at once.
        client: Reads other hubs.
        sealer: Keeps tokens of other hubs.
        makers: Makes the repos that imports fill.
    """

    def __init__(
        self, stores: Stores, rules: Rules, client: HubClient, sealer: Sealer, makers: Repos
    ) -> None:
        self._stores = stores
        self._rules = rules
        self._client = client
        self._sealer = sealer
        self._repos = makers

    def create(
        self,
        actor: Actor,
        source: str,
        *,
        target: str | None = None,
        revision: str | None = None,
        endpoint: str | None = None,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        token: str | None = None,
        every: int | None = None,
        visibility: Visibility | None = None,
        commit: str | None = None,
    ) -> tuple[ImportOfRepo, bool]:
        """Begins an import; makes the repo if there is none. The source is asked at once which commit is meant.

        Asking again for the same target changes what is wanted and begins anew; what was fetched already stays.

        Args:
            actor: Needs to write to the repo, or to make one. The import acts with this user's rights of then.
            source: ``[hf:][datasets/]owner/name[@revision]``.
            target: ``namespace/name``; None for the actor's own namespace and the same name.
            revision: A branch, a tag or a commit there; None for its default branch.
            endpoint: The URL of the other hub; None for the usual one.
            include: Patterns of files to take; all without any.
            exclude: Patterns of files to leave out.
            token: Opens the source; kept encrypted.
            every: Seconds after which to look for changes again, and again; None for once.
            visibility: Of a repo that is made for it; None for the namespace's default.
            commit: The source's commit, if the caller has asked for it already.

        Returns:
            The import, and whether there was none before.

        Raises:
            Conflict: The repo's import is running.
            AlreadyExists: The repo was imported from elsewhere.
            NotFound: The source has no such repo or revision, or does not show it.
        """
        wish = self._wish(actor, source, target, revision, endpoint, include, exclude, token, every)
        known = self._known(actor, wish)
        sealed = self._sealer.seal(wish.token.encode()) if wish.token else self._kept_token(known, wish)
        opened = Source(
            wish.source.endpoint,
            wish.source.kind,
            wish.source.name,
            self._sealer.open(sealed).decode() if sealed else None,
        )
        if commit is None:
            with self._client.opened(opened) as remote:
                commit = remote.commit_of(wish.revision)
        repo = self._target(actor, wish, visibility)
        with self._stores.database.write() as tx:
            find_repo_by_id(tx, actor, repo.id, Action.WRITE)
            known = imports.import_of_repo(tx, repo.id)
            _require_replaceable(tx, known, wish)
            if known is None:
                number = imports.add_import(
                    tx,
                    repo.id,
                    wish.source,
                    wish.choice,
                    revision=wish.revision,
                    wanted_commit=commit,
                    token=sealed,
                    every=wish.every,
                    created_by=actor,
                    now=self._stores.now(),
                )
            else:
                number = known.id
                self._replace(tx, actor, known, wish, commit, sealed)
            self._record(tx, actor, "import.create", repo, wish.source)
        return self.get(actor, number), known is None

    def list(
        self, actor: Actor, page: PageRequest, *, repo: tuple[str, str] | None = None
    ) -> Page[ImportOfRepo]:
        """The imports into repos that the actor may read, newest first; only of one repo where it is named.

        Raises:
            Unauthenticated: Nobody is signed in, and no repo is named.
        """
        if repo is None:
            require_signed_in(actor)
        with self._stores.database.read() as tx:
            repo_id = find_repo(tx, actor, *repo).repo.id if repo is not None else None
            found = imports.list_imports(tx, actor, page, repo_id)
            pairs = [(one, repos.repo_by_id(tx, one.repo_id)) for one in found.items]
        return Page(
            tuple(ImportOfRepo(one, into) for one, into in pairs if into is not None), found.next_cursor
        )

    def get(self, actor: Actor, import_id: int) -> ImportOfRepo:
        """An import, for those who may read its repo.

        Raises:
            NotFound: There is none of this number for this actor.
        """
        with self._stores.database.read() as tx:
            return self._find(tx, actor, import_id, Action.READ)

    def sync(self, actor: Actor, import_id: int) -> ImportOfRepo:
        """Looks for changes at the source now; what is under way goes on as it is."""
        with self._stores.database.write() as tx:
            found = self._find(tx, actor, import_id, Action.WRITE)
            if found.value.state is not ImportState.RUNNING:
                imports.update_import(
                    tx,
                    import_id,
                    state=str(ImportState.QUEUED),
                    wanted_commit=None,
                    next_at=self._stores.now(),
                    failures=0,
                )
                self._record(tx, actor, "import.sync", found.repo, found.value.source)
        return self.get(actor, import_id)

    def cancel(self, actor: Actor, import_id: int) -> ImportOfRepo:
        """Ends what is under way, and the schedule. What was fetched is kept for a week, in case it goes on."""
        with self._stores.database.write() as tx:
            found = self._find(tx, actor, import_id, Action.WRITE)
            changes: dict[str, object] = {"every": None, "next_at": None}
            if found.value.is_active:
                changes |= {"state": str(ImportState.CANCELLED), "finished_at": self._stores.now()}
            imports.update_import(tx, import_id, **changes)
            self._record(tx, actor, "import.cancel", found.repo, found.value.source)
        return self.get(actor, import_id)

    def delete(self, actor: Actor, import_id: int) -> None:
        """Forgets where a repo's files came from, and the token; the files and their history stay."""
        with self._stores.database.write() as tx:
            found = self._find(tx, actor, import_id, Action.WRITE)
            imports.remove_import(tx, import_id)
            self._record(tx, actor, "import.delete", found.repo, found.value.source)

    def due(self) -> Sequence[int]:
        """The imports that a job is to be made for now: no more than may run at once."""
        with self._stores.database.read() as tx:
            room = self._rules.import_workers - len(imports.with_jobs(tx))
            return imports.due(tx, self._stores.now(), room) if room > 0 else ()

    def job_made(self, import_id: int) -> None:
        """Notes that a job was made for an import."""
        with self._stores.database.write() as tx:
            imports.update_import(tx, import_id, job_at=self._stores.now())

    def recover(self, busy: Callable[[], set[int]]) -> Sequence[int]:
        """Lets jobs be made anew that the engine has lost; gives for which imports.

        Args:
            busy: Gives the imports that the engine has a job for.
        """
        with self._stores.database.read() as tx:
            expected = imports.with_jobs(tx)
        lost = sorted(set(expected) - busy()) if expected else []
        if lost:
            with self._stores.database.write() as tx:
                for import_id in lost:
                    found = imports.import_by_id(tx, import_id)
                    goes_on = found is not None and found.is_active
                    imports.update_import(
                        tx, import_id, job_at=None, **({"next_at": self._stores.now()} if goes_on else {})
                    )
        return lost

    def _wish(
        self,
        actor: Actor,
        source: str,
        target: str | None,
        revision: str | None,
        endpoint: str | None,
        include: Sequence[str],
        exclude: Sequence[str],
        token: str | None,
        every: int | None,
    ) -> Wish:
        if actor.user_id is None:
            raise Unauthenticated("Sign in first: an import acts with the rights of whoever asked for it.")
        kind, name, at = parse_source(source)
        if at is not None and revision is not None and at != revision:
            raise InvalidInput("Two revisions are named; name one.", code="invalid_source")
        wanted = target or f"{actor.username}/{name.rpartition('/')[2]}"
        into = RepoName.parse(wanted.removeprefix(_DATASETS))
        if wanted.startswith(_DATASETS) and kind is not RepoKind.DATASET:
            raise InvalidInput(
                "A model is not imported into a dataset; name the source datasets/…", code="invalid_target"
            )
        return Wish(
            Source(self._client.endpoint(endpoint or self._rules.import_endpoint), kind, name),
            parse_revision(revision) if revision is not None else at,
            Choice.parse(include, exclude),
            parse_every(every),
            f"{_DATASETS}{into.namespace}" if kind is RepoKind.DATASET else into.namespace,
            into.name,
            check_token(token) if token is not None else None,
        )

    def _known(self, actor: Actor, wish: Wish) -> Import | None:
        """The target's import; lets nobody pass who could not import there, before anybody else is asked."""
        with self._stores.database.read() as tx:
            try:
                repo = find_repo(tx, actor, wish.place, wish.name, Action.WRITE).repo
            except NotFound:
                find_namespace(tx, actor, wish.place.removeprefix(_DATASETS), Action.CREATE_REPO)
                return None
            known = imports.import_of_repo(tx, repo.id)
            _require_replaceable(tx, known, wish)
            return known

    def _kept_token(self, known: Import | None, wish: Wish) -> bytes | None:
        """The token of before, for the very same source only: it must open nothing else."""
        if known is None or known.source != wish.source:
            return None
        with self._stores.database.read() as tx:
            return imports.token_of(tx, known.id)

    def _target(self, actor: Actor, wish: Wish, visibility: Visibility | None) -> Repo:
        try:
            with self._stores.database.read() as tx:
                return find_repo(tx, actor, wish.place, wish.name, Action.WRITE).repo
        except NotFound:
            return self._repos.create(actor, wish.place, wish.name, visibility=visibility, empty=True).repo

    def _replace(
        self, tx: Transaction, actor: Actor, known: Import, wish: Wish, commit: str, sealed: bytes | None
    ) -> None:
        is_same = known.source == wish.source and known.choice == wish.choice
        imports.update_import(
            tx,
            known.id,
            endpoint=wish.source.endpoint,
            kind=str(wish.source.kind),
            source=wish.source.name,
            revision=wish.revision,
            include=list(wish.choice.include),
            exclude=list(wish.choice.exclude),
            token=sealed,
            every=int(wish.every.total_seconds()) if wish.every else None,
            state=str(ImportState.QUEUED),
            wanted_commit=commit,
            # Other files are wanted of the same commit: it must be looked at again.
            imported_commit=known.imported_commit if is_same else None,
            failures=0,
            next_at=self._stores.now(),
            created_by=actor.username,
            created_by_id=actor.user_id,
        )

    def _find(self, tx: Transaction, actor: Actor, import_id: int, action: Action) -> ImportOfRepo:
        value = imports.import_by_id(tx, import_id)
        if value is None:
            require_signed_in(actor)  # as for one that this actor may not see
        try:
            if value is not None:
                return ImportOfRepo(value, find_repo_by_id(tx, actor, value.repo_id, action).repo)
        except NotFound:
            pass
        raise NotFound(f"There is no import {import_id}, or you may not see it.", code="import_not_found")

    def _record(self, tx: Transaction, actor: Actor, action: str, repo: Repo, source: Source) -> None:
        record(
            tx, actor, action, str(repo.full_name), repo=repo, endpoint=source.endpoint, source=source.address
        )


def _require_replaceable(tx: Transaction, known: Import | None, wish: Wish) -> None:
    if known is None:
        return
    if known.state is ImportState.RUNNING or imports.has_job(tx, known.id):
        raise Conflict(
            f"Import {known.id} fills this repo and is running; wait for its end, or cancel it first.",
            code="import_running",
            id=known.id,
        )
    if known.source != wish.source and known.result_commit is not None:
        raise AlreadyExists(
            f"This repo was imported from {known.source.address} of {known.source.endpoint}. Delete import {known.id} "
            "first, or import into another repo.",
            code="import_exists",
            id=known.id,
        )
