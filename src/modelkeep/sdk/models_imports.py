"""What the hub answers about imports, as a frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelkeep.sdk.wire import Record


@dataclass(frozen=True, slots=True)
class Import:
    """What a repo takes over from a repo of another hub.

    Attributes:
        id: Its number within the hub.
        repo: The repo that it fills, ``namespace/name`` or ``datasets/namespace/name``.
        endpoint: The URL of the other hub.
        kind: ``model`` or ``dataset``.
        source: ``owner/name`` there.
        url: The source's page.
        state: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        revision: What is followed; None for the source's default branch.
        include: Patterns of files that are taken; all without any.
        exclude: Patterns of files that are left out.
        every: Seconds after which changes are looked for again; None for once.
        wanted_commit: The source's commit that the present run is pinned to.
        imported_commit: The source's commit that was imported last.
        result_commit: The repo's commit that has it.
        files_done: Files that are done, of those that the run must bring.
        files_total: How many those are.
        bytes_done: The same in bytes.
        bytes_total: The same in bytes.
        error: Why the last try failed, in words; empty for a success.
        error_code: The same for programs.
        has_token: Whether it has a token for the source.
        next_at: When it goes on by itself.
        created_at: When it was asked for first.
        created_by: With whose rights it acts.
        finished_at: When the last run ended.
    """

    id: int
    repo: str
    endpoint: str
    kind: str
    source: str
    url: str
    state: str
    revision: str | None
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    every: int | None
    wanted_commit: str | None
    imported_commit: str | None
    result_commit: str | None
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    error: str
    error_code: str
    has_token: bool
    next_at: datetime | None
    created_at: datetime | None
    created_by: str
    finished_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether it is under way, or waits for its turn."""
        return self.state in ("queued", "running")

    @classmethod
    def read(cls, record: Record) -> Import:
        """Reads it from an answer."""
        progress, error = record.record("progress"), record.optional_record("error")
        return cls(
            id=record.integer("id"),
            repo=record.text("repo"),
            endpoint=record.text("endpoint"),
            kind=record.text("kind"),
            source=record.text("source"),
            url=record.text("url"),
            state=record.text("state"),
            revision=record.optional_text("revision"),
            include=record.texts("include"),
            exclude=record.texts("exclude"),
            every=record.optional_integer("every"),
            wanted_commit=record.optional_text("wanted_commit"),
            imported_commit=record.optional_text("imported_commit"),
            result_commit=record.optional_text("result_commit"),
            files_done=progress.integer("files_done"),
            files_total=progress.integer("files_total"),
            bytes_done=progress.integer("bytes_done"),
            bytes_total=progress.integer("bytes_total"),
            error=error.text("message", "") if error else "",
            error_code=error.text("code", "") if error else "",
            has_token=record.boolean("has_token", default=False),
            next_at=record.optional_time("next_at"),
            created_at=record.optional_time("created_at"),
            created_by=record.text("created_by", ""),
            finished_at=record.optional_time("finished_at"),
        )
