"""How many shards are checked at once: few, because each is in memory, and of one sender not all."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable


class Places:
    """Places to wait for.

    Args:
        total: How many there are.
        each: How many of them one holder may have.
    """

    def __init__(self, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._held: Counter[Hashable] = Counter()
        self._changed = asyncio.Condition()

    async def take(self, holder: Hashable) -> None:
        """Waits for a place; it is to be given back (:meth:`give_back`) unless the wait was cancelled."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._is_free(holder))
            self._held[holder] += 1

    async def give_back(self, holder: Hashable) -> None:
        """Lets somebody else have the place."""
        async with self._changed:
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]
            self._changed.notify_all()

    def _is_free(self, holder: Hashable) -> bool:
        return self._held.total() < self._total and self._held[holder] < self._each
