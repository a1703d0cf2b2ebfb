"""How many bytes files take where they share what is stored: each part counts once, for the first that has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Measure = Callable[[str, int, int], int]
"""The stored bytes of the chunks ``first`` up to ``stop`` of a xorb."""


@dataclass(frozen=True, slots=True)
class Span:
    """The chunks ``first`` up to, not including, ``stop`` of a xorb."""

    xorb: str
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The content of a file as the store has it.

    Attributes:
        id: Tells its content from that of others: an oid, or Git's id of a blob.
        size: Its bytes, as whoever reads it gets them.
        spans: Where its chunks are; None where it is stored whole.
    """

    id: str
    size: int
    spans: tuple[Span, ...] | None = None


class Stock:
    """What is stored so far; files are added one after another."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._files: set[str] = set()
        self._chunks: dict[str, int] = {}
        """Of each xorb the chunks that are here, as bits."""

    def add(self, files: Iterable[StoredFile]) -> int:
        """Adds files; gives the stored bytes that were not here before."""
        return sum(self._add(file) for file in files)

    def _add(self, file: StoredFile) -> int:
        if file.id in self._files:
            return 0
        self._files.add(file.id)
        if file.spans is None:
            return file.size
        return sum(self._add_span(span) for span in file.spans)

    def _add_span(self, span: Span) -> int:
        here = self._chunks.get(span.xorb, 0)
        wanted = (1 << span.stop) - (1 << span.first)
        missing = wanted & ~here
        self._chunks[span.xorb] = here | wanted
        added = 0
        while missing:
            first = (missing & -missing).bit_length() - 1
            # The run of ones from there: adding 1 at its start carries to its end.
            run = missing >> first
            length = (~run & (run + 1)).bit_length() - 1
            added += self._measure(span.xorb, first, first + length)
            missing &= ~(((1 << length) - 1) << first)
        return added


@dataclass(frozen=True, slots=True)
class VersionStorage:
    """What a version takes.

    Attributes:
        artifact: Of the version.
        version: ``v1.2.3``.
        commit: Where it is.
        files: How many files it has.
        size: Their bytes, as a download has them.
        added: The stored bytes that no earlier version has.
    """

    artifact: str
    version: str
    commit: str
    files: int
    size: int
    added: int


@dataclass(frozen=True, slots=True)
class RepoStorage:
    """What a repo takes.

    Attributes:
        repo: Its address.
        files: How many different large files it holds, in all its history.
        logical: Their bytes, as downloads have them.
        stored: The bytes that these files take in the store, parts that they share counted once.
        git: The bytes of its Git repository on disk.
        versions: Its versions, the earliest first.
    """

    repo: str
    files: int
    logical: int
    stored: int
    git: int
    versions: tuple[VersionStorage, ...] = ()

    @property
    def saved(self) -> int:
        """The bytes that sharing and compression save."""
        return self.logical - self.stored


@dataclass(frozen=True, slots=True)
class HubStorage:
    """What all repos take together.

    Attributes:
        blobs: How many different large files there are.
        logical: Their bytes, as downloads have them, each file counted once.
        whole: The bytes of those that are stored whole.
        xorbs: How many xorbs there are.
        packed: Their bytes on disk.
    """

    blobs: int
    logical: int
    whole: int
    xorbs: int
    packed: int

    @property
    def stored(self) -> int:
        """The bytes in the store."""
        return self.whole + self.packed


class RechunkState(StrEnum):
    """Where the making of chunks from a repo's whole files stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Rechunk:
    """Somebody's wish that the whole files of a repo become chunks.

    Attributes:
        user_id: Who asked.
        state: Where it stands.
        files_done: How many files were looked at.
        files_total: How many there are; 0 until that is known.
        error: Why it failed.
        asked_at: When.
        ended_at: When it was done, or failed.
    """

    user_id: int
    state: RechunkState
    files_done: int
    files_total: int
    error: str | None
    asked_at: datetime
    ended_at: datetime | None
