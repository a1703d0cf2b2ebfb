"""The one place where permission is decided: every service asks here before it touches a repo or a namespace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelkeep.db import access_requests, accounts, namespaces, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import (
    Action,
    Actor,
    Role,
    Visibility,
    allows,
    effective_role,
    role_needed,
    scopes_allow,
)
from modelkeep.domain.accounts import Namespace
from modelkeep.domain.errors import ModelkeepError, NotFound, NotPermitted, Unauthenticated
from modelkeep.domain.repos import Repo, place_of


@dataclass(frozen=True, slots=True)
class RepoAccess:
    """A repo that an actor may read, with the role that decides the rest.

    ``is_admitted`` says whether the content is for this actor too where the repo is gated.
    """

    actor: Actor
    repo: Repo
    role: Role
    is_admitted: bool = False

    def may(self, action: Action) -> bool:
        """Whether role and token allow ``action``."""
        return allows(self.role, action) and scopes_allow(self.actor.scopes, action)

    def require(self, action: Action) -> None:
        """Lets ``action`` pass, or raises.

        Raises:
            Unauthenticated: Nobody is signed in, and ``action`` needs somebody.
            NotPermitted: The role or the token does not allow it.
        """
        error = self.refusal(action)
        if error is not None:
            raise error

    def require_scope(self, action: Action) -> None:
        """Lets somebody pass whose token (if one is in use) is for ``action``, whatever the role: a policy decides.

        Raises:
            Unauthenticated: Nobody is signed in.
            NotPermitted: The token does not allow it.
        """
        if self.actor.is_anonymous:
            raise _sign_in()
        if not scopes_allow(self.actor.scopes, action):
            raise _scope_missing(action, f"the repo {self.repo.full_name}")

    @property
    def may_read_content(self) -> bool:
        """Whether files, and whatever shows what is in them, may leave the hub for this actor."""
        return self.is_admitted or self.repo.gated is None

    def require_content(self) -> None:
        """Lets content leave the hub, or raises. Everything that gives out files asks this first.

        Raises:
            Unauthenticated: The repo is gated, and nobody is signed in.
            NotPermitted: The repo is gated, and this actor was not let in.
        """
        if self.may_read_content:
            return
        restricted = f"Access to {self.repo.kind} {self.repo.full_name} is restricted"
        if self.actor.is_anonymous:
            raise Unauthenticated(f"{restricted}: it is gated. Sign in, and ask for it.", code="gated_repo")
        raise NotPermitted(
            f"{restricted} and you are not in the authorized list: it is gated. Ask for it with "
            f"'modelkeep repo access ask {self.repo.address}'; a token must also reach this repo.",
            code="gated_repo",
        )

    def refusal(self, action: Action) -> ModelkeepError | None:
        """Why ``action`` is not allowed; None where it is."""
        if self.may(action):
            return None
        return _refusal(self.actor, self.role, action, f"the repo {self.repo.full_name}")


@dataclass(frozen=True, slots=True)
class NamespaceAccess:
    """A namespace with the role that an actor has in it (None: no member)."""

    actor: Actor
    namespace: Namespace
    role: Role | None

    def require(self, action: Action) -> None:
        """Lets ``action`` pass, or raises.

        Raises:
            Unauthenticated: Nobody is signed in.
            NotPermitted: The role or the token does not allow ``action``.
        """
        if not (allows(self.role, action) and scopes_allow(self.actor.scopes, action)):
            raise _refusal(self.actor, self.role, action, f"'{self.namespace.name}'")


def find_repo(
    tx: Transaction,
    actor: Actor,
    namespace: str,
    name: str,
    action: Action = Action.READ,
) -> RepoAccess:
    """Finds a repo by its present or a former name, for an actor who wants to do ``action`` to it.

    ``namespace`` is read by :func:`modelkeep.domain.repos.place_of`: ``datasets/acme`` means a dataset.

    Raises:
        Unauthenticated: Nobody is signed in and the repo is not public, or does not exist, or the action needs
            somebody.
        NotFound: It does not exist, or this actor may not know that it does.
        NotPermitted: The actor may read it but not do ``action``.
    """
    kind, owner = place_of(namespace)
    found = repos.repo_with_role(tx, owner, name, kind, actor.user_id)
    access = None if found is None else _access(tx, actor, *found)
    if access is None:
        raise _hidden(
            actor, f"There is no repo '{namespace}/{name}', or you may not see it.", "repo_not_found"
        )
    access.require(action)
    return access


def find_repo_by_id(tx: Transaction, actor: Actor, repo_id: str, action: Action = Action.READ) -> RepoAccess:
    """Like :func:`find_repo`, for a repo known by its id (from a signed URL)."""
    repo = repos.repo_by_id(tx, repo_id)
    access = None
    if repo is not None and repo.deleted_at is None:
        granted = None if actor.user_id is None else repos.granted_role(tx, repo, actor.user_id)
        access = _access(tx, actor, repo, granted)
    if access is None:
        raise _hidden(actor, "There is no such repo, or you may not see it.", "repo_not_found")
    access.require(action)
    return access


def role_of(tx: Transaction, repo: Repo, user_id: int) -> Role | None:
    """The role that another user has in a repo now; None for a stranger or a shut account."""
    user = accounts.user_by_id(tx, user_id)
    if user is None or user.is_disabled:
        return None
    actor = Actor(user.id, user.name, is_hub_admin=user.is_hub_admin)
    return effective_role(actor, repos.granted_role(tx, repo, user.id), repo.visibility)


def roles_in(tx: Transaction, actor: Actor, found: Sequence[Repo]) -> dict[str, Role]:
    """The actor's role in each of these repos, by id; those that the actor may not read are left out."""
    granted = repos.granted_roles(tx, [repo.id for repo in found], actor.user_id)
    roles = ((repo.id, _role(actor, repo, granted.get(repo.id))) for repo in found)
    return {repo_id: role for repo_id, role in roles if role is not None}


