"""How much room repos take, as values. Every size is in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelkeep.sdk.wire import Record


@dataclass(frozen=True, slots=True)
class VersionStorage:
    """What a version takes: ``size`` as a download has it, ``added`` of which no earlier version has."""

    artifact: str
    version: str
    commit: str
    files: int
    size: int
    added: int

    @classmethod
    def read(cls, record: Record) -> VersionStorage:
        """Reads it from an answer."""
        return cls(
            artifact=record.text("artifact"),
            version=record.text("version"),
            commit=record.text("commit", ""),
            files=record.integer("files"),
            size=record.integer("size"),
            added=record.integer("added"),
        )


@dataclass(frozen=True, slots=True)
class RepoStorage:
    """What a repo takes.

    ``files`` is the number of different large files in all its history, ``logical`` their size as downloads have them,
    ``stored`` what they take (parts that they share count once), ``saved`` the difference, and ``git`` the size of its
    Git repository; ``versions`` begins with the earliest.
    """

    repo: str
    files: int
    logical: int
    stored: int
    saved: int
    git: int
    versions: tuple[VersionStorage, ...]

    @classmethod
    def read(cls, record: Record) -> RepoStorage:
        """Reads it from an answer."""
        return cls(
            repo=record.text("repo"),
            files=record.integer("files"),
            logical=record.integer("logical"),
            stored=record.integer("stored"),
            saved=record.integer("saved"),
            git=record.integer("git"),
            versions=tuple(map(VersionStorage.read, record.records("versions"))),
        )


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed from the store, or would be; ``freed`` on disk."""

    blobs: int
    xorbs: int
    freed: int

    @classmethod
    def read(cls, record: Record) -> Collected:
        """Reads it from an answer."""
        return cls(record.integer("blobs"), record.integer("xorbs"), record.integer("freed"))


@dataclass(frozen=True, slots=True)
class Rechunk:
    """Where the making of chunks stands: ``state`` is waiting, running, done or failed."""

    state: str
    files_done: int
    files_total: int
    error: str | None
    asked_at: datetime | None
    ended_at: datetime | None

    @property
    def has_ended(self) -> bool:
        """Whether it is done, or has failed."""
        return self.state in ("done", "failed")

    @classmethod
    def read(cls, record: Record) -> Rechunk:
        """Reads it from an answer."""
        return cls(
            state=record.text("state"),
            files_done=record.integer("files_done"),
            files_total=record.integer("files_total"),
            error=record.optional_text("error"),
            asked_at=record.optional_time("asked_at"),
            ended_at=record.optional_time("ended_at"),
        )


@dataclass(frozen=True, slots=True)
class HubStorage:
    """What all repos take together: ``stored`` is ``whole`` files and ``packed`` chunks that files share."""

    blobs: int
    logical: int
    whole: int
    xorbs: int
    packed: int
    stored: int

    @classmethod
    def read(cls, record: Record) -> HubStorage:
        """Reads it from an answer."""
        return cls(
            blobs=record.integer("blobs"),
            logical=record.integer("logical"),
            whole=record.integer("whole"),
            xorbs=record.integer("xorbs"),
            packed=record.integer("packed"),
            stored=record.integer("stored"),
        )
