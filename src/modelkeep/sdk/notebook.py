"""The magic ``%modelkeep`` for notebooks: log in, look at the registry, download.

It speaks to IPython's shell through the methods that the shell itself offers, so that the SDK does not need IPython.
"""

from __future__ import annotations

import argparse
import getpass
import shlex
import socket
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any, NoReturn, Protocol

from modelkeep.sdk.credentials import CredentialFile, Login, choose_login
from modelkeep.sdk.download import Download
from modelkeep.sdk.errors import HubError
from modelkeep.sdk.html import MOST_ROWS, cells, table
from modelkeep.sdk.hub import Hub
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.progress import TransferEvent

_SCOPES = ("read", "write", "promote")
_STEP = 1024 * 1024


class _Shell(Protocol):
    """What is used of IPython's ``InteractiveShell``."""

    display_pub: Any

    def register_magic_function(
        self, func: Callable[[str], object], magic_kind: str, magic_name: str
    ) -> None:
        """Adds a magic."""


class Shown:
    """What a magic answers: text in a terminal, HTML in a notebook."""

    def __init__(self, plain: str, html: str | None = None) -> None:
        self._plain = plain
        self._html = html if html is not None else f"<p>{escape(plain)}</p>"

    def __repr__(self) -> str:
        return self._plain

    def _repr_html_(self) -> str:
        return self._html


def add_magic(shell: object) -> None:
    """Adds ``%modelkeep`` to IPython's shell."""
    magic = Magic(shell)  # type: ignore[arg-type]
    magic.shell.register_magic_function(magic.run, "line", "modelkeep")


class Magic:
    """``%modelkeep login [URL]``, ``%modelkeep show [REPO [ARTIFACT]]``, ``%modelkeep download REPO [ARTIFACT] …``."""

    def __init__(self, shell: _Shell) -> None:
        self.shell = shell

    def run(self, line: str) -> object:
        """Runs one line; what goes wrong is said in a sentence, not in a traceback."""
        try:
            asked = _parser().parse_args(shlex.split(line))
            return asked.command(self, asked)
        except (HubError, _Usage, ValueError) as error:
            return Shown(f"error: {error}")

    def login(self, asked: argparse.Namespace) -> Shown:
        """Asks for a user name and a password, or a token, without showing them; saves the log-in."""
        url = choose_login(asked.url, None)[0]
        username = input("User name (empty to paste a token): ").strip()
        if username:
            secret, token_id = _make_token(url, username, getpass.getpass("Password: "))
        else:
            secret, token_id = getpass.getpass("Token: ").strip(), None
        with Hub(url, secret) as hub:
            who = hub.whoami()
        if who.user is None:
            raise HubError("The hub does not know this token.")
        CredentialFile().save(Login(url, who.user.name, secret, token_id))
        return Shown(f"Logged in to {url} as {who.user.name}.")

    def show(self, asked: argparse.Namespace) -> Shown:
        """The registry, the artifacts of a repo, or the versions of an artifact, as a table."""
        with Hub(asked.url) as hub:
            if asked.repo is None:
                return _table(hub.registry())
            handle = hub.repo(asked.repo)
            if asked.artifact is None:
                return _table(handle.artifacts())
            return _table(handle.versions(asked.artifact))

    def download(self, asked: argparse.Namespace) -> Shown:
        """Downloads the files of a stage, version or revision, with a bar that moves."""
        folder = Path(asked.to or asked.repo.rpartition("/")[2])
        with Hub(asked.url) as hub:
            bar = _Bar(self.shell, asked.repo)
            done = hub.repo(asked.repo).download(
                folder,
                artifact=asked.artifact,
                stage=asked.stage,
                version=asked.version,
                revision=asked.revision,
                include=asked.include or (),
                progress=bar.show,
            )
            bar.finish()
        return _downloaded(done)


def _table(listing: Listing[Any]) -> Shown:
    """The first rows of a list, fetched now."""
    found = list(listing.up_to(MOST_ROWS + 1))
    names, rows = cells(found[:MOST_ROWS], listing.columns)
    shown = [[cell if cell.isprintable() else ascii(cell)[1:-1] for cell in row] for row in (names, *rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )
    plain = "\n".join(lines) if rows else "Nothing to show."
    return Shown(plain, table(found, listing.columns))


def _make_token(url: str, username: str, password: str) -> tuple[str, int]:
    with Hub.with_password(url, username, password) as hub:
        made = hub.tokens.create(f"notebook on {socket.gethostname()}"[:100], scopes=_SCOPES)
    return made.token, made.id


def _downloaded(done: Download) -> Shown:
    size = sum(file.size for file in done.files)
    named = f"{done.artifact} {done.version}" if done.version else done.revision or "the default branch"
    source = f"{done.repo}, {named} (commit {done.commit[:10]})"
    plain = f"{len(done.files)} files ({size} bytes) of {source}, are in {done.folder}."
    rows = "".join(
        f"<tr><td>{escape(file.path)}</td><td>{file.size}</td><td><code>{escape(file.sha256)}</code></td></tr>"
        for file in done.files[:100]
    )
    head = "<tr><th>file</th><th>bytes</th><th>sha256</th></tr>"
    return Shown(plain, f"<p>{escape(plain)}</p><table><thead>{head}</thead><tbody>{rows}</tbody></table>")


class _Bar:
    """One bar for a download, drawn again about every mebibyte."""

    def __init__(self, shell: _Shell, name: str) -> None:
        self._shell = shell
        self._name = name
        self._id = f"modelkeep-{id(self)}"
        self._total = 0
        self._done: dict[str, int] = {}
        self._drawn = -_STEP
        self._is_new = True

    def show(self, event: TransferEvent) -> None:
        """Takes one event of the SDK."""
        if event.state == "planned":
            self._total += event.total
            return
        self._done[event.path] = event.done
        arrived = sum(self._done.values())
        if arrived - self._drawn >= _STEP:
            self._draw(arrived)

    def finish(self) -> None:
        """Draws it full."""
        self._draw(sum(self._done.values()))

    def _draw(self, arrived: int) -> None:
        self._drawn = arrived
        share = 100 if self._total == 0 else 100 * arrived // self._total
        plain = f"{self._name}: {share} %"
        html = f'<progress max="100" value="{share}"></progress> {escape(plain)}'
        data: Mapping[str, str] = {"text/plain": plain, "text/html": html}
        self._shell.display_pub.publish(
            data=data, transient={"display_id": self._id}, update=not self._is_new
        )
        self._is_new = False


class _Usage(Exception):
    """The line is not one of those that the magic knows."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Usage(f"{message}. {self.format_usage().strip()}")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise _Usage(message or self.format_usage().strip())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="%modelkeep")
    commands = parser.add_subparsers(required=True, metavar="login | show | download", parser_class=_Parser)
    login = commands.add_parser("login")
    login.add_argument("url", nargs="?")
    login.set_defaults(command=Magic.login)
    show = commands.add_parser("show")
    show.add_argument("repo", nargs="?")
    show.add_argument("artifact", nargs="?")
    show.add_argument("--url")
    show.set_defaults(command=Magic.show)
    download = commands.add_parser("download")
    download.add_argument("repo")
    download.add_argument("artifact", nargs="?")
    for name in ("--stage", "--version", "--revision", "--to", "--url"):
        download.add_argument(name)
    download.add_argument("--include", action="append")
    download.set_defaults(command=Magic.download)
    return parser
