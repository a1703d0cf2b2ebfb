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

    def list(self, user: str | None = None) -> Listing[Key]:
        """One's own keys, or those of somebody else."""
        path = api_path("user", "keys") if user is None else api_path("users", user, "keys")
        return Listing(self._connection, path, Key.read, columns=_COLUMNS)

    def add(self, key: str, *, name: str = "") -> Key:
        """Adds a public key: the one line that ``ssh-keygen`` wrote into the file ``….pub``."""
        return Key.read(self._connection.post(api_path("user", "keys"), {"name": name, "key": key}))

    def remove(self, key_id: int) -> None:
        """Removes one of one's own keys. Tags that it signed are no longer known to be anybody's."""
        self._connection.send("DELETE", api_path("user", "keys", str(key_id)))

    def hub(self) -> SigningKey:
        """The key that the hub signs its own tags with."""
        return SigningKey.read(self._connection.get(api_path("signing-key")))
