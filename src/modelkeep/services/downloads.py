"""Counts of downloads: noted in memory, written every few seconds by the jobs' thread, never by a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock

from modelkeep.db import downloads
from modelkeep.domain.errors import ModelkeepError
from modelkeep.services.ports import Stores

_ONE_DOWNLOAD = timedelta(minutes=5)
_MOST_VISITS = 50_000


class Downloads:
    """How often repos are downloaded. Threads may share it; a crash loses the last seconds."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._counts: Counter[tuple[str, int]] = Counter()
        self._visits: dict[tuple[str, str], datetime] = {}
        self._lock = Lock()

    def count(self, repo_id: str, visitor: str | None = None) -> None:
        """Notes one download; of a ``visitor`` only one within five minutes, however many files are fetched."""
        now = self._stores.now()
        with self._lock:
            if visitor is not None and not self._is_new(repo_id, visitor, now):
                return
            self._counts[repo_id, _day_of(now)] += 1

    def _is_new(self, repo_id: str, visitor: str, now: datetime) -> bool:
        last = self._visits.get((repo_id, visitor))
        if last is not None and now - last < _ONE_DOWNLOAD:
            return False
        if len(self._visits) >= _MOST_VISITS:
            self._visits = {key: at for key, at in self._visits.items() if now - at < _ONE_DOWNLOAD}
        if len(self._visits) >= _MOST_VISITS:
            self._visits.clear()
        self._visits[repo_id, visitor] = now
        return True

    def flush(self) -> int:
        """Writes what was noted; gives how many downloads these were. What cannot be written stays noted.

        Raises:
            Unavailable: The database is busy.
        """
        with self._lock:
            noted, self._counts = self._counts, Counter()
        if not noted:
            return 0
        try:
            with self._stores.database.write() as tx:
                for day in sorted({day for _, day in noted}):
                    downloads.add(tx, {repo: n for (repo, of), n in noted.items() if of == day}, day)
        except ModelkeepError:
            with self._lock:
                self._counts.update(noted)
            raise
        return noted.total()

    def tidy(self) -> int:
        """Takes days that are no longer recent out of the sums; gives how many counts went."""
        self.flush()
        today = _day_of(self._stores.now())
        with self._stores.database.write() as tx:
            return downloads.forget_before(tx, today - downloads.RECENT_DAYS + 1)

    def of(self, repo_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Downloads of the last 30 days and of all days, by repo id, those not yet written among them."""
        with self._stores.database.read() as tx:
            found = downloads.counts_of(tx, repo_ids)
        with self._lock:
            noted = Counter[str]()
            for (repo_id, _), count in self._counts.items():
                noted[repo_id] += count
        return {
            repo_id: (recent + noted[repo_id], ever + noted[repo_id])
            for repo_id, (recent, ever) in found.items()
        }


def _day_of(now: datetime) -> int:
    return int(now.timestamp()) // 86_400
