"""Repos: what they are called, who owns them, and their life from creation to purge."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    Text,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from modelkeep.db.names import namespace_ids
from modelkeep.db.reading import greatest_role, namespace_role, repo_role
from modelkeep.db.repo_lists import Sort as Sort
from modelkeep.db.repo_lists import list_repos as list_repos
from modelkeep.db.repo_members import members as members
from modelkeep.db.repo_members import remove_member as remove_member
from modelkeep.db.repo_members import set_member as set_member
from modelkeep.db.repo_rows import repo_columns, repo_of
from modelkeep.db.tables import Namespaces, RepoAliases, RepoCounts, RepoLabels, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Role, Visibility
from modelkeep.domain.digest import EMPTY
from modelkeep.domain.errors import AlreadyExists, NotFound
from modelkeep.domain.gating import Gating
from modelkeep.domain.names import fold
from modelkeep.domain.repos import Repo, RepoKind


class RepoChanges(TypedDict, total=False):
    """What of a repo can be changed, by name."""

    description: str
    visibility: Visibility
    default_branch: str
    updated_at: datetime
    pristine_commit: str | None
    strict_tags: bool
    gated: Gating | None


def create_repo(
    tx: Transaction,
    *,
    repo_id: str,
    namespace_id: int,
    name: str,
    kind: RepoKind,
    description: str,
    visibility: Visibility,
    default_branch: str,
    labels: Iterable[str] = (),
    pristine_commit: str | None = None,
    now: datetime,
) -> Repo:
    """Adds a repo without refs. Another repo's old name that is the same leads there no more.

    Args:
        tx: The transaction.
        repo_id: 32 hexadecimal characters, never used before.
        namespace_id: Whose it is.
        name: As it was written.
        kind: What it holds.
        description: May be empty.
        visibility: Who reads it.
        default_branch: A branch's short name; it need not exist.
        labels: Folded and checked.
        pristine_commit: The commit that the hub made at creation.
        now: The time.

    Raises:
        AlreadyExists: The namespace has a repo of this name and kind (case does not count).
        Conflict: There is no such namespace.
    """
    with tx.unique(_taken(name)):
        tx.execute(
            insert(Repos).values(
                id=repo_id,
                namespace_id=namespace_id,
                kind=str(kind),
                name=name,
                name_folded=fold(name),
                sort_name=_sort_name(namespace_id, name),
                description=description,
                visibility=str(visibility),
                default_branch=default_branch,
                pristine_commit=pristine_commit,
                refs_digest=EMPTY,
                created_at=now,
                updated_at=now,
            )
        )
    tx.execute(insert(RepoCounts).values(repo_id=repo_id, recent_downloads=0, all_downloads=0))
    _drop_alias(tx, namespace_id, kind, name)
    set_labels(tx, repo_id, labels)
    return _required(repo_by_id(tx, repo_id))


def repo_by_id(tx: Transaction, repo_id: str) -> Repo | None:
    """The repo of this id, deleted or not."""
    row = tx.execute(_BY_ID, {"repo_id": repo_id}).first()
    return repo_of(row) if row is not None else None


def default_branch_of(tx: Transaction, repo_id: str) -> str:
    """The short name of a repo's default branch; empty where there is no such repo."""
    return str(tx.execute(_DEFAULT_BRANCH, {"repo_id": repo_id}).scalar() or "")


def repo_by_name(
    tx: Transaction, namespace: str, name: str, kind: RepoKind, *, follow_aliases: bool = True
) -> Repo | None:
    """The repo of this name, whatever its case, or the one that had it before; never a deleted one."""
    sought = {"namespace": fold(namespace), "name": fold(name), "kind": str(kind)}
    for statement in _BY_NAME if follow_aliases else _BY_NAME[:1]:
        row = tx.execute(statement, sought).first()
        if row is not None:
            return repo_of(row)
    return None


def repo_by_name_of_any_kind(tx: Transaction, namespace: str, name: str) -> Repo | None:
    """The model repo of this name, else the repo of another kind; old names count too."""
    found = (repo_by_name(tx, namespace, name, kind) for kind in RepoKind)
    return next((repo for repo in found if repo is not None), None)


def deleted_by_name(tx: Transaction, namespace_id: int, name: str, kind: RepoKind) -> Repo | None:
    """The repo that was deleted last under this name, while it can be restored."""
    row = tx.first(
        repo_columns()
        .where(
            Repos.namespace_id == namespace_id,
            Repos.kind == str(kind),
            Repos.name_folded == fold(name),
            Repos.deleted_at.is_not(None),
        )
        .order_by(Repos.deleted_at.desc(), Repos.id)
    )
    return repo_of(row) if row is not None else None


