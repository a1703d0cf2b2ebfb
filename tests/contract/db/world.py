"""Makes users, organisations and repos in a few words, for the tests of the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelkeep.db import accounts, namespaces, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, Role, Visibility
from modelkeep.domain.accounts import Namespace, User
from modelkeep.domain.repos import Repo, RepoKind


def repo_id(number: int) -> str:
    """An id that nobody else uses."""
    return f"{number:032x}"


def actor_of(user: User, limits: tuple[str, ...] = ()) -> Actor:
    """The user, with a token limited so."""
    return Actor(user.id, user.name, is_hub_admin=user.is_hub_admin, limits=frozenset(limits))


@dataclass
class World:
    """A hub under construction."""

    tx: Transaction
    now: datetime
    _repos: int = 0

    def user(self, name: str, *, is_hub_admin: bool = False) -> User:
        return accounts.create_user(
            self.tx,
            name=name,
            full_name=f"{name} Full",
            email=f"{name}@example.org",
            password_hash=None,
            is_hub_admin=is_hub_admin,
            now=self.now,
        )

    def organisation(self, name: str, **roles: Role) -> Namespace:
        """``roles`` are by the names of users that exist."""
        made = namespaces.create_organisation(
            self.tx,
            name=name,
            full_name=f"{name} Inc",
            default_visibility=Visibility.PRIVATE,
            created_by=None,
            now=self.now,
        )
        for username, role in roles.items():
            user = accounts.user_by_name(self.tx, username)
            assert user is not None
            namespaces.set_member(self.tx, made.id, user.id, role)
        return made

    def repo(
        self,
        owner: Namespace | User,
        name: str,
        visibility: Visibility = Visibility.PRIVATE,
        *,
        kind: RepoKind = RepoKind.MODEL,
        description: str = "",
        labels: tuple[str, ...] = (),
        now: datetime | None = None,
    ) -> Repo:
        self._repos += 1
        return repos.create_repo(
            self.tx,
            repo_id=repo_id(self._repos),
            namespace_id=owner.id,
            name=name,
            kind=kind,
            description=description,
            visibility=visibility,
            default_branch="main",
            labels=labels,
            now=now or self.now,
        )
