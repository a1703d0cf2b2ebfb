"""The audit log: rows are added, never changed. Triggers refuse the rest, whoever asks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DDL, JSON, Index, event
from sqlalchemy.orm import Mapped, mapped_column

from modelkeep.db.tables.base import Base, Serial

JsonObject = dict[str, str | int | bool | None]


class Audit(Base):
    """What was changed. It refers to nothing by foreign key, because it outlives what it speaks about."""

    __tablename__ = "audit"
    __table_args__ = (
        Index(None, "repo_id", "id"),
        Index(None, "namespace_id", "id"),
        Index(None, "username", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[Serial]
    at: Mapped[datetime]
    user_id: Mapped[int | None]
    username: Mapped[str]
    token_id: Mapped[int | None]
    address: Mapped[str]
    door: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    repo_id: Mapped[str | None]
    namespace_id: Mapped[int | None]
    details: Mapped[JsonObject] = mapped_column(JSON)


_SQLITE = tuple(
    f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)
_POSTGRESQL = (
    "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()",
)

for _dialect, _statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
    for _statement in _statements:
        _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(Audit.__table__, "after_create", _ddl.execute_if(dialect=_dialect))
