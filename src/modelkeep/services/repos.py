"""Repos: create, find, change, rename, transfer, delete, restore."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from modelkeep.db import blobs, registry, repos
from modelkeep.db import refs as refs_index
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor, Role, Visibility
from modelkeep.domain.artifacts import Json
from modelkeep.domain.catalogue import HubFilter
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from modelkeep.domain.names import fold, parse_label, parse_repo
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.domain.repos import Repo, RepoKind, place_of
from modelkeep.git import commits as git_commits
from modelkeep.git import refs
from modelkeep.services.access import RepoAccess, find_namespace, find_repo, roles_in
from modelkeep.services.audit import record
from modelkeep.services.first_commit import FirstCommit, hub_start, own_start
from modelkeep.services.indexing import Indexing
from modelkeep.services.outbox import emit
from modelkeep.services.policies import require_free_to_leave
from modelkeep.services.ports import Rules, Stores

_LONGEST_DESCRIPTION = 2000
_MOST_LABELS = 50


Dependants = list[dict[str, str]]
"""What would break: ``kind`` and ``name`` of each, and more by kind."""

RepoIds = list[str]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a repo's LFS objects take: how many, and how many bytes."""

    lfs_files: int
    lfs_bytes: int


class Repos:
    """The repos of the hub."""

    def __init__(self, stores: Stores, rules: Rules, indexing: Indexing) -> None:
        self._stores = stores
        self._rules = rules
        self._indexing = indexing

    def create(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        *,
        description: str = "",
        labels: Sequence[str] = (),
        visibility: Visibility | None = None,
        default_branch: str | None = None,
        empty: bool = False,
        in_own_name: bool = False,
    ) -> RepoAccess:
        """Makes a repo with a first commit (``.gitattributes`` for weight formats and a README), unless ``empty``.

        With ``in_own_name`` the actor is that commit's author, and it leaves the README to them.

        Raises:
            AlreadyExists: The name is taken there.
            NotPermitted: The actor may not make repos there.
            NotFound: There is no such user or organisation.
        """
        parse_repo(name)
        kind, owner = place_of(namespace)
        branch = default_branch or self._rules.default_branch
        if not refs.is_valid_name(f"refs/heads/{branch}") or branch.startswith("-"):
            raise InvalidInput(f"{branch[:80]!r} cannot name a branch.", code="invalid_ref")
        _check_description(description)
        wanted_labels = _labels(labels)
        repo_id, now = uuid.uuid4().hex, self._stores.now()
        with self._stores.database.read() as tx:
            place = find_namespace(tx, actor, owner, Action.CREATE_REPO).namespace
            if repos.repo_by_name(tx, place.name, name, kind, follow_aliases=False) is not None:
                raise _taken(place.name, name)
        git_dir = self._create_bare(repo_id, branch)
        pristine = None
        if not empty:
            start = own_start(actor, now) if in_own_name else hub_start(name, description, now)
            pristine = self._commit_first(git_dir, branch, start)
        try:
            with self._stores.database.write() as tx:
                place = find_namespace(tx, actor, owner, Action.CREATE_REPO).namespace
                repo = repos.create_repo(
                    tx,
                    repo_id=repo_id,
                    namespace_id=place.id,
                    name=name,
                    kind=kind,
                    description=description,
                    visibility=visibility or place.default_visibility,
                    default_branch=branch,
                    labels=wanted_labels,
                    pristine_commit=pristine,
                    now=now,
                )
                refs_index.replace_all(tx, repo_id, refs.list_refs(git_dir), refs.digest(git_dir))
                self._indexing.annotate(tx, repo_id)
                record(
                    tx, actor, "repo.create", str(repo.full_name), repo=repo, visibility=repo.visibility.value
                )
                self._emit(
                    tx, actor, "repo.created", repo, visibility=repo.visibility.value, default_branch=branch
                )
        except BaseException:
            self._stores.repositories.delete(repo_id)
            raise
        return self.get(actor, repo.place, name)

    def get(self, actor: Actor, namespace: str, name: str) -> RepoAccess:
        """A repo by its present or a former name.

        Raises:
            Unauthenticated: Nobody is signed in and it is not public (or not there).
            NotFound: It is not there for this actor.
        """
        with self._stores.database.read() as tx:
            return find_repo(tx, actor, namespace, name)

    def usage(self, access: RepoAccess) -> Usage:
        """What the repo's LFS objects take."""
        with self._stores.database.read() as tx:
            return Usage(*blobs.usage(tx, access.repo.id))

    def list(
        self,
        actor: Actor,
        page: PageRequest,
        *,
        namespace: str | None = None,
        query: str | None = None,
        labels: Sequence[str] = (),
        visibility: Visibility | None = None,
        kind: RepoKind | None = None,
        sort: repos.Sort = "updated",
        wanted: HubFilter | None = None,
    ) -> Page[Repo]:
        """The repos that the actor may read, and whose cards say what is ``wanted``."""
        with self._stores.database.read() as tx:
            return repos.list_repos(
                tx,
                actor,
                page,
                namespace=namespace,
                query=query,
                labels=_labels(labels),
                visibility=visibility,
                kind=kind,
                sort=sort,
                wanted=wanted,
            )

    def roles(self, actor: Actor, found: Sequence[Repo]) -> dict[str, Role]:
        """The actor's role in each of these repos, by id."""
        with self._stores.database.read() as tx:
            return roles_in(tx, actor, found)

    def update(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        *,
        description: str | None = None,
        labels: Sequence[str] | None = None,
        visibility: Visibility | None = None,
        default_branch: str | None = None,
        strict_tags: bool | None = None,
    ) -> RepoAccess:
        """Changes a repo; its visibility only by an owner.

        Raises:
            NotFound: No such repo, or no such branch to be the default one.
        """
        with self._stores.database.write() as tx:
            access = find_repo(tx, actor, namespace, name, Action.CONFIGURE)
            repo = access.repo
            if description is not None:
                _check_description(description)
                repos.update_repo(tx, repo.id, description=description)
            if visibility is not None and visibility is not repo.visibility:
                access.require(Action.ADMINISTER)
                repos.update_repo(tx, repo.id, visibility=visibility)
            if default_branch is not None and default_branch != repo.default_branch:
                self._set_default_branch(repo, default_branch)
                repos.update_repo(tx, repo.id, default_branch=default_branch)
                self._indexing.annotate(tx, repo.id)
            if strict_tags is not None:
                repos.update_repo(tx, repo.id, strict_tags=strict_tags)
            if labels is not None:
                repos.set_labels(tx, repo.id, _labels(labels))
            repos.update_repo(tx, repo.id, updated_at=self._stores.now())
            record(
                tx,
                actor,
                "repo.update",
                str(repo.full_name),
                repo=repo,
                visibility=visibility.value if visibility else None,
                default_branch=default_branch,
                strict_tags=strict_tags,
            )
            given = {
                "description": description,
                "visibility": visibility.value if visibility else None,
                "default_branch": default_branch,
                "labels": list(labels) if labels is not None else None,
                "strict_tags": strict_tags,
            }
            self._emit(
                tx,
                actor,
                "repo.updated",
                repo,
                **{name: value for name, value in given.items() if value is not None},
            )
        return self.get(actor, repo.place, repo.name)

    def move(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        *,
        new_namespace: str | None = None,
        new_name: str | None = None,
    ) -> RepoAccess:
        """Renames a repo or gives it to another namespace; the old name keeps working until a new repo takes it.

        Raises:
            AlreadyExists: The name is taken there.
            NotPermitted: The actor does not own the repo, or may not make repos there; or its organisation enforces a
                policy, and the actor does not own that.
        """
        target_name = parse_repo(new_name) if new_name is not None else None
        with self._stores.database.write() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.ADMINISTER).repo
            place_id, place_name = repo.namespace_id, repo.namespace
            if new_namespace is not None and fold(new_namespace) != fold(repo.namespace):
                require_free_to_leave(tx, actor, repo)
                place = find_namespace(tx, actor, new_namespace, Action.CREATE_REPO).namespace
                place_id, place_name = place.id, place.name
            final = target_name or repo.name
            taken = repos.repo_by_name(tx, place_name, final, repo.kind, follow_aliases=False)
            if taken is not None and taken.id != repo.id:
                raise _taken(place_name, final)
            repos.rename_or_move(tx, repo.id, place_id, final)
            record(tx, actor, "repo.move", str(repo.full_name), repo=repo, to=f"{place_name}/{final}")
            moved = {"from": str(repo.full_name), "to": f"{place_name}/{final}"}
            there = replace(repo, namespace_id=place_id, namespace=place_name, name=final)
            self._emit(tx, actor, "repo.moved", there, **moved)
            if place_id != repo.namespace_id:
                # Who listens to the namespace that it left hears of it too.
                left, now = repo.namespace_id, self._stores.now()
                emit(tx, now, "repo.moved", moved, repo=None, namespace_id=left, actor=actor.username)
        return self.get(actor, there.place, final)

    def dependants(self, actor: Actor, namespace: str, name: str) -> Dependants:
        """What would break if the repo went away: the stages that its versions hold."""
        with self._stores.database.read() as tx:
            return self._dependants(tx, find_repo(tx, actor, namespace, name).repo)

    def delete(self, actor: Actor, namespace: str, name: str, *, force: bool = False) -> datetime:
        """Deletes a repo; it can be restored until the time that is returned.

        Args:
            actor: Needs to own it.
            namespace: Of the repo.
            name: Of the repo.
            force: Although something depends on it.

        Raises:
            Conflict: Something depends on it; the error names what.
        """
        now = self._stores.now()
        with self._stores.database.write() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.ADMINISTER).repo
            dependants = self._dependants(tx, repo)
            if dependants and not force:
                shown = ", ".join(f"{d['kind']} {d['name']}" for d in dependants[:5])
                raise Conflict(
                    f"{repo.full_name} is in use: {shown}. Unassign its stages first, or delete with force.",
                    code="has_dependants",
                    dependants=dependants,
                )
            repos.mark_deleted(tx, repo.id, actor.user_id, now)
            record(tx, actor, "repo.delete", str(repo.full_name), repo=repo, force=force)
            self._emit(tx, actor, "repo.deleted", repo)
        return now + self._rules.restore_within

    def restore(self, actor: Actor, namespace: str, name: str) -> RepoAccess:
        """Brings a deleted repo back. Only owners of its namespace may.

        Raises:
            NotFound: Nothing of that name was deleted lately.
            AlreadyExists: Another repo has the name now.
        """
        kind, owner = place_of(namespace)
        with self._stores.database.write() as tx:
            place = find_namespace(tx, actor, owner, Action.ADMINISTER).namespace
            repo = repos.deleted_by_name(tx, place.id, name, kind)
            if repo is None:
                raise NotFound(f"No repo '{namespace}/{name}' was deleted lately.", code="repo_not_found")
            repos.restore(tx, repo.id)
            record(tx, actor, "repo.restore", str(repo.full_name), repo=repo)
            self._emit(tx, actor, "repo.restored", repo)
        return self.get(actor, repo.place, name)

    def sweep(self) -> int:
        """Removes what a crash left behind on disk, for a hub that starts; gives its count."""
        return self._stores.repositories.break_locks() + self._stores.repositories.sweep()

    def purge_expired(self) -> RepoIds:
        """Removes for good what was deleted longer ago than it can be restored; gives the ids."""
        with self._stores.database.read() as tx:
            expired = repos.deleted_before(tx, self._stores.now() - self._rules.restore_within)
        for repo in expired:
            with self._stores.database.write() as tx:
                repos.purge_repo(tx, repo.id)
            self._stores.repositories.delete(repo.id)
        return [repo.id for repo in expired]

    def _create_bare(self, repo_id: str, branch: str) -> Path:
        self._stores.repositories.create(repo_id, branch)
        return self._stores.repositories.path(repo_id)

    def _commit_first(self, git_dir: Path, branch: str, start: FirstCommit) -> str:
        commit = git_commits.build_commit(
            git_dir,
            parent=None,
            changes=[git_commits.AddBlob(path, data) for path, data in start.files],
            author=start.author,
            committer=start.author,
            message=start.message,
        )
        refs.create_ref(git_dir, f"refs/heads/{branch}", commit)
        return commit

    def _emit(self, tx: Transaction, actor: Actor, kind: str, repo: Repo, **data: Json) -> None:
        emit(tx, self._stores.now(), kind, data, repo=repo, actor=actor.username)

    def _set_default_branch(self, repo: Repo, branch: str) -> None:
        git_dir = self._stores.repositories.path(repo.id)
        ref = f"refs/heads/{branch}"
        if not refs.is_valid_name(ref) or not refs.read_refs(git_dir, [ref]):
            raise NotFound(f"There is no branch '{branch}' in {repo.full_name}.", code="branch_not_found")
        self._stores.repositories.set_default_branch(repo.id, branch)

    def _dependants(self, tx: Transaction, repo: Repo) -> Dependants:
        return [
            {
                "kind": "stage",
                "name": f"{row.artifact}#{row.stage}",
                "version": row.version or row.commit[:12],
            }
            for row in registry.stages_of(tx, repo.id)
        ]


def _taken(namespace: str, name: str) -> AlreadyExists:
    return AlreadyExists(f"There is a repo '{namespace}/{name}' already.", code="repo_exists")


def _check_description(text: str) -> None:
    if len(text) > _LONGEST_DESCRIPTION or "\0" in text:
        raise InvalidInput(
            f"A description has at most {_LONGEST_DESCRIPTION} characters and no NUL.", code="invalid_text"
        )


def _labels(labels: Sequence[str]) -> tuple[str, ...]:
    if len(labels) > _MOST_LABELS:
        raise InvalidInput(f"A repo has at most {_MOST_LABELS} labels.", code="invalid_label")
    return tuple(sorted({parse_label(label) for label in labels}))
