"""``modelkeep storage …``: how much room repos take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import note, printable, say, show_fields, show_json, show_table, size_text

if TYPE_CHECKING:
    from modelkeep.sdk.models_storage import HubStorage, RepoStorage

_LOOK_SECONDS = 1.0
_COLUMNS = ("ARTIFACT", "VERSION", "FILES", "SIZE", "ADDED")


@options.example(
    "modelkeep storage report acme/churn",
    "modelkeep storage report acme/churn --json",
    "modelkeep storage report",
)
def report(
    repo: Annotated[
        str | None,
        typer.Argument(
            help="The repo; without one, the whole hub (for its administrators).",
            metavar="[NAMESPACE/REPO]",
            show_default=False,
        ),
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show how much room a repo and its versions take, and what sharing saves.

    SIZE is what a download of the version has, ADDED the stored bytes that no earlier version has.
    """
    from modelkeep.sdk import models_storage

    with options.connect(url, token) as hub:
        found: HubStorage | RepoStorage = hub.storage() if repo is None else hub.repo(repo).storage()
    if as_json:
        show_json(found)
    elif isinstance(found, models_storage.RepoStorage):
        _show_repo(found)
    else:
        _show_hub(found)


def _show_hub(found: HubStorage) -> None:
    show_fields(
        [
            ("large files", str(found.blobs)),
            ("as downloaded", size_text(found.logical)),
            ("stored whole", size_text(found.whole)),
            ("stored in chunks", size_text(found.packed)),
            ("stored", size_text(found.stored)),
        ]
    )


def _show_repo(found: RepoStorage) -> None:
    show_fields(
        [
            ("large files", str(found.files)),
            ("as downloaded", size_text(found.logical)),
            ("stored", size_text(found.stored)),
            ("saved", _share(found.saved, found.logical)),
            ("git", size_text(found.git)),
        ]
    )
    if found.versions:
        say()
    show_table(
        _COLUMNS,
        [
            (one.artifact, one.version, str(one.files), size_text(one.size), size_text(one.added))
            for one in found.versions
        ],
        empty="No version is registered.",
    )


def _share(part: int, whole: int) -> str:
    return f"{size_text(part)} ({part / whole:.0%})" if whole else size_text(part)


@options.example("modelkeep storage collect --dry-run", "modelkeep storage collect")
def collect(
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Only count it.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Remove what no repo can reach any more from the store.

    The hub does so every night. What was of use lately (setting storage_grace_days) stays, and so does what repos
    hold that were deleted and can be restored.
    """
    with options.connect(url, token) as hub:
        found = hub.collect_storage(is_dry=is_dry)
    if as_json:
        show_json(found)
        return
    verb = "Would remove" if is_dry else "Removed"
    say(f"{verb} {found.blobs} files and {found.xorbs} packs of chunks: {size_text(found.freed)}.")


@options.example("modelkeep storage rechunk acme/churn --wait")
def rechunk(
    repo: options.RepoName,
    waits: Annotated[bool, typer.Option("--wait", help="Wait until it is done.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Store the files of a repo in chunks, which its versions share.

    Files that come with the clients of the Hugging Face Hub are stored so at once; those that came through Git LFS
    are stored whole until then. What every client downloads stays the same.
    """
    with options.connect(url, token) as hub:
        found = hub.repo(repo).rechunk()
        while waits and not found.has_ended:
            time.sleep(_LOOK_SECONDS)
            found = hub.repo(repo).rechunk_state()
    if as_json:
        show_json(found)
    elif found.state == "failed":
        note(f"error: {printable(found.error or 'it failed')}")
    elif found.state == "done":
        say(f"Done: {found.files_done} files are stored in chunks.")
    else:
        say("The hub does it in the background; storage report shows what it saves.")
    if found.state == "failed":
        raise typer.Exit(1)
