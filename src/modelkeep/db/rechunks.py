"""Repos whose whole files become chunks: who asked, and how far it is."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select, update

from modelkeep.db.tables import Rechunks
from modelkeep.db.transaction import Transaction
from modelkeep.domain.storage import Rechunk, RechunkState


def ask(tx: Transaction, repo_id: str, user_id: int, now: datetime) -> None:
    """Notes that somebody asks for it now, in the place of an earlier time."""
    tx.execute(delete(Rechunks).where(Rechunks.repo_id == repo_id))
    tx.execute(
        insert(Rechunks).values(
            repo_id=repo_id,
            user_id=user_id,
            state=str(RechunkState.WAITING),
            files_done=0,
            files_total=0,
            asked_at=now,
        )
    )


def of_repo(tx: Transaction, repo_id: str) -> Rechunk | None:
    """The last time that somebody asked; None for never."""
    row = tx.first(select(Rechunks).where(Rechunks.repo_id == repo_id))
    if row is None:
        return None
    return Rechunk(
        row.user_id,
        RechunkState(row.state),
        row.files_done,
        row.files_total,
        row.error,
        row.asked_at,
        row.ended_at,
    )


def in_state(tx: Transaction, state: RechunkState) -> list[str]:
    """The ids of the repos that are in a state, in the order of asking."""
    rows = tx.execute(
        select(Rechunks.repo_id).where(Rechunks.state == str(state)).order_by(Rechunks.asked_at)
    )
    return [row.repo_id for row in rows]


def set_state(
    tx: Transaction,
    repo_id: str,
    state: RechunkState,
    error: str | None = None,
    ended_at: datetime | None = None,
) -> None:
    """Notes a state."""
    tx.execute(
        update(Rechunks)
        .where(Rechunks.repo_id == repo_id)
        .values(state=str(state), error=error, ended_at=ended_at)
    )


def set_progress(tx: Transaction, repo_id: str, done: int, total: int) -> None:
    """Notes how many of the files are done."""
    tx.execute(update(Rechunks).where(Rechunks.repo_id == repo_id).values(files_done=done, files_total=total))
