"""Imports: what a repo takes over from a repo of another hub, and how far that has come."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.repos import RepoKind

MOST_FILES = 25_000
"""Files that one import may change: all of them are one commit."""

SHORTEST_EVERY = timedelta(minutes=5)
LONGEST_EVERY = timedelta(days=366)

RETRY_DELAYS: tuple[float, ...] = (30, 120, 600, 1800, 3600, 10_800, 28_800)
"""Seconds until an import that broke off goes on, after each failure in a row; then it is given up."""

_SCHEME = "hf:"
_DATASETS = "datasets/"
_SOURCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})?", re.ASCII)
_LONGEST_REVISION = 250
_MOST_PATTERNS = 100
_LONGEST_PATTERN = 400


class ImportState(StrEnum):
    """Where an import stands. ``queued`` waits for its turn, also for the next try after a failure that may pass."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Source:
    """A repo of another hub that speaks the Hub API, with what opens it.

    Attributes:
        endpoint: The hub's URL, without a slash at the end.
        kind: What the repo holds.
        name: ``owner/name`` there (very old ones have no owner).
        token: Sent to the endpoint alone.
    """

    endpoint: str
    kind: RepoKind
    name: str
    token: str | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """``owner/name``, or ``datasets/owner/name``, as in the hub's own URLs."""
        return f"{_DATASETS}{self.name}" if self.kind is RepoKind.DATASET else self.name


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of another hub's repo at a commit.

    Attributes:
        path: In the repo.
        oid: Git's id of the blob (of the pointer, where it is an LFS file).
        size: In bytes, of the file itself.
        lfs_oid: The SHA-256 of an LFS file.
    """

    path: str
    oid: str
    size: int
    lfs_oid: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Which files of the source are taken: those that fit ``include`` (all without any) and not ``exclude``."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @classmethod
    def parse(cls, include: Sequence[str], exclude: Sequence[str]) -> Choice:
        """Checks patterns.

        Raises:
            InvalidInput: There are too many, or one is empty or too long.
        """
        for patterns in (include, exclude):
            if len(patterns) > _MOST_PATTERNS:
                raise InvalidInput(f"Name at most {_MOST_PATTERNS} patterns.", code="invalid_pattern")
        for pattern in (*include, *exclude):
            if not 0 < len(pattern) <= _LONGEST_PATTERN or "\0" in pattern:
                raise InvalidInput(
                    f"A pattern has 1 to {_LONGEST_PATTERN} characters, such as '*.safetensors' or 'onnx/'.",
                    code="invalid_pattern",
                )
        return cls(tuple(include), tuple(exclude))

    def takes(self, path: str) -> bool:
        """Whether a file is taken."""
        if self.include and not any(_fits(path, pattern) for pattern in self.include):
            return False
        return not any(_fits(path, pattern) for pattern in self.exclude)


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a run is done. Only what the run must change counts; sizes in bytes."""

    files_done: int = 0
    files_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0


@dataclass(frozen=True, slots=True)
class Import:
    """What a repo takes over from elsewhere; its token is kept apart.

    Attributes:
        id: Its number within the hub.
        repo_id: Which repo it fills.
        source: From where, without the token.
        has_token: Whether it has one.
        revision: Which revision is followed; None for the source's default branch.
        choice: Which files.
        every: How often it is done again; None for once.
        state: Where it stands.
        wanted_commit: The source's commit that the run under way is pinned to.
        imported_commit: The source's commit that was imported last.
        result_commit: The repo's commit that the last import made or found.
        progress: Of the present or last run.
        failures: How many tries in a row have failed.
        error_code: Why the last try failed.
        error: The same in words.
        next_at: When it goes on by itself.
        created_at: When it was asked for first.
        created_by: By whom: it acts with this user's rights.
        created_by_id: The same user's id; None if the account is gone.
        started_at: When the present or last run began.
        finished_at: When the last run ended.
    """

    id: int
    repo_id: str
    source: Source
    has_token: bool
    revision: str | None
    choice: Choice
    every: timedelta | None
    state: ImportState
    wanted_commit: str | None
    imported_commit: str | None
    result_commit: str | None
    progress: Progress
    failures: int
    error_code: str | None
    error: str | None
    next_at: datetime | None
    created_at: datetime
    created_by: str
    created_by_id: int | None
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether a run is under way, or waits for its turn."""
        return self.state in (ImportState.QUEUED, ImportState.RUNNING)


def parse_source(text: str) -> tuple[RepoKind, str, str | None]:
    """Reads ``[hf:][datasets/]owner/name[@revision]``: kind, name, revision.

    Raises:
        InvalidInput: It is no such thing.
    """
    rest = text.strip().removeprefix(_SCHEME)
    name, at, revision = rest.partition("@")
    kind = RepoKind.DATASET if name.startswith(_DATASETS) else RepoKind.MODEL
    name = name.removeprefix(_DATASETS)
    if not _SOURCE.fullmatch(name) or ".." in name:
        raise InvalidInput(
            f"{text[:120]!r} is no repo of another hub; write hf:owner/name, hf:owner/name@revision or "
            "hf:datasets/owner/name.",
            code="invalid_source",
        )
    return kind, name, parse_revision(revision) if at else None


def parse_revision(text: str) -> str:
    """Checks the name of a revision of another hub.

    Raises:
        InvalidInput: It is empty, too long, or has control characters in it.
    """
    if not 0 < len(text) <= _LONGEST_REVISION or not text.isprintable():
        raise InvalidInput(
            f"A revision has 1 to {_LONGEST_REVISION} printable characters: a branch, a tag or a commit.",
            code="invalid_source",
        )
    return text


def parse_every(seconds: int | None) -> timedelta | None:
    """Checks how often an import is done again.

    Raises:
        InvalidInput: It is too often, or too seldom.
    """
    if seconds is None:
        return None
    if not SHORTEST_EVERY.total_seconds() <= seconds <= LONGEST_EVERY.total_seconds():
        raise InvalidInput(
            "An import is repeated every 5 minutes at the most, and once a year at the least.",
            code="invalid_schedule",
        )
    return timedelta(seconds=seconds)


def retry_delay(failures: int, retry_after: float | None = None) -> timedelta | None:
    """How long to wait after so many failures in a row; None to give up."""
    if failures > len(RETRY_DELAYS):
        return None
    return timedelta(seconds=max(RETRY_DELAYS[failures - 1], min(retry_after or 0.0, RETRY_DELAYS[-1])))


def _fits(path: str, pattern: str) -> bool:
    """Shell style, as ``modelkeep download --include`` reads it; ``*`` also matches ``/``."""
    if pattern.endswith("/"):
        return path.startswith(pattern) or fnmatch.fnmatchcase(path, pattern + "*")
    return fnmatch.fnmatchcase(path, pattern) or (
        "/" not in pattern and fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)
    )
