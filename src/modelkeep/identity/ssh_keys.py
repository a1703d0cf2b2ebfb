"""Public SSH keys as OpenSSH writes them: one line, ``type base64 comment``. Strict, because they say who somebody is.

Formats: RFC 4253 section 6.6 (RSA), RFC 5656 (ECDSA), RFC 8709 (Ed25519), OpenSSH's PROTOCOL.u2f (``sk-…``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from modelkeep.domain.errors import InvalidInput

LONGEST_KEY = 16 << 10
"""Characters of a key; one of RSA with 16,384 bits has 2,800."""

SMALLEST_RSA, LARGEST_RSA = 2048, 16384

_ED25519, _RSA = "ssh-ed25519", "ssh-rsa"
_SK_ED25519, _SK_ECDSA = "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"
_CURVES: dict[str, tuple[str, ec.EllipticCurve]] = {
    "ecdsa-sha2-nistp256": ("nistp256", ec.SECP256R1()),
    "ecdsa-sha2-nistp384": ("nistp384", ec.SECP384R1()),
    "ecdsa-sha2-nistp521": ("nistp521", ec.SECP521R1()),
    _SK_ECDSA: ("nistp256", ec.SECP256R1()),
}
KEY_TYPES = (_ED25519, _SK_ED25519, *_CURVES, _RSA)
_MOST_PARTS = 8


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that was checked.

    ``text`` is type and base64 without a comment; two keys are the same exactly if their ``fingerprint`` is.
    """

    type: str
    text: str
    fingerprint: str
    comment: str = field(default="", compare=False)


def parse_public_key(text: str) -> PublicKey:
    """Reads one public key.

    Raises:
        InvalidInput: It is none, or of a kind that is refused: DSA, a certificate, RSA under 2048 bits, a line of
            ``authorized_keys`` with options. A private key has the code ``private_key``; it appears in no message.
    """
    if len(text) > LONGEST_KEY:
        raise InvalidInput(f"A public key has at most {LONGEST_KEY} characters.", code="invalid_key")
    line = text.strip()
    _refuse_other_things(line)
    fields = line.split(None, 2)
    if len(fields) < 2 or fields[0] not in KEY_TYPES:
        raise _unusable_type(fields)
    blob = _decoded(fields[1])
    try:
        parts = read_strings(blob)
        written = _written(fields[0], parts)
    except ValueError as error:
        raise InvalidInput(
            f"The {fields[0]} key is damaged: {error}. Copy it again.", code="invalid_key"
        ) from None
    if written != blob:
        raise InvalidInput(
            f"The {fields[0]} key is not written as OpenSSH writes it; copy it again.", code="invalid_key"
        )
    comment = fields[2] if len(fields) > 2 else ""
    return PublicKey(fields[0], f"{fields[0]} {base64.b64encode(blob).decode()}", fingerprint(blob), comment)


def fingerprint(blob: bytes) -> str:
    """The fingerprint of a key's wire form, as ``ssh-keygen -l`` shows it: ``SHA256:…``."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def string(value: bytes) -> bytes:
    """A string of SSH's wire format (RFC 4251 section 5): its length in four bytes, and itself."""
    return len(value).to_bytes(4, "big") + value


def read_strings(data: bytes, most: int = _MOST_PARTS) -> list[bytes]:
    """The strings that ``data`` consists of.

    Raises:
        ValueError: It does not end where a string ends, or they are more than ``most``.
    """
    found: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if at + 4 > len(data) or end > len(data) or len(found) == most:
            raise ValueError("its parts do not fit its length")
        found.append(data[at + 4 : end])
        at = end
    return found


def _refuse_other_things(line: str) -> None:
    if "PRIVATE KEY" in line:
        raise InvalidInput(
            "This is a private key, which must stay with its owner; the hub has kept nothing of it. Send the public "
            "key, the one line in the file that ends with .pub. Where others may have seen this one, make a new key.",
            code="private_key",
        )
    if line.startswith("----"):
        raise InvalidInput(
            "Send the key as OpenSSH writes it, in one line such as 'ssh-ed25519 AAAA… you@host' "
            "('ssh-keygen -i' converts other forms).",
            code="invalid_key",
        )
    if len(line.splitlines()) > 1 or "\0" in line:
        raise InvalidInput("Send one public key, in one line.", code="invalid_key")


def _unusable_type(fields: list[str]) -> InvalidInput:
    kind = fields[0] if fields else ""
    if kind.endswith("-cert-v01@openssh.com"):
        reason = "This is a certificate; send the public key that it was made for."
    elif kind == "ssh-dss":
        reason = "DSA keys are no longer safe; make another with 'ssh-keygen -t ed25519'."
    elif any(word in KEY_TYPES for word in " ".join(fields[1:]).split()):
        reason = "Send the key without options before it, beginning with its type, such as ssh-ed25519."
    else:
        reason = f"A public key is one line 'type base64 comment', its type one of {', '.join(KEY_TYPES)}."
    return InvalidInput(reason, code="invalid_key")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise InvalidInput(
            "The key's second part is not base64; copy it again.", code="invalid_key"
        ) from None


def _written(kind: str, parts: list[bytes]) -> bytes:
    """The one right wire form of what ``parts`` say.

    Raises:
        ValueError: They are no key of this kind.
    """
    if not parts or parts[0] != kind.encode():
        raise ValueError("it says another type inside")
    if kind in (_ED25519, _SK_ED25519):
        _require(
            len(parts) == (2 if kind == _ED25519 else 3) and len(parts[1]) == 32, "it has another length"
        )
        return b"".join(map(string, parts))
    if kind in _CURVES:
        name, curve = _CURVES[kind]
        _require(
            len(parts) == (4 if kind == _SK_ECDSA else 3) and parts[1] == name.encode(),
            "it is of another curve",
        )
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve, parts[2]).public_numbers()
        size = (curve.key_size + 7) // 8
        encoded = b"\4" + point.x.to_bytes(size, "big") + point.y.to_bytes(size, "big")
        return b"".join(map(string, [parts[0], parts[1], encoded, *parts[3:]]))
    _require(len(parts) == 3, "it has another number of parts")
    return _written_rsa(*(int.from_bytes(part, "big") for part in parts[1:]))


def _written_rsa(exponent: int, modulus: int) -> bytes:
    if modulus.bit_length() < SMALLEST_RSA:
        raise InvalidInput(
            f"RSA keys have at least {SMALLEST_RSA} bits, this one has {modulus.bit_length()}; make another with "
            "'ssh-keygen -t ed25519'.",
            code="invalid_key",
        )
    _require(modulus.bit_length() <= LARGEST_RSA, f"it has more than {LARGEST_RSA} bits")
    _require(exponent.bit_length() <= 64, "its exponent is too large")
    rsa.RSAPublicNumbers(exponent, modulus).public_key()
    numbers = (number.to_bytes(number.bit_length() // 8 + 1, "big") for number in (exponent, modulus))
    return b"".join(map(string, [_RSA.encode(), *numbers]))


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)
