"""Secrets that the hub must be able to use again: encrypted with a key that follows from the hub's own."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from modelkeep.domain.errors import Unavailable

_VERSION = b"\x01"
_NONCE_BYTES = 12


class Sealer:
    """Encrypts and decrypts (AES-256-GCM) for one purpose.

    Args:
        key: 32 bytes that are used for this purpose alone (:meth:`modelkeep.identity.signing.Signer.derive`).
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes) -> bytes:
        """Encrypts; the same secret never looks the same twice."""
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, secret, _VERSION)

    def open(self, sealed: bytes) -> bytes:
        """Decrypts.

        Raises:
            Unavailable: It was not sealed with this key (``secret_unreadable``): the hub's key has changed.
        """
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, text, sealed[:1])
        except (InvalidTag, ValueError):
            raise Unavailable(
                "A stored secret cannot be read, because the hub's key is another one now; rotate the secret.",
                code="secret_unreadable",
            ) from None
