"""A bounded memory of what was computed before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memo(Generic[K, V]):
    """Values by key, as many as together weigh no more than ``limit``; what was used longest ago goes first.

    For values that never change, such as what was read from an object of Git. Threads may share it.
    """

    def __init__(self, limit: int, weigh: Callable[[V], int]) -> None:
        self._limit = limit
        self._weigh = weigh
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: K, compute: Callable[[], V], keeps: Callable[[V], bool] = lambda value: True) -> V:
        """The value of a key, computed (without a lock) if it is not at hand, and kept if ``keeps`` says so."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = compute()
        if keeps(value):
            self._put(key, value)
        return value

    def _put(self, key: K, value: V) -> None:
        weight = self._weigh(value)
        if weight > self._limit // 4:
            return
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = value
            self._weight += weight
            while self._weight > self._limit:
                self._weight -= self._weigh(self._kept.popitem(last=False)[1])
