"""``modelkeep org mirror …``: namespaces that take over repos from elsewhere when they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.durations import parse_duration
from modelkeep.cli.output import printable, say, show_fields, show_json, time_text
from modelkeep.cli.source_tokens import TOKEN_VARIABLE, source_token

Namespace = Annotated[
    str,
    typer.Argument(help="The organisation, or your own name.", metavar="ORGANISATION", show_default=False),
]


@options.example("modelkeep org mirror show acme")
def show(
    namespace: Namespace,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show what a namespace is a mirror of."""
    with options.connect(url, token) as hub:
        found = hub.orgs.mirror(namespace)
    if as_json:
        show_json(found)
        return
    show_fields(
        [
            ("namespace", found.namespace),
            ("source", f"{found.endpoint}/{found.source}"),
            ("kinds", " ".join(found.kinds)),
            ("include", " ".join(found.include)),
            ("exclude", " ".join(found.exclude)),
            ("token", "yes" if found.has_token else "no"),
            ("fresh for", f"{found.fresh_for} s"),
            ("set", f"{time_text(found.set_at)} UTC by {found.set_by}"),
        ]
    )


@options.example(
    "modelkeep org mirror set acme",
    "modelkeep org mirror set models --source acme --exclude '*.msgpack' --fresh-for 1d",
    "modelkeep org mirror set acme --endpoint https://hub.example.org --token-file source.token",
)
def set_mirror(
    namespace: Namespace,
    source: Annotated[
        str | None,
        typer.Option("--source", help="The namespace there; else the same name.", metavar="NAMESPACE"),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", help="The other hub; else what this hub is set to.", metavar="URL"),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="Only model or dataset. Repeatable.", metavar="KIND"),
    ] = None,
    include: options.Include = None,
    exclude: options.Exclude = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            help=f"A file with a token for the source ('-': standard input); else {TOKEN_VARIABLE}.",
            metavar="FILE",
            dir_okay=False,
        ),
    ] = None,
    fresh_for: Annotated[
        str | None,
        typer.Option("--fresh-for", help="How long not to look for changes; else 10m.", metavar="TIME"),
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Make a namespace a mirror: what clients of the Hub ask it for is fetched from another hub.

    Repeat the command to change it; the token for the same source is kept.
    """
    opened = source_token(token_file)
    lasts = parse_duration(fresh_for) if fresh_for is not None else None
    with options.connect(url, token) as hub:
        made = hub.orgs.set_mirror(
            namespace,
            endpoint=endpoint,
            source=source,
            token=opened,
            fresh_for=int(lasts.total_seconds()) if lasts is not None else None,
            include=include or [],
            exclude=exclude or [],
            kinds=kind or [],
        )
    if as_json:
        show_json(made)
    else:
        say(f"{made.namespace} is a mirror of {printable(made.endpoint)}/{printable(made.source)}.")


@options.example("modelkeep org mirror remove acme")
def remove(
    namespace: Namespace,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Make a mirror an ordinary namespace; its repos stay, the token is forgotten."""
    with options.connect(url, token) as hub:
        hub.orgs.remove_mirror(namespace)
    if as_json:
        show_json({"namespace": namespace, "is_removed": True})
    else:
        say(f"{printable(namespace)} is no mirror any more.")
