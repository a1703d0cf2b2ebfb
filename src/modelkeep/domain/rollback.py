"""Which version a stage goes back to.

The assignments of a stage are a stack: an ordinary one puts a version on top, one that the hub made to roll back
(its message has the trailer :data:`TRAILER`) takes the top away. So rolling back twice goes back two versions.
"""

from __future__ import annotations

from modelkeep.domain.events import Event
from modelkeep.domain.history import ArtifactState, VersionState
from modelkeep.domain.tag_grammar import EventKind

TRAILER = "Rolled-Back-From"


def previous_holder(state: ArtifactState, stage: str) -> VersionState | None:
    """The version that held ``stage`` before its present holder; None where there was none that is still active."""
    holders = state.holders(stage)
    if not holders:
        return None
    before = [v for v in _stack(state, stage) if v.is_active]
    while before and before[-1] is holders[0]:
        before.pop()
    return before[-1] if before else None


def _stack(state: ArtifactState, stage: str) -> list[VersionState]:
    of_commit: dict[str, VersionState] = {}
    for version in state.versions:
        of_commit.setdefault(version.commit, version)
    stack: list[VersionState] = []
    relevant = [e for e in state.events if e.stage == stage and e.commit in of_commit]
    for event in sorted(relevant, key=lambda e: (e.at, e.counter if e.counter is not None else -1, e.tag)):
        version = of_commit[event.commit]
        if event.kind is EventKind.UNASSIGNMENT:
            stack = [v for v in stack if v is not version]
        elif is_rollback(event):
            while stack and stack[-1] is not version:
                stack.pop()
            stack = stack or [version]
        elif not stack or stack[-1] is not version:
            stack.append(version)
    return stack


def is_rollback(event: Event) -> bool:
    """Whether the hub made this assignment to roll back."""
    return any(line.startswith(f"{TRAILER}: ") for line in event.message.splitlines())
