"""``modelkeep key …``: SSH keys that tags are signed with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_json, show_list, time_text

_MOST = 64 * 1024


@options.example("modelkeep key list", "modelkeep key list ada --json")
def list_keys(
    user: Annotated[
        str | None, typer.Argument(help="Whose; else yours.", metavar="[USER]", show_default=False)
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List SSH keys: yours, or somebody's."""
    with options.connect(url, token) as hub:
        show_list(
            hub.keys.list(user),
            ("id", "name", "type", "fingerprint", "added"),
            lambda one: (str(one.id), one.name, one.type, one.fingerprint, time_text(one.created_at)),
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

    Tags that you sign ('git tag -s' with gpg.format=ssh) are then known to be yours.
    """
    key = _read(file)
    with options.connect(url, token) as hub:
        made = hub.keys.add(key, name=name if name is not None else _comment(key) or file.stem)
    if as_json:
        show_json(made)
    else:
        say(f"Added the key {made.id}, {printable(made.name)} ({made.fingerprint}).")


@options.example("modelkeep key remove 3")
def remove(
    key_id: Annotated[int, typer.Argument(help="Its number.", metavar="ID", show_default=False)],
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Remove one of your SSH keys. Tags that it signed are no longer known to be yours."""
    with options.connect(url, token) as hub:
        hub.keys.remove(key_id)
    if as_json:
        show_json({"id": key_id, "is_removed": True})
    else:
        say(f"Removed the key {key_id}.")


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
