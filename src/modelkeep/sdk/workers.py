"""Running the same work on many items in a few threads, and stopping soon when one fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from modelkeep.sdk.errors import HubError

T = TypeVar("T")
R = TypeVar("R")

_GRACE = 2.0


class Stopped(HubError):
    """The work was called off because other work failed or the user interrupted."""


class StopSignal:
    """Told to long work, which asks it between two chunks."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Asks everybody to stop."""
        self._event.set()

    def check(self) -> None:
        """Raises :class:`Stopped` if the work should stop."""
        if self._event.is_set():
            raise Stopped("Stopped.")

    def sleep(self, seconds: float) -> None:
        """Waits, but not on when the work is called off.

        Raises:
            Stopped: It was called off.
        """
        self._event.wait(seconds)
        self.check()


def run_in_threads(work: Callable[[T, StopSignal], R], items: Sequence[T], workers: int) -> list[R]:
    """Calls ``work(item, stop)`` for every item, in some threads, and gives the results in their order.

    The first error stops the others and is raised. The threads are daemons: a program that ends does not wait
    for a socket that says nothing.
    """
    stop = StopSignal()
    results: dict[int, R] = {}
    errors: list[BaseException] = []
    positions = iter(range(len(items)))
    lock = threading.Lock()

    def loop() -> None:
        while True:
            with lock:
                position = None if errors else next(positions, None)
            if position is None:
                return
            try:
                stop.check()
                results[position] = work(items[position], stop)
            except BaseException as error:  # handed to the caller below
                with lock:
                    errors.append(error)
                stop.set()
                return

    threads = [threading.Thread(target=loop, daemon=True) for _ in range(max(1, min(workers, len(items))))]
    for thread in threads:
        thread.start()
    _wait(threads, stop)
    if errors:
        raise next((error for error in errors if not isinstance(error, Stopped)), errors[0])
    return [results[position] for position in range(len(items))]


def _wait(threads: Sequence[threading.Thread], stop: StopSignal) -> None:
    """Waits for all; interrupted, it asks them to stop and gives them a moment."""
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
    except BaseException:
        stop.set()
        deadline = time.monotonic() + _GRACE
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        raise
