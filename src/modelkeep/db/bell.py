"""A bell within one process: rung when something was added to the outbox and is committed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Bell:
    """Calls those who listen. Other processes hear nothing: whoever must miss nothing also looks now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[object, Callable[[], None]] = {}

    @contextmanager
    def heard_by(self, listener: Callable[[], None]) -> Iterator[None]:
        """Calls ``listener`` at every ring, in the thread that rings: it must return at once and raise nothing."""
        key = object()
        with self._lock:
            self._listeners[key] = listener
        try:
            yield
        finally:
            with self._lock:
                del self._listeners[key]

    def ring(self) -> None:
        """Calls all listeners."""
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()
