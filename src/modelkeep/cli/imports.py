"""``modelkeep import`` and ``modelkeep imports …``: repos that are taken over from other hubs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.durations import parse_duration
from modelkeep.cli.output import note, printable, say, show_fields, show_json, show_list, size_text, time_text
from modelkeep.cli.source_tokens import TOKEN_VARIABLE, source_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelkeep.sdk.models_imports import Import

ImportId = Annotated[int, typer.Argument(help="Its number.", metavar="IMPORT", show_default=False, min=1)]
Wait = Annotated[bool, typer.Option("--wait", "-w", help="Wait for its end, and show how far it is.")]


@options.example(
    "modelkeep import hf:acme/bert --wait",
    "modelkeep import hf:acme/bert@v2 --to models/bert --exclude '*.msgpack' --every 1d",
    "modelkeep import hf:datasets/acme/reviews --endpoint https://hub.example.org --token-file source.token",
)
def begin(
    source: Annotated[
        str,
        typer.Argument(
            help="The repo there; hf:datasets/… for a dataset.",
            metavar="hf:OWNER/NAME[@REVISION]",
            show_default=False,
        ),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="Where to; else your namespace and the same name. Made at need.",
            metavar="NAMESPACE/REPO",
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", help="The other hub; else what this hub is set to.", metavar="URL"),
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
    every: Annotated[
        str | None,
        typer.Option("--every", help="Look for changes again after this time, such as 1d.", metavar="TIME"),
    ] = None,
    visibility: Annotated[
        str | None,
        typer.Option(
            "--visibility",
            help="Of a repo that is made for it: private, shared or public.",
            metavar="VISIBILITY",
        ),
    ] = None,
    waits: Wait = False,
    is_quiet: options.Quiet = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Import a repo from Hugging Face or another hub.

    The hub does it by itself: every file is verified, what breaks off goes on where it was, and all of it is one
    commit that names its origin. Repeat the command to change what is wanted.
    """
    opened = source_token(token_file)
    lasts = parse_duration(every) if every is not None else None
    with options.connect(url, token) as hub:
        begun = hub.imports.create(
            source,
            repo=to,
            endpoint=endpoint,
            include=include or [],
            exclude=exclude or [],
            token=opened,
            every=int(lasts.total_seconds()) if lasts is not None else None,
            visibility=visibility,
        )
        if waits:
            if not (is_quiet or as_json):
                note(f"Import {begun.id} of {printable(begun.source)} into {begun.repo} has begun.")
            with _shown(is_quiet=is_quiet or as_json) as seen:
                begun = hub.imports.wait(begun.id, seen=seen)
    _tell(begun, as_json=as_json)


@options.example("modelkeep imports list", "modelkeep imports list acme/bert --json")
def list_imports(
    repo: Annotated[
        str | None,
        typer.Argument(help="Only of this repo.", metavar="[NAMESPACE/REPO]", show_default=False),
    ] = None,
    limit: options.Limit = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List imports into repos that you may read, the newest first."""
    with options.connect(url, token) as hub:
        show_list(
            hub.imports.list(repo).up_to(limit),
            ("id", "repo", "source", "state", "commit", "next"),
            lambda one: (
                str(one.id),
                one.repo,
                one.url,
                one.state,
                (one.imported_commit or "")[:10],
                time_text(one.next_at),
            ),
            empty="There is no import.",
            as_json=as_json,
        )


@options.example("modelkeep imports show 3", "modelkeep imports show 3 --wait")
def show(
    import_id: ImportId,
    waits: Wait = False,
    is_quiet: options.Quiet = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show an import: where it comes from, how far it is, why it failed."""
    with options.connect(url, token) as hub:
        found = hub.imports.get(import_id)
        if waits:
            with _shown(is_quiet=is_quiet or as_json) as seen:
                found = hub.imports.wait(import_id, seen=seen)
    if as_json:
        show_json(found)
        return
    show_fields(
        [
            ("import", str(found.id)),
            ("repo", found.repo),
            ("source", found.url),
            ("revision", found.revision or "its default branch"),
            ("include", " ".join(found.include)),
            ("exclude", " ".join(found.exclude)),
            ("token", "yes" if found.has_token else "no"),
            ("state", found.state),
            ("progress", _progress(found)),
            ("imported", found.imported_commit or ""),
            ("as commit", found.result_commit or ""),
            ("error", found.error),
            ("again every", f"{found.every} s" if found.every is not None else ""),
            ("next", f"{time_text(found.next_at)} UTC" if found.next_at else ""),
            ("made", f"{time_text(found.created_at)} UTC by {found.created_by}"),
        ]
    )


@options.example("modelkeep imports sync 3 --wait")
def sync(
    import_id: ImportId,
    waits: Wait = False,
    is_quiet: options.Quiet = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Look for changes at the source now; only files that have changed are fetched."""
    with options.connect(url, token) as hub:
        found = hub.imports.sync(import_id)
        if waits:
            with _shown(is_quiet=is_quiet or as_json) as seen:
                found = hub.imports.wait(import_id, seen=seen)
    _tell(found, as_json=as_json)


@options.example("modelkeep imports cancel 3")
def cancel(
    import_id: ImportId,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """End an import that is under way, and its schedule."""
    with options.connect(url, token) as hub:
        found = hub.imports.cancel(import_id)
    if as_json:
        show_json(found)
    else:
        say(f"Import {found.id} is {found.state}, and is not done again.")


@options.example("modelkeep imports forget 3")
def forget(
    import_id: ImportId,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Forget where a repo came from, and the token; its files stay."""
    with options.connect(url, token) as hub:
        hub.imports.delete(import_id)
    if as_json:
        show_json({"id": import_id, "is_removed": True})
    else:
        say(f"Import {import_id} is forgotten.")


def _tell(found: Import, *, as_json: bool) -> None:
    """Says how it stands; ends with 1 for an import that has failed."""
    if as_json:
        show_json(found)
    elif found.state == "done":
        say(
            f"Imported {printable(found.source)} at {(found.imported_commit or '')[:10]} into {found.repo} "
            f"(commit {(found.result_commit or '')[:10]})."
        )
    elif found.is_active:
        say(f"Import {found.id} of {printable(found.source)} into {found.repo} is {found.state}.")
        say(f"'modelkeep imports show {found.id} --wait' shows how far it is.")
    else:
        note(f"error: import {found.id} is {found.state}. {printable(found.error)}".rstrip())
    if found.state in ("failed", "cancelled"):
        raise typer.Exit(1)


def _progress(found: Import) -> str:
    if not found.files_total:
        return ""
    sizes = f"{size_text(found.bytes_done)} of {size_text(found.bytes_total)}"
    return f"{found.files_done} of {found.files_total} files, {sizes}"


@contextmanager
def _shown(*, is_quiet: bool) -> Iterator[Callable[[Import], None] | None]:
    """Shows how far an import is: a line that is written anew on a terminal, a line for each change elsewhere."""
    if is_quiet:
        yield None
        return
    last: list[str] = [""]
    is_terminal = sys.stderr.isatty()

    def seen(found: Import) -> None:
        waiting = f"; the last try failed: {found.error}" if found.state == "queued" and found.error else ""
        text = printable(f"{found.state}  {_progress(found)}{waiting}".rstrip())
        if text != last[0]:
            last[0] = text
            if is_terminal:
                sys.stderr.write(f"\r\x1b[K{text[:200]}")
                sys.stderr.flush()
            else:
                note(text)

    try:
        yield seen
    finally:
        if is_terminal and last[0]:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
