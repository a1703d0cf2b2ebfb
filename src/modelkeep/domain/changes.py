"""What one update of the index found changed, for those who follow it: the outbox, promotion requests."""

from __future__ import annotations

from dataclasses import dataclass

from modelkeep.domain.events import Event
from modelkeep.domain.objects import RefUpdate


@dataclass(frozen=True, slots=True)
class Changes:
    """Refs that moved and registry events that came or went, since the index was last brought up to date.

    Attributes:
        refs: In order of their names; ``old`` is what the index said before.
        added: Events of new or moved registry tags, oldest first.
        removed: Events of registry tags that are gone or stand for something else now.
    """

    refs: tuple[RefUpdate, ...] = ()
    added: tuple[Event, ...] = ()
    removed: tuple[Event, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.refs or self.added or self.removed)

    def moved(self, ref: str) -> bool:
        """Whether this ref (by its full name) is among those that changed."""
        return any(update.ref == ref for update in self.refs)
