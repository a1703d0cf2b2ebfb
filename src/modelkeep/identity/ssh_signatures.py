"""Signatures in the form of ``ssh-keygen -Y sign``, which Git uses for ``gpg.format=ssh``: make one, and read one.

Format: OpenSSH's PROTOCOL.sshsig. Reading finds out which key a signature claims; verifying it is Git's business.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from modelkeep.identity.ssh_keys import fingerprint, read_strings, string

NAMESPACE = "git"
LARGEST_BLOCK = 32 << 10
"""Bytes of a signature block; one by an RSA key of 16,384 bits has 6,000."""

_MAGIC, _VERSION, _HASH = b"SSHSIG", (1).to_bytes(4, "big"), b"sha512"
_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----"
_HASHES = (b"sha512", b"sha256")
_TYPE = b"ssh-ed25519"
_LINE = 70


@dataclass(frozen=True, slots=True)
class SshSignature:
    """What a signature says about itself: the ``fingerprint`` of its key, and what it was made for."""

    fingerprint: str
    namespace: str


def public_blob(key: Ed25519PrivateKey) -> bytes:
    """The wire form of the public key that belongs to ``key``."""
    return string(_TYPE) + string(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def sign(key: Ed25519PrivateKey, payload: bytes) -> bytes:
    """Signs ``payload`` for Git; the armoured block ends with a line feed."""
    meant = string(NAMESPACE.encode()) + string(b"") + string(_HASH)
    signature = key.sign(_MAGIC + meant + string(hashlib.sha512(payload).digest()))
    blob = _MAGIC + _VERSION + string(public_blob(key)) + meant + string(string(_TYPE) + string(signature))
    text = base64.b64encode(blob)
    lines = [text[at : at + _LINE] + b"\n" for at in range(0, len(text), _LINE)]
    return b"".join([_BEGIN, *lines, _END, b"\n"])


def read_signature(block: bytes) -> SshSignature | None:
    """Reads a signature block, whoever wrote it; None where it is none.

    Nothing but white space may follow its end: what stands there is not signed.
    """
    if len(block) > LARGEST_BLOCK or not block.startswith(_BEGIN):
        return None
    text, end, rest = block[len(_BEGIN) :].partition(b"\n" + _END)
    if not end or rest.strip():
        return None
    try:
        blob = base64.b64decode(text.replace(b"\n", b""), validate=True)
        head = len(_MAGIC) + len(_VERSION)
        if blob[:head] != _MAGIC + _VERSION:
            return None
        key, namespace, _, digest, _ = read_strings(blob[head:])
        return SshSignature(fingerprint(key), namespace.decode("ascii")) if digest in _HASHES else None
    except (binascii.Error, ValueError):
        return None