def find_namespace(tx: Transaction, actor: Actor, name: str, action: Action | None = None) -> NamespaceAccess:
    """Finds a user, or an organisation that the actor belongs to.

    Raises:
        Unauthenticated: Nobody is signed in.
        NotFound: There is none of that name, or it is an organisation of others.
        NotPermitted: The actor may not do ``action`` there.
    """
    if actor.is_anonymous:
        raise _sign_in()
    namespace = namespaces.namespace_by_name(tx, name)
    if namespace is None:
        raise _no_namespace(name)
    role: Role | None = None
    if actor.is_within_limits(namespace.name):
        if actor.is_hub_admin or namespace.id == actor.user_id:
            role = Role.OWNER
        elif actor.user_id is not None:
            role = namespaces.member_role(tx, namespace.id, actor.user_id)
    if namespace.is_organisation and role is None:
        # A tenant is nobody's business but its members'.
        raise _no_namespace(name)
    access = NamespaceAccess(actor, namespace, role)
    if action is not None:
        access.require(action)
    return access


def require_signed_in(actor: Actor) -> None:
    """Lets everybody pass who is signed in.

    Raises:
        Unauthenticated: Nobody is signed in.
    """
    if actor.is_anonymous:
        raise _sign_in()


def require_hub_admin(actor: Actor) -> None:
    """Lets an administrator of the hub pass, or raises.

    Raises:
        Unauthenticated: Nobody is signed in.
        NotPermitted: The actor is no administrator, or uses a token without scope ``admin`` or with limits.
    """
    if actor.is_anonymous:
        raise _sign_in()
    if not actor.is_hub_admin or not scopes_allow(actor.scopes, Action.ADMINISTER) or actor.limits:
        raise NotPermitted(
            "Only an administrator of this hub may do this (a token needs scope admin and no limits).",
            code="admin_needed",
        )


def _access(tx: Transaction, actor: Actor, repo: Repo, granted: Role | None) -> RepoAccess | None:
    role = _role(actor, repo, granted)
    if role is None:
        return None
    return RepoAccess(actor, repo, role, _is_admitted(tx, actor, repo, granted))


def _role(actor: Actor, repo: Repo, granted: Role | None) -> Role | None:
    if not scopes_allow(actor.scopes, Action.READ):
        return None
    if not actor.is_within_limits(repo.full_name):
        # Outside its limits a token opens no more than what anybody may read.
        return Role.READER if repo.visibility is Visibility.PUBLIC else None
    return effective_role(actor, granted, repo.visibility)


def _is_admitted(tx: Transaction, actor: Actor, repo: Repo, granted: Role | None) -> bool:
    """Whether the content of a gated repo is for them; :func:`modelkeep.db.reading.content_condition` says the same."""
    if repo.gated is None:
        return True
    if not actor.is_within_limits(repo.full_name):
        return False
    if granted is not None or actor.is_hub_admin:
        return True
    return actor.user_id is not None and access_requests.is_accepted(tx, repo.id, actor.user_id)


def _hidden(actor: Actor, message: str, code: str) -> ModelkeepError:
    return _sign_in() if actor.is_anonymous else NotFound(message, code=code)


def _no_namespace(name: str) -> NotFound:
    return NotFound(
        f"There is no user or organisation '{name}', or you do not belong to it.", code="namespace_not_found"
    )


def _sign_in() -> Unauthenticated:
    return Unauthenticated("Sign in first: send a token (or user name and password).", code="unauthenticated")


def _refusal(actor: Actor, role: Role | None, action: Action, what: str) -> ModelkeepError:
    if actor.is_anonymous:
        return _sign_in()
    verb = action.value.replace("_", " ")
    if allows(role, action):
        return _scope_missing(action, what)
    have = f"you are {role.label}" if role is not None else "you are no member"
    return NotPermitted(
        f"'{verb}' on {what} needs the role {role_needed(action).label}; {have}.",
        code="role_missing",
        action=action.value,
        role_needed=role_needed(action).label,
    )


def _scope_missing(action: Action, what: str) -> NotPermitted:
    return NotPermitted(
        f"This token does not allow '{action.value.replace('_', ' ')}' on {what}; use one with another scope.",
        code="scope_missing",
        action=action.value,
    )
