"""Folds registry events into the state of artifacts: which versions are there, which is latest, who holds a stage.

The rules are GTO's:

* Versions come from registrations and deregistrations, by name and commit. A version is active when the last of these
  (by the tagger's second; a deregistration wins within one) is a registration.
* An assignment names no version; it belongs to the version registered at its commit, or to the bare commit when there
  is none. A version holds a stage while its last assignment or unassignment there is an assignment (an unassignment
  wins within one second).
* A stage shows the active version that was assigned last; when that one leaves, the one before re-appears. Of versions
  assigned in the same second, ``gto`` shows the one that was registered first.
* An artifact is deprecated while its last event is a deprecation (any other event of the same second wins).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelkeep.domain.events import Event
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.domain.versions import SemVer, sort_key_of

_PASS = {
    EventKind.DEPRECATION: 0,
    EventKind.REGISTRATION: 1,
    EventKind.DEREGISTRATION: 1,
    EventKind.ASSIGNMENT: 2,
    EventKind.UNASSIGNMENT: 2,
}

_PLAUSIBLE_COUNTER = 10**9

_Key = tuple[str, str]
"""A version's name and its commit: a tag about another commit speaks about another version."""

_Pair = tuple[list[Event], list[Event]]
"""What adds (registrations, assignments) and what takes away."""


@dataclass(frozen=True, slots=True)
class StageState:
    """A stage of one version: its assignments and unassignments, oldest first."""

    stage: str
    assignments: tuple[Event, ...]
    unassignments: tuple[Event, ...]

    @property
    def is_active(self) -> bool:
        """Whether the version holds the stage now."""
        return _last_wins(self.assignments, self.unassignments)

    @property
    def assigned_at(self) -> float:
        """When it was last assigned, in seconds since 1970."""
        return self.assignments[-1].at


@dataclass(frozen=True, slots=True)
class VersionState:
    """A version, or a bare commit that was given a stage.

    ``name`` is ``v1.2.3``, or the commit's id where ``is_registered`` is false.
    """

    artifact: str
    name: str
    commit: str
    registrations: tuple[Event, ...]
    deregistrations: tuple[Event, ...]
    stages: tuple[StageState, ...]

    @property
    def is_registered(self) -> bool:
        """Whether a registration names it."""
        return bool(self.registrations)

    @property
    def is_active(self) -> bool:
        """Whether it counts: registered and not deregistered since, or a bare commit."""
        if not self.registrations:
            return not self.deregistrations
        return _last_wins(self.registrations, self.deregistrations)

    @property
    def semver(self) -> SemVer | None:
        """The semantic version, None for a bare commit."""
        return SemVer.parse_or_none(self.name) if self.is_registered else None

    @property
    def sort_key(self) -> str | None:
        """What orders it by precedence (see :attr:`SemVer.sort_key`), None for a bare commit."""
        return sort_key_of(self.name) if self.registrations else None

    @property
    def created_at(self) -> float:
        """When it was last registered (a bare commit: last given a stage), in seconds since 1970."""
        if self.registrations:
            return self.registrations[-1].at
        events = [
            *self.deregistrations,
            *(e for s in self.stages for e in (*s.assignments, *s.unassignments)),
        ]
        return max(e.at for e in events)

    @property
    def active_stages(self) -> tuple[str, ...]:
        """The stages that it is in, by name."""
        return tuple(sorted(state.stage for state in self.stages if state.is_active))


