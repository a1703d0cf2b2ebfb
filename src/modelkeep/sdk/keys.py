"""SSH keys that people sign tags with."""

from __future__ import annotations

from modelkeep.sdk.addresses import api_path
from modelkeep.sdk.http import Connection
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models import Key, SigningKey

_COLUMNS = ("id", "name", "type", "fingerprint", "created_at")


class Keys:
    """``hub.keys``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, user: str | None = None, *, has_removed: bool = False) -> Listing[Key]:
        """One's own keys, or those of somebody else; with ``has_removed`` also those that are no longer in use."""
        path = api_path("user", "keys") if user is None else api_path("users", user, "keys")
        return Listing(self._connection, path, Key.read, {"removed": has_removed or None}, columns=_COLUMNS)

    def add(self, key: str, *, name: str = "") -> Key:
        """Adds a public key: the one line that ``ssh-keygen`` wrote into the file ``….pub``.

        Raises:
            NotPermitted: The token has not the scope ``admin``, or limits (code ``scope_missing``).
        """
        return Key.read(self._connection.post(api_path("user", "keys"), {"name": name, "key": key}))

    def remove(self, key_id: int, *, is_revoked: bool = False) -> None:
        """Removes one of one's own keys: what it signs from now on counts no more.

        Args:
            key_id: Its number.
            is_revoked: Whether what it signed before counts no more either, because others may have it.
        """
        path = api_path("user", "keys", str(key_id))
        self._connection.send("DELETE", path, params={"revoke": True} if is_revoked else None)

    def hub(self) -> SigningKey:
        """The key that the hub signs its own tags with."""
        return SigningKey.read(self._connection.get(api_path("signing-key")))
