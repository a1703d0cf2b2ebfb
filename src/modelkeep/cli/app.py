"""The command ``modelkeep``: a tree of commands that are loaded when they are called.

Typer has no public names for the types of its contexts and commands, hence ``Any``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer

from modelkeep.cli import front, options
from modelkeep.cli.catalogue import COMMANDS, GROUPS, below

_SETTINGS = {"help_option_names": ["--help", "-h"], "max_content_width": 100}


class Group(typer.core.TyperGroup):
    """A group of commands, each of which is imported when it is asked for.

    Args:
        path: The words before it, empty for the program itself.
    """

    def __init__(self, path: str = "") -> None:
        super().__init__(
            name=path.rpartition(" ")[2] or "modelkeep",
            commands={},
            no_args_is_help=True,
            rich_markup_mode=None,
            context_settings=_SETTINGS,
        )
        self.path = path
        self.commands = _Loaded(path)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, without loading anything."""
        return list(self.commands)

    def get_help(self, ctx: Any) -> str:
        """The overview, without loading anything."""
        return front.overview(self.path).rstrip("\n")

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command; a name that is none is refused with those that are near."""
        if cmd_name not in self.commands and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            ctx.fail(f"No such command {cmd_name!r}.{front.suggestion(self.path, cmd_name)}")
        return self.commands.get(cmd_name)


class _Loaded(MutableMapping[str, Any]):
    """The commands of a group by name; looking one up imports its module."""

    def __init__(self, path: str) -> None:
        self._start = f"{path} " if path else ""
        self._names = [name for name, _ in below(path)]
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._loaded:
            words = self._start + name
            self._loaded[name] = Group(words) if words in GROUPS else load(words)
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        raise TypeError("Commands are added to the catalogue.")

    def __delitem__(self, name: str) -> None:
        raise TypeError("Commands are removed from the catalogue.")

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def load(words: str) -> Any:
    """Imports a command by its words, such as ``repo create``.

    Raises:
        KeyError: There is no such command.
    """
    module, _, name = COMMANDS[words][0].partition(":")
    function = getattr(import_module(f"modelkeep.cli.{module}"), name)
    single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    single.command(words.rpartition(" ")[2], epilog=options.epilog_of(function))(function)
    return typer.main.get_command(single)


def run(arguments: list[str] | None = None) -> None:
    """Runs the command line, and ends the process with its exit code."""
    Group().main(sys.argv[1:] if arguments is None else arguments, prog_name="modelkeep")
