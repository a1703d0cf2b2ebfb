"""Which version an assignment is about, and who held the stage before: one pass over an artifact's events.

The rules are those of :mod:`modelkeep.domain.history`, which folds to a state at one moment; here every moment counts,
and thousands of events that arrive at once must not be folded thousands of times.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modelkeep.domain.events import Event
from modelkeep.domain.tag_grammar import EventKind

_WITHIN_A_SECOND = {
    EventKind.REGISTRATION: 0,
    EventKind.DEREGISTRATION: 1,
    EventKind.ASSIGNMENT: 2,
    EventKind.UNASSIGNMENT: 3,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What was so when an event of a stage happened.

    Attributes:
        version: The version at its commit, None where none is registered there.
        previous: Who held the stage just before: a version, or a commit without one; None where nobody did.
    """

    version: str | None
    previous: str | None


def standings(events: Iterable[Event]) -> dict[str, Standing]:
    """The standing at every assignment and unassignment of one artifact, by tag.

    Args:
        events: Those of the stages in question, and the registrations and deregistrations at their commits.
    """
    replay = _Replay()
    ordered = sorted(events, key=lambda event: (event.at, _WITHIN_A_SECOND.get(event.kind, 4), event.tag))
    return {event.tag: standing for event in ordered if (standing := replay.follow(event)) is not None}


class _Replay:
    def __init__(self) -> None:
        self._versions: dict[str, dict[str, bool]] = {}
        self._registered: set[tuple[str, str]] = set()
        self._stages: dict[str, dict[str, None]] = {}

    def follow(self, event: Event) -> Standing | None:
        if event.version is not None:
            is_registration = event.kind is EventKind.REGISTRATION
            self._versions.setdefault(event.commit, {})[event.version] = is_registration
            if is_registration:
                self._registered.add((event.commit, event.version))
            return None
        if event.stage is None:
            return None
        held = self._stages.setdefault(event.stage, {})
        standing = Standing(self._version_at(event.commit), self._holder(held))
        held.pop(event.commit, None)
        if event.kind is EventKind.ASSIGNMENT:
            held[event.commit] = None
        return standing

    def _version_at(self, commit: str) -> str | None:
        names = self._versions.get(commit, {})
        active = [name for name, is_active in names.items() if is_active]
        name = active[-1] if active else next(iter(names), None)
        return name if (commit, name) in self._registered else None

    def _holder(self, held: dict[str, None]) -> str | None:
        for commit in reversed(held):
            names = self._versions.get(commit)
            if not names:
                return commit
            if any(names.values()):
                return self._version_at(commit)
        return None
