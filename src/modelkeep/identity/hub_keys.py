"""The hub's own signing key, and the public keys that it ever signed with."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_ssh_private_key,
)

from modelkeep.domain.errors import InvalidInput, Unavailable
from modelkeep.identity import key_files, ssh_signatures
from modelkeep.identity.ssh_keys import PublicKey, parse_public_key

PRINCIPAL = "hub@modelkeep"
"""Whom a verifier sees as the signer; no user's name has an ``@``."""

_LONGEST_FILE = 64 << 10
_HEAD = """\
# The public keys that this hub signed tags with. What a key here signed counts as the hub's.
# The hub adds its present key at start. Take a line out only if that key was stolen.
"""


@dataclass(frozen=True, slots=True)
class HubKeys:
    """The hub's keys.

    Attributes:
        private: What it signs with now; None where it does not sign.
        public: All that it signed with, the present one last.
    """

    private: Ed25519PrivateKey | None = None
    public: tuple[PublicKey, ...] = ()

    def sign(self, payload: bytes) -> bytes:
        """An armoured signature for Git; empty without a private key."""
        return ssh_signatures.sign(self.private, payload) if self.private is not None else b""


def load_hub_keys(data: Path, key_file: Path | None = None, *, signs: bool = True) -> HubKeys:
    """The keys in the data folder: ``signing.key`` (made where it is missing) and ``signing-keys.pub``.

    Args:
        data: The folder.
        key_file: Where the private key is instead; it must be there, and may be read-only.
        signs: Whether the hub signs; if not, no private key is made or read.

    Raises:
        Unavailable: A file cannot be read or written, or holds no usable key.
    """
    known = _read_list(data / "signing-keys.pub")
    if not signs:
        return HubKeys(None, known)
    path = key_file or data / "signing.key"
    if key_file is None and not path.exists():
        _create(path)
    private = _read_private(path)
    blob = ssh_signatures.public_blob(private)
    present = parse_public_key(f"ssh-ed25519 {base64.b64encode(blob).decode()}")
    others = tuple(key for key in known if key.fingerprint != present.fingerprint)
    if len(others) == len(known):
        _append(data / "signing-keys.pub", present)
    return HubKeys(private, (*others, present))


def _read_private(path: Path) -> Ed25519PrivateKey:
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST_FILE)
    except OSError as error:
        raise _unusable(path, f"it cannot be read: {error.strerror}") from error
    try:
        key = load_ssh_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable(path, "it holds no OpenSSH private key without a passphrase") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "its key is not of type ed25519")
    return key


def _read_list(path: Path) -> tuple[PublicKey, ...]:
    try:
        with path.open("rb") as file:
            lines = file.read(_LONGEST_FILE).decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise _unusable(path, f"it cannot be read: {error.strerror}") from error
    found: dict[str, PublicKey] = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            try:
                key = parse_public_key(line)
            except InvalidInput as error:
                raise _unusable(path, f"line {number}: {error.message}") from None
            found[key.fingerprint] = key
    return tuple(found.values())


def _append(path: Path, key: PublicKey) -> None:
    line = f"{key.text} {PRINCIPAL}\n"
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "ab") as file:
            file.write(((_HEAD if is_new else "") + line).encode())
            file.flush()
            os.fsync(file.fileno())
        key_files.sync_folder(path.parent)
    except OSError as error:
        raise _unusable(path, f"it cannot be written: {error.strerror}") from error


def _create(path: Path) -> None:
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    try:
        key_files.create(path, content)
    except OSError as error:
        raise _unusable(path, f"it cannot be written: {error.strerror}") from error


def _unusable(path: Path, reason: str) -> Unavailable:
    return Unavailable(f"The key file '{path.name}' cannot be used: {reason}.", code="key_unavailable")
