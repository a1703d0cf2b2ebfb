"""Who may do what: roles, scopes, visibility and the one function that decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.names import RepoName, fold


class Role(IntEnum):
    """A role in an organisation or a repo; a greater one may do all that a smaller one may."""

    READER = 1
    CONTRIBUTOR = 2
    MAINTAINER = 3
    OWNER = 4

    @property
    def label(self) -> str:
        """The role in lower case, as people write it."""
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Role:
        """Reads a role by its label.

        Raises:
            InvalidInput: There is no such role.
        """
        for role in cls:
            if role.label == text.strip().lower():
                return role
        known = ", ".join(role.label for role in cls)
        raise InvalidInput(f"{text[:40]!r} is not a role; choose one of {known}.", code="invalid_role")


class Visibility(StrEnum):
    """Who reads a repo without being a member: nobody, every signed-in user of the hub, or anybody."""

    PRIVATE = "private"
    SHARED = "shared"
    PUBLIC = "public"

    @classmethod
    def parse(cls, text: str) -> Visibility:
        """Reads a visibility.

        Raises:
            InvalidInput: There is no such visibility.
        """
        try:
            return cls(text.strip().lower())
        except ValueError:
            known = ", ".join(cls)
            raise InvalidInput(
                f"{text[:40]!r} is not a visibility; choose one of {known}.", code="invalid_visibility"
            ) from None


class Scope(StrEnum):
    """What a token may be used for. ``write`` and ``promote`` include ``read``; ``admin`` includes all."""

    READ = "read"
    WRITE = "write"
    PROMOTE = "promote"
    ADMIN = "admin"

    @classmethod
    def parse(cls, text: str) -> Scope:
        """Reads a scope.

        Raises:
            InvalidInput: There is no such scope.
        """
        try:
            return cls(text.strip().lower())
        except ValueError:
            known = ", ".join(cls)
            raise InvalidInput(
                f"{text[:40]!r} is not a scope; choose from {known}.", code="invalid_scope"
            ) from None


ALL_SCOPES = frozenset(Scope)


class Action(StrEnum):
    """Everything that is asked of a repo or a namespace."""

    READ = "read"
    PROPOSE = "propose"
    """Open pull requests and discussions, and take part in them; ask for access."""
    WRITE = "write"
    """Push branches and plain tags, upload, lock."""
    CREATE_REPO = "create_repo"
    REGISTER = "register"
    """Create the tag of a version."""
    PROMOTE = "promote"
    """Assign and unassign a stage."""
    RETRACT = "retract"
    """Deregister, deprecate; move or delete a version's or a stage's tag."""
    OVERRIDE = "override"
    """Force-push to or delete a protected ref; break another's lock."""
    CONFIGURE = "configure"
    """Description, labels, default branch, protection rules."""
    ADMINISTER = "administer"
    """Visibility, members, rename, transfer, delete, restore; audit."""


_ROLE_NEEDED = {
    Action.READ: Role.READER,
    Action.PROPOSE: Role.READER,
    Action.WRITE: Role.CONTRIBUTOR,
    Action.CREATE_REPO: Role.CONTRIBUTOR,
    Action.REGISTER: Role.CONTRIBUTOR,
    Action.PROMOTE: Role.MAINTAINER,
    Action.RETRACT: Role.MAINTAINER,
    Action.OVERRIDE: Role.MAINTAINER,
    Action.CONFIGURE: Role.MAINTAINER,
    Action.ADMINISTER: Role.OWNER,
}

_SCOPES_ENOUGH = {
    Action.READ: frozenset(Scope),
    Action.PROPOSE: frozenset({Scope.WRITE, Scope.ADMIN}),
    Action.WRITE: frozenset({Scope.WRITE, Scope.ADMIN}),
    Action.CREATE_REPO: frozenset({Scope.WRITE, Scope.ADMIN}),
    Action.REGISTER: frozenset({Scope.WRITE, Scope.PROMOTE, Scope.ADMIN}),
    Action.PROMOTE: frozenset({Scope.PROMOTE, Scope.ADMIN}),
    Action.RETRACT: frozenset({Scope.PROMOTE, Scope.ADMIN}),
    Action.OVERRIDE: frozenset({Scope.WRITE, Scope.ADMIN}),
    Action.CONFIGURE: frozenset({Scope.ADMIN}),
    Action.ADMINISTER: frozenset({Scope.ADMIN}),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, with what in hand.

    Attributes:
        user_id: None for an anonymous actor.
        username: The user's name; ``anonymous`` without one.
        full_name: For Git signatures; may be empty.
        email: For Git signatures; may be empty.
        is_hub_admin: Owner everywhere.
        token_id: The token in use, None for a password or a local command.
        scopes: What the token allows; all without a token.
        limits: Folded ``namespace`` or ``namespace/repo`` names that the token is limited to; empty for no limit.
        address: Where the request came from, for the audit; empty for a local command.
        door: Which protocol or command the actor came through, for the audit.
    """

    user_id: int | None
    username: str
    full_name: str = ""
    email: str = ""
    is_hub_admin: bool = False
    token_id: int | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    limits: frozenset[str] = field(default_factory=frozenset)
    address: str = ""
    door: str = ""

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is signed in (commands on the hub's own machine act without a user, but not anonymously)."""
        return self.user_id is None and not self.is_hub_admin

    @property
    def is_local(self) -> bool:
        """Whether it is a command on the hub's own machine, which acts without a user."""
        return self.user_id is None and self.is_hub_admin

    def is_within_limits(self, name: RepoName | str) -> bool:
        """Whether the token reaches this repo or namespace. A token for one repo does not reach its namespace."""
        if not self.limits:
            return True
        folded = fold(str(name))
        return folded in self.limits or folded.partition("/")[0] in self.limits


def anonymous(address: str = "", door: str = "") -> Actor:
    """An actor without credentials."""
    return Actor(None, "anonymous", scopes=frozenset({Scope.READ}), address=address, door=door)


def role_needed(action: Action) -> Role:
    """The smallest role that may do ``action``."""
    return _ROLE_NEEDED[action]


def allows(role: Role | None, action: Action) -> bool:
    """Whether somebody with this role (None: no role at all) may do ``action``."""
    return role is not None and role >= _ROLE_NEEDED[action]


def scopes_allow(scopes: frozenset[Scope], action: Action) -> bool:
    """Whether a token with these scopes may be used for ``action``."""
    return not _SCOPES_ENOUGH[action].isdisjoint(scopes)


def effective_role(actor: Actor, granted: Role | None, visibility: Visibility) -> Role | None:
    """The role that ``actor`` has in a repo.

    Args:
        actor: Who asks; limits of the token must have been applied by the caller.
        granted: The greatest role from the namespace and the repo itself, None without one.
        visibility: The repo's.
    """
    if actor.is_hub_admin:
        return Role.OWNER
    if granted is not None:
        return granted
    if visibility is Visibility.PUBLIC or (visibility is Visibility.SHARED and not actor.is_anonymous):
        return Role.READER
    return None
