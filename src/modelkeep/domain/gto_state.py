"""The registry as ``gto`` builds it in a clone, entry by entry, for answers that must equal its own to the letter.

:mod:`modelkeep.domain.history` says what is so; this says how ``gto`` 1.10.1 arrives at it, oddities included:

* Every version has an entry for its commit, beside those of its tags.
* A stage tag on a commit without a version makes two versions named after the commit: an empty one, and its own.
* An artifact of the annotations file at the default branch's tip has a version there, registered or not.
* Entries of one second keep the order in which ``gto`` comes across them.

``gto`` gives up on two versions at one commit where a stage tag follows; here the active one has the stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from modelkeep.domain.artifacts import Json
from modelkeep.domain.events import Event
from modelkeep.domain.objects import Commit
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.domain.versions import sort_key_of

Sort = Literal["timestamp", "semver"]


@dataclass(frozen=True, slots=True)
class CommitFacts:
    """A commit that a version is at, and what GTO's annotations file says there, by artifact (all its fields)."""

    commit: Commit
    annotations: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in the life of a version or an artifact: a registry tag, or (``kind`` None) the commit itself.

    ``ref`` is the tag's name or the commit's id; ``version`` what the entry belongs to, None for a deprecation.
    """

    kind: EventKind | None
    at: int
    when: datetime
    author: str
    author_email: str
    message: str
    commit: str
    ref: str
    version: str | None
    stage: str | None = None


class GtoStage:
    """A stage of one version; its entries are oldest first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.assignments: list[Entry] = []
        self.unassignments: list[Entry] = []

    @property
    def entries(self) -> list[Entry]:
        """All, oldest first."""
        return _by_time(self.assignments, self.unassignments)

    @property
    def is_active(self) -> bool:
        """Whether the version is in the stage."""
        return self.activation.kind is EventKind.ASSIGNMENT

    @property
    def activation(self) -> Entry:
        """The entry that put the version there, while it is."""
        return _last(self.assignments, self.unassignments)

    @property
    def authoring(self) -> Entry:
        """The last assignment."""
        return self.assignments[-1]


class GtoVersion:
    """A version, or a commit that stands for one; its entries are oldest first."""

    def __init__(self, name: str, commit: str) -> None:
        self.name = name
        self.commit = commit
        self.registrations: list[Entry] = []
        self.deregistrations: list[Entry] = []
        self.stages: dict[str, GtoStage] = {}
        self.facts: CommitFacts | None = None
        """Must be set before anything is asked that depends on time and is not said by a tag of the version."""

    @property
    def commits(self) -> list[Entry]:
        """The entry of the commit, once its facts are known."""
        if self.facts is None:
            return []
        commit = self.facts.commit
        when, author = commit.committer.when, commit.author
        return [
            Entry(
                None,
                int(when.timestamp()),
                when,
                author.name,
                author.email,
                commit.message,
                commit.id,
                commit.id,
                self.name,
            )
        ]

    @property
    def others(self) -> list[Entry]:
        """The commit, and what happened in stages."""
        return _by_time(self.commits, *(stage.entries[::-1] for stage in self.stages.values()))

    @property
    def entries(self) -> list[Entry]:
        """All of them."""
        staged = (stage.entries[::-1] for stage in self.stages.values())
        return _by_time(self.registrations, self.deregistrations, self.commits, *staged)

    @property
    def is_registered(self) -> bool:
        """Whether a registration names it."""
        return bool(self.registrations)

    @property
    def is_discovered(self) -> bool:
        """Whether no tag names it."""
        return not self.registrations and not self.deregistrations

    @property
    def is_active(self) -> bool:
        """Whether its last tag is a registration, or it has none."""
        if self.is_discovered:
            return True
        return _last(self.registrations, self.deregistrations).kind is EventKind.REGISTRATION

    @property
    def authoring(self) -> Entry:
        """The entry that author, time and message are taken from."""
        return self.registrations[-1] if self.registrations else self.others[-1]

    @property
    def activation(self) -> Entry:
        """The entry that it is active since."""
        return self.registrations[0] if self.registrations else self.entries[0]

    def active_stages(self) -> list[GtoStage]:
        """The stages that it is in, the one that it came to first, first."""
        return sorted((s for s in self.stages.values() if s.is_active), key=lambda s: s.activation.at)


