"""Saved log-ins: one token per hub, in a file that only its owner reads."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelkeep.sdk.addresses import normalise_url
from modelkeep.sdk.errors import BadAnswer, NoHub
from modelkeep.sdk.wire import Record

URL_VARIABLE = "MODELKEEP_URL"
TOKEN_VARIABLE = "MODELKEEP_TOKEN"  # noqa: S105 - the variable's name
_MAX_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Login:
    """A saved log-in. ``token_id`` is the hub's number of the token, to revoke it by; None if unknown."""

    url: str
    username: str
    token: str
    token_id: int | None = None

    def __repr__(self) -> str:
        return f"Login(url={self.url!r}, username={self.username!r})"


class CredentialFile:
    """The file of saved log-ins.

    Args:
        path: Where it is; by default ``credentials.json`` in :func:`config_folder`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_folder() / "credentials.json"

    def find(self, url: str) -> Login | None:
        """The log-in for a hub, None without one."""
        return self.logins().get(normalise_url(url))

    def default(self) -> Login | None:
        """The log-in that was saved last, which is used when nobody names a hub."""
        logins = self.logins()
        return logins[next(reversed(logins))] if logins else None

    def logins(self) -> dict[str, Login]:
        """All log-ins by URL, in the order in which they were saved.

        Raises:
            NoHub: The file is there and cannot be read; the message names it.
        """
        try:
            with self.path.open("rb") as file:
                body = file.read(_MAX_FILE + 1)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise NoHub(f"The saved log-ins in {self.path} cannot be read: {error.strerror}.") from error
        try:
            if len(body) > _MAX_FILE:
                raise BadAnswer("too long")
            return {
                login.url: login for login in map(_read_login, Record.parse(body, "log-ins").records("hubs"))
            }
        except BadAnswer:
            raise NoHub(
                f"{self.path} is damaged. Delete it, and log in again with 'modelkeep login'."
            ) from None

    def save(self, login: Login) -> None:
        """Saves a log-in, in place of an earlier one for the same hub; it becomes the default."""
        logins = self.logins()
        logins.pop(login.url, None)
        self._write({**logins, login.url: login})

    def remove(self, url: str) -> Login | None:
        """Forgets a hub's log-in and gives it back; None if there was none."""
        logins = self.logins()
        removed = logins.pop(normalise_url(url), None)
        if removed is not None:
            self._write(logins)
        return removed

    def _write(self, logins: Mapping[str, Login]) -> None:
        """Replaces the file whole, readable for its owner only from its first byte on."""
        hubs = [
            {"url": one.url, "username": one.username, "token": one.token, "token_id": one.token_id}
            for one in logins.values()
        ]
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".credentials-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"hubs": hubs}, file, indent=2)
                file.write("\n")
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def config_folder(environment: Mapping[str, str] | None = None) -> Path:
    """``modelkeep`` in the user's configuration folder: ``XDG_CONFIG_HOME`` or the platform's."""
    variables = os.environ if environment is None else environment
    chosen = variables.get("XDG_CONFIG_HOME", "")
    if chosen and Path(chosen).is_absolute():
        return Path(chosen) / "modelkeep"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "modelkeep"
    return Path.home() / ".config" / "modelkeep"


def choose_login(
    url: str | None,
    token: str | None,
    *,
    file: CredentialFile | None = None,
    environment: Mapping[str, str] | None = None,
) -> tuple[str, str | None]:
    """Decides which hub to speak to, and with which token.

    The URL is ``url``, else ``MODELKEEP_URL``, else that of the last log-in. The token is ``token``, else
    ``MODELKEEP_TOKEN``, else the one saved for exactly this URL: a saved token never goes to another hub.

    Raises:
        NoHub: No URL is known, or it is none.
    """
    variables = os.environ if environment is None else environment
    saved = file or CredentialFile()
    chosen = url or variables.get(URL_VARIABLE)
    if chosen is None or not chosen.strip():
        login = saved.default()
        if login is None:
            raise NoHub(
                f"No hub is known. Log in with 'modelkeep login --url URL', set {URL_VARIABLE}, or use --url."
            )
        chosen = login.url
    chosen = normalise_url(chosen)
    given = token or variables.get(TOKEN_VARIABLE)
    if given:
        return chosen, given.strip()
    login = saved.find(chosen)
    return chosen, login.token if login else None


def _read_login(record: Record) -> Login:
    return Login(
        url=record.text("url"),
        username=record.text("username", ""),
        token=record.text("token"),
        token_id=record.optional_integer("token_id"),
    )
