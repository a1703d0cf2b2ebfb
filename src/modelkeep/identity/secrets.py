"""Secrets that the hub makes: personal access tokens and first passwords.

A token is ``mk_``, 40 characters of base 62 (238 bits), and 6 characters of checksum, so that scanners of
source code can find leaked ones by form and without asking the hub.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib

PREFIX = "mk_"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_READABLE = "abcdefghijkmnpqrstuvwxyz23456789"
_RANDOM_LENGTH = 40
_CHECKSUM_LENGTH = 6


def new_token() -> str:
    """A new token."""
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return PREFIX + body + _checksum(body)


def is_token(text: str) -> bool:
    """Whether ``text`` has the form of a token, checksum included; says nothing about its validity."""
    if len(text) != len(PREFIX) + _RANDOM_LENGTH + _CHECKSUM_LENGTH or not text.startswith(PREFIX):
        return False
    body = text[len(PREFIX) : -_CHECKSUM_LENGTH]
    return all(character in _ALPHABET for character in body) and text.endswith(_checksum(body))


def hash_secret(text: str) -> bytes:
    """What is stored of a token: its SHA-256. A token is random, so a slow hash would only cost time."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def hint_of(text: str) -> str:
    """What is shown of a token, to recognise it by: its last four characters."""
    return text[-4:]


def new_password() -> str:
    """A password of 20 characters (100 bits) without look-alikes, in groups of five."""
    groups = ("".join(secrets.choice(_READABLE) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def _checksum(body: str) -> str:
    """CRC-32 of the body in base 62, with zeros in front."""
    number = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
