"""Turns at something that may take long, so that nobody has all of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """At most so many at once for each of those who want them; safe to use from many threads."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, whose: str, most: int) -> Iterator[bool]:
        """Takes one of so many, without waiting; false where none is left. The end of the block gives it back."""
        with self._lock:
            is_given = self._taken[whose] < most
            self._taken[whose] += is_given
        try:
            yield is_given
        finally:
            with self._lock:
                self._taken[whose] -= is_given
                if not self._taken[whose]:
                    del self._taken[whose]
