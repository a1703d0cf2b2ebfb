"""What happened in a registry: one event for each registry tag, and the reasons why a tag is none."""

from __future__ import annotations

from dataclasses import dataclass

from modelkeep.domain.objects import Signature
from modelkeep.domain.tag_grammar import EventKind, TagName

RANKS = {
    EventKind.CREATION: 1,
    EventKind.DEPRECATION: 2,
    EventKind.REGISTRATION: 3,
    EventKind.DEREGISTRATION: 4,
    EventKind.ASSIGNMENT: 5,
    EventKind.UNASSIGNMENT: 6,
}
"""In which order events of one second are listed; ``gto history`` does so."""


@dataclass(frozen=True, slots=True)
class Event:
    """A registry event, read from an annotated tag.

    Attributes:
        tag: The tag's name, without ``refs/tags/``.
        kind: What it records.
        artifact: Which artifact, with a colon after its directory.
        version: For registrations and deregistrations.
        stage: For assignments and unassignments.
        counter: The number at the end of the tag's name, None in a simple tag.
        commit: The commit that the tag points to; an assignment belongs to the version registered there.
        by: The tagger, and when.
        message: The tag's message without a signature block.
        target: The id of the tag object.
    """

    tag: str
    kind: EventKind
    artifact: str
    version: str | None
    stage: str | None
    counter: int | None
    commit: str
    by: Signature
    message: str
    target: str

    @property
    def at(self) -> float:
        """When, in seconds since 1970."""
        return self.by.when.timestamp()

    @property
    def order(self) -> tuple[float, int, str]:
        """What histories are sorted by: the time, then the kind (a version before its stages), then the tag."""
        return self.at, RANKS[self.kind], self.tag


@dataclass(frozen=True, slots=True)
class TagProblem:
    """A tag that looks like a registry tag but cannot be read as one (or would stop ``gto``).

    ``code`` is for programs; ``reason`` says what is wrong and ``remedy`` what to do.
    """

    tag: str
    code: str
    reason: str
    remedy: str


def event_of(name: TagName, tag: str, commit: str, by: Signature, message: str, target: str) -> Event:
    """Builds the event that a well-formed tag stands for."""
    return Event(
        tag, name.kind, name.artifact, name.version, name.stage, name.counter, commit, by, message, target
    )
