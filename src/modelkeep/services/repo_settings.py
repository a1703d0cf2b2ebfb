"""Who belongs to a single repo, and which of its refs are protected."""

from __future__ import annotations

from modelkeep.db import accounts, protections, repos
from modelkeep.domain.access import Action, Actor, Role
from modelkeep.domain.accounts import Member
from modelkeep.domain.errors import InvalidInput, NotFound
from modelkeep.domain.repos import Protection
from modelkeep.services.access import find_repo
from modelkeep.services.audit import record
from modelkeep.services.ports import Stores

_LONGEST_PATTERN = 200
_MOST_RULES = 100


class RepoMembers:
    """Roles in a single repo, beside those from its organisation."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def list(self, actor: Actor, namespace: str, name: str) -> list[Member]:
        """The members of a repo, for those who may configure it."""
        with self._stores.database.read() as tx:
            return repos.members(tx, find_repo(tx, actor, namespace, name, Action.CONFIGURE).repo.id)

    def set(self, actor: Actor, namespace: str, name: str, username: str, role: Role) -> None:
        """Gives somebody a role in a repo. Only owners may.

        Raises:
            NotFound: There is no such user.
        """
        with self._stores.database.write() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.ADMINISTER).repo
            user = accounts.user_by_name(tx, username)
            if user is None:
                raise NotFound(f"There is no user '{username}'.", code="user_not_found")
            repos.set_member(tx, repo.id, user.id, role)
            record(tx, actor, "member.set", f"{repo.full_name} {user.name}", repo=repo, role=role.label)

    def remove(self, actor: Actor, namespace: str, name: str, username: str) -> None:
        """Takes somebody's role in a repo away. Only owners may.

        Raises:
            NotFound: There is no such member.
        """
        with self._stores.database.write() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.ADMINISTER).repo
            user = accounts.user_by_name(tx, username)
            if user is None or not repos.remove_member(tx, repo.id, user.id):
                raise NotFound(f"'{username}' is no member of {repo.full_name}.", code="member_not_found")
            record(tx, actor, "member.remove", f"{repo.full_name} {user.name}", repo=repo)


class Protections:
    """Rules for branches and tags."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def list(self, actor: Actor, namespace: str, name: str) -> list[Protection]:
        """The rules of a repo; the default branch is protected also without one."""
        with self._stores.database.read() as tx:
            return protections.protections_of(tx, find_repo(tx, actor, namespace, name).repo.id)

    def add(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        *,
        is_tag: bool,
        pattern: str,
        push_role: Role,
        allows_force: bool = False,
        allows_delete: bool = False,
    ) -> Protection:
        """Adds a rule. A rule for exactly the default branch replaces its built-in protection.

        Raises:
            InvalidInput: The pattern is empty, too long or holds control characters, or there are 100 rules.
        """
        if not 0 < len(pattern) <= _LONGEST_PATTERN or any(ord(c) < 33 for c in pattern):
            raise InvalidInput(
                f"A pattern has 1 to {_LONGEST_PATTERN} characters and no blanks, such as 'release/*'.",
                code="invalid_pattern",
            )
        with self._stores.database.write() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.CONFIGURE).repo
            if len(protections.protections_of(tx, repo.id)) >= _MOST_RULES:
                raise InvalidInput(f"A repo has at most {_MOST_RULES} rules.", code="too_many_rules")
            rule = protections.add_protection(
                tx, repo.id, Protection(0, is_tag, pattern, push_role, allows_force, allows_delete)
            )
            record(
                tx,
                actor,
                "protection.add",
                f"{repo.full_name} {pattern}",
                repo=repo,
                is_tag=is_tag,
                push_role=push_role.label,
                allows_force=allows_force,
                allows_delete=allows_delete,
            )
        return rule

    def remove(self, actor: Actor, namespace: str, name: str, rule_id: int) -> None:
        """Removes a rule.

        Raises:
            NotFound: The repo has no such rule.
        """
        with self._stores.database.write() as tx:
            repo = find_repo(tx, actor, namespace, name, Action.CONFIGURE).repo
            if not protections.remove_protection(tx, repo.id, rule_id):
                raise NotFound(f"There is no rule {rule_id} in {repo.full_name}.", code="rule_not_found")
            record(tx, actor, "protection.remove", f"{repo.full_name} {rule_id}", repo=repo)
