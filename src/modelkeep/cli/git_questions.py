"""What git asks a credential helper (gitcredentials(7), git-credential(1)), answered from the saved log-in.

Nothing heavy is imported here: git starts a helper for every request that needs credentials.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelkeep.sdk.credentials import Login

_MAX_INPUT = 64 * 1024


def answer(operation: str) -> None:
    """Answers one question of git on standard input; see gitcredentials(7) for the operations.

    ``get`` gives the saved log-in of the hub (or MODELKEEP_TOKEN for MODELKEEP_URL), ``erase`` forgets one that the hub
    has refused, ``store`` does nothing, because log-ins are saved by ``modelkeep login``. Other operations are passed
    over, as git wants it.
    """
    fields = parse_request(sys.stdin.buffer.read(_MAX_INPUT))
    login = _find(fields)
    if login is None:
        return
    if operation == "get" and fields.get("username", login.username) == login.username:
        sys.stdout.write(f"username={login.username}\npassword={login.token}\n")
    elif operation == "erase" and fields.get("password") == login.token:
        from modelkeep.sdk.credentials import CredentialFile

        saved = CredentialFile().find(login.url)
        if saved is not None and saved.token == login.token:
            CredentialFile().remove(login.url)


def parse_request(text: bytes) -> dict[str, str]:
    """Reads git's ``key=value`` lines, up to the first empty one; what is no such line is passed over."""
    fields: dict[str, str] = {}
    for line in text.split(b"\n\n", 1)[0].split(b"\n"):
        key, equals, value = line.decode("utf-8", "replace").partition("=")
        if equals and not key.endswith("[]"):
            fields[key] = value
    return fields


def helper_command() -> str:
    """What to write into git's configuration so that git finds this program again."""
    found = shutil.which("modelkeep")
    program = [found] if found else [sys.executable, "-m", "modelkeep"]
    return "!" + shlex.join([*program, "git-credential"])


def _find(fields: Mapping[str, str]) -> Login | None:
    """The log-in for what git asks about: the one with the longest URL that the question lies under."""
    from modelkeep.sdk.addresses import normalise_url
    from modelkeep.sdk.credentials import TOKEN_VARIABLE, URL_VARIABLE, CredentialFile, Login
    from modelkeep.sdk.errors import NoHub

    try:
        asked = normalise_url(
            f"{fields.get('protocol', '')}://{fields.get('host', '')}/{fields.get('path', '')}"
        )
        host = normalise_url(f"{fields.get('protocol', '')}://{fields.get('host', '')}")
        logins = CredentialFile().logins()
        url, token = os.environ.get(URL_VARIABLE), os.environ.get(TOKEN_VARIABLE)
        if url and token:
            chosen = normalise_url(url)
            logins[chosen] = Login(chosen, fields.get("username", "token"), token.strip())
    except NoHub:
        return None
    matching = [
        login
        for login in logins.values()
        if login.url == host
        or (asked + "/").startswith(login.url + "/")
        or _is_below(login.url, host, fields)
    ]
    usable = [login for login in matching if (login.username + login.token).isprintable()]
    return max(usable, key=lambda login: len(login.url), default=None)


def _is_below(url: str, host: str, fields: Mapping[str, str]) -> bool:
    """Whether a hub under a path of this host may be meant: git leaves the path out unless it is told to send it."""
    return "path" not in fields and url.startswith(host + "/")
