"""Folds registry events into the state of artifacts: which versions are there, which is latest, who holds a stage.

The rules are GTO's:

* Versions come from registrations and deregistrations, by name. A version is active when the last of these (by the
  tagger's second; a deregistration wins within one) is a registration.
* An assignment names no version; it belongs to the version registered at its commit, or to the bare commit when there
  is none. A version holds a stage while its last assignment or unassignment there is an assignment (an unassignment
  wins within one second).
* A stage shows the active version that was assigned last; when that one leaves, the one before re-appears.
* An artifact is deprecated while its last event is a deprecation (any other event of the same second wins).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.events import Event
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.domain.versions import SemVer

_PASS = {
    EventKind.DEPRECATION: 0,
    EventKind.REGISTRATION: 1,
    EventKind.DEREGISTRATION: 1,
    EventKind.ASSIGNMENT: 2,
    EventKind.UNASSIGNMENT: 2,
}


@dataclass(frozen=True, slots=True)
class StageState:
    """A stage of one version: its assignments and unassignments, oldest first."""

    stage: str
    assignments: tuple[Event, ...]
    unassignments: tuple[Event, ...]

    @property
    def is_active(self) -> bool:
        """Whether the version holds the stage now."""
        if not self.assignments:
            return False
        return not self.unassignments or self.assignments[-1].at > self.unassignments[-1].at

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
        return not self.deregistrations or self.registrations[-1].at > self.deregistrations[-1].at

    @property
    def semver(self) -> SemVer | None:
        """The semantic version, None for a bare commit."""
        return _semver(self.name) if self.is_registered else None

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
        """The greatest version that is registered and active; pre-releases count."""
        candidates = [(v.semver, v) for v in self.versions if v.is_active and v.semver is not None]
        return max(candidates, key=lambda pair: pair[0])[1] if candidates else None

    @property
    def next_counter(self) -> int:
        """The counter for the next tag: one more than the highest in any tag of the artifact."""
        return 1 + max((e.counter for e in self.events if e.counter is not None), default=0)

    def holders(self, stage: str) -> tuple[VersionState, ...]:
        """The active versions in ``stage``, the one that was assigned last first."""
        held = [
            (state.assigned_at, index, version)
            for index, version in enumerate(self.versions)
            if version.is_active
            for state in version.stages
            if state.stage == stage and state.is_active
        ]
        return tuple(version for _, _, version in sorted(held, key=lambda row: row[:2], reverse=True))

    def stage_names(self) -> tuple[str, ...]:
        """Every stage that some active version is in, by name."""
        return tuple(sorted({s for v in self.versions if v.is_active for s in v.active_stages}))

    def version(self, name: str) -> VersionState | None:
        """The version of this name (or bare commit), active or not."""
        return next((v for v in self.versions if v.name == name), None)

    def version_at(self, commit: str) -> VersionState | None:
        """The active registered version at ``commit``."""
        return next(
            (v for v in self.versions if v.commit == commit and v.is_registered and v.is_active), None
        )


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
    registrations: dict[str, list[Event]] = {}
    deregistrations: dict[str, list[Event]] = {}
    stages: dict[str, dict[str, tuple[list[Event], list[Event]]]] = {}
    version_at: dict[str, str] = {}
    order: list[tuple[str, str]] = []
    for event in ordered:
        if event.kind is EventKind.REGISTRATION and event.version is not None:
            if event.version not in registrations and event.version not in deregistrations:
                order.append((event.version, event.commit))
            registrations.setdefault(event.version, []).append(event)
            version_at.setdefault(event.commit, event.version)
        elif event.kind is EventKind.DEREGISTRATION and event.version is not None:
            if event.version not in registrations and event.version not in deregistrations:
                order.append((event.version, event.commit))
            deregistrations.setdefault(event.version, []).append(event)
        elif event.stage is not None:
            holder = version_at.get(event.commit)
            if holder is None:
                holder = version_at[event.commit] = event.commit
                order.append((holder, event.commit))
            pair = stages.setdefault(holder, {}).setdefault(event.stage, ([], []))
            pair[event.kind is EventKind.UNASSIGNMENT].append(event)
    versions = tuple(
        VersionState(
            artifact=name,
            name=version,
            commit=registrations[version][-1].commit if version in registrations else commit,
            registrations=tuple(registrations.get(version, ())),
            deregistrations=tuple(deregistrations.get(version, ())),
            stages=tuple(
                StageState(stage, tuple(pair[0]), tuple(pair[1]))
                for stage, pair in sorted(stages.get(version, {}).items())
            ),
        )
        for version, commit in order
    )
    return ArtifactState(name, versions, tuple(sorted(ordered, key=lambda e: (e.at, e.tag))))


def _semver(text: str) -> SemVer | None:
    try:
        return SemVer.parse(text)
    except InvalidInput:
        return None
