"""What was read lately and never changes, within a bound."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Memo(Generic[T]):
    """Values by name; those not asked for the longest are forgotten. Threads may share it.

    Args:
        limit: What the weights of all values may come to.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, name: str) -> T | None:
        """Returns a value, or None where it is not known."""
        with self._lock:
            found = self._values.get(name)
            if found is None:
                return None
            self._values.move_to_end(name)
            return found[0]

    def put(self, name: str, value: T, weight: int) -> None:
        """Remembers a value, unless it alone is over the limit."""
        with self._lock:
            self._drop(name)
            if weight > self._limit:
                return
            self._values[name] = value, weight
            self._weight += weight
            while self._weight > self._limit:
                self._drop(next(iter(self._values)))

    def forget(self, name: str) -> None:
        """Forgets a value, if it is known."""
        with self._lock:
            self._drop(name)

    def _drop(self, name: str) -> None:
        dropped = self._values.pop(name, None)
        if dropped is not None:
            self._weight -= dropped[1]
