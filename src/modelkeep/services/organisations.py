"""Organisations (tenants) and their members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from modelkeep.db import accounts, namespaces, repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Action, Actor, Role, Visibility, scopes_allow
from modelkeep.domain.accounts import Member, Namespace
from modelkeep.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted
from modelkeep.domain.names import parse_namespace
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.services.access import NamespaceAccess, find_namespace, require_hub_admin
from modelkeep.services.audit import record
from modelkeep.services.ports import Rules, Stores

_LONGEST_FULL_NAME = 200


class Organisations:
    """The organisations of the hub."""

    def __init__(self, stores: Stores, rules: Rules) -> None:
        self._stores = stores
        self._rules = rules

    def create(
        self,
        actor: Actor,
        name: str,
        *,
        full_name: str = "",
        default_visibility: Visibility | None = None,
        members: Sequence[tuple[str, Role]] = (),
    ) -> Namespace:
        """Makes an organisation; the actor becomes an owner (commands on the hub's machine name the members).

        Raises:
            AlreadyExists: A user or an organisation has the name.
            NotFound: A member is no user.
            NotPermitted: This hub lets only administrators make organisations, or the token lacks scope ``admin``.
        """
        parse_namespace(name)
        _check_full_name(full_name)
        if self._rules.admins_create_organisations or actor.is_anonymous:
            require_hub_admin(actor)
        elif actor.limits or not scopes_allow(actor.scopes, Action.ADMINISTER):
            raise NotPermitted("Making an organisation needs a token with scope admin.", code="scope_missing")
        with self._stores.database.write() as tx:
            made = namespaces.create_organisation(
                tx,
                name=name,
                full_name=full_name,
                default_visibility=default_visibility or Visibility.parse(self._rules.default_visibility),
                created_by=actor.user_id,
                now=self._stores.now(),
            )
            if actor.user_id is not None:
                namespaces.set_member(tx, made.id, actor.user_id, Role.OWNER)
            for username, role in members:
                user = accounts.user_by_name(tx, username)
                if user is None:
                    raise NotFound(f"There is no user '{username}'.", code="user_not_found")
                if user.id != actor.user_id:
                    namespaces.set_member(tx, made.id, user.id, role)
            record(tx, actor, "org.create", name, namespace_id=made.id)
        return made

    def get(self, actor: Actor, name: str) -> NamespaceAccess:
        """An organisation (or a user's namespace), with the actor's role in it.

        Raises:
            NotFound: There is none of that name.
        """
        with self._stores.database.read() as tx:
            return find_namespace(tx, actor, name)

    def list(self, actor: Actor, page: PageRequest, query: str | None = None) -> Page[Namespace]:
        """The organisations that the actor belongs to; all of them for an administrator."""
        with self._stores.database.read() as tx:
            if actor.is_anonymous:
                return Page(())
            user_id = None if actor.is_hub_admin else actor.user_id
            found = namespaces.list_organisations(tx, page, query, user_id=user_id)
        return replace(found, items=tuple(one for one in found.items if actor.is_within_limits(one.name)))

    def memberships(self, actor: Actor) -> Sequence[tuple[Namespace, Role]]:
        """The organisations that the actor belongs to (and the token reaches), with the role in each, by name."""
        if actor.user_id is None:
            return ()
        with self._stores.database.read() as tx:
            found = namespaces.memberships_of(tx, actor.user_id)
        return [(place, role) for place, role in found if actor.is_within_limits(place.name)]

    def update(
        self,
        actor: Actor,
        name: str,
        *,
        full_name: str | None = None,
        default_visibility: Visibility | None = None,
    ) -> NamespaceAccess:
        """Changes an organisation. Only owners may.

        Raises:
            InvalidInput: It is a user, or the full name will not do.
        """
        _check_full_name(full_name or "")
        with self._stores.database.write() as tx:
            found = find_namespace(tx, actor, name, Action.ADMINISTER)
            if not found.namespace.is_organisation:
                raise InvalidInput(f"'{name}' is a user, not an organisation.", code="not_an_organisation")
            namespaces.update_namespace(
                tx, found.namespace.id, full_name=full_name, default_visibility=default_visibility
            )
            record(tx, actor, "org.update", found.namespace.name, namespace_id=found.namespace.id)
        return self.get(actor, name)

    def delete(self, actor: Actor, name: str) -> None:
        """Deletes an organisation without repos. Only owners may.

        Raises:
            Conflict: It still has repos (also deleted ones that can be restored), which are named.
        """
        with self._stores.database.write() as tx:
            found = find_namespace(tx, actor, name, Action.ADMINISTER)
            if not found.namespace.is_organisation:
                raise InvalidInput(f"'{name}' is a user, not an organisation.", code="not_an_organisation")
            held = repos.list_repos(
                tx, actor, PageRequest(limit=100), namespace=found.namespace.name, include_deleted=True
            )
            if held.items:
                raise Conflict(
                    f"'{found.namespace.name}' still has repos; delete or transfer them first.",
                    code="has_dependants",
                    dependants=[{"kind": "repo", "name": str(repo.full_name)} for repo in held.items],
                )
            record(tx, actor, "org.delete", found.namespace.name, namespace_id=found.namespace.id)
            namespaces.delete_namespace(tx, found.namespace.id)

    def members(self, actor: Actor, name: str) -> Sequence[Member]:
        """The members of an organisation, for its members.

        Raises:
            NotPermitted: The actor is no member.
        """
        with self._stores.database.read() as tx:
            found = find_namespace(tx, actor, name, Action.READ)
            return namespaces.members(tx, found.namespace.id)

    def set_member(self, actor: Actor, name: str, username: str, role: Role) -> None:
        """Gives somebody a role. Only owners may; the last owner stays one.

        Raises:
            Conflict: It would leave the organisation without an owner.
            NotFound: There is no such user.
        """
        with self._stores.database.write() as tx:
            found, user_id = self._find(tx, actor, name, username)
            self._keep_an_owner(tx, found, user_id, role)
            namespaces.set_member(tx, found.namespace.id, user_id, role)
            record(
                tx,
                actor,
                "member.set",
                f"{found.namespace.name} {username}",
                namespace_id=found.namespace.id,
                role=role.label,
            )

    def remove_member(self, actor: Actor, name: str, username: str) -> None:
        """Takes somebody's role away. Owners may, and members themselves.

        Raises:
            Conflict: It would leave the organisation without an owner.
            NotFound: There is no such member.
        """
        with self._stores.database.write() as tx:
            found, user_id = self._find(tx, actor, name, username)
            if namespaces.member_role(tx, found.namespace.id, user_id) is None:
                raise NotFound(f"'{username}' is no member of '{name}'.", code="member_not_found")
            self._keep_an_owner(tx, found, user_id, None)
            namespaces.remove_member(tx, found.namespace.id, user_id)
            record(
                tx,
                actor,
                "member.remove",
                f"{found.namespace.name} {username}",
                namespace_id=found.namespace.id,
            )

    def _find(self, tx: Transaction, actor: Actor, name: str, username: str) -> tuple[NamespaceAccess, int]:
        found = find_namespace(tx, actor, name)
        user = accounts.user_by_name(tx, username)
        if user is None or user.id != actor.user_id:
            found.require(Action.ADMINISTER)
        elif not scopes_allow(actor.scopes, Action.ADMINISTER):
            raise NotPermitted(
                "Leaving an organisation needs a token with scope admin.", code="scope_missing"
            )
        if not found.namespace.is_organisation:
            raise InvalidInput(
                f"'{name}' is a user; only organisations have members.", code="not_an_organisation"
            )
        if user is None:
            raise NotFound(f"There is no user '{username}'.", code="user_not_found")
        return found, user.id

    def _keep_an_owner(
        self, tx: Transaction, found: NamespaceAccess, user_id: int, role: Role | None
    ) -> None:
        if role is Role.OWNER:
            found.require(Action.ADMINISTER)
            return
        was_owner = namespaces.member_role(tx, found.namespace.id, user_id) is Role.OWNER
        if was_owner and namespaces.count_owners(tx, found.namespace.id) == 1:
            raise Conflict(
                f"'{found.namespace.name}' would be left without an owner; make somebody else an owner first.",
                code="last_owner",
            )
        if role is not None:
            found.require(Action.ADMINISTER)


def _check_full_name(text: str) -> None:
    if len(text) > _LONGEST_FULL_NAME or any(ord(c) < 32 for c in text):
        raise InvalidInput(
            f"The full name has control characters or over {_LONGEST_FULL_NAME} characters.",
            code="invalid_text",
        )
