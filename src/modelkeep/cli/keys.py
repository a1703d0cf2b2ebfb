"""``modelkeep key …``: SSH keys that tags are signed with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_json, show_list, time_text

if TYPE_CHECKING:
    from modelkeep.sdk.models import Key

_MOST = 64 * 1024


@options.example("modelkeep key list", "modelkeep key list ada --json")
def list_keys(
    user: Annotated[
        str | None, typer.Argument(help="Whose; else yours.", metavar="[USER]", show_default=False)
    ] = None,
    has_removed: Annotated[
        bool, typer.Option("--removed", help="Those that are no longer in use, too.")
    ] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List SSH keys: yours, or somebody's."""
    with options.connect(url, token) as hub:
        show_list(
            hub.keys.list(user, has_removed=has_removed),
            ("id", "name", "type", "fingerprint", "added", "state"),
            _row,
            empty="There is no key.",
            as_json=as_json,
        )


@options.example("modelkeep key add ~/.ssh/id_ed25519.pub --name laptop")
def add(
    file: Annotated[
        Path,
        typer.Argument(
            help="The public key (….pub); '-' reads standard input.",
            metavar="FILE",
            allow_dash=True,
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="To recognise it by; else the key's comment.", metavar="NAME")
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Add an SSH public key, to sign tags with.

    Tags that you sign ('git tag -s' with gpg.format=ssh) are then known to be yours. This needs a token with scope
    admin: 'modelkeep login --scope admin'.
    """
    key = _read(file)
    with options.connect(url, token) as hub:
        made = hub.keys.add(key, name=name if name is not None else _comment(key) or file.stem)
    if as_json:
        show_json(made)
    else:
        say(f"Added the key {made.id}, {printable(made.name)} ({made.fingerprint}).")


@options.example("modelkeep key remove 3", "modelkeep key remove 3 --revoke")
def remove(
    key_id: Annotated[int, typer.Argument(help="Its number.", metavar="ID", show_default=False)],
    is_revoked: Annotated[
        bool,
        typer.Option("--revoke", help="What it signed before counts no more either: others may have it."),
    ] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Remove one of your SSH keys. What it signed before still counts, unless it is revoked."""
    with options.connect(url, token) as hub:
        hub.keys.remove(key_id, is_revoked=is_revoked)
    if as_json:
        show_json({"id": key_id, "is_removed": True, "is_revoked": is_revoked})
    else:
        say(f"Removed the key {key_id}.")


def _row(one: Key) -> tuple[str, ...]:
    state = "revoked" if one.is_revoked else "removed" if one.removed_at else "in use"
    return str(one.id), one.name, one.type, one.fingerprint, time_text(one.created_at), state


def _read(file: Path) -> str:
    """The key in a file; refuses a private one before it leaves this machine."""
    from modelkeep.sdk.errors import LocalProblem

    if str(file) == "-":
        body = sys.stdin.buffer.read(_MOST)
    else:
        with file.open("rb") as opened:
            body = opened.read(_MOST)
    text = body.decode("utf-8", "replace").strip()
    if "PRIVATE KEY" in text:
        raise LocalProblem(
            f"{file} is a private key, which stays with you; add the file that ends with .pub."
        )
    if not text:
        raise LocalProblem(f"{file} is empty.")
    return text


def _comment(key: str) -> str:
    parts = key.split("\n", 1)[0].split(None, 2)
    return parts[2].strip() if len(parts) == 3 else ""
