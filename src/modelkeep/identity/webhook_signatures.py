"""Signatures by which receivers know that a webhook's request is the hub's, and fresh (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> bytes:
    """A new secret, random."""
    return secrets.token_bytes(SECRET_BYTES)


def shown(secret: bytes) -> str:
    """A secret as its owner gets it: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(secret).decode("ascii")


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """The value ``v1,…`` for one secret: base64 of HMAC-SHA-256 over ``id.timestamp.body``."""
    content = b"%b.%d.%b" % (message_id.encode("ascii"), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode("ascii")
