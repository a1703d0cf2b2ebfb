"""``modelkeep token …``: one's own access tokens."""

from __future__ import annotations

from typing import Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.durations import parse_duration
from modelkeep.cli.output import printable, say, show_json, show_list, time_text


@options.example("modelkeep token list")
def list_tokens(url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """List your access tokens, without their secrets."""
    with options.connect(url, token) as hub:
        show_list(
            hub.tokens.list(),
            ("id", "name", "scopes", "limited to", "expires", "last used"),
            lambda one: (
                str(one.id),
                one.name,
                " ".join(one.scopes),
                " ".join(one.limits),
                time_text(one.expires_at) or "never",
                time_text(one.last_used_at),
            ),
            empty="You have no token.",
            as_json=as_json,
        )


@options.example(
    "modelkeep token create ci --scope read --scope promote --limit acme/churn --expires 90d",
)
def create(
    name: Annotated[str, typer.Argument(help="To recognise it by.", metavar="NAME", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="read, write, promote or admin; else read. Repeatable.", metavar="SCOPE"
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit", help="Only this namespace, or this NAMESPACE/REPO. Repeatable.", metavar="NAME"
        ),
    ] = None,
    expires: Annotated[
        str, typer.Option("--expires", help="When it ends: 30d, 12h, never.", metavar="TIME")
    ] = "never",
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Make an access token; its secret is printed once, alone on the last line.

    This needs a token with scope admin: 'modelkeep login --scope admin'.
    """
    lifetime = parse_duration(expires)
    with options.connect(url, token) as hub:
        made = hub.tokens.create(name, scopes=scope or ["read"], limits=limit or [], expires_in=lifetime)
    if as_json:
        show_json(made)
        return
    say(
        f"Made the token {made.id}, {printable(made.name)} ({', '.join(made.scopes)}). Its secret, shown only now:"
    )
    say(made.token)


@options.example("modelkeep token revoke 7")
def revoke(
    token_id: Annotated[int, typer.Argument(help="Its number.", metavar="ID", show_default=False)],
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Make an access token worthless at once."""
    with options.connect(url, token) as hub:
        hub.tokens.revoke(token_id)
    if as_json:
        show_json({"id": token_id, "is_revoked": True})
    else:
        say(f"Revoked the token {token_id}.")
