"""Addresses of repos, as people give them to Git: which repo do they name?"""

from __future__ import annotations

import re
from urllib.parse import unquote

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.names import RepoName, parse_namespace, parse_repo

_LONGEST = 2000
_URL = re.compile(r"(?:https?|ssh|git)://[^/?#]+(?P<path>/[^?#]*)", re.IGNORECASE)
_SCP = re.compile(r"(?:[^@/:?#]+@)?[^@/:?#]+:(?P<path>[^?#]*)")


def repo_of_address(address: str) -> RepoName:
    """The repo that a clone URL names by its path, with or without ``.git``, user or port.

    Its host is not looked at: a hub has many names, and SSH aliases have any.

    Raises:
        InvalidInput: It is no ``http``, ``ssh`` or ``git`` URL, no ``user@host:path``, or its path names no repo.
    """
    match = None
    if len(address) <= _LONGEST:
        match = _URL.fullmatch(address) or ("://" not in address and _SCP.fullmatch(address)) or None
    segments = [unquote(part) for part in match["path"].split("/") if part] if match else []
    if len(segments) >= 2:
        namespace, name = segments[-2], segments[-1].removesuffix(".git")
        try:
            return RepoName(parse_namespace(namespace, reserved_ok=True), parse_repo(name))
        except InvalidInput:
            pass
    raise InvalidInput(
        f"{_without_user(address)!r} names no repo of this hub; give its clone URL, such as "
        "https://HUB/NAMESPACE/REPO.git.",
        code="invalid_repo_address",
    )


def _without_user(address: str) -> str:
    """For a message: what may be a password is left out."""
    return re.sub(r"//[^/@]*@", "//", address)[:200]
