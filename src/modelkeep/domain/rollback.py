"""Which version a stage goes back to.

The assignments of a stage are a stack: an ordinary one puts a version on top, one that the hub made to roll back
(its message has the trailer :data:`TRAILER`) takes the top away. So rolling back twice goes back two versions.
"""

from __future__ import annotations

from modelkeep.domain.events import Event
from modelkeep.domain.history import ArtifactState, VersionState
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.domain.trailers import trailer

TRAILER = "Rolled-Back-From"


def previous_holder(state: ArtifactState, stage: str) -> VersionState | None:
    """The version that held ``stage`` before its present holder; None where there was none that is still active."""
    holders = state.holders(stage)
    if not holders:
        return None
    stack: list[VersionState] = []
    for event, version in _moves(state, stage):
        if event.kind is EventKind.UNASSIGNMENT:
            stack = [v for v in stack if v is not version]
        elif is_rollback(event):
            while stack and stack[-1] is not version:
                stack.pop()
            if not stack:
                stack.append(version)
        elif not stack or stack[-1] is not version:
            stack.append(version)
    before = [v for v in stack if v.is_active]
    while before and before[-1] is holders[0]:
        before.pop()
    return before[-1] if before else None


def _moves(state: ArtifactState, stage: str) -> list[tuple[Event, VersionState]]:
    """The events of a stage with the versions that they are about, oldest first.

    Within one second the version that shows (see :meth:`ArtifactState.holders`) comes last, unassignments after it.
    """
    found = [
        ((event.at, event.kind is EventKind.UNASSIGNMENT, -version.created_at, -index), event, version)
        for index, version in enumerate(state.versions)
        for of_stage in version.stages
        if of_stage.stage == stage
        for event in (*of_stage.assignments, *of_stage.unassignments)
    ]
    found.sort(key=lambda row: row[0])
    return [(event, version) for _, event, version in found]


def is_rollback(event: Event) -> bool:
    """Whether the trailers of this assignment say that it is to roll back; what else a message says is only text."""
    return trailer(event.message, TRAILER) is not None
