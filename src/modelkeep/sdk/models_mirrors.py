"""What the hub answers about mirrors, as a frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from modelkeep.sdk.wire import Record


@dataclass(frozen=True, slots=True)
class Mirror:
    """What a namespace takes over from a namespace of another hub, each repo when it is asked for first.

    Attributes:
        namespace: The namespace that is filled.
        endpoint: The URL of the other hub.
        source: The namespace there.
        has_token: Whether it has a token for the source.
        fresh_for: Seconds for which a repo is not compared with its source again.
        include: Patterns of files that are taken; all without any.
        exclude: Patterns of files that are left out.
        kinds: ``model``, ``dataset``.
        set_at: When it was set last.
        set_by: With whose rights its imports act.
    """

    namespace: str
    endpoint: str
    source: str
    has_token: bool
    fresh_for: int
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    kinds: tuple[str, ...]
    set_at: datetime | None
    set_by: str

    @classmethod
    def read(cls, record: Record) -> Mirror:
        """Reads it from an answer."""
        return cls(
            namespace=record.text("namespace"),
            endpoint=record.text("endpoint"),
            source=record.text("source"),
            has_token=record.boolean("has_token", default=False),
            fresh_for=record.integer("fresh_for"),
            include=record.texts("include"),
            exclude=record.texts("exclude"),
            kinds=record.texts("kinds"),
            set_at=record.optional_time("set_at"),
            set_by=record.text("set_by", ""),
        )