def repo_with_role(
    tx: Transaction,
    namespace: str,
    name: str,
    kind: RepoKind,
    user_id: int | None,
    *,
    follow_aliases: bool = True,
) -> tuple[Repo, Role | None] | None:
    """Like :func:`repo_by_name`, with what :func:`granted_role` says, in one query (two for an old name)."""
    sought = {"namespace": fold(namespace), "name": fold(name), "kind": str(kind), "user_id": user_id}
    for statement in _WITH_ROLES_BY_NAME if follow_aliases else _WITH_ROLES_BY_NAME[:1]:
        row = tx.execute(statement, sought).first()
        if row is not None:
            own = int(Role.OWNER) if row.namespace_id == user_id else None
            return repo_of(row), greatest_role(own, row.namespace_role, row.repo_role)
    return None


def granted_role(tx: Transaction, repo: Repo, user_id: int | None) -> Role | None:
    """The greatest role that a user was given in a repo or its namespace; owner in one's own namespace."""
    if user_id is None:
        return None
    if repo.namespace_id == user_id:
        return Role.OWNER
    row = tx.execute(_ROLES_BY_ID, {"repo_id": repo.id, "user_id": user_id}).first()
    return greatest_role(row.namespace_role, row.repo_role) if row is not None else None


def granted_roles(tx: Transaction, repo_ids: Collection[str], user_id: int | None) -> dict[str, Role]:
    """What :func:`granted_role` says of each of these repos, in one query; those without a role are left out."""
    if user_id is None or not repo_ids:
        return {}
    rows = tx.execute(
        _with_roles(select(Repos.id, Repos.namespace_id), user_id).where(Repos.id.in_(list(repo_ids)))
    )
    found = {
        row.id: greatest_role(
            int(Role.OWNER) if row.namespace_id == user_id else None, row.namespace_role, row.repo_role
        )
        for row in rows
    }
    return {repo_id: role for repo_id, role in found.items() if role is not None}


def update_repo(tx: Transaction, repo_id: str, **changed: Unpack[RepoChanges]) -> Repo:
    """Changes what is named, nothing else.

    Raises:
        NotFound: There is no such repo.
    """
    values: dict[str, Any] = dict(changed)
    if "visibility" in changed:
        values["visibility"] = str(changed["visibility"])
    if "gated" in changed:
        values["gated"] = changed["gated"] and str(changed["gated"])
    if values:
        _update(tx, repo_id, **values)
    return _required(repo_by_id(tx, repo_id))


def set_labels(tx: Transaction, repo_id: str, labels: Iterable[str]) -> None:
    """Gives a repo exactly these labels."""
    tx.execute(delete(RepoLabels).where(RepoLabels.repo_id == repo_id))
    rows = [{"repo_id": repo_id, "label": label} for label in sorted(set(labels))]
    if rows:
        tx.execute(insert(RepoLabels), rows)


def set_pristine(tx: Transaction, repo_id: str, commit: str | None) -> None:
    """Notes which commit the hub made at creation, or (None) that somebody has pushed since.

    Raises:
        NotFound: There is no such repo.
    """
    _update(tx, repo_id, pristine_commit=commit)


def rename_or_move(tx: Transaction, repo_id: str, namespace_id: int, name: str) -> Repo:
    """Gives a repo another name, another namespace or both; the old name leads to it until it is taken.

    Raises:
        AlreadyExists: The namespace has a repo of this name and kind.
        Conflict: There is no such namespace.
        NotFound: There is no such repo.
    """
    before = _required(repo_by_id(tx, repo_id))
    with tx.unique(_taken(name)):
        named = {"name": name, "name_folded": fold(name), "sort_name": _sort_name(namespace_id, name)}
        _update(tx, repo_id, namespace_id=namespace_id, **named)
    _drop_alias(tx, namespace_id, before.kind, name)
    if (before.namespace_id, fold(before.name)) != (namespace_id, fold(name)):
        alias = tx.insert(RepoAliases).values(
            namespace_id=before.namespace_id,
            kind=str(before.kind),
            name_folded=fold(before.name),
            repo_id=repo_id,
        )
        tx.execute(
            alias.on_conflict_do_update(
                index_elements=["namespace_id", "kind", "name_folded"],
                set_={"repo_id": alias.excluded.repo_id},
            )
        )
    return _required(repo_by_id(tx, repo_id))


def mark_deleted(tx: Transaction, repo_id: str, user_id: int | None, now: datetime) -> Repo:
    """Deletes a repo so that it can be restored; its name is free at once.

    Raises:
        NotFound: There is no such repo, or it is deleted already.
    """
    statement = update(Repos).where(Repos.id == repo_id, Repos.deleted_at.is_(None))
    if tx.execute(statement.values(deleted_at=now, deleted_by=user_id)).rowcount == 0:
        raise _no_repo()
    return _required(repo_by_id(tx, repo_id))


