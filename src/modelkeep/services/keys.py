"""The public SSH keys of users: add, list, remove and revoke."""

from __future__ import annotations

from modelkeep.db import accounts, keys
from modelkeep.domain.access import Action, Actor, scopes_allow
from modelkeep.domain.accounts import User
from modelkeep.domain.errors import AlreadyExists, Conflict, InvalidInput, NotFound, NotPermitted, TooLarge
from modelkeep.domain.signatures import UserKey
from modelkeep.identity.ssh_keys import PublicKey, parse_public_key
from modelkeep.services.access import require_hub_admin, require_signed_in
from modelkeep.services.audit import record
from modelkeep.services.ports import Stores

MOST_KEYS = 100
_LONGEST_NAME = 100


class Keys:
    """Whose key is whose."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def add(self, actor: Actor, *, name: str, key: str) -> UserKey:
        """Adds a public key of the actor's own, or takes one into use again that the actor removed.

        Args:
            actor: Signed in with a password or a token of scope ``admin`` without limits.
            name: What to call it; blank for the key's comment.
            key: One line, ``type base64 comment``.

        Raises:
            InvalidInput: It is no public key, or of a kind that is refused.
            AlreadyExists: It is somebody's (perhaps the actor's own) already.
            Conflict: The actor revoked it.
            TooLarge: The actor has 100 keys.
            NotPermitted: The token does not allow it.
        """
        self._require(actor)
        public = parse_public_key(key)
        chosen = _checked_name(name.strip() or _name_from(public))
        if any(public.fingerprint == known.fingerprint for known in self._stores.hub_keys.public):
            raise AlreadyExists("This is the hub's own key.", code="key_exists")
        with self._stores.database.write() as tx:
            user = accounts.user_by_id(tx, actor.user_id or 0)
            if user is None:
                raise NotFound(
                    "A command on the hub's machine has no keys; sign in as a user.", code="user_not_found"
                )
            if len(keys.keys_of(tx, user.id, in_use_only=False)) >= MOST_KEYS:
                raise TooLarge(
                    f"A user has at most {MOST_KEYS} keys, removed ones included.", code="too_many_keys"
                )
            if keys.was_revoked_by(tx, user.id, public.fingerprint):
                raise Conflict("You revoked this key; make a new one.", code="key_revoked")
            present = keys.key_by_fingerprint(tx, public.fingerprint)
            if present is None:
                key_id = keys.add_key(
                    tx,
                    user_id=user.id,
                    name=chosen,
                    type=public.type,
                    key=public.text,
                    fingerprint=public.fingerprint,
                    now=self._stores.now(),
                )
            else:
                key_id = _require_own_removed(present, user)
                keys.use_again(tx, key_id, chosen)
            record(
                tx,
                actor,
                "key.add",
                user.name,
                namespace_id=user.id,
                key=key_id,
                name=chosen,
                fingerprint=public.fingerprint,
            )
            made = keys.key_by_id(tx, key_id)
        if made is None:  # pragma: no cover - it was made in this transaction
            raise NotFound(f"There is no key {key_id}.", code="key_not_found")
        return made

    def list(self, actor: Actor, user: str | None = None, *, in_use_only: bool = True) -> list[UserKey]:
        """The keys of the actor or, as public keys are public, of any user for everybody who is signed in.

        Raises:
            Unauthenticated: Nobody is signed in.
            NotFound: There is no such user.
        """
        require_signed_in(actor)
        with self._stores.database.read() as tx:
            owner = accounts.user_by_name(tx, user) if user else accounts.user_by_id(tx, actor.user_id or 0)
            if owner is None:
                raise NotFound(f"There is no user '{user}'.", code="user_not_found")
            return keys.keys_of(tx, owner.id, in_use_only=in_use_only)

    def remove(self, actor: Actor, key_id: int, *, revoke: bool = False) -> None:
        """Takes a key of the actor's own (or, for an administrator, of anybody) out of use.

        New tags signed with it do not count; those dated before still do, unless ``revoke``, which is for keys that
        others may have, or that were never the user's. A removed key can be revoked later.

        Raises:
            NotFound: The actor has no such key, or it was removed (revoked) before.
            NotPermitted: The token does not allow it.
        """
        self._require(actor)
        with self._stores.database.write() as tx:
            key = keys.key_by_id(tx, key_id)
            is_done = key is None or key.is_revoked or (key.removed_at is not None and not revoke)
            if key is None or is_done or (key.user_id != actor.user_id and not actor.is_hub_admin):
                raise NotFound(f"There is no key {key_id}.", code="key_not_found")
            if key.user_id != actor.user_id:
                require_hub_admin(actor)
            keys.remove_key(tx, key_id, self._stores.now(), revoke=revoke)
            record(
                tx,
                actor,
                "key.revoke" if revoke else "key.remove",
                key.username,
                namespace_id=key.user_id,
                key=key_id,
                name=key.name,
                fingerprint=key.fingerprint,
            )

    def _require(self, actor: Actor) -> None:
        require_signed_in(actor)
        if not scopes_allow(actor.scopes, Action.ADMINISTER) or actor.limits:
            raise NotPermitted(
                "Changing keys needs your password or a token with scope admin and no limits.",
                code="scope_missing",
            )


def _require_own_removed(present: UserKey, user: User) -> int:
    if present.user_id != user.id:
        raise AlreadyExists(
            "This key belongs to another user of this hub. If it is yours, ask an administrator to revoke it there.",
            code="key_exists",
        )
    if present.removed_at is None:
        raise AlreadyExists(f"You have this key already, as '{present.name}'.", code="key_exists")
    return present.id


def _name_from(key: PublicKey) -> str:
    return "".join(c for c in key.comment if c.isprintable())[:_LONGEST_NAME].strip() or key.type


def _checked_name(name: str) -> str:
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            f"A key's name has 1 to {_LONGEST_NAME} characters, and no control characters.",
            code="invalid_name",
        )
    return name
