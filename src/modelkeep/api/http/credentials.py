"""The Authorization header, parsed; whether the credentials are right is decided elsewhere."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass, field

from starlette.datastructures import Headers

from modelkeep.domain.errors import InvalidInput

HEADER_CHARACTERS = 8192

CHALLENGE = 'Basic realm="Modelkeep", charset="UTF-8"'
"""What a 401 asks for, at every door (RFC 7617): the same for what is private and what is not there."""

_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a secret (a password or a token), either possibly empty (RFC 7617)."""

    username: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token (RFC 6750)."""

    token: str = field(repr=False)


def parse_authorization(value: str) -> Basic | Bearer:
    """Parses the header's value: ``Basic``, ``Bearer`` or ``token`` (GitHub's word), in any case.

    Raises:
        InvalidInput: The header is malformed, too long, or of another scheme.
    """
    if len(value) > HEADER_CHARACTERS:
        raise _refusal(f"it is longer than {HEADER_CHARACTERS} characters")
    scheme, _, rest = value.strip().partition(" ")
    parameter = rest.strip()
    if scheme.lower() in ("bearer", "token"):
        if not _TOKEN68.fullmatch(parameter):
            raise _refusal("the token is missing or has characters that no token has")
        return Bearer(parameter)
    if scheme.lower() == "basic":
        return _parse_basic(parameter)
    raise _refusal("use the scheme Basic or Bearer")


def credentials_of(headers: Headers) -> Basic | Bearer | None:
    """Returns a request's credentials; None where it sends none.

    Raises:
        InvalidInput: The header is malformed (see :func:`parse_authorization`) or there are several.
    """
    values = headers.getlist("authorization")
    if len(values) > 1:
        raise _refusal("there are several")
    return parse_authorization(values[0]) if values and values[0].strip() else None


def _parse_basic(parameter: str) -> Basic:
    try:
        text = b64decode(parameter, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise _refusal("the part behind Basic is not base64 of UTF-8 text") from None
    username, colon, secret = text.partition(":")
    if not colon:
        raise _refusal("the part behind Basic holds no colon between user name and secret")
    if _CONTROL.search(text):
        raise _refusal("it holds control characters")
    return Basic(username, secret)


def _refusal(reason: str) -> InvalidInput:
    return InvalidInput(f"The Authorization header cannot be read: {reason}.", code="invalid_authorization")
