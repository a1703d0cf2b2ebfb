"""Showing a transfer: bars on a terminal, a line for each finished file elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelkeep.cli.output import note, printable, size_text

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from modelkeep.sdk.progress import ProgressCallback, TransferEvent

_VERBS = {"upload": "uploaded", "download": "downloaded", "hash": "hashed"}
_LONGEST_NAME = 40


@contextmanager
def progress(*, is_quiet: bool) -> Iterator[ProgressCallback | None]:
    """Shows progress on standard error while it is open, and gives the callback for the SDK."""
    if is_quiet:
        yield None
    elif sys.stderr.isatty():
        with _bars() as drawn:
            yield _Bars(drawn).show
    else:
        yield _say_finished


def _say_finished(event: TransferEvent) -> None:
    if event.action == "hash":
        return
    if event.state == "done":
        note(f"{_VERBS[event.action]} {printable(event.path)} ({size_text(event.total)})")
    elif event.state == "present":
        note(f"unchanged {printable(event.path)}")


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )


class _Bars:
    """One bar for all, and one for each file that moves now."""

    def __init__(self, drawn: Progress) -> None:
        self._drawn = drawn
        self._all = drawn.add_task("All files", total=0)
        self._planned = 0
        self._done: dict[str, int] = {}
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def show(self, event: TransferEvent) -> None:
        """Takes one event."""
        key = (event.action, event.path)
        if event.state == "planned":
            self._planned += event.total
            self._drawn.update(self._all, total=self._planned)
            return
        if event.action != "hash":
            self._done[event.path] = event.done
            self._drawn.update(self._all, completed=sum(self._done.values()))
        if event.state == "moving":
            if key not in self._tasks:
                self._tasks[key] = self._drawn.add_task(_label(event), total=event.total)
            self._drawn.update(self._tasks[key], completed=event.done)
        elif key in self._tasks:
            self._drawn.remove_task(self._tasks.pop(key))


def _label(event: TransferEvent) -> str:
    name = printable(event.path)
    shown = name if len(name) <= _LONGEST_NAME else "…" + name[-_LONGEST_NAME + 1 :]
    return f"{shown} (hashing)" if event.action == "hash" else shown
