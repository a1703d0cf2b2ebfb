"""``modelkeep watch``: the events of a repo as they happen."""

from __future__ import annotations

import itertools
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_line, time_text

if TYPE_CHECKING:
    from modelkeep.sdk.models_events import Event

_SHOWN = ("artifact", "name", "version", "stage", "ref", "previous", "message")


@options.example(
    "modelkeep watch acme/churn",
    "modelkeep watch acme/churn --type stage.assigned --json",
)
def watch(
    repo: options.RepoName,
    type: Annotated[
        list[str] | None,
        typer.Option("--type", help="Only this type, such as stage.assigned. Repeatable.", metavar="TYPE"),
    ] = None,
    after: Annotated[
        str | None,
        typer.Option(
            "--after", help="Begin after this event (its sequence); 0 for all so far.", metavar="SEQUENCE"
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help="End after so many.", min=1, max=options.MOST, metavar="N")
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document for each event, in a line.")
    ] = False,
) -> None:
    """Show the events of a repo as they happen, until you interrupt it.

    A connection that is lost is made again, and goes on after the last event that was shown.
    """
    with options.connect(url, token) as hub:
        for event in itertools.islice(hub.repo(repo).watch(after=after, types=type or []), limit):
            if as_json:
                show_line(event)
            else:
                _show(event)


def _show(event: Event) -> None:
    told = [f"{name}={_word(event.data[name])}" for name in _SHOWN if event.data.get(name) not in (None, "")]
    say(printable(f"{time_text(event.at)}  {event.type}  {' '.join(told)}  by {event.actor}"))
    sys.stdout.flush()


def _word(value: object) -> str:
    return value.split("\n", 1)[0] if isinstance(value, str) else json.dumps(value)