class GtoArtifact:
    """An artifact: its versions in the order in which ``gto`` meets them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.versions: list[GtoVersion] = []
        self.deprecations: list[Entry] = []

    @property
    def entries(self) -> list[Entry]:
        """All, oldest first."""
        return _by_time(self.deprecations, *(version.entries[::-1] for version in self.versions))

    @property
    def is_active(self) -> bool:
        """Whether its last entry is no deprecation; the facts of all commits must be known where it has one."""
        return not self.deprecations or self.entries[-1].kind is not EventKind.DEPRECATION

    @property
    def is_registered(self) -> bool:
        """Whether there is a tag of it."""
        return bool(self.deprecations) or any(
            not version.is_discovered or version.stages for version in self.versions
        )

    @property
    def latest(self) -> GtoVersion | None:
        """The greatest version that is registered and active."""
        found = self.chosen(with_bare=False)
        return found[0] if found else None

    def chosen(
        self,
        *,
        with_bare: bool,
        with_discovered: bool = False,
        only_active: bool = True,
        sort: Sort = "semver",
    ) -> list[GtoVersion]:
        """Its versions, the greatest (or the youngest) first.

        Args:
            with_bare: Also those that no registration names.
            with_discovered: Also those that no tag names.
            only_active: Without those that were deregistered; otherwise everything is chosen.
            sort: ``semver``, then commits by id; or by time, which needs the facts of commits that no tag names.
        """
        found = [
            version
            for version in self.versions
            if not only_active
            or (
                version.is_active
                and (
                    (version.is_registered and not version.is_discovered)
                    or (with_discovered and version.is_discovered)
                    or (with_bare and not version.is_registered)
                )
            )
        ]
        if sort == "timestamp":
            return sorted(found, key=lambda version: version.authoring.at)[::-1]
        named = [(key, v) for v in found if (key := sort_key_of(v.name)) is not None]
        bare = [v for v in found if sort_key_of(v.name) is None]
        return [
            *(v for _, v in sorted(named, key=lambda pair: pair[0])[::-1]),
            *sorted(bare, key=lambda v: v.name)[::-1],
        ]

    def holders(
        self,
        *,
        only_registered: bool = False,
        assignments_per_version: int = -1,
        versions_per_stage: int = 1,
        sort: Sort = "semver",
    ) -> dict[str, list[tuple[GtoVersion, GtoStage]]]:
        """Who is in which stage; numbers of -1 stand for all. The first stages of a version count, not the last."""
        held: list[tuple[GtoVersion, GtoStage]] = []
        for version in self.chosen(with_bare=not only_registered, sort=sort):
            stages = version.active_stages()
            cut = stages if assignments_per_version < 0 else stages[:assignments_per_version]
            held += ((version, stage) for stage in cut)
        if sort == "timestamp":
            held = sorted(held, key=lambda pair: pair[1].authoring.at)[::-1]
        found: dict[str, list[tuple[GtoVersion, GtoStage]]] = {}
        for version, stage in held:
            present = found.setdefault(stage.name, [])
            if 0 <= versions_per_stage <= len(present):
                continue
            if all(version.name != other.name for other, _ in present):
                present.append((version, stage))
        return found


Registry = dict[str, GtoArtifact]
"""Artifacts by name, in the order in which ``gto`` meets them."""


def fold_as_gto(events: Iterable[Event], head: str | None = None, annotated: Sequence[str] = ()) -> Registry:
    """Builds the registry.

    Args:
        events: Of the repo, or of some of its artifacts.
        head: The default branch's tip.
        annotated: The artifacts that GTO's annotations file names there, in its order.
    """
    registry: Registry = {}
    ordered = sorted(events, key=lambda e: (_PASS[e.kind], e.at, e.tag))
    at_commit: dict[tuple[str, str], list[GtoVersion]] = {}
    named: dict[tuple[str, str, str], GtoVersion] = {}
    for event in ordered:
        artifact = registry.get(event.artifact)
        if artifact is None:
            artifact = registry[event.artifact] = GtoArtifact(event.artifact)
        if event.kind is EventKind.DEPRECATION:
            artifact.deprecations.append(_entry(event, None))
        elif event.version is not None:
            key = (event.artifact, event.version, event.commit)
            version = named.get(key)
            if version is None:
                version = named[key] = GtoVersion(event.version, event.commit)
                artifact.versions.append(version)
                at_commit.setdefault((event.artifact, event.commit), []).append(version)
            is_removal = event.kind is EventKind.DEREGISTRATION
            (version.deregistrations if is_removal else version.registrations).append(
                _entry(event, version.name)
            )
        elif event.stage is not None:
            _stage(artifact, at_commit.get((event.artifact, event.commit), ()), event, event.stage)
    if head is not None:
        for name in annotated:
            artifact = registry.setdefault(name, GtoArtifact(name))
            if (name, head) not in at_commit:
                artifact.versions.append(GtoVersion(head, head))
    return registry


def _stage(artifact: GtoArtifact, present: Sequence[GtoVersion], event: Event, stage: str) -> None:
    if present:
        version = next((v for v in reversed(present) if v.is_active), present[0])
    else:
        version = GtoVersion(event.commit, event.commit)
        artifact.versions += (GtoVersion(event.commit, event.commit), version)
    state = version.stages.setdefault(stage, GtoStage(stage))
    is_removal = event.kind is EventKind.UNASSIGNMENT
    (state.unassignments if is_removal else state.assignments).append(_entry(event, version.name))


_PASS = {
    EventKind.DEPRECATION: 0,
    EventKind.CREATION: 0,
    EventKind.REGISTRATION: 1,
    EventKind.DEREGISTRATION: 1,
    EventKind.ASSIGNMENT: 2,
    EventKind.UNASSIGNMENT: 2,
}


def _entry(event: Event, version: str | None) -> Entry:
    by = event.by
    return Entry(
        event.kind,
        int(by.when.timestamp()),
        by.when,
        by.name,
        by.email,
        event.message.strip(),
        event.commit,
        event.tag,
        version,
        event.stage,
    )


def _last(additions: Sequence[Entry], removals: Sequence[Entry]) -> Entry:
    """The last of these entries, both oldest first; of one second a removal."""
    if not additions or (removals and removals[-1].at >= additions[-1].at):
        return removals[-1]
    return additions[-1]


def _by_time(*parts: Sequence[Entry]) -> list[Entry]:
    return sorted((entry for part in parts for entry in part), key=lambda entry: entry.at)
