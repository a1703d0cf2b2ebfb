"""Logging in and out, and who one is."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.durations import parse_duration
from modelkeep.cli.output import note, printable, say, show_fields, show_json, time_text

if TYPE_CHECKING:
    from datetime import timedelta

    from modelkeep.sdk.hub import Hub
    from modelkeep.sdk.models import Identity, Token

_MAX_INPUT = 4096
_SCOPES = ("read", "write", "promote")


@options.example(
    "modelkeep login --url https://hub.example.org",
    "echo $TOKEN | modelkeep login --url https://hub.example.org --token -",
)
def login(
    url: options.Url = None,
    username: Annotated[
        str | None, typer.Option("--username", "-u", help="Your user name; asked for if it is missing.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option("--token", help="Save this token instead of making one; '-' reads it.", metavar="TOKEN"),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="What the new token may do. Repeatable.", metavar="SCOPE", show_default=False
        ),
    ] = None,
    expires: Annotated[
        str, typer.Option("--expires", help="When the new token ends: 30d, 12h, never.", metavar="TIME")
    ] = "never",
    for_git: Annotated[
        bool, typer.Option("--git", help="Let git use this log-in for the hub's addresses, too.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Log in to a hub and remember it for this user account.

    With a user name and password, a token for this machine is made and saved; the password is not kept. Without a
    terminal, the password (with --username) or the token is read from standard input. The token may read, write
    and promote; ask for more or less with --scope.
    """
    from modelkeep.sdk.addresses import is_loopback
    from modelkeep.sdk.credentials import CredentialFile, Login, choose_login
    from modelkeep.sdk.errors import HubError

    chosen = choose_login(url or (_ask("Hub URL") if _is_unknown(url) else None), None)[0]
    if chosen.startswith("http://") and not is_loopback(chosen):
        note(f"warning: {chosen} is not encrypted; others on the way can read your credentials.")
    lifetime = parse_duration(expires)
    given = _given_token(token, username)
    if given is None:
        made, name = _make_token(chosen, username, tuple(scope or _SCOPES), lifetime)
        secret, token_id = made.token, made.id
    else:
        secret, token_id, name = given, None, ""
    who = _check(chosen, secret)
    if who.user is None:
        raise HubError("The hub does not know this token.")
    file = CredentialFile()
    file.save(Login(chosen, who.user.name or name, secret, token_id))
    if for_git:
        _set_up_git(chosen)
    if as_json:
        show_json({"url": chosen, "user": who.user.name, "saved_in": str(file.path)})
    else:
        say(f"Logged in to {chosen} as {printable(who.user.name)}; saved in {file.path}.")


@options.example("modelkeep logout")
def logout(url: options.Url = None, as_json: options.Json = False) -> None:
    """Forget the log-in of a hub, and revoke the token that the log-in made.

    A token that you brought along ('login --token') is forgotten here and goes on working.
    """
    from modelkeep.sdk.credentials import CredentialFile, choose_login
    from modelkeep.sdk.errors import HubError
    from modelkeep.sdk.hub import Hub

    chosen = choose_login(url, None)[0]
    forgotten = CredentialFile().remove(chosen)
    is_revoked = False
    if forgotten is not None and forgotten.token_id is not None:
        try:
            with Hub(chosen, forgotten.token) as hub:
                hub.tokens.revoke(forgotten.token_id)
            is_revoked = True
        except HubError as error:
            note(f"warning: the token is forgotten here, but not revoked at the hub: {printable(str(error))}")
    if as_json:
        show_json({"url": chosen, "was_logged_in": forgotten is not None, "is_revoked": is_revoked})
    elif forgotten is None:
        say(f"You were not logged in to {chosen}.")
    else:
        say(f"Logged out of {chosen}.")


@options.example("modelkeep whoami --json")
def whoami(url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Show who the hub takes you for."""
    with options.connect(url, token) as hub:
        who = hub.whoami()
        if as_json:
            show_json(
                {"url": hub.url, "user": who.user, "token": who.token, "organisations": who.organisations}
            )
            return
        _show_identity(hub, who)


def _identity_json(hub: Hub, who: Identity) -> dict[str, object]:
    token = None
    if who.token is not None:
        token = {name: getattr(who.token, name) for name in ("id", "name", "scopes", "limits", "expires_at")}
    return {"url": hub.url, "user": who.user, "token": token, "organisations": who.organisations}


def _show_identity(hub: Hub, who: Identity) -> None:
    show_fields(
        [
            ("hub", hub.url),
            ("user", who.user.name if who.user else "(nobody: not logged in)"),
            ("full name", who.user.full_name if who.user else ""),
            ("administrator", "yes" if who.user and who.user.is_hub_admin else ""),
            ("organisations", ", ".join(f"{one.name} ({one.role})" for one in who.organisations)),
            ("token", who.token.name if who.token else ""),
            ("scopes", ", ".join(who.token.scopes) if who.token else ""),
            ("limited to", ", ".join(who.token.limits) if who.token else ""),
            ("expires", time_text(who.token.expires_at) if who.token else ""),
        ]
    )


def _is_unknown(url: str | None) -> bool:
    from modelkeep.sdk.credentials import CredentialFile

    return url is None and sys.stdin.isatty() and CredentialFile().default() is None


def _given_token(token: str | None, username: str | None) -> str | None:
    """The token that the user brings along; None where one has to be made with a password."""
    if token is not None and token != "-":  # noqa: S105 - the sign for standard input
        return token.strip()
    if token == "-" or (username is None and not sys.stdin.isatty()):  # noqa: S105
        return _read_line("token")
    return None


def _make_token(
    url: str, username: str | None, scopes: tuple[str, ...], lifetime: timedelta | None
) -> tuple[Token, str]:
    from modelkeep.sdk.errors import HubError, Unauthenticated
    from modelkeep.sdk.hub import Hub

    name = username or _ask("User name")
    password = (
        typer.prompt("Password", hide_input=True, err=True) if sys.stdin.isatty() else _read_line("password")
    )
    label = f"modelkeep on {socket.gethostname()}"[:100]
    try:
        with Hub.with_password(url, name, password) as hub:
            return hub.tokens.create(label, scopes=scopes, expires_in=lifetime), name
    except Unauthenticated as error:
        raise HubError(error.message) from error


def _check(url: str, secret: str) -> Identity:
    from modelkeep.sdk.hub import Hub

    with Hub(url, secret) as hub:
        return hub.whoami()


def _ask(question: str) -> str:
    return str(typer.prompt(question, err=True)).strip()


def _read_line(what: str) -> str:
    line = sys.stdin.readline(_MAX_INPUT).strip("\r\n")
    if not line:
        raise typer.BadParameter(f"Standard input has no {what}.")
    return line


def _set_up_git(url: str) -> None:
    """Makes git ask this program for credentials of the hub, and no other helper."""
    from modelkeep.cli.git_questions import helper_command

    key = f"credential.{url}.helper"
    for arguments in (["--replace-all", key, ""], ["--add", key, helper_command()]):
        subprocess.run(["git", "config", "--global", *arguments], check=True, timeout=30)
    # The hub has LFS locks; git-lfs would say so at every push until it is told that we know.
    locks = f"lfs.{url}/.locksverify"
    subprocess.run(["git", "config", "--global", locks, "true"], check=True, timeout=30)
