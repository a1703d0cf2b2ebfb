"""Signed URLs: who holds one may do exactly what it says, until it expires, without credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path

from modelkeep.domain.errors import InvalidInput, NotPermitted, Unavailable
from modelkeep.identity import key_files

KEY_BYTES = 32

_LONGEST_KEY_FILE = 4096


class Signer:
    """Signs and checks with one secret key (HMAC-SHA-256, RFC 2104).

    Args:
        key: At least 32 random bytes.

    Raises:
        InvalidInput: The key is shorter.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise InvalidInput(f"A signing key has at least {KEY_BYTES} bytes.", code="key_too_short")
        self._key = key

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose; nothing follows from it about this one."""
        return hmac.digest(self._key, b"derived key:" + purpose.encode(), hashlib.sha256)

    def sign(self, purpose: str, fields: Mapping[str, str], expires_at: int) -> str:
        """Signs fields for one purpose.

        Args:
            purpose: What the signature is good for; one made for another purpose is refused.
            fields: What it vouches for; the order does not count.
            expires_at: When it ends, in seconds since 1970. The caller carries it along with the fields.

        Returns:
            43 characters of ``A-Z a-z 0-9 - _``.
        """
        digest = hmac.digest(self._key, _canonical(purpose, fields, expires_at), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")

    def verify(
        self, purpose: str, fields: Mapping[str, str], expires_at: int, signature: str, *, now: int
    ) -> None:
        """Checks a signature, in constant time; ``now`` is in seconds since 1970.

        Raises:
            NotPermitted: It is not ours for these fields (code ``forged_url``), or its time is over
                (``expired_url``, said only of one that is ours).
        """
        expected = self.sign(purpose, fields, expires_at)
        if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass")):
            raise NotPermitted("This URL is incomplete or was changed; ask for a new one.", code="forged_url")
        if now >= expires_at:
            raise NotPermitted("This URL has expired; ask for a new one.", code="expired_url")


def load_or_create_key(path: Path) -> bytes:
    """The secret key in a file; a new one where there is no file, for its owner's eyes only (mode 0600).

    Several processes that start at once get the same key.

    Raises:
        Unavailable: The file cannot be read or written, or holds no key.
    """
    try:
        if not path.exists():
            key_files.create(path, f"{secrets.token_hex(KEY_BYTES)}\n".encode())
        path.chmod(0o600)
        with path.open("rb") as file:
            text = file.read(_LONGEST_KEY_FILE)
    except OSError as error:
        raise Unavailable(
            f"The key file '{path.name}' cannot be used: {error.strerror}.", code="key_unavailable"
        ) from error
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES:
        raise Unavailable(
            f"The key file '{path.name}' does not hold a key of {KEY_BYTES} bytes in hexadecimal; restore it "
            "from a backup, or remove it for a new key (signed URLs that are under way then end).",
            code="key_unavailable",
        )
    return key


def _canonical(purpose: str, fields: Mapping[str, str], expires_at: int) -> bytes:
    """One text for one meaning: each part follows its length, so that no two sets of fields look alike."""
    parts = [purpose, str(expires_at)]
    for name in sorted(fields):
        parts += [name, fields[name]]
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(b"%d:%b" % (len(part), part) for part in encoded)
