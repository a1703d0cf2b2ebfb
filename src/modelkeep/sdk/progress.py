"""Telling the caller how far a transfer is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["hash", "upload", "download"]
State: TypeAlias = Literal["planned", "moving", "done", "present"]


@dataclass(frozen=True, slots=True)
class TransferEvent:
    """Something happened to one file.

    Attributes:
        path: The file's path in the repo.
        action: What is being done: hashed before an upload, uploaded, or downloaded.
        state: ``planned`` once before the first file moves, ``moving`` about every mebibyte, then ``done``,
            or ``present`` where nothing had to move.
        done: Bytes so far.
        total: Bytes in all.
    """

    path: str
    action: Action
    state: State
    done: int
    total: int


ProgressCallback: TypeAlias = Callable[[TransferEvent], None]


class Reporter:
    """Calls the callback from one thread at a time; without a callback it does nothing."""

    def __init__(self, callback: ProgressCallback | None) -> None:
        self._callback = callback
        self._lock = threading.Lock()

    def tell(self, path: str, action: Action, state: State, done: int, total: int) -> None:
        """Reports one event."""
        if self._callback is not None:
            with self._lock:
                self._callback(TransferEvent(path, action, state, done, total))
