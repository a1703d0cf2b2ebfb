"""Verdicts about versions that were recorded from outside."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, select

from modelkeep.db.storable import storable
from modelkeep.db.tables import VersionChecks
from modelkeep.db.transaction import Transaction
from modelkeep.domain.promotions import CheckVerdict, VersionCheck

MOST_VERDICTS = 1000
"""Verdicts that are read of one check: the last of each user is among them, unless somebody floods the table."""

_COLUMNS = (
    VersionChecks.artifact,
    VersionChecks.commit_id,
    VersionChecks.name,
    VersionChecks.verdict,
    VersionChecks.summary,
    VersionChecks.url,
    VersionChecks.user_id,
    VersionChecks.username,
    VersionChecks.at,
)


def add_check(tx: Transaction, repo_id: str, check: VersionCheck) -> None:
    """Adds a verdict; those before stay.

    Raises:
        Conflict: There is no such repo or user.
    """
    tx.execute(
        insert(VersionChecks).values(
            repo_id=repo_id,
            artifact=check.artifact,
            commit_id=check.commit,
            name=check.name,
            verdict=str(check.verdict),
            summary=storable(check.summary),
            url=storable(check.url) if check.url is not None else None,
            user_id=check.user_id,
            username=check.username,
            at=check.at,
        )
    )


def verdicts_of(tx: Transaction, repo_id: str, artifact: str, commit: str, name: str) -> list[VersionCheck]:
    """The last verdict of each user on one check, the newest first."""
    last = (
        select(func.max(VersionChecks.id))
        .where(*_about(repo_id, artifact, commit), VersionChecks.name == name)
        .group_by(VersionChecks.username)
    )
    return _rows(tx, select(*_COLUMNS).where(VersionChecks.id.in_(last)))


def checks_of(
    tx: Transaction, repo_id: str, artifact: str, commit: str, name: str | None = None
) -> list[VersionCheck]:
    """All verdicts about a version (on one check, or on all), the newest first; at most :data:`MOST_VERDICTS`."""
    statement = select(*_COLUMNS).where(*_about(repo_id, artifact, commit))
    if name is not None:
        statement = statement.where(VersionChecks.name == name)
    return _rows(tx, statement.limit(MOST_VERDICTS))


def _about(repo_id: str, artifact: str, commit: str) -> tuple[ColumnElement[bool], ...]:
    return (
        VersionChecks.repo_id == repo_id,
        VersionChecks.commit_id == commit,
        VersionChecks.artifact == artifact,
    )


def _rows(tx: Transaction, statement: Select[*tuple[Any, ...]]) -> list[VersionCheck]:
    rows = tx.execute(statement.order_by(VersionChecks.id.desc()))
    return [
        VersionCheck(
            artifact=row.artifact,
            commit=row.commit_id,
            name=row.name,
            verdict=CheckVerdict(row.verdict),
            summary=row.summary,
            url=row.url,
            user_id=row.user_id,
            username=row.username,
            at=row.at,
        )
        for row in rows
    ]
