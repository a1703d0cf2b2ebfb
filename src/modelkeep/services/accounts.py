"""Users: create, change, list; and the owner account of a new hub."""

from __future__ import annotations

from dataclasses import dataclass

from modelkeep.db import accounts
from modelkeep.domain.access import ALL_SCOPES, Actor, Visibility
from modelkeep.domain.accounts import User
from modelkeep.domain.errors import AlreadyExists, InvalidInput, NotFound, NotPermitted
from modelkeep.domain.names import parse_namespace
from modelkeep.domain.paging import Page, PageRequest
from modelkeep.identity import passwords, secrets
from modelkeep.services.access import require_hub_admin, require_signed_in
from modelkeep.services.audit import record
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.tokens import Tokens

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class FirstAccount:
    """The owner account of a new hub; the secrets are None where they were given by the settings."""

    username: str
    password: str | None
    token: str | None


def local_administrator(door: str = "command") -> Actor:
    """The actor of commands run on the hub's own machine, on its data folder."""
    return Actor(None, "(local)", is_hub_admin=True, scopes=ALL_SCOPES, door=door)


class Accounts:
    """The users of the hub."""

    def __init__(self, stores: Stores, tokens: Tokens, rules: Rules) -> None:
        self._stores = stores
        self._tokens = tokens
        self._rules = rules

    def ensure_owner(self, username: str, password: str | None, token: str | None) -> FirstAccount | None:
        """Makes the owner account on the first start, with a token of all scopes.

        A token given later is added if it is not there yet, so that unattended starts are repeatable.

        Returns:
            What was made, with the secrets that nobody has seen yet; None where there was an account already.
        """
        local = local_administrator("start")
        with self._stores.database.read() as tx:
            is_first = not accounts.has_hub_admin(tx)
        chosen = None
        if is_first:
            chosen = password or secrets.new_password()
            # The settings may call the owner "admin", a name that nobody else can take.
            self.create(local, name=username, password=chosen, is_hub_admin=True, reserved_ok=True)
        secret: str | None = None
        if token is not None:
            self._ensure_token(username, token)
        elif is_first:
            owner = self._actor_for(username)
            secret = self._tokens.create(owner, name="first start", scopes=ALL_SCOPES)[1]
        if not is_first:
            return None
        return FirstAccount(username, None if password else chosen, secret)

    def new_password(self) -> str:
        """A strong password for somebody who is given none."""
        return secrets.new_password()

    def create(
        self,
        actor: Actor,
        *,
        name: str,
        password: str | None = None,
        full_name: str = "",
        email: str = "",
        is_hub_admin: bool = False,
        reserved_ok: bool = False,
    ) -> User:
        """Makes a user, who also gets a namespace of that name. Without a password only tokens sign in.

        Raises:
            AlreadyExists: A user or an organisation has the name.
            InvalidInput: The name or the password will not do.
            NotPermitted: The actor is no administrator.
        """
        require_hub_admin(actor)
        parse_namespace(name, reserved_ok=reserved_ok)
        _check_texts(full_name, email)
        stored = _hashed(actor, password)
        with self._stores.database.write() as tx:
            user = accounts.create_user(
                tx,
                name=name,
                full_name=full_name,
                email=email,
                password_hash=stored,
                is_hub_admin=is_hub_admin,
                now=self._stores.now(),
                default_visibility=Visibility.parse(self._rules.default_visibility),
            )
            record(tx, actor, "user.create", name, namespace_id=user.id, is_hub_admin=is_hub_admin)
        return user

    def get(self, actor: Actor, name: str) -> User:
        """A user by name, for anybody who is signed in.

        Raises:
            Unauthenticated: Nobody is signed in.
            NotFound: There is none.
        """
        require_signed_in(actor)
        with self._stores.database.read() as tx:
            user = accounts.user_by_name(tx, name)
        if user is None:
            raise NotFound(f"There is no user '{name}'.", code="user_not_found")
        return user

    def list(self, actor: Actor, page: PageRequest, query: str | None = None) -> Page[User]:
        """All users, by name, for an administrator."""
        require_hub_admin(actor)
        with self._stores.database.read() as tx:
            return accounts.list_users(tx, page, query)

    def update(
        self,
        actor: Actor,
        name: str,
        *,
        full_name: str | None = None,
        email: str | None = None,
        password: str | None = None,
        is_disabled: bool | None = None,
    ) -> User:
        """Changes a user: users themselves, or an administrator, who alone can disable.

        Raises:
            NotFound: There is no such user.
            NotPermitted: It is somebody else.
        """
        user = self.get(actor, name)
        is_self = user.id == actor.user_id and not actor.limits and actor.scopes == ALL_SCOPES
        if not is_self or is_disabled is not None:
            require_hub_admin(actor)
        if is_disabled and user.id == actor.user_id:
            raise NotPermitted("You cannot disable your own account.", code="own_account")
        _check_texts(full_name or "", email or "")
        stored = _hashed(actor, password)
        with self._stores.database.write() as tx:
            accounts.update_user(tx, user.id, full_name=full_name, email=email, is_disabled=is_disabled)
            if stored is not None:
                accounts.set_password_hash(tx, user.id, stored)
            record(
                tx,
                actor,
                "user.update",
                user.name,
                namespace_id=user.id,
                password_changed=stored is not None,
                is_disabled=is_disabled,
            )
        return self.get(actor, name)

    def _ensure_token(self, username: str, secret: str) -> None:
        owner = self._actor_for(username)
        try:
            self._tokens.create(owner, name="from settings", scopes=ALL_SCOPES, secret=secret)
        except AlreadyExists:
            return

    def _actor_for(self, username: str) -> Actor:
        with self._stores.database.read() as tx:
            user = accounts.user_by_name(tx, username)
        if user is None:
            raise NotFound(
                f"There is no user '{username}' (MODELKEEP_ADMIN_USER names another than the hub's owner).",
                code="user_not_found",
            )
        return Actor(user.id, user.name, is_hub_admin=user.is_hub_admin, door="start")


def _check_texts(full_name: str, email: str) -> None:
    for text, what in ((full_name, "full name"), (email, "e-mail address")):
        if len(text) > _LONGEST or any(ord(c) < 32 for c in text):
            raise InvalidInput(
                f"The {what} has control characters or over {_LONGEST} characters.", code="invalid_text"
            )


def _hashed(actor: Actor, password: str | None) -> str | None:
    if password is None:
        return None
    if not actor.is_local:  # who has the data folder may choose as they like
        passwords.check_password(password)
    return passwords.hash_password(password)
