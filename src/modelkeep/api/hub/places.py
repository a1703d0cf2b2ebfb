"""Where a write is to go: what clients give as the revision of an upload."""

from __future__ import annotations

from dataclasses import dataclass

from modelkeep.api.hub.calls import Call
from modelkeep.domain.discussions import number_of

_BRANCHES = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Place:
    """A branch, a pull request, or (``proposes``) a pull request for a branch that is yet to be opened.

    Attributes:
        branch: Its name; None for the default branch, and where there is a ``ref``.
        ref: A pull request, such as ``refs/pr/3``.
        proposes: A pull request is to be opened.
    """

    branch: str | None = None
    ref: str | None = None
    proposes: bool = False

    @classmethod
    def of(cls, call: Call) -> Place:
        """The place that a request names by its revision and ``create_pr``."""
        revision, proposes = call.revision, call.is_set("create_pr")
        if number_of(revision) is not None and not proposes:
            return cls(ref=revision)
        return cls(None if revision == "HEAD" else revision.removeprefix(_BRANCHES), proposes=proposes)
