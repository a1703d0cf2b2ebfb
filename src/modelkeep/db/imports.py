"""Imports from other hubs: what each repo takes over, and how far that has come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from modelkeep.db.batches import batches
from modelkeep.db.keyset import one_page
from modelkeep.db.reading import readable_condition
from modelkeep.db.storable import storable
from modelkeep.db.tables import ImportFiles, Imports, Repos
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor
from modelkeep.domain.imports import Choice, Import, ImportState, Progress, Source
from modelkeep.domain.paging import Page, PageRequest, page_of
from modelkeep.domain.repos import RepoKind

_TEXTS = ("source", "revision", "error", "endpoint")


def add_import(
    tx: Transaction,
    repo_id: str,
    source: Source,
    choice: Choice,
    *,
    revision: str | None,
    wanted_commit: str,
    token: bytes | None,
    every: timedelta | None,
    created_by: Actor,
    now: datetime,
) -> int:
    """Adds an import that begins at once, and gives its number."""
    statement = insert(Imports).values(
        repo_id=repo_id,
        endpoint=storable(source.endpoint),
        kind=str(source.kind),
        source=storable(source.name),
        revision=storable(revision) if revision is not None else None,
        include=list(choice.include),
        exclude=list(choice.exclude),
        token=token,
        every=int(every.total_seconds()) if every is not None else None,
        state=str(ImportState.QUEUED),
        wanted_commit=wanted_commit,
        files_done=0,
        files_total=0,
        bytes_done=0,
        bytes_total=0,
        failures=0,
        next_at=now,
        created_at=now,
        created_by=created_by.username,
        created_by_id=created_by.user_id,
    )
    tx.rings = True
    return int(tx.execute(statement.returning(Imports.id)).scalar_one())


def import_by_id(tx: Transaction, import_id: int) -> Import | None:
    """The import of this number."""
    row = tx.first(select(*_columns()).where(Imports.id == import_id))
    return _import_of(row) if row is not None else None


def import_of_repo(tx: Transaction, repo_id: str) -> Import | None:
    """What a repo takes over from elsewhere."""
    row = tx.first(select(*_columns()).where(Imports.repo_id == repo_id))
    return _import_of(row) if row is not None else None


def list_imports(
    tx: Transaction, actor: Actor, page: PageRequest, repo_id: str | None = None
) -> Page[Import]:
    """The imports into repos that the actor may read, newest first; of one repo, whose reading is not checked.

    Raises:
        InvalidInput: The cursor belongs to another list.
    """
    statement = select(*_columns())
    if repo_id is not None:
        statement = statement.where(Imports.repo_id == repo_id)
    else:
        statement = statement.join(Repos, Repos.id == Imports.repo_id).where(readable_condition(actor))
    rows = tx.execute(one_page(statement, [Imports.id], page, is_descending=True))
    return page_of([((row.id,), _import_of(row)) for row in rows], page.limit)


def update_import(tx: Transaction, import_id: int, **values: Any) -> None:
    """Changes columns."""
    shown = {
        name: storable(value) if name in _TEXTS and isinstance(value, str) else value
        for name, value in values.items()
    }
    tx.execute(update(Imports).where(Imports.id == import_id).values(**shown))
    tx.rings = tx.rings or values.get("next_at") is not None


def remove_import(tx: Transaction, import_id: int) -> None:
    """Removes an import with the list of its files; the repo keeps them."""
    tx.execute(delete(Imports).where(Imports.id == import_id))


def token_of(tx: Transaction, import_id: int) -> bytes | None:
    """The sealed token of an import."""
    found: bytes | None = tx.scalar(select(Imports.token).where(Imports.id == import_id))
    return found


def due(tx: Transaction, now: datetime, limit: int) -> list[int]:
    """Imports of repos that are not deleted whose time has come and that have no job, the longest due first."""
    statement = (
        select(Imports.id)
        .join(Repos, Repos.id == Imports.repo_id)
        .where(Imports.next_at <= now, Imports.job_at.is_(None), Repos.deleted_at.is_(None))
        .order_by(Imports.next_at, Imports.id)
        .limit(limit)
    )
    return [row.id for row in tx.execute(statement)]


def with_jobs(tx: Transaction) -> list[int]:
    """The imports that the engine was given a job for."""
    return [row.id for row in tx.execute(select(Imports.id).where(Imports.job_at.is_not(None)))]


def has_job(tx: Transaction, import_id: int) -> bool:
    """Whether the engine was given a job for an import."""
    statement = select(func.count()).where(Imports.id == import_id, Imports.job_at.is_not(None))
    return bool(tx.scalar(statement))


def imported_files(tx: Transaction, import_id: int) -> dict[str, str]:
    """What the last run took over: paths, with their ids at the source."""
    rows = tx.execute(select(ImportFiles.path, ImportFiles.oid).where(ImportFiles.import_id == import_id))
    return {row.path: row.oid for row in rows}


def replace_files(tx: Transaction, import_id: int, files: Mapping[str, str]) -> None:
    """Notes what a run took over, in place of what was noted before."""
    tx.execute(delete(ImportFiles).where(ImportFiles.import_id == import_id))
    for some in batches(sorted(files)):
        tx.execute(
            insert(ImportFiles),
            [{"import_id": import_id, "path": storable(path), "oid": files[path]} for path in some],
        )


def _columns() -> tuple[Any, ...]:
    hidden = {"token", "job_at"}
    shown = [column for column in Imports.__table__.columns if column.name not in hidden]
    return (*shown, Imports.token.is_not(None).label("has_token"))


def _import_of(row: Row[*tuple[Any, ...]]) -> Import:
    return Import(
        id=row.id,
        repo_id=row.repo_id,
        source=Source(row.endpoint, RepoKind(row.kind), row.source),
        has_token=bool(row.has_token),
        revision=row.revision,
        choice=Choice(tuple(row.include), tuple(row.exclude)),
        every=timedelta(seconds=row.every) if row.every is not None else None,
        state=ImportState(row.state),
        wanted_commit=row.wanted_commit,
        imported_commit=row.imported_commit,
        result_commit=row.result_commit,
        progress=Progress(row.files_done, row.files_total, row.bytes_done, row.bytes_total),
        failures=row.failures,
        error_code=row.error_code,
        error=row.error,
        next_at=row.next_at,
        created_at=row.created_at,
        created_by=row.created_by,
        created_by_id=row.created_by_id,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
