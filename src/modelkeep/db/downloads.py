"""How often the files of repos were downloaded: by day, in the last 30 days, ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, literal, select, update

from modelkeep.db.batches import batches
from modelkeep.db.tables import RepoCounts, RepoDownloads, Repos
from modelkeep.db.transaction import Transaction

RECENT_DAYS = 30


def add(tx: Transaction, counts: Mapping[str, int], day: int) -> None:
    """Adds downloads of a day, by repo id; repos that are gone are passed over. ``day`` counts from 1970-01-01."""
    for repo_id, count in sorted(counts.items()):
        of_repo = select(Repos.id, literal(day), literal(count)).where(Repos.id == repo_id)
        row = tx.insert(RepoDownloads).from_select(["repo_id", "day", "count"], of_repo)
        tx.execute(
            row.on_conflict_do_update(
                index_elements=["repo_id", "day"],
                set_={"count": RepoDownloads.count + row.excluded["count"]},
            )
        )
        tx.execute(
            update(RepoCounts)
            .where(RepoCounts.repo_id == repo_id)
            .values(
                recent_downloads=RepoCounts.recent_downloads + count,
                all_downloads=RepoCounts.all_downloads + count,
            )
        )


def forget_before(tx: Transaction, day: int) -> int:
    """Takes what was downloaded before a day out of the recent sums; gives how many rows by day went."""
    old = select(RepoDownloads.repo_id).where(RepoDownloads.day < day).distinct()
    repo_ids = [row.repo_id for row in tx.execute(old)]
    gone = 0
    for some in batches(repo_ids):
        gone += tx.execute(
            delete(RepoDownloads).where(RepoDownloads.repo_id.in_(some), RepoDownloads.day < day)
        ).rowcount
        total = (
            select(func.coalesce(func.sum(RepoDownloads.count), 0))
            .where(RepoDownloads.repo_id == RepoCounts.repo_id)
            .scalar_subquery()
        )
        tx.execute(update(RepoCounts).where(RepoCounts.repo_id.in_(some)).values(recent_downloads=total))
    return gone


def counts_of(tx: Transaction, repo_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Downloads of the last 30 days and of all days, by repo id."""
    found: dict[str, tuple[int, int]] = {}
    for some in batches(repo_ids):
        rows: Any = tx.execute(select(RepoCounts.__table__).where(RepoCounts.repo_id.in_(some)))
        found |= {row.repo_id: (row.recent_downloads, row.all_downloads) for row in rows}
    return found
