"""When to ask again, and after how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
_LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long.

    Attributes:
        tries: How often to ask in all, while nothing moves.
        first_delay: Seconds before the second try; it doubles, up to ``longest_delay``, with random spread.
        longest_delay: Seconds.
        sleep: Waits; a test passes its own.
    """

    tries: int = 5
    first_delay: float = 0.3
    longest_delay: float = 10.0
    sleep: Callable[[float], object] = time.sleep

    def delay(self, failures: int, retry_after: float | None = None) -> float | None:
        """Seconds to wait after the ``failures``-th failure in a row; None when it is time to give up.

        What the hub asks for (``retry_after``) is honoured up to a minute; longer than that, waiting is for
        people.
        """
        if failures >= self.tries or (retry_after is not None and retry_after > _LONGEST_WAIT):
            return None
        backoff = min(self.first_delay * 2.0 ** (failures - 1), self.longest_delay)
        spread = backoff * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing
        return max(spread, retry_after or 0.0)


def parse_retry_after(header: str | None) -> float | None:
    """Seconds from a ``Retry-After`` header (RFC 9110, section 10.2.3); None if it says nothing."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
