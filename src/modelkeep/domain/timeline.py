"""Who held a stage when: the periods of a stage, from a replay of an artifact's events.

At every moment the timeline says what :func:`modelkeep.domain.history.fold_artifact` says of the events up to then;
it takes one pass, where folding anew at each event would take as many. Rests on these of GTO's rules:

* Events of one second happen at once.
* Whatever is tagged at a commit concerns that commit alone: which version it is, whether that is active, and whether
  it is in the stage. So each commit has at most one claim to the stage, and the best claim holds it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

from modelkeep.domain.events import Event
from modelkeep.domain.tag_grammar import EventKind

_Rank: TypeAlias = tuple[float, float, bool, float, str]


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which one version (or bare commit) held a stage.

    Attributes:
        version: None for a commit without a version.
        commit: What held it.
        start: In seconds since 1970.
        end: In seconds since 1970; None while it lasts.
        assigned_by: The assignment that it held the stage by; before ``start`` where the version came back because
            another one left.
        ended_by: The event that ended it, None while it lasts.
    """

    version: str | None
    commit: str
    start: float
    end: float | None
    assigned_by: Event
    ended_by: Event | None


def timeline(events: Iterable[Event], stage: str) -> list[Period]:
    """The periods of a stage of one artifact, oldest first; while nobody held it there is none.

    Args:
        events: All of the artifact's, in any order.
        stage: Which one.
    """
    every = [event for event in events if event.kind is not EventKind.CREATION]
    concerned = {event.commit for event in every if event.stage == stage}
    claims = {commit: _Claim(commit, stage) for commit in concerned}
    best: list[tuple[_Rank, str]] = []
    periods: list[Period] = []
    relevant = sorted((e for e in every if e.commit in concerned), key=lambda e: (e.at, e.tag))
    for second, group in groupby(relevant, key=lambda e: e.at):
        happened = list(group)
        for commit in {event.commit for event in happened}:
            claims[commit].follow([event for event in happened if event.commit == commit])
            rank = claims[commit].rank
            if rank is not None:
                heapq.heappush(best, (rank, commit))
        while best and claims[best[0][1]].rank != best[0][0]:
            heapq.heappop(best)
        _turn(periods, second, happened, claims[best[0][1]] if best else None)
    return periods


def _turn(periods: list[Period], second: float, happened: Sequence[Event], holder: _Claim | None) -> None:
    """Ends the present period and begins another, where the holder is another than before."""
    last = periods[-1] if periods and periods[-1].end is None else None
    if last is not None:
        if holder is not None and (holder.version, holder.commit) == (last.version, last.commit):
            return
        periods[-1] = Period(
            last.version,
            last.commit,
            last.start,
            second,
            last.assigned_by,
            _cause(happened, last.commit, holder.commit if holder else None),
        )
    if holder is not None and holder.assignment is not None:
        periods.append(Period(holder.version, holder.commit, second, None, holder.assignment, None))


def _cause(happened: Sequence[Event], left: str, came: str | None) -> Event:
    """Which event of a second ended a period: what took the stage from the one that left, else what gave it away."""
    removals = (EventKind.UNASSIGNMENT, EventKind.DEREGISTRATION)

    def weight(event: Event) -> tuple[bool, bool, bool]:
        return (
            not (event.commit == left and event.kind in removals),
            not (event.commit == came and event.kind is EventKind.ASSIGNMENT),
            event.commit not in (left, came),
        )

    return min(happened, key=weight)


@dataclass(slots=True)
class _Registration:
    """The registrations and deregistrations of one version at one commit."""

    first: tuple[float, str]
    added: float | None = None
    removed: float | None = None

    @property
    def is_active(self) -> bool:
        return self.added is not None and (self.removed is None or self.added > self.removed)


@dataclass(slots=True)
class _Claim:
    """What one commit has to do with the stage, as far as the events have been followed."""

    commit: str
    stage: str
    assignment: Event | None = None
    version: str | None = None
    rank: _Rank | None = None
    _versions: dict[str, _Registration] = field(default_factory=dict)
    _unassigned: float | None = None
    _first_stage: tuple[float, str] | None = None
    _last: float = 0.0

    def follow(self, events: Sequence[Event]) -> None:
        """Takes in all events of one second, in order of their tags."""
        for event in events:
            if event.version is not None:
                self._follow_version(event.version, event)
            elif event.stage is not None:
                self._first_stage = self._first_stage or (event.at, event.tag)
                self._last = event.at
                if event.stage == self.stage:
                    self._follow_stage(event)
        self._judge()

    def _follow_version(self, version: str, event: Event) -> None:
        pair = self._versions.setdefault(version, _Registration((event.at, event.tag)))
        if event.kind is EventKind.REGISTRATION:
            pair.added = event.at
        else:
            pair.removed = event.at

    def _follow_stage(self, event: Event) -> None:
        if event.kind is EventKind.ASSIGNMENT:
            self.assignment = event
        else:
            self._unassigned = event.at

    def _judge(self) -> None:
        name: str | None = None
        for candidate, pair in self._versions.items():
            if name is None or pair.is_active:
                name = candidate
        self.rank, self.version = None, None
        assigned = self.assignment.at if self.assignment else None
        if assigned is None or (self._unassigned is not None and assigned <= self._unassigned):
            return
        if name is None:
            first = self._first_stage or (0.0, "")
            self.rank = (-assigned, self._last, True, *first)
            return
        pair = self._versions[name]
        if pair.is_active and pair.added is not None:
            self.version = name
            self.rank = (-assigned, pair.added, False, *pair.first)
