"""Which repos an actor may read, and what they may do there, as conditions of a query."""

from __future__ import annotations

from sqlalchemy import BindParameter, ColumnElement, Select, and_, false, or_, select, true

from modelkeep.db.tables import AccessRequests, Memberships, Namespaces, RepoMembers, Repos
from modelkeep.domain.access import Actor, Role, Visibility
from modelkeep.domain.gating import AccessStatus


def readable_condition(actor: Actor) -> ColumnElement[bool]:
    """That ``actor`` may read the repo in ``repos``; the query needs no other table. Never a deleted one.

    It says what :func:`modelkeep.domain.access.effective_role` says: hub administrators read all; owners of
    the namespace and members of it or of the repo read theirs; signed-in users the shared ones; everybody the
    public ones. Outside the limits of the actor's token only public repos are left.
    """
    is_public = Repos.visibility == str(Visibility.PUBLIC)
    if actor.user_id is None:
        allowed: ColumnElement[bool] = false()
    elif actor.is_hub_admin:
        allowed = true()
    else:
        allowed = or_(
            Repos.visibility == str(Visibility.SHARED),
            Repos.namespace_id == actor.user_id,
            _has_role(actor.user_id, Role.READER),
        )
    if actor.limits:
        allowed = and_(allowed, _within(actor.limits))
    return and_(Repos.deleted_at.is_(None), or_(is_public, allowed))


def content_condition(actor: Actor) -> ColumnElement[bool]:
    """That ``actor`` may read the content of the repo in ``repos`` too, which a gated one does not give to all."""
    if actor.user_id is None:
        return and_(readable_condition(actor), Repos.gated.is_(None))
    admitted: ColumnElement[bool] = true()
    if not actor.is_hub_admin:
        accepted = select(AccessRequests.repo_id).where(
            AccessRequests.user_id == actor.user_id, AccessRequests.status == str(AccessStatus.ACCEPTED)
        )
        admitted = or_(
            Repos.namespace_id == actor.user_id,
            _has_role(actor.user_id, Role.READER),
            Repos.id.in_(accepted),
        )
    if actor.limits:
        admitted = and_(admitted, _within(actor.limits))
    return and_(readable_condition(actor), or_(Repos.gated.is_(None), admitted))


def owned_condition(actor: Actor) -> ColumnElement[bool]:
    """That ``actor`` owns the repo in ``repos``, deleted or not, and the token reaches it."""
    if actor.user_id is None:
        return false()
    owned: ColumnElement[bool] = true()
    if not actor.is_hub_admin:
        owned = or_(Repos.namespace_id == actor.user_id, _has_role(actor.user_id, Role.OWNER))
    return and_(owned, _within(actor.limits)) if actor.limits else owned


def namespace_role(user_id: int | BindParameter[int | None] | None) -> Select[int]:
    """The role from the namespace of the repo in ``repos``, for use as a column."""
    return (
        select(Memberships.role)
        .where(Memberships.namespace_id == Repos.namespace_id, Memberships.user_id == user_id)
        .correlate(Repos)
    )


def repo_role(user_id: int | BindParameter[int | None] | None) -> Select[int]:
    """The role in the repo in ``repos`` itself, for use as a column."""
    return (
        select(RepoMembers.role)
        .where(RepoMembers.repo_id == Repos.id, RepoMembers.user_id == user_id)
        .correlate(Repos)
    )


def greatest_role(*roles: int | None) -> Role | None:
    """The greatest of some roles as they are stored, None without any."""
    return Role(max(found)) if (found := [role for role in roles if role is not None]) else None


def _has_role(user_id: int, least: Role) -> ColumnElement[bool]:
    """A membership of at least this role, in the namespace or the repo; each list is read but once."""
    of_namespaces = select(Memberships.namespace_id).where(
        Memberships.user_id == user_id, Memberships.role >= int(least)
    )
    of_repos = select(RepoMembers.repo_id).where(
        RepoMembers.user_id == user_id, RepoMembers.role >= int(least)
    )
    return or_(Repos.namespace_id.in_(of_namespaces), Repos.id.in_(of_repos))


def _within(limits: frozenset[str]) -> ColumnElement[bool]:
    """That a token with these limits reaches the repo, as :meth:`Actor.is_within_limits` says it."""
    whole = sorted(name for name in limits if "/" not in name)
    single = [name.split("/", 1) for name in sorted(limits) if "/" in name]
    conditions: list[ColumnElement[bool]] = []
    if whole:
        conditions.append(
            Repos.namespace_id.in_(select(Namespaces.id).where(Namespaces.name_folded.in_(whole)))
        )
    for namespace, name in single:
        of_name = select(Namespaces.id).where(Namespaces.name_folded == namespace)
        conditions.append(and_(Repos.namespace_id.in_(of_name), Repos.name_folded == name))
    return or_(false(), *conditions)