@dataclass(frozen=True, slots=True)
class ArtifactState:
    """An artifact with all its versions, oldest registration first."""

    name: str
    versions: tuple[VersionState, ...]
    events: tuple[Event, ...]

    @property
    def is_active(self) -> bool:
        """Whether it is not deprecated."""
        last_deprecation = max((e.at for e in self.events if e.kind is EventKind.DEPRECATION), default=None)
        if last_deprecation is None:
            return True
        return any(e.at >= last_deprecation for e in self.events if e.kind is not EventKind.DEPRECATION)

    @property
    def latest(self) -> VersionState | None:
        """The greatest version that is registered and active; pre-releases count.

        Of versions that differ only in build metadata it is the one registered last.
        """
        greatest, found = "", None
        for version in self.versions:
            sort_key = version.sort_key
            if sort_key is not None and sort_key >= greatest and version.is_active:
                greatest, found = sort_key, version
        return found

    @property
    def next_counter(self) -> int:
        """The counter for the next tag: one more than the highest in any tag of the artifact.

        A counter so high that nobody counted there does not count, lest one pushed tag use all of them up.
        """
        used = {e.counter for e in self.events if e.counter is not None}
        free = 1 + max((counter for counter in used if counter < _PLAUSIBLE_COUNTER), default=0)
        while free in used:
            free += 1
        return free

    def holders(self, stage: str) -> tuple[VersionState, ...]:
        """The active versions in ``stage``, the one that was assigned last first."""
        held = [
            (-state.assigned_at, version.created_at, index)
            for index, version in enumerate(self.versions)
            if version.is_active
            for state in version.stages
            if state.stage == stage and state.is_active
        ]
        return tuple(self.versions[index] for _, _, index in sorted(held))

    def stage_names(self) -> tuple[str, ...]:
        """Every stage that some active version is in, by name."""
        return tuple(sorted({s for v in self.versions if v.is_active for s in v.active_stages}))

    @property
    def named_versions(self) -> dict[str, VersionState]:
        """The registered versions by name, oldest first.

        Of several of one name (deregistered, then registered at another commit) it is the active one, else the last.
        """
        found: dict[str, VersionState] = {}
        for version in self.versions:
            earlier = found.get(version.name)
            if version.is_registered and (earlier is None or version.is_active or not earlier.is_active):
                found[version.name] = version
        return found

    def version(self, name: str) -> VersionState | None:
        """The registered version of this name, active or not."""
        return self.named_versions.get(name)

    def version_at(self, commit: str) -> VersionState | None:
        """The registered version at ``commit``, active or not; of several the active one."""
        found = [v for v in self.versions if v.commit == commit and v.is_registered]
        return max(found, key=lambda v: v.is_active) if found else None


def fold(events: Iterable[Event]) -> dict[str, ArtifactState]:
    """Folds all events of a repo; the result is by artifact name, in alphabetical order."""
    by_artifact: dict[str, list[Event]] = {}
    for event in events:
        if event.kind is not EventKind.CREATION:
            by_artifact.setdefault(event.artifact, []).append(event)
    return {name: fold_artifact(name, by_artifact[name]) for name in sorted(by_artifact)}


def fold_artifact(name: str, events: Iterable[Event]) -> ArtifactState:
    """Folds the events of one artifact."""
    ordered = sorted(events, key=lambda e: (_PASS[e.kind], e.at, e.tag))
    registered: dict[_Key, _Pair] = {}
    for event in ordered:
        if event.version is not None:
            pair = registered.setdefault((event.version, event.commit), ([], []))
            pair[event.kind is EventKind.DEREGISTRATION].append(event)
    at_commit: dict[str, _Key] = {}
    for key, (registrations, deregistrations) in registered.items():
        if key[1] not in at_commit or _last_wins(registrations, deregistrations):
            at_commit[key[1]] = key
    staged: dict[_Key, dict[str, _Pair]] = {key: {} for key in registered}
    for event in ordered:
        if event.stage is not None:
            key = at_commit.get(event.commit, (event.commit, event.commit))
            pair = staged.setdefault(key, {}).setdefault(event.stage, ([], []))
            pair[event.kind is EventKind.UNASSIGNMENT].append(event)
    versions = tuple(_version(name, key, registered.get(key, ([], [])), staged[key]) for key in staged)
    return ArtifactState(name, versions, tuple(sorted(ordered, key=lambda e: e.order)))


def _version(artifact: str, key: _Key, pair: _Pair, stages: dict[str, _Pair]) -> VersionState:
    return VersionState(
        artifact=artifact,
        name=key[0],
        commit=key[1],
        registrations=tuple(pair[0]),
        deregistrations=tuple(pair[1]),
        stages=tuple(StageState(stage, tuple(on), tuple(off)) for stage, (on, off) in sorted(stages.items())),
    )


def _last_wins(additions: Sequence[Event], removals: Sequence[Event]) -> bool:
    """Whether the last event is an addition; within one second a removal wins. Both are oldest first."""
    return bool(additions) and (not removals or additions[-1].at > removals[-1].at)
