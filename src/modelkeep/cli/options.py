"""Options that several commands have in common, and how they show their examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

if TYPE_CHECKING:
    from modelkeep.sdk.hub import Hub

Command = TypeVar("Command", bound=Callable[..., Any])
MOST = 10**9
"""The greatest number that an option takes which counts something."""
_EXAMPLES: dict[Callable[..., object], tuple[str, ...]] = {}

Url: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="MODELKEEP_URL", help="The hub; else that of the last log-in.", metavar="URL"
    ),
]
Token: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--token", envvar="MODELKEEP_TOKEN", help="An access token; else the saved log-in.", metavar="TOKEN"
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing about progress.")]
Data: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The hub's data folder; else MODELKEEP_DATA.", metavar="DIR", file_okay=False
    ),
]
Config: TypeAlias = Annotated[
    Path | None, typer.Option("--config", help="A TOML file with settings.", metavar="FILE", dir_okay=False)
]
RepoName: TypeAlias = Annotated[
    str, typer.Argument(help="The repo.", metavar="NAMESPACE/REPO", show_default=False)
]
ArtifactName: TypeAlias = Annotated[
    str, typer.Argument(help="The artifact.", metavar="ARTIFACT", show_default=False)
]
Message: TypeAlias = Annotated[
    str | None, typer.Option("--message", "-m", help="What to write into the history.", metavar="TEXT")
]
Limit: TypeAlias = Annotated[
    int | None, typer.Option("--limit", help="At most so many; else all.", min=1, max=MOST, metavar="N")
]
Namespace: TypeAlias = Annotated[
    str | None, typer.Option("--namespace", help="Only of this user or organisation.", metavar="NAME")
]
Include: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        help="Take only files like this, such as '*.onnx' or 'weights/'. Repeatable.",
        metavar="GLOB",
    ),
]
Exclude: TypeAlias = Annotated[
    list[str] | None, typer.Option("--exclude", help="Leave out files like this. Repeatable.", metavar="GLOB")
]
Workers: TypeAlias = Annotated[
    int, typer.Option("--workers", help="Files that move at the same time.", min=1, max=32, metavar="N")
]


def example(*lines: str) -> Callable[[Command], Command]:
    """Marks a command with the command lines that its help shows, as written."""

    def mark(command: Command) -> Command:
        _EXAMPLES[command] = lines
        return command

    return mark


def epilog_of(command: Callable[..., object]) -> str:
    """The end of a command's help text: its examples, one in a line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in _EXAMPLES.get(command, ()))


@contextmanager
def connect(url: str | None, token: str | None) -> Iterator[Hub]:
    """Opens the hub that the options, the environment or the saved log-in name."""
    from modelkeep.sdk.hub import Hub

    with Hub(url, token) as hub:
        yield hub


def present_name(hub: Hub, repo: str | None) -> str | None:
    """The present name of a repo, which may be named by an old one; None stays None.

    Raises:
        NotFound: There is no such repo.
    """
    return None if repo is None else hub.repos.get(repo).full_name
