"""``modelkeep serve`` and ``modelkeep reindex``: the hub itself. The server is imported only when they run."""

from __future__ import annotations

from typing import Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.local_hub import load_settings, open_local_hub
from modelkeep.cli.output import note, say, show_json


@options.example("modelkeep serve --data hub", "modelkeep serve --data /srv/hub --config hub.toml")
def serve(
    data: options.Data = None,
    host: Annotated[
        str | None, typer.Option("--host", help="The address to listen on; else 127.0.0.1.", metavar="HOST")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", help="Else 8000; 0 for any free one.", min=0, max=65535, metavar="PORT"),
    ] = None,
    config: options.Config = None,
) -> None:
    """Run a hub: Git, Git LFS, the REST API and the registry, in one process.

    The first start makes the data folder, the database and an owner account, and prints its credentials once. All
    settings are in docs/reference/settings.md; an option wins over the environment, the environment over the file.
    """
    settings = load_settings(data=data, host=host, port=port, config=config)
    from modelkeep.server.main import run

    raise typer.Exit(run(settings))


@options.example("modelkeep reindex --data hub", "modelkeep reindex --check --data hub")
def reindex(
    repo: Annotated[
        str | None, typer.Argument(help="Only this repo.", metavar="[NAMESPACE/REPO]", show_default=False)
    ] = None,
    data: options.Data = None,
    config: options.Config = None,
    is_check: Annotated[
        bool, typer.Option("--check", help="Only say which repos lag; exit code 1 if any does.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Rebuild the index of versions and stages from the Git repositories alone."""
    from modelkeep.domain.names import RepoName

    if is_check and repo is not None:
        raise typer.BadParameter("--check looks at all repos; leave the name out.")
    with open_local_hub(data, config) as (hub, _):
        if is_check:
            lagging = [hub.indexing.name_of(repo_id) for repo_id in hub.indexing.lagging()]
            _tell(lagging, as_json, "lagging", "The index of every repo is up to date.")
            raise typer.Exit(1 if lagging else 0)
        if repo is not None:
            name = RepoName.parse(repo)
            count = hub.indexing.rebuild_by_name(name.namespace, name.name)
            rebuilt = [(str(name), count)]
            linked = hub.relinking.restore_by_name(name.namespace, name.name)
        else:
            rebuilt = hub.indexing.rebuild_all()
            linked = hub.relinking.restore_all()
        _tell([f"{name}: {count} refs" for name, count in rebuilt], as_json, "rebuilt", "There is no repo.")
        if linked:
            note(f"{linked} LFS objects on disk were linked again to the repos that point to them.")


def _tell(lines: list[str], as_json: bool, key: str, empty: str) -> None:
    if as_json:
        show_json({key: lines})
        return
    for line in lines:
        say(f"{key}  {line}")
    if not lines:
        note(empty)