def restore(tx: Transaction, repo_id: str) -> Repo:
    """Brings a deleted repo back under its name. One that is not deleted stays as it is.

    Raises:
        AlreadyExists: Another repo has taken the name.
        NotFound: There is no such repo.
    """
    before = _required(repo_by_id(tx, repo_id))
    if before.deleted_at is None:
        return before
    with tx.unique(_taken(before.name)):
        _update(tx, repo_id, deleted_at=None, deleted_by=None)
    _drop_alias(tx, before.namespace_id, before.kind, before.name)
    return _required(repo_by_id(tx, repo_id))


def purge_repo(tx: Transaction, repo_id: str) -> None:
    """Removes everything that is known about a repo but the audit log; its files and blobs are others' work.

    Raises:
        NotFound: There is no such repo.
    """
    if tx.execute(delete(Repos).where(Repos.id == repo_id)).rowcount == 0:
        raise _no_repo()


def deleted_before(tx: Transaction, time: datetime) -> list[Repo]:
    """Repos that were deleted before this time, the oldest first."""
    rows = tx.execute(repo_columns().where(Repos.deleted_at < time).order_by(Repos.deleted_at))
    return [repo_of(row) for row in rows]


def all_repo_ids(tx: Transaction) -> list[tuple[str, bytes]]:
    """The id and the digest of the indexed refs of every repo, deleted ones included."""
    rows = tx.execute(select(Repos.id, Repos.refs_digest).order_by(Repos.id))
    return [(row.id, row.refs_digest) for row in rows]


def _conditions() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The conditions to try in turn: the name as it is now, then old names of the namespace or the repo."""
    namespace, name, kind = (bindparam(key, type_=Text) for key in ("namespace", "name", "kind"))
    is_named = and_(Repos.kind == kind, Repos.name_folded == name, Repos.deleted_at.is_(None))
    present = and_(Repos.namespace_id == _one(namespace_ids(namespace, follow_aliases=False)), is_named)
    namespace_id = _one(namespace_ids(namespace, follow_aliases=True))
    of_old_name = select(RepoAliases.repo_id).where(
        RepoAliases.namespace_id == namespace_id, RepoAliases.kind == kind, RepoAliases.name_folded == name
    )
    moved = and_(Repos.id == _one(of_old_name), Repos.deleted_at.is_(None))
    renamed = and_(Repos.namespace_id == namespace_id, is_named)
    return present, or_(renamed, moved)


def _one(query: Select[Any]) -> ScalarSelect[Any]:
    return query.scalar_subquery()


def _with_roles(
    statement: Select[*tuple[Any, ...]], user_id: int | BindParameter[int | None] | None
) -> Select[*tuple[Any, ...]]:
    return statement.add_columns(
        namespace_role(user_id).scalar_subquery().label("namespace_role"),
        repo_role(user_id).scalar_subquery().label("repo_role"),
    )


# Made once: nearly every request asks one of these, and making a statement takes longer than running it.
_BY_ID = repo_columns().where(Repos.id == bindparam("repo_id"))
_DEFAULT_BRANCH = select(Repos.default_branch).where(Repos.id == bindparam("repo_id"))
_BY_NAME = tuple(repo_columns().where(condition) for condition in _conditions())
_WITH_ROLES_BY_NAME = tuple(
    _with_roles(repo_columns(), bindparam("user_id")).where(condition) for condition in _conditions()
)
_ROLES_BY_ID = _with_roles(select(Repos.id), bindparam("user_id")).where(Repos.id == bindparam("repo_id"))


def _sort_name(namespace_id: int, name: str) -> ColumnElement[str]:
    """What lists of repos sort by; anything where there is no such namespace, which the foreign key refuses."""
    namespace = select(Namespaces.name_folded).where(Namespaces.id == namespace_id).scalar_subquery()
    return func.coalesce(namespace, "") + literal(f" {fold(name)}")


def _drop_alias(tx: Transaction, namespace_id: int, kind: RepoKind, name: str) -> None:
    tx.execute(
        delete(RepoAliases).where(
            RepoAliases.namespace_id == namespace_id,
            RepoAliases.kind == str(kind),
            RepoAliases.name_folded == fold(name),
        )
    )


def _update(tx: Transaction, repo_id: str, **values: Any) -> None:
    if tx.execute(update(Repos).where(Repos.id == repo_id).values(**values)).rowcount == 0:
        raise _no_repo()


def _required(repo: Repo | None) -> Repo:
    if repo is None:
        raise _no_repo()
    return repo


def _taken(name: str) -> AlreadyExists:
    return AlreadyExists(f"There is a repo named '{name}' already.", code="repo_exists", name=name)


def _no_repo() -> NotFound:
    return NotFound("There is no such repo.", code="repo_not_found")
