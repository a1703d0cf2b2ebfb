"""Registry events made by hand, as tags that somebody pushed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from modelkeep.domain.events import Event, event_of
from modelkeep.domain.history import ArtifactState, fold_artifact
from modelkeep.domain.objects import Signature
from modelkeep.domain.tag_grammar import parse_tag

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_TARGETS = count(1)


def commit(number: int) -> str:
    """A commit's id."""
    return f"{number:040x}"


def event(tag: str, at: int, on: int, message: str = "why") -> Event:
    """The event of ``tag``, made ``at`` seconds after the start, on commit number ``on``."""
    name = parse_tag(tag)
    assert name is not None, tag
    by = Signature("Ann", "ann@example.com", START + timedelta(seconds=at))
    return event_of(name, tag, commit(on), by, message, f"{next(_TARGETS):040x}")


def history(*tags: tuple[str, int, int]) -> ArtifactState:
    """The state of the one artifact that these tags (name, seconds, commit) speak about."""
    events = [event(*tag) for tag in tags]
    (artifact,) = {e.artifact for e in events}
    return fold_artifact(artifact, events)


def holder(state: ArtifactState, stage: str = "prod") -> str | None:
    """Who holds the stage."""
    holders = state.holders(stage)
    return holders[0].name if holders else None
