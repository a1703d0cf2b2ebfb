"""Mirrors: namespaces that take over the repos of a namespace elsewhere, each when it is asked for first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.imports import Choice, Import, ImportState, Source
from modelkeep.domain.repos import Repo, RepoKind

USUAL_FRESHNESS = 600
"""Seconds for which a repo counts as fresh where nothing else is said."""

MOST_HOPS = 3
"""Hubs that may ask each other one after the other for a repo that none of them has."""

_SHORTEST_FRESHNESS = 30
_LONGEST_FRESHNESS = 366 * 86_400
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}", re.ASCII)
_HUB = re.compile(r"modelkeep-[0-9a-f]{16}", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mirror:
    """What a namespace takes over; its token is kept apart.

    Attributes:
        namespace_id: Of the namespace that is filled.
        endpoint: The URL of the other hub.
        source: The namespace there.
        has_token: Whether it has a token for the source.
        fresh_for: How long after a repo was last compared with its source nobody asks again.
        choice: Which files are taken.
        kinds: Which kinds of repos are.
        set_at: When it was set last.
        set_by: By whom: its imports act with this user's rights.
        set_by_id: The same user's id; None if the account is gone.
    """

    namespace_id: int
    endpoint: str
    source: str
    has_token: bool
    fresh_for: timedelta
    choice: Choice
    kinds: tuple[RepoKind, ...]
    set_at: datetime
    set_by: str
    set_by_id: int | None

    def source_of(self, kind: RepoKind, name: str, token: str | None = None) -> Source:
        """The source of a repo of this name."""
        return Source(self.endpoint, kind, f"{self.source}/{name}", token)

    def fills(self, repo: Repo, known: Import) -> bool:
        """Whether a repo's import is this mirror's: its source, its default branch, without a schedule of its own."""
        expected = self.source_of(repo.kind, repo.name)
        return (
            repo.namespace_id == self.namespace_id
            and known.source.endpoint == expected.endpoint
            and known.source.kind is expected.kind
            and known.source.name.lower() == expected.name.lower()
            and known.revision is None
            and known.every is None
        )

    def is_stale(self, known: Import, now: datetime) -> bool:
        """Whether it is time to compare a repo with its source again; never while that is under way."""
        if known.state is ImportState.QUEUED:
            # What failed is tried again ever more seldom; whoever asks for the repo need not wait for that.
            return bool(known.failures) and known.next_at is not None and known.next_at > now + self.fresh_for
        if known.state not in (ImportState.DONE, ImportState.FAILED):
            return False
        return known.finished_at is None or known.finished_at + self.fresh_for < now


def follows(revision: str | None) -> bool:
    """Whether what a revision names may change: all but a commit's id."""
    return revision is None or not _COMMIT.fullmatch(revision)


def hub_name(key: bytes) -> str:
    """How a hub is called in ``Via`` (RFC 9110), by a key that nobody else has; says nothing about it."""
    return f"modelkeep-{key[:8].hex()}"


def via_of(header: str, own: str) -> str | None:
    """What a hub says in ``Via`` when it asks another because of a request that came with this header.

    None where it must not ask: it was asked before, or too many hubs have been.
    """
    hubs = _HUB.findall(header)
    if own in hubs or len(hubs) >= MOST_HOPS:
        return None
    return ", ".join(f"1.1 {hub}" for hub in (*hubs, own))


def parse_freshness(seconds: int | None) -> timedelta:
    """Checks for how long a repo counts as fresh.

    Raises:
        InvalidInput: It is too short or too long.
    """
    chosen = USUAL_FRESHNESS if seconds is None else seconds
    if not _SHORTEST_FRESHNESS <= chosen <= _LONGEST_FRESHNESS:
        raise InvalidInput(
            f"A repo of a mirror counts as fresh for {_SHORTEST_FRESHNESS} seconds at the least, a year at the most.",
            code="invalid_freshness",
        )
    return timedelta(seconds=chosen)


def parse_kinds(kinds: Sequence[str]) -> tuple[RepoKind, ...]:
    """Reads kinds of repos; all of them for none.

    Raises:
        InvalidInput: There is no such kind.
    """
    known = [kind for kind in (RepoKind.MODEL, RepoKind.DATASET) if not kinds or kind.value in kinds]
    if set(kinds) - {kind.value for kind in known}:
        raise InvalidInput("Kinds of repos are 'model' and 'dataset'.", code="invalid_repo_type")
    return tuple(known)


def parse_source_namespace(text: str) -> str:
    """Checks the name of a namespace of another hub.

    Raises:
        InvalidInput: It cannot be one.
    """
    if not _NAMESPACE.fullmatch(text) or ".." in text:
        raise InvalidInput(
            f"{text[:120]!r} is no namespace of another hub; write the part before the slash, such as 'acme'.",
            code="invalid_source",
        )
    return text
