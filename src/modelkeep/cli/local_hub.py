"""Opening the hub on its own machine; the server is imported only then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from modelkeep.cli.output import note

if TYPE_CHECKING:
    from modelkeep.domain.access import Actor
    from modelkeep.server.wiring import Hub
    from modelkeep.settings import Settings


def load_settings(
    *, data: Path | None, config: Path | None, host: str | None = None, port: int | None = None
) -> Settings:
    """Reads the hub's settings; says what to install where the server is not there.

    Raises:
        InvalidInput: A setting is wrong.
    """
    try:
        from modelkeep.settings import Settings
    except ModuleNotFoundError as error:
        note(f"error: {error.name} is missing. The hub itself needs: pip install 'modelkeep[server]'")
        raise typer.Exit(1) from error
    return Settings.load(config_file=config, data=data, host=host, port=port)


@contextmanager
def open_local_hub(
    data: Path | None, config: Path | None, *, begins: bool = False
) -> Iterator[tuple[Hub, Actor]]:
    """Opens the hub in its data folder, with its administrator as the actor.

    Args:
        data: The folder, if it was given.
        config: A file of settings.
        begins: Whether a hub may begin here, as when accounts are made before the first start.

    Raises:
        InvalidInput: A setting is wrong.
        NotFound: There is no such folder, and no hub begins here: the name is most likely mistyped.
    """
    settings = load_settings(data=data, config=config)
    from modelkeep.domain.errors import NotFound
    from modelkeep.server.wiring import open_hub
    from modelkeep.services.accounts import local_administrator

    if not settings.data.is_dir() and begins:
        note(f"A new hub begins in {settings.data}.")
    elif not settings.data.is_dir():
        raise NotFound(f"There is no data folder {settings.data}; name it by --data, or start the hub first.")
    with open_hub(settings) as hub:
        yield hub, local_administrator()
